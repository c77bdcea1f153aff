"""What was refused: a person looks at it, mends the cause, tries it again, or removes it; and what is at fault alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from central_kit import Box, decision, intake_of, open_db, violation
from click.testing import Result as Said
from sqlalchemy import func, select
from sqlalchemy.exc import InternalError, OperationalError
from typer.testing import CliRunner

from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.ingest import intake as intake_module
from central.ingest import replay as replay_module
from central.ingest.admit import Message
from central.ingest.intake import Intake
from contract.errors import InputError, RunError
from contract.topics import EdgeTopics
from sightline.commands.central_quarantine import app


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def intake(db: Database) -> Intake:
    return intake_of(db)


@pytest.fixture
def command(db: Database, tmp_path: Path) -> Callable[..., Said]:
    config = tmp_path / "central.yaml"
    url = db.engine.url.render_as_string(hide_password=False)
    # Nobody listens at that port: what is said to boxes is tried and must cost nothing else.
    config.write_text(f"data_dir: data\ndatabase: {{url: '{url}'}}\nbroker: {{port: 9}}\n")
    return lambda *words, **more: CliRunner().invoke(app, [*words, "--config", str(config)], **more)


def count(db: Database, table: type[Case | Event | Quarantine]) -> int:
    with db.read() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def test_mended_and_replayed_it_becomes_a_case_once(db, intake, command) -> None:
    box = Box()
    message = decision(box, violation())
    assert intake.take([message])[0].outcome == "refused"
    (line,) = command("list").stdout.splitlines()
    assert line.startswith("1  ")
    assert "no box of that id is enrolled" in line
    again = command("replay", "1")
    assert isinstance(again.exception, RunError)
    assert "refused: no box of that id is enrolled" in again.stdout
    box.enrol(db)
    done = command("replay", "1")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "1  stored")
    assert (count(db, Case), count(db, Event), count(db, Quarantine)) == (1, 1, 0)
    gone = command("replay", "1")
    assert isinstance(gone.exception, InputError)
    assert "has no entry 1" in str(gone.exception)
    assert intake.take([message])[0].outcome == "duplicate"
    assert (count(db, Case), count(db, Event), count(db, Quarantine)) == (1, 1, 0)


def test_what_came_by_itself_meanwhile_is_a_duplicate(db, intake, command) -> None:
    box = Box()
    message = decision(box, violation())
    intake.take([message])
    box.enrol(db)
    assert intake.take([message])[0].outcome == "stored"
    assert command("replay", "--all").stdout.splitlines()[0] == "1  duplicate"
    assert (count(db, Case), count(db, Event), count(db, Quarantine)) == (1, 1, 0)


def test_all_of_one_box(db, intake, command) -> None:
    boxes = [Box("edge-01"), Box("edge-011")]
    for box in boxes:
        said = violation(edge_id=box.edge_id)
        intake.take([box.say("sightline.violation.illegal_parking", said)])
        box.enrol(db)
    assert len(command("list", "--edge", "edge-01").stdout.splitlines()) == 1
    assert command("replay", "--all", "--edge", "edge-01").exit_code == 0
    assert count(db, Quarantine) == 1
    assert isinstance(command("replay", "--edge", "edge-01").exception, InputError)
    assert isinstance(command("replay").exception, InputError)


def test_shown_without_commanding_the_terminal(db, intake, command) -> None:
    Box().enrol(db)
    raw = b'{"id":"\x1b[2Jx"} \xff caf\xc3\xa9'
    intake.take([Message(EdgeTopics("edge-01").event, raw, "x..y")])
    said = command("show", "1")
    assert "reason: the seal was made by a key that is not enrolled for this box" in said.stdout
    assert "\\x1b[2Jx" in said.stdout
    assert "\x1b" not in said.stdout
    assert command("show", "1", "--raw").stdout_bytes == raw
    (told,) = [json.loads(line) for line in command("list", "--json").stdout.splitlines()]
    assert (told["number"], told["bytes"], told["seen"]) == (1, len(raw), 1)


def test_only_the_beginning_is_kept_and_that_is_told(db, intake, command) -> None:
    box = Box()
    box.enrol(db)
    intake.take([box.seal(b'{"id":"big","x":"' + b"a" * 2_000_000 + b'"}')])
    said = command("replay", "1")
    assert isinstance(said.exception, InputError)
    assert "only 65536 of 2000019 bytes are kept" in str(said.exception)
    assert count(db, Quarantine) == 1


def test_discarded_when_a_person_says_so(db, intake, command) -> None:
    intake.take([decision(Box(), violation())])
    assert command("discard", "1", input="n\n").exit_code == 0
    assert count(db, Quarantine) == 1
    assert "1  discarded" in command("discard", "1", "--yes").stdout
    assert count(db, Quarantine) == 0
    assert isinstance(command("discard", "1", "--yes").exception, InputError)


def test_a_fault_of_ours_that_is_still_there_is_a_result_and_not_an_end(db, intake, command, monkeypatch) -> None:
    box = Box()
    message = decision(box, violation())
    intake.take([message])
    box.enrol(db)

    def faulty(*_: object) -> None:
        raise LookupError("still")

    with monkeypatch.context() as patch:
        patch.setattr("central.ingest.replay.store", faulty)
        said = command("replay", "1")
    assert "refused: central could not handle it (LookupError)" in said.stdout
    assert (said.exit_code, count(db, Quarantine)) == (1, 1)
    assert command("replay", "1").stdout.splitlines()[0] == "1  stored"


class Fault(Exception):  # noqa: N818 - not ours
    """What a driver raises; `sqlstate` as PostgreSQL names it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def test_what_the_database_refuses_is_found_among_the_others(db, intake, monkeypatch) -> None:
    box, real = Box(), intake_module.store
    box.enrol(db)
    batch = [decision(box, violation(name)) for name in "abc"]

    def picky(session, arrivals):
        if any(arrival.raw == batch[1].raw for arrival in arrivals):
            raise OperationalError("INSERT", {}, Fault("54000"))
        return real(session, arrivals)

    monkeypatch.setattr(intake_module, "store", picky)
    with pytest.raises(OperationalError):
        intake.take(batch)
    assert count(db, Event) == 0
    results = intake.take(batch, apart=True)
    assert [(result.outcome, result.ack is None) for result in results] == [
        ("stored", False),
        ("failed", True),
        ("stored", False),
    ]
    with db.read() as session:
        (kept,) = session.execute(select(Quarantine)).scalars()
    assert (kept.payload, kept.reason) == (batch[1].raw, "central could not handle it (OperationalError)")


