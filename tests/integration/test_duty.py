"""Alarms of stations from the rows of a real database, both kinds; two replicas that look at once, one of them killed."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from central_kit import person
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from test_polling_wall import MIN, NOW, fill

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.accounts import User, UserArea
from central.db.database import Database
from central.db.duty import DutyAlarm, DutyMatter, DutyNotice, DutyShift
from central.db.polling import BoxState, CameraState, FeedTrouble, RecordingGap, RecordingLedger
from central.duty import people, seeing, telling, views
from central.duty.escalation import DEFAULT
from central.polling import wall
from central.polling.continuity import micros
from central.tickets.errors import CaseMissing, Unfit
from contract.events import now
from tests.schema_kit import SharedPostgres, sqlite_at
from tests.station_kit import trouble

SEC = timedelta(seconds=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = sqlite_at(tmp_path / "central.sqlite")
    else:
        made = request.getfixturevalue("postgres").migrated("duty")
    yield made
    made.close()


def on_duty(
    db: Database,
    name: str,
    level: int,
    *areas: str,
    begin: datetime = NOW - MIN,
    until: datetime = NOW + 600 * MIN,
    role: Role = Role.MONITOR,
) -> SignedInUser:
    user = person(db, name, role)
    with db.write() as session:
        people.add(
            session, name, level, areas, begin, until, phone="+86 138 0000 0000", webhook=None, by="chen", now=begin
        )
    return user


def offline(db: Database, edge: str, at: datetime | None, state: str = "offline") -> None:
    with db.write() as session:
        session.execute(update(BoxState).where(BoxState.edge_id == edge).values(state=state, since=at or NOW))


def look(db: Database, at: datetime) -> bool:
    """The watch looks at `at`; whatever is not away has told of its recording until then."""
    with db.write() as session:
        session.execute(update(RecordingLedger).values(until_us=micros(at), heard_at=at))
    return telling.look(db, DEFAULT, at)


def told(db: Database) -> list[tuple[str, int]]:
    with db.read() as session:
        query = (
            select(User.name, DutyNotice.level)
            .join(User, User.id == DutyNotice.user_id)
            .order_by(DutyNotice.made_at, DutyNotice.level, User.name)
        )
        return [(name, level) for name, level in session.execute(query)]


def alarms(db: Database) -> list[DutyAlarm]:
    with db.read() as session:
        return list(session.execute(select(DutyAlarm).order_by(DutyAlarm.id)).scalars())


def test_a_dark_station_is_one_alarm_and_each_level_is_told_in_its_time(db: Database) -> None:
    fill(db, 3)
    mei = on_duty(db, "mei", 1)
    on_duty(db, "guo", 2)
    on_duty(db, "far", 1, "area-1")
    offline(db, "box-002", NOW)
    assert look(db, NOW)
    (one,) = alarms(db)
    with db.read() as session:
        matters = session.execute(select(DutyMatter).order_by(DutyMatter.id)).scalars().all()
    assert one.site == "ps-002" and {each.camera_id for each in matters} == {"hall", "count"}
    assert told(db) == [("mei", 1)]
    for minute in (1, 2):
        look(db, NOW + minute * MIN)
    assert told(db) == [("mei", 1)]
    look(db, NOW + 3 * MIN)
    assert told(db) == [("mei", 1), ("guo", 2)]
    with db.write() as session:
        assert views.counts(session, mei, NOW + 3 * MIN).mine == 1
        views.acknowledge(session, mei, one.id, NOW + 4 * MIN)
    on_duty(db, "hua", 3)
    look(db, NOW + 11 * MIN)
    assert told(db) == [("mei", 1), ("guo", 2)]
    with db.read() as session:
        (card,) = views.alarms(session, mei, NOW + 11 * MIN)
        counts = views.counts(session, mei, NOW + 11 * MIN)
    assert card.mine and card.row.acknowledged_by == "mei" and (counts.alarms, counts.mine) == (0, 0) and counts.awake


def test_what_flickers_is_told_once_and_what_ended_stays_until_somebody_answers(db: Database) -> None:
    fill(db, 1)
    mei = on_duty(db, "mei", 1)
    for second in range(0, 240, 20):
        at = NOW + second * SEC
        offline(db, "box-000", at, "offline" if second % 40 == 0 else "online")
        look(db, at)
    assert len(alarms(db)) == 1 and told(db) == [("mei", 1)]
    offline(db, "box-000", NOW, "online")
    look(db, NOW + 5 * MIN)
    assert alarms(db)[0].ended_at is not None
    with db.read() as session:
        assert [one.row.ended_at is not None for one in views.alarms(session, mei, NOW + 5 * MIN)] == [True]
        assert views.counts(session, mei, NOW + 5 * MIN).alarms == 0
    offline(db, "box-000", NOW + 20 * MIN)
    look(db, NOW + 20 * MIN)
    assert len(alarms(db)) == 2 and told(db) == [("mei", 1), ("mei", 1)]


def test_a_trouble_that_somebody_took_in_hand_wakes_nobody_else(db: Database) -> None:
    fill(db, 2)
    on_duty(db, "mei", 1)
    on_duty(db, "guo", 2)
    with db.write() as session:
        trouble(session, 1, NOW)
        trouble(session, 0, NOW, "time", "warning")
    look(db, NOW)
    assert told(db) == [("mei", 1), ("mei", 1)]
    with db.write() as session:
        session.execute(update(FeedTrouble).where(FeedTrouble.severity == "alarm").values(taken_by="li", taken_at=NOW))
    look(db, NOW + 4 * MIN)
    first = next(one for one in alarms(db) if one.severity == "alarm")
    assert (first.acknowledged_by, first.acknowledged_how) == ("li", "trouble")
    assert told(db) == [("mei", 1), ("mei", 1)]


def test_areas_hold_for_telling_for_looking_and_for_answering(db: Database) -> None:
    fill(db, 2)
    far = on_duty(db, "far", 1)
    with db.write() as session:
        session.add(UserArea(user_id=far.id, area="area-1"))
    offline(db, "box-000", NOW)
    look(db, NOW)
    assert told(db) == []
    (one,) = alarms(db)
    narrow = SignedInUser(far.id, "far", far.roles, "", areas=frozenset({"area-1"}))
    with db.write() as session:
        assert views.alarms(session, narrow, NOW) == [] and views.counts(session, narrow, NOW).alarms == 0
        with pytest.raises(CaseMissing):
            views.acknowledge(session, narrow, one.id, NOW)
        with pytest.raises(Unfit):
            people.add(session, "far", 1, ["area-0"], NOW, NOW + MIN, phone="", webhook=None, by="c", now=NOW)
    offline(db, "box-001", NOW)
    look(db, NOW + SEC)
    assert told(db) == [("far", 1)]


def test_who_has_no_open_account_or_came_off_duty_is_told_nothing(db: Database) -> None:
    fill(db, 1)
    on_duty(db, "mei", 1)
    on_duty(db, "guo", 2)
    with db.write() as session:
        session.execute(update(User).where(User.name == "mei").values(disabled_at=NOW))
        guo = session.execute(select(DutyShift).join(User).where(User.name == "guo")).scalar_one()
        people.remove(session, guo.id, "chen", NOW)
    on_duty(db, "hua", 3)
    offline(db, "box-000", NOW)
    look(db, NOW)
    assert told(db) == [("hua", 3)]
    with db.write() as session, pytest.raises(Unfit):
        people.add(session, "mei", 1, [], NOW, NOW + MIN, phone="", webhook=None, by="chen", now=NOW)


def test_every_wrong_thing_beside_a_broken_ledger_is_told_still(db: Database) -> None:
    """A ledger fault is for ever, and the worst of a tile: what comes after it must not hide behind it."""
    fill(db, 1)
    on_duty(db, "mei", 1)
    with db.write() as session:
        session.execute(
            text("UPDATE recording_ledgers SET fault = 'two pasts', fault_number = 4 WHERE camera_id = 'hall'")
        )
    look(db, NOW)
    with db.write() as session:
        views.acknowledge(session, SignedInUser(1, "mei", frozenset(), ""), 1, NOW)
        session.execute(
            update(CameraState).where(CameraState.camera_id == "hall").values(state="lost", since=NOW + 10 * MIN)
        )
    look(db, NOW + 10 * MIN)
    assert len(alarms(db)) == 2 and told(db) == [("mei", 1)] * 2


def test_a_box_that_dates_its_recording_ahead_is_told_as_a_wrong_clock(db: Database) -> None:
    fill(db, 1)
    on_duty(db, "mei", 1)
    look(db, NOW)
    with db.write() as session:
        ahead = int((NOW + 60 * MIN).timestamp() * 1e6)
        session.execute(
            update(RecordingLedger).where(RecordingLedger.camera_id == "hall").values(until_us=ahead, heard_at=NOW)
        )
    telling.look(db, DEFAULT, NOW)
    with db.read() as session:
        said = session.execute(text("SELECT kind, what FROM duty_matters")).all()
    assert [tuple(one) for one in said] == [("trouble", "time")]


_REPLICA = """
import os, sys, time
from datetime import timedelta
from central.db.database import Database
from central.duty import telling
from central.duty.escalation import DEFAULT, Step
db = Database(sys.argv[1])
dies = int(sys.argv[2])
real, looks = telling.tell, []
def dying(session, table, now):
    told = real(session, table, now)
    looks.extend(told)
    if dies and len(looks) >= dies: os.kill(os.getpid(), 9)   # its notices are written and not committed
    return told
