"""Recordings that are handed out, in a real database of both kinds: two people, the box's ledger, one archive."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import delete, select
from starlette.types import Message

from central.accounts.roles import Role
from central.db.database import Database
from central.db.deletions import Deletion
from central.db.marks import StationLog
from central.db.media import Media, MediaName
from central.db.sites import SiteVersion
from central.ledger import audit_approvals
from central.ledger.key import office_key
from central.media.sweep import Sweep
from central.recordings.parts import FETCHED
from central.recordings.rounds import Handing
from central.recordings.rules import RecordingRules, archive_of
from central.retention import certificates
from central.retention.sweep import Retention, Tally
from central.web.handed import Handed
from contract.errors import SealError
from sightline.evidence.verify import verify
from tests.hand_kit import DAY, HOUR, House, at_clock, house
from tests.schema_kit import sqlite_at

BOTH = pytest.mark.parametrize("db", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if getattr(request, "param", "sqlite") == "sqlite":
        made = sqlite_at(tmp_path / "central.sqlite")
    else:
        made = request.getfixturevalue("postgres").migrated("hand")
    yield made
    made.close()


@pytest.fixture
def place(db: Database, tmp_path: Path) -> Iterator[House]:
    """A monitor `mei` and a chief `chen` of the station's area."""
    one = house(tmp_path, db)
    with at_clock(one):
        one.person("mei", Role.MONITOR, "a1")
        one.person("chen", Role.CHIEF, "a1")
        yield one


def ready(place: House) -> None:
    mei, chen = place.people["mei"], place.people["chen"]
    assert mei.asks().status_code == 303
    assert chen.decides().status_code == 303
    place.brings()
    place.round()
    assert place.row().state == "ready", place.row().why


@BOTH
def test_asked_for_approved_brought_handed_out_verified_and_deleted(place: House, tmp_path: Path) -> None:
    mei, chen = place.people["mei"], place.people["chen"]
    assert mei.asks().status_code == 303 and place.asked() == ["keep_span"], "held at once"
    place.round()
    assert place.row().state == "asked" and "waits for a second person" in mei.sees()
    assert "gaps:" in chen.client.get("/approvals").text, "who decides sees what there is of it"
    assert chen.decides().status_code == 303
    place.round()
    assert place.asked() == ["keep_span", "send_span"] and place.row().waits == "box"
    names = place.needed
    place.brings(*names[:3])
    place.round()
    total = len(names) + len(place.made.absent)
    assert f"3 of {total} segments" in mei.sees() and place.row().state == "fetching"
    place.brings(*names[3:])
    place.round()
    row = place.row()
    assert row.state == "ready", row.why
    assert sorted(place.asked()) == ["keep_span", "release_span", "send_span"]
    whole = mei.fetches()
    assert whole.status_code == 200 and len(whole.content) == row.size and whole.headers["etag"] == f'"{row.sha256}"'
    half = len(whole.content) // 2
    broken = tmp_path / "broken.zip"
    broken.write_bytes(whole.content[:half])
    with pytest.raises(SealError, match="broke off"):
        verify(broken, place.trust())
    rest = mei.fetches(Range=f"bytes={half}-", **{"If-Range": whole.headers["etag"]})
    assert rest.status_code == 206 and rest.headers["content-range"] == f"bytes {half}-{row.size - 1}/{row.size}"
    broken.write_bytes(whole.content[:half] + rest.content)
    told = verify(broken, place.trust())
    assert "unaltered" in told[0]
    assert mei.fetches(Range="bytes=9-", **{"If-Range": '"another"'}).status_code == 200
    with place.db.read() as session:
        lines = session.execute(select(StationLog).where(StationLog.action == FETCHED)).scalars().all()
        assert [(one.name, one.detail["first_byte"]) for one in lines] == [("mei", 0), ("mei", half), ("mei", 9)]
        assert lines[0].detail["reason"] == "选举争议：第 3 号票箱"
        assert list(audit_approvals.approvals(session)) == []
    ready(place)  # again: what was taken away stands in the viewer log of the next
    again = tmp_path / "again.zip"
    again.write_bytes(chen.fetches().content)
    assert any("3 in the viewer log" in line for line in verify(again, place.trust()))
    stray = next(name for name in place.made.segments if name not in place.needed)
    place.brings(stray)
    assert Sweep(place.db, place.store, timedelta(0)).run().removed == 1, "what nobody asked for, and nothing else"
    place.at += 29 * DAY
    place.round()
    assert place.row().state == "ready" and forget(place).listed == 0
    place.at += 2 * DAY
    place.round()
    assert place.row().state == "over" and mei.fetches().status_code == 422
    assert not list((tmp_path / "recordings").glob("*.zip"))
    tally = forget(place)
    assert tally.removed == len(names) and tally.certified == len(names) + 2
    with place.db.read() as session:
        assert session.execute(select(Media)).first() is session.execute(select(MediaName)).first() is None
        rules = {str(one["rule"]) for row in session.execute(select(Deletion)).scalars() for one in row.why}
        assert rules == {"recordings.keep_days"}
        assert list(certificates.findings(session, key_of(place), place.store)) == []


