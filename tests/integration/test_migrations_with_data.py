"""Migrations up and down with data in every table: the audit afterwards finds nothing that is not so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from central_kit import DAY, Box, decision, intake_of, looked, person, violation
from desk_kit import Time, faults, waiting
from sqlalchemy import func, inspect, select, text, update
from test_central_alarms import alarm, say

from central.accounts import areas
from central.accounts import log as account_log
from central.accounts import service as accounts
from central.accounts.roles import Role
from central.approvals import requests
from central.approvals.kinds import Kind
from central.db import migrate
from central.db.accounts import RecoveryCode, SecondFactor, User
from central.db.database import Database
from central.db.deletions import Deletion, DeletionCertificate
from central.db.events import Event
from central.db.learning import Shadow, ShadowMatter
from central.learning import log as learning_log
from central.ledger.keeper import Keeper
from central.ledger.key import office_key
from central.reports import facts as figures
from central.tickets import corrections, decisions, expiry
from central.tickets.guards import CaseFacts
from central.tickets.queue import found
from contract.events import now

#: The last version of before people had several roles: the way down goes there.
OLDEST = "0006"
STATES = (
    "CANDIDATE", "REVIEW1", "REVIEW2", "NEEDS_MORE", "APPROVED", "ENTERED", "NOTIFIED", "HANDLED", "ARCHIVED",
    "REJECTED", "APPEAL", "UPHELD", "CANCELLED", "EXPIRED",
)  # fmt: skip
#: What each case goes through from the first look on; `!` steps are central's own.
_PASSED = ("approve", "approve")
_ENTERED = (*_PASSED, "enter")
_APPEAL = (*_ENTERED, "notify", "appeal", "verify")
WAYS = {
    "REVIEW1": (), "REVIEW2": ("approve",), "NEEDS_MORE": ("ask",), "REJECTED": ("approve", "reject"),
    "APPROVED": _PASSED, "ENTERED": _ENTERED, "NOTIFIED": (*_ENTERED, "notify"),
    "HANDLED": (*_ENTERED, "notify", "handle"), "APPEAL": _APPEAL, "UPHELD": (*_APPEAL, "uphold"),
    "CANCELLED": (*_APPEAL, "cancel"), "EXPIRED": ("approve", "!expire"),
    "ARCHIVED": (*_ENTERED, "notify", "handle", "!archive"),
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/central.sqlite")
        yield made
        made.close()
        return
    made = Database(request.getfixturevalue("postgres").create("steps"))
    yield made
    made.close()


class Office:
    """A county of a few months: something in every table."""

    def __init__(self, db: Database) -> None:
        self.db, self.box, self.time = db, Box(), Time(now())
        self.box.enrol(db)
        self.li, self.wang = person(db), person(db, "wang")
        self.chief = person(db, "chen", Role.CHIEF)
        self.numbers: dict[str, str] = {}

    def fill(self) -> None:
        with self.time.running():
            for (state, way), number in zip(WAYS.items(), waiting(self.db, self.box, len(WAYS)), strict=True):
                for action in way:
                    self._do(number, action)
                self.numbers[state] = number
            intake_of(self.db).take([decision(self.box, violation("alone")), say(self.box, alarm())])
        self._corrected()
        self._people()
        self._learned()
        self._deleted()
        with self.db.write() as session:
            accounts.log_alarm_view(session, self.li, f"S{DAY}-0001")

    def _do(self, number: str, action: str) -> None:
        self.time.go(11)
        if action.startswith("!"):
            with self.db.write() as session:
                row = found(session, number, lock=True)
                known = CaseFacts(due=self.time.now, keep_until=self.time.now)
                decisions.system_step(session, row, action[1:], known=known)
            return
        with self.db.read() as session:
            second = found(session, number).state == "REVIEW2"
        who = self.wang if second else self.chief if action in {"verify", "cancel", "uphold"} else self.li
        version = looked(self.db, who, number)
        with self.db.write() as session:
            if action == "reject":
                decisions.reject(session, number, version, who, "R01")
            elif action == "ask":
                decisions.ask(session, number, version, who, "which lane?")
            else:
                decisions.step(session, number, version, who, action, note="so it is", ground="G7")

    def _corrected(self) -> None:
        version = looked(self.db, self.li, self.numbers["REVIEW1"])
        with self.db.write() as session:
            corrections.correct(session, self.numbers["REVIEW1"], version, self.li, "color", "red")

    def _people(self) -> None:
        with self.db.write() as session:
            session.add(SecondFactor(user_id=self.li.id, sealed=b"x", key_id="k", created_at=now(), confirmed_at=now()))
            session.add(RecoveryCode(user_id=self.li.id, code_hash="a" * 64))
            account_log.note(session, self.li.id, "li", "second factor on")
        with self.db.write() as session:
            areas.give(session, "chen", ["N1"], "cli:root")
            requests.ask(session, self.li, Kind.EXPORT, {"numbers": ["1"]}, "they wait for it")

    def _deleted(self) -> None:
        with self.db.write() as session:
            certificate = DeletionCertificate(number="D-1", at=now(), kid="k", raw=b"{}", jws="x")
            session.add(certificate)
            session.flush()
            session.add(
                Deletion(sha256="a" * 64, size=1, edge_id="edge-01", why=[], decided_at=now(), removed_at=now(),
                         certificate_id=certificate.id)
            )  # fmt: skip

    def _learned(self) -> None:
        camera = ("edge-01", "cam-1", "illegal_parking")
        with self.db.write() as session:
            event = session.execute(select(Event.id).limit(1)).scalar_one()
            session.add(Shadow(edge_id=camera[0], camera_id=camera[1], rule=camera[2], since=now()))
            session.add(
                ShadowMatter(edge_id=camera[0], case_key="f" * 64, event_id=event, camera_id=camera[1], rule=camera[2],
                             verdict="candidate", at=now(), kept_at=now(), label="right", labelled_by="li",
                             labelled_at=now())
            )  # fmt: skip
            learning_log.write(session, "li", learning_log.LABELLED, camera, 1, label="right", reason=None)
        figures.catch_up(self.db)


def states(db: Database) -> dict[str, str]:
    with db.read() as session:
        return dict(session.execute(text("SELECT number, state FROM cases")).all())


def revisions(db: Database) -> list[str]:
    """Every version behind OLDEST, newest first."""
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).walk_revisions()
    return [one.revision for one in steps if one.revision >= OLDEST][1:]


def test_down_step_by_step_and_up_again_changes_nothing_that_is_vouched_for(db: Database, tmp_path: Path) -> None:
    migrate.upgrade(db)
    office = Office(db)
    office.fill()
    with db.read() as session:
        key = office_key(session, tmp_path / "office.jwk")
    heads = tmp_path / "heads.jsonl"
    Keeper(db, key, heads).round()
    assert faults(db, key, heads) == []
    before, looks, stood = states(db), _looks(db), _rows(db)
    assert {before[number] for number in office.numbers.values()} == set(WAYS)
    for revision in revisions(db):
        migrate.downgrade(db, revision)
    assert set(states(db).values()) <= {"CANDIDATE", "REVIEW", "APPROVED", "REJECTED"}
    tables = set(inspect(db.engine).get_table_names())
    assert not {"account_log", "learning_log", "user_roles", "case_leases"} & tables
    migrate.upgrade(db)
    assert faults(db, key, heads) == []
    assert states(db) == before
    assert _looks(db) == looks
    with db.read() as session:
        assert session.get(SecondFactor, office.li.id) is not None
        assert session.execute(select(func.count()).select_from(ShadowMatter)).scalar_one() == 1
    # The office goes on where it stood: the same two people are held to be the two who looked.
    with db.write() as session:
        assert expiry.reckon(session) > 0
    assert _rows(db) == stood
    with db.write() as session:
        row = found(session, office.numbers["REVIEW2"])
        assert (row.first_by, row.first_by_id, row.due_certain is not None) == ("li", office.li.id, True)
    with office.time.running():
        office.time.go(60)
        office._do(office.numbers["REVIEW2"], "approve")
    assert faults(db, key, heads) == []
    migrate.downgrade(db, "base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}


def _rows(db: Database) -> list[tuple[object, ...]]:
    """What stands in the rows of cases, but for versions and what was undone long ago."""
    names = (
        "number, state, state_at, due_at, sort_at, yellow_at, first_by, first_by_id, decided_by, decided_by_id, "
        "decided_at, reason_code, ground, jurisdiction, utc_offset_s, plate, vehicle_class"
    )
    query = f"SELECT {names} FROM cases ORDER BY number"
    with db.read() as session:
        return [tuple(row) for row in session.execute(text(query))]


@pytest.mark.long
def test_every_step_down_and_up_again(db: Database, tmp_path: Path) -> None:
    migrate.upgrade(db)
    Office(db).fill()
    with db.read() as session:
        key = office_key(session, tmp_path / "office.jwk")
    heads = tmp_path / "heads.jsonl"
    Keeper(db, key, heads).round()
    before, looks = states(db), _looks(db)
    for revision in revisions(db):
        migrate.downgrade(db, revision)
        migrate.upgrade(db)
        assert (revision, faults(db, key, heads)) == (revision, [])
        assert (states(db), _looks(db)) == (before, looks)


def _looks(db: Database) -> list[tuple[object, ...]]:
    with db.read() as session:
        return [tuple(row) for row in session.execute(text("SELECT id, why, sha256 FROM view_log ORDER BY id"))]


def test_cases_that_one_person_decided_before_go_to_the_second_look(db: Database, tmp_path: Path) -> None:
    migrate.upgrade(db)
    box, li, mo = Box(), person(db), person(db, "mo", Role.ADMIN)
    box.enrol(db)
    approved, rejected, open_one = waiting(db, box, 3)
    with db.read() as session:
        key = office_key(session, tmp_path / "office.jwk")
    for revision in revisions(db):
        migrate.downgrade(db, revision)
        if revision == "0011":
            _decided_then(db, {approved: "APPROVED", rejected: "REJECTED"})
    with db.engine.begin() as connection:
        connection.execute(update(User.__table__).where(User.__table__.c.id == mo.id).values(disabled_at=now()))
    migrate.upgrade(db)
    assert faults(db, key, tmp_path / "none") == []
    assert states(db) == {approved: "REVIEW2", rejected: "REJECTED", open_one: "REVIEW1"}
    with db.read() as session:
        row = found(session, approved)
        assert (row.first_by, row.first_by_id, row.decided_by_id) == ("li", li.id, li.id)
    # Once more: what is down and up again without a decision stands where it stood.
    migrate.downgrade(db, "0011")
    migrate.upgrade(db)
    assert faults(db, key, tmp_path / "none") == []
    assert states(db) == {approved: "REVIEW2", rejected: "REJECTED", open_one: "REVIEW1"}


def _decided_then(db: Database, to: dict[str, str]) -> None:
    """As the version of then wrote it: a name, no account."""
    with db.engine.begin() as connection:
        for number, state in to.items():
            code = "R01" if state == "REJECTED" else None
            action = "reject" if code else "approve"
            connection.execute(
                text(
                    "INSERT INTO case_log (case_id, at, actor, action, from_state, to_state, detail) SELECT id, "
                    ":at, 'li', :action, 'REVIEW', :state, :detail FROM cases WHERE number = :number"
                ),
                {"at": now().replace(tzinfo=None), "action": action, "state": state, "number": number,
                 "detail": '{"reason": "R01"}' if code else "{}"},
            )  # fmt: skip
            connection.execute(
                text(
                    "UPDATE cases SET state = :state, decided_by = 'li', decided_at = :at, reason_code = :code, "
                    "version = version + 1 WHERE number = :number"
                ),
                {"state": state, "at": now().replace(tzinfo=None), "code": code, "number": number},
            )
