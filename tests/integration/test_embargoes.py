"""Embargoes: the rule for each place and instant, who sets and lifts them over the page, and the ledger that has them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from central_kit import open_db, person
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.app import create_app
from central.db.accounts import User, UserArea, UserSession
from central.db.database import Database
from central.db.live import Embargo, WatchLog
from central.ledger import audit, entries
from central.ledger.keeper import catch_up
from central.ledger.key import office_key
from central.live.embargo import Window, may_watch
from central.media.folder import FolderStore
from central.metrics import Metrics
from tests.live_kit import CAMERA, station

NOW = datetime(2026, 12, 12, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("window", "why"),
    [
        (Window(NOW, NOW + HOUR, "r"), "r"),
        (Window(NOW, NOW + HOUR, "r", area="a1"), "r"),
        (Window(NOW, NOW + HOUR, "r", area="a2"), None),
        (Window(NOW, NOW + HOUR, "r", site="ps-1"), "r"),
        (Window(NOW, NOW + HOUR, "r", site="ps-2"), None),
        (Window(NOW, NOW + HOUR, "r", but=frozenset({"mei"})), None),
        (Window(NOW, NOW + HOUR, "r", but=frozenset({"Mei"})), "r"),
        (Window(NOW + timedelta(microseconds=1), NOW + HOUR, "r"), None),
        (Window(NOW - HOUR, NOW, "r"), None),
    ],
)
def test_the_rule_by_place_instant_and_name(window: Window, why: str | None) -> None:
    assert may_watch(NOW, "mei", "ps-1", "a1", [window]) == why


def test_an_exception_of_one_embargo_is_none_of_another() -> None:
    both = [Window(NOW, NOW + HOUR, "r", but=frozenset({"mei"})), Window(NOW, NOW + HOUR, "q", site="ps-1")]
    assert may_watch(NOW, "mei", "ps-1", "a1", both) == "q"
    assert may_watch(NOW, "mei", "ps-2", None, both) is None
    assert may_watch(NOW, "mei", "ps-1", None, [Window(NOW, NOW + HOUR, "r", area="a1")]) is None


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    one = open_db(tmp_path)
    with one.write() as session:
        session.execute(
            text("INSERT INTO edges (id, kid, public_jwk, enrolled_at) VALUES ('e', 'k', '{}', '2026-01-01')")
        )
    station(one, "e", "ps-1", "a1")
    station(one, "e", "ps-2", "a2", "far-1")
    yield one
    one.close()


class Desk:
    """A browser of somebody."""

    def __init__(self, db: Database, folder: Path, name: str, role: Role, *areas: str) -> None:
        user = person(db, name, role)
        with db.write() as session:
            session.add_all(UserArea(user_id=user.id, area=area) for area in areas)
            row = session.get_one(User, user.id)
            token = sessions.opened(session, row, "127.0.0.1", "test").token
            session.query(UserSession).update({"second_by": "provider"})
        self.csrf = ""
        app = create_app(db, FolderStore(folder / "media", 1), Metrics(db))
        self.client = TestClient(app, headers={"Accept-Language": "en"}, follow_redirects=False)
        self.client.cookies.set(SESSION_COOKIE, token)
        self.csrf = self.client.get("/api/v1/session").json()["csrf"]

    def sets(self, **changes: str) -> tuple[int, str]:
        moment = datetime.now(UTC)
        form = {
            "csrf": self.csrf, "where": "area:a1", "begin": f"{moment:%Y-%m-%dT%H:%M}", "reason": "votes are counted",
            "until": f"{moment + HOUR:%Y-%m-%dT%H:%M}", "but": "", **changes,
        }  # fmt: skip
        answer = self.client.post("/embargoes", data=form)
        return answer.status_code, answer.text


def rows(db: Database) -> list[Embargo]:
    with db.read() as session:
        return list(session.execute(select(Embargo).order_by(Embargo.id)).scalars())


def test_a_chief_sets_and_lifts_and_both_are_in_the_ledger(db: Database, tmp_path: Path) -> None:
    person(db, "mei", Role.MONITOR)
    chief = Desk(db, tmp_path, "chen", Role.CHIEF)
    assert chief.sets(but="mei chen")[0] == 303
    assert chief.sets(where="everywhere")[0] == chief.sets(where="site:ps-2")[0] == 303
    first, second, third = rows(db)
    assert (first.area, first.site, first.but, first.made_by) == ("a1", None, ["chen", "mei"], "chen")
    assert (second.area, second.site, third.site) == (None, None, "ps-2")
    shown = chief.client.get("/embargoes").text
    assert "Watching all the same: chen, mei" in shown or ("chen" in shown and "votes are counted" in shown)
    assert chief.client.post(f"/embargoes/{first.id}/lift", data={"csrf": chief.csrf}).status_code == 303
    assert chief.client.post(f"/embargoes/{first.id}/lift", data={"csrf": chief.csrf}).status_code == 303
    assert rows(db)[0].lifted_by == "chen" and "lifted by chen" in chief.client.get("/embargoes").text
    with db.read() as session:
        waiting = session.execute(text("SELECT kind, ref FROM ledger_waiting WHERE kind LIKE 'embargo%'")).all()
        assert [tuple(one) for one in waiting] == [
            ("embargo", "1"), ("embargo", "2"), ("embargo", "3"), ("embargo-lifted", "1"),
        ]  # fmt: skip
        said = entries.lines(session, [(kind, ref) for kind, ref in waiting])
    assert len(said) == 4 and b'"by":"chen"' in said["embargo-lifted", "1"]
    assert b'"but":["chen","mei"]' in said["embargo", "1"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"until": "2020-01-01T00:00"}, "ends after it begins"),
        ({"until": "2099-01-01T00:00"}, "within 14 days"),
        ({"until": "tomorrow"}, "Give day and time"),
        ({"reason": "  "}, "Give a reason"),
        ({"reason": "x" * 501}, "Give a reason"),
        ({"where": "area:a9"}, "no such place"),
        ({"where": "site:none"}, "no such place"),
        ({"where": ""}, "no such place"),
        ({"but": "nobody"}, "nobody has no open account"),
        ({"but": "lu"}, "lu has no open account that may watch"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_set(
    db: Database, tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    person(db, "lu", Role.DISPATCHER)
    status, page = Desk(db, tmp_path, "chen", Role.CHIEF).sets(**changes)
    assert status == 422 and told in page and rows(db) == []


def test_who_has_areas_sets_and_lifts_in_them_alone(db: Database, tmp_path: Path) -> None:
    everywhere, near = Desk(db, tmp_path, "chen", Role.CHIEF), Desk(db, tmp_path, "an", Role.CHIEF, "a1")
    monitor = Desk(db, tmp_path, "mei", Role.MONITOR, "a2")
    assert near.sets()[0] == near.sets(where="site:ps-1")[0] == 303
    for where in ("everywhere", "area:a2", "site:ps-2"):
        assert near.sets(where=where)[0] == 422
    assert everywhere.sets(where="area:a2")[0] == 303
    assert monitor.sets()[0] == 403
    theirs = rows(db)[-1].id
    assert near.client.post(f"/embargoes/{theirs}/lift", data={"csrf": near.csrf}).status_code == 404
    assert near.client.post("/embargoes/999/lift", data={"csrf": near.csrf}).status_code == 404
    assert "Area a2" not in near.client.get("/embargoes").text
    seen = monitor.client.get("/embargoes").text
    assert "Area a2" in seen and "Area a1" not in seen and "Lift it" not in seen


def test_who_watched_is_shown_to_who_checks_and_cannot_be_changed_unseen(db: Database, tmp_path: Path) -> None:
    mei = person(db, "mei", Role.MONITOR)
    begin = datetime.now(UTC)
    common = {"user_id": mei.id, "edge_id": "e", "camera_id": CAMERA, "site": "ps-1"}
    with db.write() as session:
        for at, watch, action, detail in (
            (begin, "w1", "begin", {"quality": "main"}),
            (begin, "w2", "begin", {"quality": "main", "from_us": 1_800_000_000_000_000, "pace": 4}),
            (begin + HOUR, "w1", "end", {"why": "left", "pictures": 90_000, "lost": 0}),
        ):
            session.add(WatchLog(watch=watch, at=at, action=action, detail=detail, **common))
    auditor, monitor = Desk(db, tmp_path, "su", Role.AUDITOR), Desk(db, tmp_path, "yu", Role.MONITOR)
    near = Desk(db, tmp_path, "an", Role.CHIEF, "a2")
    shown = auditor.client.get("/stations/ps-1/watched").text
    assert "90,000" in shown and "4 times as fast" in shown and shown.count("mei") == 2 and "goes on" in shown
    assert monitor.client.get("/stations/ps-1/watched").status_code == 403
    assert near.client.get("/stations/ps-1/watched").status_code == 404
    assert auditor.client.get("/stations/none/watched").status_code == 404
    catch_up(db)
    with db.read() as session:
        key, heads = office_key(session, tmp_path / "office.jwk"), tmp_path / "heads.jsonl"
        assert list(audit.findings(session, key, heads)) == []
    for change in ("UPDATE watch_log SET site = 'ps-2' WHERE id = 1", "DELETE FROM watch_log WHERE id = 3"):
        with db.write() as session:
            session.execute(text(change))
        with db.read() as session:
            assert any("log of who watched" in one for one in audit.findings(session, key, heads)), change
