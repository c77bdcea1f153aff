"""Rehearsal sheets from the rows of a real database, both kinds, and their pages."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import person
from sqlalchemy import delete, event, select, update
from test_duty import db, on_duty
from test_polling_wall import MIN, NOW, VOTING, fill

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.db.duty import RehearsalWord
from central.db.live import WatchLog
from central.db.polling import BoxState, CameraState, RecordingGap, RecordingLedger, Station
from central.duty import rehearsing
from central.duty.rehearsal import Verdict
from central.duty.rehearsing import Sheet
from central.polling.continuity import micros
from central.sites import boxes
from central.tickets.errors import CaseMissing, Unfit
from central.web import rehearsal as shown
from central.web.language import load
from contract.events import as_json
from contract.polling import Window
from contract.states import Disk, Learned
from tests.station_kit import trouble

__all__ = ["db"]
DAY = timedelta(days=1)
YESTERDAY = Window.model_validate({"phase": "rehearsal", "from": NOW - DAY, "until": NOW - DAY + 60 * MIN})


@pytest.fixture
def ready(db: Database) -> Iterator[Database]:
    """Three stations that rehearsed yesterday without a fault; of `disk` and `baseline` no box tells."""
    fill(db, 3)
    begin = micros(YESTERDAY.begin - MIN)
    windows = [one.model_dump(mode="json", by_alias=True) for one in (YESTERDAY, VOTING)]
    with db.write() as session:
        for one in session.execute(select(Station)).scalars():
            one.windows = windows
            one.cameras = [{**said, "masks": 1, "masked_by": "edge"} for said in one.cameras]
        session.execute(update(RecordingLedger).values(from_us=begin))
        session.execute(update(CameraState).values(offset_ms=40.0))
    li, mo = person(db, "li", Role.MONITOR), person(db, "mo", Role.MONITOR)
    on_duty(db, "mei", 1)
    with db.write() as session:
        for n in range(3):
            for camera in ("hall", "count"):
                for action, detail in (("begin", {"quality": "main"}), ("end", {"pictures": 90})):
                    session.add(
                        WatchLog(
                            watch=f"w{n}{camera}", at=YESTERDAY.begin + MIN, user_id=li.id, edge_id=f"box-{n:03}",
                            camera_id=camera, site=f"ps-{n:03}", action=action, detail=detail,
                        )
                    )  # fmt: skip
            for kind in ("view", "disk", "baseline", "message"):
                rehearsing.say(session, li, f"ps-{n:03}", kind, True, "looked", YESTERDAY.begin + MIN)
            for who in (li, mo):
                rehearsing.say(session, who, f"ps-{n:03}", "booth", True, "masked", YESTERDAY.begin + MIN)
    yield db


def sheets(db: Database, site: str | None = None) -> list[Sheet]:
    with db.read() as session:
        return rehearsing.sheets(session, NOW, site=site)


def verdicts(db: Database, site: str) -> dict[str, str]:
    return {item.check: str(item.verdict) for item in sheets(db, site)[0].items}


def test_what_was_rehearsed_without_fault_passes(ready: Database) -> None:
    found = sheets(ready)
    assert {one.overall for one in found} == {Verdict.PASS}, verdicts(ready, "ps-000")


def test_each_fault_in_the_rows_is_found_at_its_station_which_comes_first(ready: Database) -> None:
    first = micros(YESTERDAY.begin)
    with ready.write() as session:
        session.add(
            RecordingGap(
                edge_id="box-001",
                camera_id="hall",
                start_us=first,
                end_us=first + 4_000_000,
                cause="network",
                detail="",
            )
        )
        session.execute(update(CameraState).where(CameraState.edge_id == "box-001").values(offset_ms=1500.0))
        trouble(session, 1, NOW - MIN, "moved", "warning")
        session.execute(update(WatchLog).values(detail={"pictures": 0}))
    found = sheets(ready)
    assert found[0].station.site == "ps-001"
    bad = {check for check, verdict in verdicts(ready, "ps-001").items() if verdict == "fail"}
    assert bad == {"recorded", "clock", "troubles"}
    assert verdicts(ready, "ps-000")["live"] == "not_yet"
    assert verdicts(ready, "ps-000")["recorded"] == "pass"


def test_a_gap_of_a_tenth_of_a_percent_is_the_line(ready: Database) -> None:
    first = micros(YESTERDAY.begin)
    with ready.write() as session:
        row = RecordingGap(
            edge_id="box-000",
            camera_id="hall",
            start_us=first - 9_000_000,
            end_us=first + 3_600_000,
            cause="network",
            detail="",
        )
        session.add(row)
    assert verdicts(ready, "ps-000")["recorded"] == "pass"
    with ready.write() as session:
        session.execute(
            update(RecordingGap).where(RecordingGap.start_us == first - 9_000_000).values(end_us=first + 3_600_001)
        )
    assert verdicts(ready, "ps-000")["recorded"] == "fail"


def test_what_boxes_tell_of_disk_and_pictures_needs_nobodys_word_and_what_is_old_does(ready: Database) -> None:
    full = Disk(at=NOW, budget_bytes=9, used_bytes=1, free_bytes=9, pace=1, full_at=VOTING.until - MIN)
    fits = full.model_copy(update={"full_at": None})
    with ready.write() as session:
        session.execute(delete(RehearsalWord).where(RehearsalWord.kind.in_(("disk", "baseline"))))
        for edge, disk, heard_at in (("box-000", fits, NOW), ("box-001", full, NOW), ("box-002", fits, NOW - 40 * MIN)):
            row = update(BoxState).where(BoxState.edge_id == edge)
            session.execute(row.values(disk=as_json(disk), disk_heard_at=heard_at))
        session.execute(update(CameraState).values(learned=as_json(Learned(done=True, since=NOW))))
        learns = update(CameraState).where(CameraState.edge_id == "box-001", CameraState.camera_id == "hall")
        session.execute(learns.values(learned=as_json(Learned(done=False))))
    said = {
        site: [verdicts(ready, site)[check] for check in ("baseline", "disk")]
        for site in ("ps-000", "ps-001", "ps-002")
    }
    assert said == {"ps-000": ["pass", "pass"], "ps-001": ["not_yet", "fail"], "ps-002": ["pass", "unknown"]}
    assert [one.station.site for one in sheets(ready)] == ["ps-001", "ps-002", "ps-000"]
    for tag in ("en", "zh-CN"):
        words = shown.view(sheets(ready, "ps-001")[0], load(tag)).lines
        assert all("rehearsal.why" not in line.why and "{" not in line.why for line in words)


def test_a_play_back_is_no_live_view_and_nobody_says_anything_without_words_or_out_of_their_areas(
    ready: Database,
) -> None:
    with ready.write() as session:
        session.execute(update(WatchLog).where(WatchLog.action == "begin").values(detail={"from_us": 5}))
    assert verdicts(ready, "ps-000")["live"] == "not_yet"
    far = SignedInUser(1, "li", frozenset({"monitor"}), "", areas=frozenset({"area-2"}))
    with ready.write() as session:
        with pytest.raises(CaseMissing):
            rehearsing.say(session, far, "ps-000", "view", True, "x", NOW)
        with pytest.raises(Unfit):
            rehearsing.say(session, far, "ps-002", "view", True, "  ", NOW)
        with pytest.raises(Unfit):
            rehearsing.say(session, far, "ps-002", "recorded", True, "x", NOW)
        assert [one.station.site for one in rehearsing.sheets(session, NOW, far.areas)] == ["ps-002"]


def test_500_stations_come_from_a_dozen_queries(db: Database) -> None:
    fill(db, 500)
    asked: list[str] = []
    with db.read() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        assert len(rehearsing.sheets(session, NOW)) == 500
    assert len(asked) <= 12


def test_the_file_of_all_sheets_is_a_table_that_no_spreadsheet_runs(ready: Database) -> None:
    with ready.write() as session:
        session.execute(update(Station).where(Station.site == "ps-000").values(name="=1+1"))
    for tag in ("en", "zh-CN"):
        say = load(tag)
        raw = shown.as_csv([shown.view(one, say) for one in sheets(ready)], say)
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
        assert len(rows) == 4 and {len(row) for row in rows} == {4 + 2 * 12}
        assert "'=1+1" in {row[1] for row in rows}
    assert shown.as_csv([], load("en")).startswith(b"\xef\xbb\xbf")


def test_who_registers_a_site_file_tells_of_its_masks(db: Database, tmp_path: Path) -> None:
    from central.polling import stations
    from contract.sitefile import load_site

    said = load_site(Path(__file__).resolve().parents[2] / "configs/sites/polling.yaml").site
    with db.write() as session:
        stations.keep(session, said, "0" * 64)
        (row,) = stations.known(session)
        assert [one["masks"] for one in row.cameras] == [1] * len(row.cameras) or any(
            one["masks"] for one in row.cameras
        )
        assert {one["masked_by"] for one in row.cameras} == {"edge"}


def test_a_box_that_may_not_speak_for_a_station_makes_nothing_pass_there(ready: Database) -> None:
    with ready.write() as session:
        boxes.name(session, "ps-000", ["box-002"], "chen")
    found = verdicts(ready, "ps-000")
    assert found["recorded"] == "fail" and {found["troubles"], found["masks"], found["resolution"]} == {"not_yet"}
    assert found["clock"] == "unknown"