telling.tell = dying
table = {**DEFAULT, "alarm": [Step(1, timedelta(0)), Step(2, timedelta(seconds=1))]}
watch = telling.Watch(db, table, 0.05)
watch.start()
print("up", flush=True)
time.sleep(60)
"""


def test_two_replicas_tell_each_person_once_a_step_and_a_killed_one_loses_nothing(postgres: SharedPostgres) -> None:
    db = postgres.migrated("duty_replicas")
    fill(db, 40)
    here = now()
    with db.write() as session:
        session.execute(text("UPDATE box_states SET state = 'online'"))
        session.execute(text("UPDATE stations SET windows = '[]'"))
    for name, level in (("mei", 1), ("lan", 1), ("guo", 2)):
        on_duty(db, name, level, begin=here - MIN, until=here + 60 * MIN)
    url = db.engine.url.render_as_string(hide_password=False)
    replicas = [
        subprocess.Popen([sys.executable, "-c", _REPLICA, url, str(dies)], stdout=subprocess.PIPE, text=True)
        for dies in (0, 0, 15)
    ]
    try:
        for one in replicas:
            assert one.stdout is not None and one.stdout.readline() == "up\n"
        for n in range(40):
            with db.write() as session:
                trouble(session, n, now())
            time.sleep(0.02)
        deadline = time.monotonic() + 30
        while len(told(db)) < 120 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.3)
    finally:
        killed = replicas[2].poll()
        for one in replicas:
            one.kill()
            one.wait()
    found = Counter(told(db))
    assert found == {("mei", 1): 40, ("lan", 1): 40, ("guo", 2): 40} and len(alarms(db)) == 40
    print(f"\n120 notices of 40 alarms by three replicas, one killed: {killed == -signal.SIGKILL}")
    db.close()


def test_the_key_of_notices_holds_whatever_looks_at_once(postgres: SharedPostgres) -> None:
    db = postgres.migrated("duty_races")
    fill(db, 20)
    on_duty(db, "mei", 1)
    with db.write() as session:
        session.execute(update(BoxState).values(state="offline", since=NOW))
    with ThreadPoolExecutor(8) as threads:
        looked = list(threads.map(lambda _: telling.look(db, DEFAULT, NOW), range(40)))
    assert any(looked) and len(alarms(db)) == 20 and Counter(told(db)) == {("mei", 1): 20}
    db.close()


def test_a_replica_that_hangs_with_the_watch_in_hand_is_cut_off(
    postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = postgres.migrated("duty_hangs")
    fill(db, 1)
    monkeypatch.setattr(telling, "HANGS_S", 0.4)
    with suppress(DBAPIError), Session(db.engine) as hung:
        telling._let_go(hung)
        hung.execute(text("SELECT * FROM duty_watch FOR UPDATE"))
        assert telling.look(db, DEFAULT, NOW) is False
        time.sleep(0.8)
        assert telling.look(db, DEFAULT, NOW) is True
    db.close()


def test_what_is_seen_without_shares_is_what_the_wall_shows(db: Database) -> None:
    fill(db, 60)
    with db.write() as session:
        for n, ago in ((3, 1), (4, 4), (5, 6)):
            first = micros(NOW - (ago + 1) * MIN)
            gap = RecordingGap(
                edge_id=f"box-{n:03}",
                camera_id="hall",
                start_us=first,
                end_us=first + 60_000_000,
                cause="network",
                detail="",
            )
            session.add(gap)
        trouble(session, 9, NOW)
    with db.read() as session:
        whole, brief = wall.tiles(session, NOW), wall.tiles(session, NOW, shares=False)
        assert [one.cameras for one in whole] == [one.cameras for one in brief]
        assert {one.share for one in brief} == {None} and {one.share for one in whole} != {None}
        assert [one.site for one in seeing.seen(session, NOW)] == [
            "ps-007",
            "ps-007",
            "ps-057",
            "ps-057",
            "ps-009",
            "ps-004",
            "ps-003",
        ]


def test_who_took_one_of_two_matters_in_hand_has_not_answered_for_the_other(db: Database) -> None:
    fill(db, 1)
    on_duty(db, "mei", 1)
    with db.write() as session:
        trouble(session, 0, NOW)
    offline(db, "box-000", NOW)
    look(db, NOW)
    with db.write() as session:
        session.execute(update(FeedTrouble).values(taken_by="li", taken_at=NOW))
    look(db, NOW + MIN)
    assert [one.acknowledged_by for one in alarms(db)] == [None]
    offline(db, "box-000", NOW, "online")
    look(db, NOW + 2 * MIN)
    assert [one.acknowledged_by for one in alarms(db)] == ["li"]