def key_of(place: House) -> OKPKey:
    with place.db.read() as session:
        return office_key(session, place.folder / "office.jwk")


def forget(place: House) -> Tally:
    return Retention(place.db, place.store, key_of(place)).run()


@BOTH
def test_nobody_approves_their_own_and_who_keeps_accounts_approves_none(place: House) -> None:
    chen = place.people["chen"]
    assert chen.asks().status_code == 422, "there is nobody else who could"
    both = place.person("both", {Role.CHIEF, Role.ADMIN})
    assert chen.asks().status_code == 422, "who could have made the account that asks does not count"
    other = place.person("gao", Role.CHIEF, "a1")
    assert chen.asks().status_code == 303
    assert chen.decides().status_code == both.decides().status_code == 403
    assert place.row().state == "asked" and other.decides().status_code == 303


def test_another_area_sees_none_of_it(place: House) -> None:
    far, chief = place.person("far", Role.MONITOR, "a2"), place.person("wu", Role.CHIEF, "a2")
    assert far.asks().status_code == far.client.get("/stations/chunjiang-polling-02/recordings").status_code == 404
    ready(place)
    assert chief.fetches().status_code == far.fetches().status_code == chief.stops().status_code == 404
    assert place.row().request not in chief.client.get("/approvals").text
    assert place.people["mei"].asks().status_code == 303
    assert chief.decides().status_code == 404
    yu = place.person("yu", Role.MONITOR, "a1")
    assert place.people["chen"].decides().status_code == 303
    assert yu.fetches().status_code == yu.stops().status_code == 403, "another monitor's"
    dispatcher = place.person("du", Role.DISPATCHER)
    assert dispatcher.fetches().status_code == dispatcher.asks().status_code == 403


@pytest.mark.parametrize("how", ["refused", "withdrawn", "expired", "stopped"])
def test_what_comes_to_nothing_is_let_go_at_the_box(place: House, how: str) -> None:
    mei, chen = place.people["mei"], place.people["chen"]
    assert mei.asks().status_code == 303
    if how == "refused":
        assert chen.decides("refuse").status_code == 303
    elif how == "withdrawn":
        assert mei.stops().status_code == 303
    elif how == "expired":
        place.at += 4 * DAY
    else:
        chen.decides()
        assert chen.stops().status_code == 303
    place.round()
    place.round()
    assert (place.row().state, place.row().ended) == ("over", how)
    assert place.asked().count("release_span") == 1
    if how != "stopped":
        assert chen.decides().status_code == 422, "and nobody decides it any more"


def test_what_cannot_be_asked_for(place: House) -> None:
    mei = place.people["mei"]
    assert "24 h later" in mei.asks(**{"from": "2026-12-01T00:00:00"}).text
    assert "Only what is past" in mei.asks(**{"from": "2027-01-01T00:00:00", "until": "2027-01-01T01:00:00"}).text
    assert mei.asks(until="").status_code == mei.asks(reason=" ").status_code == 422
    assert mei.asks(camera="box-9/hall-9").status_code == 404
    assert place.asked() == []


def test_an_embargo_keeps_it_back(place: House) -> None:
    ready(place)
    mei, chen = place.people["mei"], place.people["chen"]
    form = {
        "csrf": chen.csrf, "where": "area:a1", "begin": f"{place.at + 8 * HOUR:%Y-%m-%dT%H:%M}", "but": "mei",
        "until": f"{place.at + 9 * HOUR:%Y-%m-%dT%H:%M}", "reason": "votes are counted",
    }  # fmt: skip
    assert chen.client.post("/embargoes", data=form).status_code == 303
    assert chen.fetches().status_code == 422 and "votes are counted" in chen.sees()
    assert mei.fetches().status_code == 200, "an exception by name"
    place.at += 2 * HOUR
    assert chen.fetches().status_code == 200


