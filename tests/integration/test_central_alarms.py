"""Alarms at central: one a matter whatever order its events come in, taken and closed by people, held by the ledger."""

from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from central_kit import AT, DAY, Box, intake_of, open_db, person
from sqlalchemy import select, text

from central.accounts.roles import Role
from central.alarms import service
from central.alarms.workflow import FINDINGS, WORKFLOW, AlarmFacts
from central.db.alarms import Alarm, AlarmLog
from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.ingest.admit import Message
from central.ledger import audit_alarms, entries
from central.ledger.keeper import catch_up
from central.tickets.errors import CaseMissing, Conflict, NotAllowed, Unfit
from central.workflow.table import MACHINE, Doing
from contract.events import EventType, case_key
from contract.sensors import SensorAlarm, SensorClosed, SensorKind

SENSOR = "water-01"


def alarm(passage: str = "p1", at: datetime = AT, **changes: Any) -> SensorAlarm:
    values: dict[str, Any] = {
        "case_key": case_key("edge-01", "", "raised", SENSOR, passage), "matter": "raised",
        "kind": SensorKind.WATER_LEVEL, "edge_id": "edge-01", "sensor_id": SENSOR, "site": "underpass",
        "site_version": "a" * 64, "place": "北侧集水井", "call": "排水 1", "unit": "cm", "value": 41.0, "peak": 42.0,
        "raise_at": 30.0, "clear_at": 20.0, "for_s": 30.0, "silent_after_s": 900.0, "at_first": at,
        "at_trigger": at + timedelta(seconds=30), "dated": "reading", "reason": "at or over 30 cm",
    }  # fmt: skip
    return SensorAlarm(**(values | changes))


def over(passage: str = "p1", **changes: Any) -> SensorClosed:
    values: dict[str, Any] = {
        "case_key": case_key("edge-01", "", "raised", SENSOR, passage), "edge_id": "edge-01", "sensor_id": SENSOR,
        "at_end": AT + timedelta(seconds=400), "lasted_s": 400.0, "value": 12.0, "peak": 55.0, "how": "cleared",
        "reason": "at or beyond 20 cm",
    }  # fmt: skip
    return SensorClosed(**(values | changes))


def say(box: Box, data: SensorAlarm | SensorClosed, **more: Any) -> Message:
    kind = EventType.WATER_LEVEL if isinstance(data, SensorAlarm) else EventType.SENSOR_CLOSED
    return box.say(kind, data, **({"source": f"/edge/edge-01/sensor/{SENSOR}"} | more))


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_db(tmp_path)


@pytest.fixture
def box(db: Database) -> Box:
    one = Box()
    one.enrol(db)
    return one


def rows(db: Database) -> list[Alarm]:
    with db.read() as session:
        return list(session.execute(select(Alarm).order_by(Alarm.id)).scalars())


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_one_matter_is_one_ticket_in_whatever_order_and_however_often_it_comes(
    db: Database, box: Box, order: tuple[int, ...], together: bool
) -> None:
    """Alarm, its end, and the alarm again as a box says it that crashed (another event, the same case key)."""
    said = [say(box, alarm()), say(box, over()), say(box, alarm())]
    intake = intake_of(db)
    batches = [[said[n] for n in order]] if together else [[said[n]] for n in order]
    for batch in [*batches, *batches]:
        assert {one.outcome for one in intake.take(batch)} <= {"stored", "duplicate"}
    (ticket,) = rows(db)
    assert (ticket.state, ticket.how, ticket.peak, ticket.number) == ("ENDED", "cleared", 55.0, f"S{DAY}-0001")
    with db.read() as session:
        lines = session.execute(select(AlarmLog).order_by(AlarmLog.id)).scalars().all()
        assert [(one.action, one.to_state) for one in lines] == [("opened", None), ("ended", "ENDED")]
        assert session.execute(select(Case)).first() is None
        chain = session.execute(select(Event.chain_state).order_by(Event.chain_seq)).scalars().all()
    assert "broken" not in chain and len(chain) == 3


def test_matters_of_a_day_are_counted_apart_from_cases(db: Database, box: Box) -> None:
    from central_kit import decision, violation

    intake_of(db).take(
        [decision(box, violation()), say(box, alarm("a")), say(box, alarm("b")), decision(box, violation("x"))]
    )
    assert [one.number for one in rows(db)] == [f"S{DAY}-0001", f"S{DAY}-0002"]