def test_a_row_that_another_replica_has_just_kept_costs_nothing(db, intake, monkeypatch) -> None:
    box, real = Box(), intake_module.quarantine.keep
    box.enrol(db)

    def faulty(*_: object) -> None:
        raise LookupError("a fault of ours")

    def doubled(session, message, reason, most):
        # The row that the other has written between our look and our write, as the database then says it.
        real(session, message, reason, most)
        row = session.execute(select(Quarantine)).scalar_one()
        copy = {name: getattr(row, name) for name in Quarantine.__table__.columns.keys() if name != "id"}  # noqa: SIM118
        session.add(Quarantine(**copy))
        session.flush()

    monkeypatch.setattr(intake_module, "store", faulty)
    monkeypatch.setattr(intake_module.quarantine, "keep", doubled)
    assert [result.outcome for result in intake.take([decision(box, violation())])] == ["failed"]


def test_a_deadlock_is_tried_again_at_once(db, intake, monkeypatch) -> None:
    box, real, tries = Box(), intake_module.store, []
    box.enrol(db)

    def tangled(session, arrivals):
        tries.append(len(arrivals))
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, Fault("40P01"))
        return real(session, arrivals)

    monkeypatch.setattr(intake_module, "store", tangled)
    batch = [decision(box, violation(name)) for name in "ab"]
    assert [result.outcome for result in intake.take(batch)] == ["stored", "stored"]
    assert tries == [2, 2, 2]


@pytest.mark.parametrize("state", ["40P01", "25P03"])
def test_a_replay_that_was_ended_as_a_deadlock_is_tried_again_at_once(db, intake, command, monkeypatch, state) -> None:
    box, real, tries = Box(), replay_module.store, []
    message = decision(box, violation())
    intake.take([message])
    box.enrol(db)

    def tangled(session, arrivals):
        tries.append(len(arrivals))
        if len(tries) < 3:
            raise InternalError("UPDATE", {}, Fault(state))
        return real(session, arrivals)

    monkeypatch.setattr(replay_module, "store", tangled)
    assert command("replay", "1").stdout.splitlines()[0] == "1  stored"
    assert (tries, count(db, Event), count(db, Quarantine)) == ([1, 1, 1], 1, 0)


def test_a_case_that_waits_for_media_does_not_stand_before_one_that_is_ready(db, intake, tmp_path, monkeypatch) -> None:
    from test_central_ingest import cases, upload

    from central import jobs
    from central.media.folder import FolderStore
    from contract.events import EventType

    monkeypatch.setattr(jobs, "_MOST", 1)
    from central_kit import evidence

    box = Box()
    box.enrol(db)
    for name in "abc":
        intake.take([decision(box, violation(name)), box.say(EventType.MANIFEST, evidence(name)[0])])
    for name in "bc":
        upload(db, tmp_path / "media", evidence(name)[1])
    with db.write() as session:
        for case in session.execute(select(Case)).scalars():
            case.state = "CANDIDATE"
    jobs.Jobs(db, FolderStore(tmp_path / "media", 10_000_000)).round()
    assert [case.state for case in cases(db)] == ["CANDIDATE", "REVIEW1", "REVIEW1"]
