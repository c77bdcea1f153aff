"""The officer's desk behind the pages: what decides a case, what does not, and that it is decided once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from central_kit import (
    Box,
    decision,
    evidence,
    intake_of,
    open_db,
    person,
    unknown_driver,
    violation,
)
from sqlalchemy import select

from central.accounts.permissions import Permission
from central.accounts.roles import Role
from central.db.cases import Case, CaseLog
from central.db.database import Database
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.media import service as media_service
from central.media.folder import FolderStore
from central.tickets import service
from central.tickets.errors import CaseMissing, Conflict, NotAllowed, Unfit
from contract.events import Clock, EventType, FactSaid, Rule
from contract.sealing import sha256_hex


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


def ready(db: Database, box: Box, intake: Intake, folder: Path, **changes: object) -> str:
    rule = changes.get("rule", Rule.ILLEGAL_PARKING)
    manifest, files = evidence(rule=rule)
    taken(intake, decision(box, violation(**changes)), box.say(EventType.MANIFEST, manifest))
    upload(db, folder / "media", files)
    (case,) = cases(db)
    assert case.state == "REVIEW"
    return case.number


def test_an_officer_approves_once(db, box, intake, tmp_path) -> None:
    number, officer = ready(db, box, intake, tmp_path), person(db)
    with db.read() as session:
        version = service.case(session, number).version
    with db.write() as session:
        view = service.approve(session, number, version, officer, {})
    assert (view.state, view.decided_by, view.actions) == ("APPROVED", "li", [])
    with pytest.raises(Conflict, match="changed by li"), db.write() as session:
        service.reject(session, number, version, officer, "R01", "")
    with pytest.raises(Unfit, match="APPROVED"), db.write() as session:
        service.reject(session, number, view.version, officer, "R01", "")


def test_a_question_must_be_answered_by_name(db, box, intake, tmp_path) -> None:
    number, officer = ready(db, box, intake, tmp_path, unknown=[unknown_driver()]), person(db)
    with db.read() as session:
        version = service.case(session, number).version
    for answers in ({}, {"driver_present": "  "}):
        with pytest.raises(Unfit, match="driver_present"), db.write() as session:
            service.approve(session, number, version, officer, answers)
    with pytest.raises(Unfit, match="does not ask"), db.write() as session:
        service.approve(session, number, version, officer, {"weather": "fine"})
    with db.write() as session:
        view = service.approve(session, number, version, officer, {"driver_present": "absent"})
    assert (view.state, view.questions[0].answer, view.questions[0].answered_by) == ("APPROVED", "absent", "li")


@pytest.mark.parametrize("clock", [Clock(), Clock(offset_ms=900.0, uncertainty_ms=200.0, source="rtcp")])
def test_a_clock_nobody_vouches_for_is_flagged_and_asked(db, box, intake, tmp_path, clock) -> None:
    number, officer = ready(db, box, intake, tmp_path, clock=clock), person(db)
    with db.read() as session:
        view = service.case(session, number)
        # The pack of these tests has neither overlay copies nor a picture of the plate.
        assert service.queue(session).items[0].flags == ["clock", "profile"]
    assert [question.fact for question in view.questions] == ["clock"]
    with pytest.raises(Unfit, match="clock"), db.write() as session:
        service.approve(session, number, view.version, officer, {})


def test_a_rejection_needs_its_reason(db, box, intake, tmp_path) -> None:
    number, officer = ready(db, box, intake, tmp_path, unknown=[unknown_driver()]), person(db)
    version = cases(db)[0].version
    for code, note in (("R17", ""), ("", ""), ("R16", " "), ("R01", "x" * 3000), ("R01", "\ud800")):
        with pytest.raises(Unfit), db.write() as session:
            service.reject(session, number, version, officer, code, note)
    note = "<b>\u202e \U0001f697'; DROP TABLE cases"
    with db.write() as session:
        view = service.reject(session, number, version, officer, "R16", note)
    assert (view.state, view.reason_code, view.note) == ("REJECTED", "R16", note)


@pytest.mark.parametrize("role", list(Role))
def test_who_may_decide_by_the_table_decides_and_others_do_not(db, box, intake, tmp_path, role) -> None:
    number, one = ready(db, box, intake, tmp_path), person(db, "wang", role)
    version = cases(db)[0].version
    if one.may(Permission.CASES_DECIDE):
        with db.write() as session:
            assert service.approve(session, number, version, one, {}).state == "APPROVED"
    else:
        with pytest.raises(NotAllowed), db.write() as session:
            service.approve(session, number, version, one, {})


def test_nothing_is_decided_before_its_evidence_is_there(db, box, intake) -> None:
    taken(intake, decision(box, violation()))
    (case,), officer = cases(db), person(db)
    with pytest.raises(Unfit, match="CANDIDATE"), db.write() as session:
        service.approve(session, case.number, case.version, officer, {})


def test_history_is_only_added_to(db, box, intake) -> None:
    taken(intake, decision(box, violation()))
    with pytest.raises(ValueError, match="only added to"), db.write() as session:
        session.execute(select(CaseLog)).scalar_one().action = "nothing"
    with pytest.raises(ValueError, match="only added to"), db.write() as session:
        session.delete(session.execute(select(CaseLog)).scalar_one())


def test_the_queue_goes_page_by_page(db, box, intake) -> None:
    taken(intake, *[decision(box, violation(f"p{index}")) for index in range(7)])
    seen, after = [], None
    for _ in range(4):
        with db.read() as session:
            page = service.queue(session, state="CANDIDATE", limit=2, after=after)
        seen += [item.number for item in page.items]
        after = page.next
    assert after is None
    assert seen == [f"20261121-000{index}" for index in range(1, 8)]
    assert page.counts == {"CANDIDATE": 7, "REVIEW": 0}
    with db.read() as session:
        view = service.case(session, seen[3])
        assert (view.previous, view.next) == (seen[2], seen[4])
        for number in ("", "x", "20261121-9999", "' OR 1=1", "1" * 5000):
            with pytest.raises(CaseMissing):
                service.case(session, number)
        with pytest.raises(Unfit, match="no state"):
            service.queue(session, state="NONE")


def test_a_plate_on_a_list_keeps_the_case_from_approval_until_a_person_has_looked(
    db: Database, intake: Intake, box: Box, tmp_path: Path
) -> None:
    told = {
        "disabled_permit": FactSaid(
            value="yes", sources=["plate_list"], ask=True, question="Does its permit hold here?"
        ),
        "works_vehicle": FactSaid(value="no", sources=["plate_list"]),
    }
    manifest, files = evidence(facts=told)
    shown = {"works_vehicle": FactSaid(sources=["plate_list"])}
    taken(intake, box.say(EventType.ILLEGAL_PARKING, violation(facts=shown)), box.say(EventType.MANIFEST, manifest))
    upload(db, tmp_path / "media", files)
    (row,) = cases(db)
    officer = person(db)
    with db.read() as session:
        view = service.case(session, row.number)
    assert [one.fact for one in view.questions] == ["disabled_permit"]
    assert {fact: said.value for fact, said in view.facts.items()} == {"disabled_permit": "yes", "works_vehicle": "no"}
    assert view.state == "REVIEW"
    with db.write() as session, pytest.raises(Unfit):
        service.approve(session, row.number, view.version, officer, {})
    with db.write() as session:
        done = service.approve(session, row.number, view.version, officer, {"disabled_permit": "no"})
    assert done.state == "APPROVED"