def test_take_and_close_with_who_and_why_and_the_end_afterwards(db: Database, box: Box) -> None:
    intake = intake_of(db)
    intake.take([say(box, alarm())])
    li, auditor = person(db), person(db, "audit", Role.AUDITOR)
    with db.write() as session:
        view = service.alarm(session, f"S{DAY}-0001")
        assert view.actions == ["take", "close"] and view.sealed.place == "北侧集水井" and view.seal.ok
        with pytest.raises(NotAllowed, match="ask an officer"):
            service.take(session, view.number, view.version, auditor)
        taken = service.take(session, view.number, view.version, li)
        assert (taken.state, taken.taken_by) == ("TAKEN", "li")
        with pytest.raises(Conflict, match="it is TAKEN now"):
            service.take(session, view.number, view.version, li)
        for finding, note, why in (("S99", "", "say what was found"), ("S05", "  ", "needs a note")):
            with pytest.raises(Unfit, match=why):
                service.close(session, view.number, taken.version, li, finding, note)
        closed = service.close(session, view.number, taken.version, li, "S05", "pump was off")
        assert (closed.state, closed.finding, closed.note, closed.closed_by) == ("CLOSED", "S05", "pump was off", "li")
        assert closed.actions == []
        with pytest.raises(CaseMissing):
            service.alarm(session, f"{DAY}-0001")
    intake.take([say(box, over())])
    with db.read() as session:
        view = service.alarm(session, f"S{DAY}-0001")
        assert (view.state, view.how) == ("CLOSED", "cleared")
        assert [(one.action, one.to_state) for one in view.history] == [
            ("opened", None), ("take", "TAKEN"), ("close", "CLOSED"), ("ended", None),
        ]  # fmt: skip
        assert service.alarms(session).items == []
        page = service.alarms(session, pending=False)
        assert [one.number for one in page.items] == [f"S{DAY}-0001"] and page.counts["CLOSED"] == 1


def test_the_sensors_word_ends_what_a_person_has_taken_and_the_finding_comes_later(db: Database, box: Box) -> None:
    intake, li = intake_of(db), person(db)
    intake.take([say(box, alarm())])
    with db.write() as session:
        service.take(session, f"S{DAY}-0001", 1, li)
    intake.take([say(box, over())])
    with db.write() as session:
        view = service.alarm(session, f"S{DAY}-0001")
        assert (view.state, view.taken_by, view.actions) == ("ENDED", "li", ["close"])
        assert service.close(session, view.number, view.version, li, "S01").state == "CLOSED"


def test_the_table_is_whole_and_nothing_is_closed_without_a_finding() -> None:
    assert WORKFLOW.states == ("OPEN", "TAKEN", "ENDED", "CLOSED")
    for row in WORKFLOW.rows:
        said = row.objection(AlarmFacts(), Doing(MACHINE, AT))
        assert (said is None) == (row.action == "take")
    assert {row.action for row in WORKFLOW.rows if "system" in row.by} == {"end"}
    assert len(FINDINGS) == 5


@pytest.mark.parametrize("pending", [True, False])
def test_pages_go_through_all_alarms_oldest_first_while_pending(db: Database, box: Box, pending: bool) -> None:
    intake_of(db).take([say(box, alarm(f"p{n}", AT + timedelta(minutes=n % 3))) for n in range(7)])
    if not pending:
        with db.write() as session:
            session.execute(text("UPDATE alarms SET state = 'ENDED'"))
    seen, after = [], None
    with db.read() as session:
        for _ in range(3):
            page = service.alarms(session, pending=pending, limit=3, after=after)
            seen += [(one.at_trigger, one.number) for one in page.items]
            after = page.next
        assert service.alarms(session, pending=not pending).items == []
    assert after is None and len(seen) == 7 and seen == sorted(seen, reverse=not pending)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"source": "/edge/edge-01/sensor/other"}, "another sensor than the source"),
        ({"source": "/edge/edge-01/camera/cam-1"}, "another sensor than the source"),
        ({"source": "/edge/edge-01"}, "another sensor than the source"),
        ({"source": "/edge/edge-02/sensor/water-01"}, "another box"),
        ({"at_first": "1999-01-01T00:00:00Z"}, "cannot be right"),
        ({"value": 1e12}, "does not fit its schema"),
        ({"place": "x" * 300}, "does not fit its schema"),
        ({"extra": 1}, "does not fit its schema"),
    ],
)
def test_what_does_not_hold_together_is_no_ticket(db: Database, box: Box, change: dict[str, Any], why: str) -> None:
    (result,) = intake_of(db).take([say(box, alarm(), **change)])
    assert result.outcome == "refused" and result.ack is not None and why in result.ack.reason
    assert rows(db) == []
    with db.read() as session:
        assert session.execute(select(Quarantine)).scalars().one().seen == 1


