"""Ingest against a real database: one ticket per violation, whatever the order, the repetition or the lie."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from central_kit import (
    AT,
    DAY,
    Box,
    decision,
    ended,
    evidence,
    intake_of,
    open_db,
    person,
    violation,
)
from sqlalchemy import func, select

from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.edges import enrolment
from central.ingest import intake as intake_module
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.jobs import Jobs
from central.media import service as media_service
from central.media.folder import FolderStore
from central.tickets import service
from contract.events import EventType, Genesis
from contract.sealing import new_key, sha256_hex, sign_detached, thumbprint


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def box(db: Database) -> Box:
    made = Box()
    made.enrol(db)
    return made


@pytest.fixture
def intake(db: Database) -> Intake:
    return intake_of(db)


def taken(intake: Intake, *messages: Message) -> list[str]:
    return [result.outcome for result in intake.take(messages)]


def upload(db: Database, folder: Path, files: list[bytes]) -> None:
    store = FolderStore(folder, 10_000_000)

    async def once(raw: bytes) -> AsyncIterator[bytes]:
        yield raw

    for raw in files:
        asyncio.run(store.receive(sha256_hex(raw), "edge-01", 0, len(raw), once(raw)))
        media_service.enter(db, sha256_hex(raw), len(raw), "edge-01")


def cases(db: Database) -> list[Case]:
    with db.read() as session:
        return list(session.execute(select(Case).order_by(Case.number)).scalars())


def test_a_violation_becomes_a_candidate_and_with_its_evidence_a_case_for_review(db, box, intake, tmp_path) -> None:
    assert taken(intake, decision(box, violation())) == ["stored"]
    (case,) = cases(db)
    assert (case.number, case.state) == (f"{DAY}-0001", "CANDIDATE")
    manifest, files = evidence()
    assert taken(intake, box.say(EventType.MANIFEST, manifest)) == ["stored"]
    upload(db, tmp_path / "media", files[:-1])
    assert cases(db)[0].state == "CANDIDATE"
    upload(db, tmp_path / "media", files[-1:])
    assert cases(db)[0].state == "REVIEW1"
    with db.read() as session:
        view = service.case(session, f"{DAY}-0001", person(db))
    assert view.evidence_ready
    assert [one.moment for one in view.media] == ["first", "spacing", "trigger", None]
    assert view.violation.geometry.boxes["trigger"] == (200, 420, 420, 600)
    assert view.actions == ["approve", "reject", "ask", "correct"]
    assert [line.action for line in view.history] == ["opened", "evidence named", "evidence complete", "passed"]
    assert {check.name: check.ok for check in view.checks}["clock"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_order_of_arrival_does_not_matter(db, box, intake, tmp_path, order) -> None:
    manifest, files = evidence()
    messages = [
        decision(box, violation()),
        box.say(EventType.MANIFEST, manifest),
        box.say(EventType.CLOSED, ended()),
    ]
    for step in order:
        if step == 3:
            upload(db, tmp_path / "media", files)
        else:
            assert taken(intake, messages[step]) == ["stored"]
    (case,) = cases(db)
    assert (case.state, case.dwell_s) == ("REVIEW1", 390.0)
    with db.read() as session:
        states = session.execute(select(Event.chain_state).order_by(Event.chain_seq)).scalars().all()
    assert states == ["genesis", "linked", "linked"]


def test_sent_again_is_acknowledged_again_and_changes_nothing(db, box, intake) -> None:
    first = decision(box, violation())
    assert taken(intake, first, first) == ["stored", "duplicate"]
    assert taken(intake, first) == ["duplicate"]
    assert len(cases(db)) == 1


def test_a_box_that_restarted_cannot_open_a_second_case(db, box, intake) -> None:
    assert taken(intake, decision(box, violation()), decision(box, violation())) == ["stored", "duplicate"]
    assert len(cases(db)) == 1
    with db.read() as session:
        rows = session.execute(select(Event).order_by(Event.chain_seq)).scalars().all()
    assert [row.chain_state for row in rows] == ["genesis", "linked"]
    assert rows[1].duplicate_of == rows[0].id


def test_another_box_cannot_take_a_matter_away(db, box, intake) -> None:
    thief = Box("edge-02")
    thief.enrol(db)
    stolen = violation().model_copy(update={"edge_id": "edge-02"})
    source = "/edge/edge-02/camera/cam-1"
    assert taken(intake, thief.say(EventType.ILLEGAL_PARKING, stolen, source=source)) == ["stored"]
    assert taken(intake, decision(box, violation())) == ["stored"]
    assert {case.edge_id for case in cases(db)} == {"edge-01", "edge-02"}


def refused(db: Database, intake: Intake, message: Message, words: str) -> None:
    (result,) = intake.take([message])
    assert result.outcome == "refused"
    assert cases(db) == []
    with db.read() as session:
        (row,) = session.execute(select(Quarantine)).scalars()
        assert session.execute(select(func.count()).select_from(Event)).scalar_one() == 0
    assert words in row.reason
    if result.ack is not None:
        assert (result.ack.status, result.ack.reason) == ("refused", row.reason)


def test_a_forged_seal_is_quarantined(db, box, intake) -> None:
    message = decision(box, violation())
    forged = sign_detached(message.raw, new_key())
    head = message.jws.partition("..")[0]
    refused(db, intake, Message(message.topic, message.raw, f"{head}..{forged.rpartition('.')[2]}"), "seal")


def test_a_strangers_key_is_quarantined(db, box, intake) -> None:
    message = decision(box, violation())
    refused(db, intake, Message(message.topic, message.raw, sign_detached(message.raw, new_key())), "key")


def test_one_changed_byte_is_quarantined(db, box, intake) -> None:
    message = decision(box, violation())
    refused(db, intake, Message(message.topic, message.raw.replace(b"180.0", b"181.0"), message.jws), "seal")


def test_no_seal_is_quarantined(db, box, intake) -> None:
    message = decision(box, violation())
    refused(db, intake, Message(message.topic, message.raw, None), "seal")


def test_a_replay_is_never_a_ticket(db, box, intake) -> None:
    refused(db, intake, box.say(EventType.ILLEGAL_PARKING, violation(replay=True)), "replay")


def test_under_another_boxs_topic_is_quarantined(db, box, intake) -> None:
    other = Box("edge-02")
    other.enrol(db)
    message = decision(box, violation())
    refused(db, intake, Message("sightline/v1/edge-02/event", message.raw, message.jws), "key")


def test_another_boxs_source_is_quarantined(db, box, intake) -> None:
    message = box.say(EventType.ILLEGAL_PARKING, violation(), source="/edge/edge-02/camera/cam-1")
    refused(db, intake, message, "source names another box")


def test_another_boxs_data_is_quarantined(db, box, intake) -> None:
    refused(db, intake, box.say(EventType.ILLEGAL_PARKING, violation(edge_id="edge-02")), "data names another box")


def test_another_camera_in_the_data_is_quarantined(db, box, intake) -> None:
    refused(db, intake, box.say(EventType.ILLEGAL_PARKING, violation(camera_id="cam-2")), "another camera")


def test_a_stranger_is_quarantined(db, intake) -> None:
    refused(db, intake, decision(Box(), violation()), "no box")


def test_a_box_that_was_shut_out_is_quarantined(db, box, intake) -> None:
    with db.write() as session:
        enrolment.revoke(session, box.edge_id)
    refused(db, intake, decision(box, violation()), "shut out")


def test_oversized_is_quarantined_in_part(db, box, intake) -> None:
    refused(db, intake, box.seal(b'{"id":"big","x":"' + b"a" * 2_000_000 + b'"}'), "limit")
    with db.read() as session:
        (row,) = session.execute(select(Quarantine)).scalars()
    assert (row.size > 2_000_000, len(row.payload)) == (True, 65_536)


def test_the_quarantine_counts_the_same_bytes_and_has_an_end(db, box) -> None:
    small = Intake(db, intake_of(db)._metrics, 2)
    message = box.seal(b"no json")
    assert taken(small, *[message] * 3, box.seal(b"1"), box.seal(b"2"), box.seal(b"3")) == ["refused"] * 6
    with db.read() as session:
        rows = session.execute(select(Quarantine).order_by(Quarantine.id)).scalars().all()
    assert [row.seen for row in rows] == [3, 1]


def test_what_is_not_kept_whole_is_not_acknowledged(db, box) -> None:
    small = Intake(db, intake_of(db)._metrics, 2)
    long = box.seal(b'{"id":"long","x":"' + b"a" * 70_000 + b'"}')
    short = [box.seal(b'{"id":"%d"}' % number) for number in range(2)]
    assert [one.ack and one.ack.id for one in small.take([long, *short])] == [None, "0", None]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": {"x": float("nan")}}, "number"),
        ({"reason": "a\x00b"}, "text"),
        ({"site": "s" * 500}, "too long"),
        ({"at_first": AT.replace(year=1)}, "time"),
    ],
)
def test_what_no_database_keeps_is_refused(db, box, intake, changes, words) -> None:
    data = violation(**changes)
    message = box.say(EventType.ILLEGAL_PARKING, violation(), **data.model_dump(mode="json", by_alias=True))
    if "numbers" in changes:
        message = box.seal(message.raw.replace(b'"numbers":{"x":null}', b'"numbers":{"x":NaN}'))
    refused(db, intake, message, words)


def test_the_same_id_with_other_bytes_is_refused(db, box, intake) -> None:
    message = decision(box, violation())
    assert taken(intake, message) == ["stored"]
    other = box.seal(message.raw.replace(b"stood 180 s", b"stood 999 s"))
    assert taken(intake, other) == ["refused"]
    assert len(cases(db)) == 1


def test_an_event_without_a_chain_is_refused(db, box, intake) -> None:
    message = decision(box, violation())
    raw = message.raw.replace(b'"chain":{', b'"chains":{')
    refused(db, intake, box.seal(raw), "schema")


def test_a_hole_in_the_chain_is_pending_and_never_bad(db, box, intake) -> None:
    first, second = decision(box, violation("a")), decision(box, violation("b"))
    assert taken(intake, second) == ["stored"]
    with db.read() as session:
        (case,) = service.queue(session, state="CANDIDATE").items
        checks = {check.name: check for check in service.case(session, case.number, None).checks}
    assert checks["chain"].ok
    assert "not arrived" in checks["chain"].detail
    assert taken(intake, first) == ["stored"]
    with db.read() as session:
        assert {check.name: check for check in service.case(session, case.number, None).checks}[
            "chain"
        ].detail.startswith("it follows")


def test_a_broken_chain_is_shown(db, box, intake) -> None:
    assert taken(intake, decision(box, violation("a"))) == ["stored"]
    box.prev = "f" * 64
    assert taken(intake, decision(box, violation("b"))) == ["stored"]
    with db.read() as session:
        states = session.execute(select(Event.chain_state).order_by(Event.chain_seq)).scalars().all()
        view = service.case(session, f"{DAY}-0002", None)
    assert states == ["genesis", "broken"]
    assert view.seal.chain_state == "broken"
    assert not {check.name: check.ok for check in view.checks}["chain"]


def test_what_waited_in_the_outbox_counts_after_the_box_changed_its_key(db, box, intake) -> None:
    waiting = decision(box, violation())
    renewed = Box(box.edge_id, chain_id="chain-2")
    renewed.enrol(db)
    assert taken(intake, waiting) == ["stored"]
    genesis = Genesis(edge_id=box.edge_id, kid=thumbprint(renewed.key), reason="rotated")
    assert taken(intake, renewed.say(EventType.GENESIS, genesis, source="/edge/edge-01")) == ["stored"]


def test_a_genesis_for_another_key_is_refused(db, box, intake) -> None:
    genesis = Genesis(edge_id=box.edge_id, kid="x" * 43, reason="rotated")
    refused(db, intake, box.say(EventType.GENESIS, genesis, source="/edge/edge-01"), "another key")


def test_a_round_of_the_jobs_mends_what_a_crash_left(db, box, intake, tmp_path) -> None:
    manifest, files = evidence()
    taken(intake, decision(box, violation()), box.say(EventType.MANIFEST, manifest))
    upload(db, tmp_path / "media", files)
    with db.write() as session:
        session.execute(select(Case)).scalar_one().state = "CANDIDATE"
        session.execute(select(Event).where(Event.chain_seq == 1)).scalar_one().chain_state = "pending"
    Jobs(db, FolderStore(tmp_path / "media", 10_000_000)).round()
    assert cases(db)[0].state == "REVIEW1"
    with db.read() as session:
        assert session.execute(select(Event.chain_state).where(Event.chain_seq == 1)).scalar_one() == "linked"


def test_a_fault_of_ours_costs_no_event_and_stops_no_other(db, box, intake, monkeypatch) -> None:
    first, second = decision(box, violation("a")), decision(box, violation("b"))
    real = intake_module.store

    def faulty(session, arrivals):
        outcomes = real(session, arrivals)
        if any(arrival.raw == first.raw for arrival in arrivals):
            raise LookupError("a fault of ours")
        return outcomes

    monkeypatch.setattr(intake_module, "store", faulty)
    results = intake.take([first, second])
    assert [(result.outcome, result.ack is None) for result in results] == [("failed", True), ("stored", False)]
    assert len(cases(db)) == 1
    monkeypatch.undo()
    assert taken(intake, first) == ["stored"]
    assert [case.state for case in cases(db)] == ["CANDIDATE", "CANDIDATE"]
