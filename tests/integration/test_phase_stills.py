"""A phase is marked, and the box's next still belongs to it: over real HTTP and WebSockets, and never in an embargo."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db.live import Embargo, WatchLog
from central.db.marks import PhaseMarker, PhaseStill, StationLog
from central.ledger import entries
from contract.events import now
from contract.livestream import STILL, LiveMessage
from tests.live_kit import Hall, hall, until

JPEG = b"\xff\xd8\xff\xe0" + bytes(100_000)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with hall(tmp_path_factory.mktemp("stills")) as one:
        yield one


class Browser:
    """Somebody's."""

    def __init__(self, place: Hall, name: str, role: Role = Role.MONITOR) -> None:
        headers = {"Cookie": f"{SESSION_COOKIE}={place.person(name, role)}", "Accept": "text/html"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{place.port}", headers=headers, trust_env=False)
        self.csrf = self.http.get("/api/v1/session").json()["csrf"]

    def marks(self, phase: str, **more: str) -> None:
        form = {"csrf": self.csrf, "phase": phase, "reason": "a test"} | more
        answer = self.http.post("/stations/ps-1/phases", data=form)
        assert answer.status_code == 303, answer.text


def count(place: Hall, table: type[PhaseStill] | type[PhaseMarker] | type[WatchLog]) -> int:
    with place.db.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_next_still_of_the_box_belongs_to_the_marker(place: Hall) -> None:
    mei = Browser(place, "mei")
    mei.marks("install")
    until(lambda: any(one.quality == "stills" for _, one in place.asked.said))
    with place.brings(stream="stills") as box:
        box.send(LiveMessage(STILL, True, 5_000_000, JPEG).pack())
        until(lambda: count(place, PhaseStill) == 1)
    with place.db.read() as session:
        still = session.execute(select(PhaseStill)).scalar_one()
        assert (still.wall_us, still.image) == (5_000_000, JPEG)
        (line,) = session.execute(select(StationLog).where(StationLog.action == "phase still")).scalars()
        said = entries.lines(session, [(entries.STATION, str(line.id))])
        assert still.sha256.encode() in said[entries.STATION, str(line.id)]
    until(lambda: count(place, WatchLog) == 2)
    assert f"/stations/ps-1/stills/{still.id}" in mei.http.get("/stations/ps-1").text
    seen = mei.http.get(f"/stations/ps-1/stills/{still.id}")
    assert (seen.content, seen.headers["content-type"], seen.headers["cache-control"]) == (
        JPEG,
        "image/jpeg",
        "no-store",
    )
    assert mei.http.get(f"/stations/ps-2/stills/{still.id}").status_code == 404
    assert Browser(place, "guo", Role.AUDITOR).http.get(f"/stations/ps-1/stills/{still.id}").status_code == 403
    with place.db.read() as session:
        looks = session.execute(select(StationLog.name).where(StationLog.action == "still seen")).scalars().all()
    assert looks == ["mei"]


def test_no_still_is_taken_of_another_moment_or_during_an_embargo_nor_shown_then(place: Hall) -> None:
    li = Browser(place, "li")
    before, watched = len(place.asked.said), count(place, WatchLog)
    li.marks("rehearsal", at=f"{now() - timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}")
    with place.db.write() as session:
        session.add(
            Embargo(
                site="ps-1", begins_at=now() - timedelta(hours=1), ends_at=now() + timedelta(hours=1), reason="count",
                but=[], made_by="chen", made_at=now(),
            )
        )  # fmt: skip
    li.marks("voting")
    # A third that is answered after it: what the second would have asked for is long asked for.
    li.marks("close", at=f"{now() - timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}")
    assert len(place.asked.said) == before and count(place, WatchLog) == watched
    assert count(place, PhaseMarker) == 4 and count(place, PhaseStill) == 1
    with place.db.read() as session:
        number = session.execute(select(PhaseStill.id)).scalar_one()
    refused = li.http.get(f"/stations/ps-1/stills/{number}", headers={"Accept-Language": "en"})
    assert refused.status_code == 403 and "Nobody may watch there now: count" in refused.text