def test_the_ledger_is_waited_for_and_what_never_comes_is_absent(db: Database, tmp_path: Path) -> None:
    one = house(tmp_path, db)
    with at_clock(one):
        mei, chen = one.person("mei", Role.MONITOR), one.person("chen", Role.CHIEF)
        hour = f"{one.at + 8 * HOUR:%Y-%m-%dT%H:%M:%S}"
        assert mei.asks(until=hour, **{"from": f"{one.at + 7 * HOUR:%Y-%m-%dT%H:%M:%S}"}).status_code == 303
        chen.decides()
        one.round()
        assert one.row().waits == "ledger" and "Waits for the box" in mei.sees()
        assert mei.asks().status_code == 303
        chen.decides()
        one.brings(*one.needed[1:])
        one.round()
        assert one.row().waits == "box"
        one.at += 8 * DAY
        one.round()
        assert one.row().state == "ready", one.row().why
        path = tmp_path / "lacks.zip"
        path.write_bytes(mei.fetches().content)
        assert any("not_arrived" in line or "absent" in line for line in verify(path, one.trust()))


def test_killed_while_it_is_built_it_is_built_again_and_no_half_is_handed_out(place: House, tmp_path: Path) -> None:
    place.people["mei"].asks()
    place.people["chen"].decides()
    place.brings()
    folder = tmp_path / "recordings"
    folder.mkdir(exist_ok=True)
    key = place.row().request
    (folder / f"{key}.part").write_bytes(b"half of it")
    archive_of(folder, key).write_bytes(b"renamed, and killed before its row said so")
    archive_of(folder, "F20200101-01").write_bytes(b"of a request that is long over")
    assert place.people["mei"].fetches().status_code == 422
    place.round()
    assert place.row().state == "ready"
    assert [one.name for one in sorted(folder.iterdir())] == [f"{key}.zip", "building.lock"]
    path = tmp_path / "x.zip"
    path.write_bytes(place.people["mei"].fetches().content)
    assert "unaltered" in verify(path, place.trust())[0]


def test_no_room_and_a_site_file_that_is_not_registered_are_told(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = house(tmp_path, db, rules=RecordingRules(tmp_path / "recordings"))
    monkeypatch.setattr("central.recordings.building.ROOM", 1 << 60)
    with at_clock(one):
        mei = one.person("mei", Role.MONITOR)
        one.person("chen", Role.CHIEF)
        mei.asks()
        one.people["chen"].decides()
        one.brings()
        one.round()
        assert one.row().waits == "disk" and "no room" in mei.sees()
        monkeypatch.undo()
        with db.write() as session:
            session.execute(delete(SiteVersion))
        one.round()
        assert one.row().waits == "fault" and "register it" in mei.sees()


@BOTH
def test_replicas_that_look_at_once_build_one(place: House) -> None:
    place.people["mei"].asks()
    place.people["chen"].decides()
    place.brings()
    others = [Handing(place.db, place.store, place.rules, place.folder / "office.jwk") for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.round(), [place.handing, *others]))
    place.round()
    assert place.row().state == "ready"
    assert sorted(place.asked()) == ["keep_span", "release_span", "send_span"]
    with place.db.read() as session:
        lines = session.execute(select(StationLog).where(StationLog.action == "recording ready")).scalars().all()
    assert [line.detail["sha256"] for line in lines] == [place.row().sha256]


def test_an_embargo_that_begins_cuts_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.web.handed.EVERY_S", 0.0)
    path = tmp_path / "x.zip"
    path.write_bytes(b"x" * 5_000_000)
    looks = iter([False, False, True])
    answer = Handed(path, "x.zip", "ab", lambda: next(looks))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.3"}}
    asyncio.run(asyncio.wait_for(answer(scope, receive, send), 20))
    bodies = [one for one in sent if one["type"] == "http.response.body"]
    assert len(bodies) == 2 and all(one["more_body"] for one in bodies), "the server cuts what does not end"