def changed(db: Database, said: str) -> list[str]:
    """What the audit says when somebody has written to the database."""
    with db.write() as session:
        session.execute(text(f"UPDATE alarms SET {said}"))
    with db.read() as session:
        return list(audit_alarms.alarms(session))


def test_an_alarm_that_points_at_another_sealed_event_is_found(db: Database, box: Box) -> None:
    other = say(box, alarm("p2"))
    intake_of(db).take([say(box, alarm()), say(box, over())])
    intake_of(db).take([other])
    with db.write() as session:
        first, second = session.execute(select(Alarm).order_by(Alarm.id)).scalars()
        end = session.execute(select(Event.id).where(Event.type == EventType.SENSOR_CLOSED)).scalar_one()
    for name in (second.event_id, end):
        (fault,) = changed(db, f"event_id = '{name}' WHERE id = {first.id}")
        assert fault.endswith(
            f"its event_id is {name}, and its history says that {first.event_id} opened it: it was changed"
        )
    assert changed(db, f"event_id = '{first.event_id}' WHERE id = {first.id}") == []


def test_a_note_that_was_changed_after_the_alarm_was_closed_is_found(db: Database, box: Box) -> None:
    intake_of(db).take([say(box, alarm())])
    with db.write() as session:
        service.close(session, f"S{DAY}-0001", 1, person(db), "S05", "pump was off")
    assert changed(db, "version = version") == []
    assert any("something else than its history" in one for one in changed(db, "note = 'pump was on'"))


def test_two_beginnings_of_one_matter_are_held_to_the_one_that_opened_it(db: Database, box: Box) -> None:
    """A box at fault: an alarm and a silence with one case key. The order of rows says nothing about which counts."""
    batch = []
    for passage in "abcdefghij":
        silent = alarm(passage, matter="silent", value=None, peak=None)
        batch += [
            say(box, alarm(passage)),
            box.say(EventType.SENSOR_SILENT, silent, source=f"/edge/edge-01/sensor/{SENSOR}"),
        ]
    assert {one.outcome for one in intake_of(db).take(batch)} == {"stored"}
    assert len(rows(db)) == 10
    assert changed(db, "version = version") == []


def test_every_line_of_an_alarm_is_in_the_ledger_and_a_changed_row_is_found(db: Database, box: Box) -> None:
    intake_of(db).take([say(box, alarm()), say(box, over())])
    catch_up(db)
    with db.read() as session:
        ids = [str(one.id) for one in session.execute(select(AlarmLog)).scalars()]
        assert len(entries.lines(session, [(entries.ALARM, ref) for ref in ids])) == 2
        assert list(audit_alarms.alarms(session)) == []
    for change, undo, why in (
        ("state = 'CLOSED'", "state = 'ENDED'", "is CLOSED, and its history ends in ENDED"),
        ("place = 'elsewhere'", "place = '北侧集水井'", "the box sealed 北侧集水井"),
        ("finding = 'S02'", "finding = NULL", "something else than its history"),
        ("how = 'heard'", "how = 'cleared'", "its how is heard"),
    ):
        for said, holds in ((change, False), (undo, True)):
            with db.write() as session:
                session.execute(text(f"UPDATE alarms SET {said}"))
            with db.read() as session:
                found = list(audit_alarms.alarms(session))
            assert found == [] if holds else any(why in one for one in found), said
    for change, undo, why in (
        ("peak = 1.0", "peak = 55.0", "its peak is 1.0, and the box sealed 55.0"),
        ("lasted_s = 1.0", "lasted_s = 400.0", "its lasted_s is 1.0, and the box sealed 400.0"),
        ("note = 'x'", "note = NULL", "something else than its history"),
    ):
        assert any(why in one for one in changed(db, change)), change
        assert changed(db, undo) == [], undo
    with pytest.raises(ValueError, match="only added to"), db.write() as session:
        session.execute(select(AlarmLog)).scalars().first().actor = "nobody"  # type: ignore[union-attr]
