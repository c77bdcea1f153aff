"""Alarms of sensors on a real PostgreSQL: opened by two replicas at once, decided by two people at once, audited."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from central_kit import DAY, Box, intake_of, person
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from test_central_alarms import alarm, over, say

from central.accounts import service as accounts
from central.accounts.service import SignedInUser
from central.alarms import service
from central.db.alarms import Alarm, AlarmLog, AlarmViewLog
from central.db.database import Database
from central.db.ledger import LedgerLeaf, LedgerWaiting
from central.ingest.admit import Message
from central.ledger import entries
from central.ledger.keeper import Keeper
from central.ledger.key import office_key
from central.media.folder import FolderStore
from central.tickets.errors import TicketError
from sightline.evidence import auditing
from sightline.evidence.export import Office
from tests.schema_kit import SharedPostgres

FIRST = f"S{DAY}-0001"


@pytest.fixture
def db(postgres: SharedPostgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    made = postgres.migrated(request.node.name)
    yield made
    made.close()


@pytest.fixture
def box(db: Database) -> Box:
    one = Box()
    one.enrol(db)
    return one


class House:
    """The office of a database: its key, its published heads, and the whole audit."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.heads, self._store = folder / "heads.jsonl", FolderStore(folder / "media", 1_000_000)
        with db.read() as session:
            self._key = office_key(session, folder / "office.jwk")
        self._db = db

    def publish(self) -> None:
        Keeper(self._db, self._key, self.heads).round()

    def audit(self) -> list[str]:
        return list(auditing.findings(Office(self._db, self._store, self._key), self.heads))


def counted(db: Database, table: type) -> int:
    with db.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_whole_life_of_an_alarm_and_the_audit_of_it(db: Database, box: Box, tmp_path: Path) -> None:
    intake, house, li = intake_of(db), House(db, tmp_path), person(db)
    # The end comes first and waits for its beginning; a second matter stays open; a box that crashed says one again.
    said = ([say(box, over())], [say(box, alarm()), say(box, alarm("p2"))], [say(box, alarm())])
    assert [[one.outcome for one in intake.take(batch)] for batch in said] == [
        ["stored"], ["stored", "stored"], ["duplicate"],
    ]  # fmt: skip
    with db.read() as session:
        listed = service.alarms(session)
        assert [one.number for one in listed.items] == [f"S{DAY}-0002"]
        assert {state: n for state, n in listed.counts.items() if n} == {"OPEN": 1, "ENDED": 1}
    with db.write() as session:
        view = service.alarm(session, FIRST)
        accounts.log_alarm_view(session, li, FIRST)
        assert service.close(session, FIRST, view.version, li, "S05", "泵已停").note == "泵已停"
    house.publish()
    assert counted(db, LedgerWaiting) == 0
    with db.read() as session:
        kinds = dict(session.execute(select(LedgerLeaf.kind, func.count()).group_by(LedgerLeaf.kind)).all())
    assert kinds == {
        entries.ACCOUNT: 1, entries.KEY: 1, entries.EVENT: 4, entries.ALARM: 4, entries.ALARM_VIEW: 1,
    }  # fmt: skip
    assert house.audit() == []


def test_what_somebody_writes_past_it_is_found(db: Database, box: Box, tmp_path: Path) -> None:
    house, li = House(db, tmp_path), person(db)
    intake_of(db).take([say(box, alarm()), say(box, over())])
    with db.write() as session:
        accounts.log_alarm_view(session, li, FIRST)
    house.publish()
    for change, undo, why in (
        ("UPDATE alarms SET peak = 1.0", "UPDATE alarms SET peak = 55.0", "its peak is 1.0, and the box sealed 55.0"),
        ("UPDATE alarm_log SET actor = 'x' WHERE id = 1", "UPDATE alarm_log SET actor = 'system' WHERE id = 1",
         "line of the alarm history 1 .*: is not what was entered"),
        ("UPDATE alarm_view_log SET at = at + interval '1 day'", "UPDATE alarm_view_log SET at = at - interval '1 day'",
         "line of the viewer log of alarms 1 .*: is not what was entered"),
    ):  # fmt: skip
        for statement, holds in ((change, False), (undo, True)):
            with db.write() as session:
                session.execute(text(statement))
            assert house.audit() == [] if holds else only(house.audit(), why), statement
    with db.write() as session:
        session.execute(text("DELETE FROM alarm_view_log"))
    assert only(house.audit(), "line of the viewer log of alarms 1 .* it was removed")
    with pytest.raises(DBAPIError, match="only added to"), db.write() as session:
        session.execute(text("DELETE FROM ledger_leaves WHERE kind = 'alarm-view'"))


def only(found: list[str], why: str) -> bool:
    """Whether the audit says one thing, and this one."""
    return len(found) == 1 and re.search(why, found[0]) is not None


def test_two_replicas_that_take_a_matter_at_once_make_one_alarm_of_it(db: Database, box: Box) -> None:
    matters = [f"p{n}" for n in range(12)]
    begun = [say(box, alarm(one)) for one in matters]
    told = [message for one in matters for message in (say(box, over(one)), say(box, alarm(one)))]
    start = Barrier(2)

    def take(batch: list[Message]) -> set[str]:
        intake = intake_of(db)
        start.wait()
        return {result.outcome for n in range(0, len(batch), 4) for result in intake.take(batch[n : n + 4])}

    with ThreadPoolExecutor(2) as both:
        assert set().union(*both.map(take, (begun, told[::-1]))) == {"stored", "duplicate"}
    with db.read() as session:
        rows = session.execute(select(Alarm.state, Alarm.how, Alarm.number)).all()
    assert [tuple(row[:2]) for row in rows] == [("ENDED", "cleared")] * 12
    assert len({row.number for row in rows}) == 12
    assert counted(db, AlarmLog) == 24


def test_of_two_who_take_an_alarm_at_once_one_does(db: Database, box: Box) -> None:
    intake_of(db).take([say(box, alarm())])
    start = Barrier(2)

    def take(user: SignedInUser) -> str:
        start.wait()
        try:
            with db.write() as session:
                return service.take(session, FIRST, 1, user).state
        except TicketError as error:
            return str(error.status)

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(take, [person(db), person(db, "wang")])) == ["409", "TAKEN"]
    assert counted(db, AlarmLog) == 2 and counted(db, AlarmViewLog) == 0
