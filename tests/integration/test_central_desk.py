"""The officer's desk behind the pages: what decides a case, what does not, and that it is decided once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import (
    DAY,
    Box,
    decision,
    evidence,
    intake_of,
    later,
    looked,
    open_db,
    person,
    unknown_driver,
    violation,
)
from sqlalchemy import select

from central.accounts.roles import Role
from central.clock import clock_of
from central.db.cases import Case, CaseLog
from central.db.database import Database
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.ledger import audit_cases
from central.media import service as media_service
from central.media.folder import FolderStore
from central.tickets import corrections, decisions, expiry, looks, service
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


def ready(db: Database, box: Box, intake: Intake, folder: Path, state: str = "REVIEW1", **changes: object) -> str:
    rule = changes.get("rule", Rule.ILLEGAL_PARKING)
    manifest, files = evidence(rule=rule)
    taken(intake, decision(box, violation(**changes)), box.say(EventType.MANIFEST, manifest))
    upload(db, folder / "media", files)
    (case,) = cases(db)
    assert case.state == state
    return case.number


def test_two_officers_approve_each_once(db, box, intake, tmp_path) -> None:
    number, li, wang = ready(db, box, intake, tmp_path), person(db), person(db, "wang")
    version = looked(db, li, number)
    with db.write() as session:
        row = decisions.approve(session, number, version, li, {})
        assert (row.state, row.first_by, row.decided_by) == ("REVIEW2", "li", "li")
        passed_on = row.version
    with pytest.raises(Conflict, match="changed by li"), db.write() as session:
        decisions.reject(session, number, version, li, "R01", "")
    with later(11), pytest.raises(Unfit, match="the second is another person's"), db.write() as session:
        decisions.approve(session, number, passed_on, li, {})
    with later(11), pytest.raises(Unfit, match="never opened as it stands"), db.write() as session:
        decisions.approve(session, number, passed_on, wang, {})
    assert looked(db, wang, number) == passed_on
    with pytest.raises(Unfit, match="may still be taken back"), db.write() as session:
        decisions.approve(session, number, passed_on, wang, {})
    with later(11), db.write() as session:
        row = decisions.approve(session, number, passed_on, wang, {})
        assert (row.state, row.first_by, row.decided_by) == ("APPROVED", "li", "wang")
        done = row.version
    with later(22), pytest.raises(Unfit, match="APPROVED"), db.write() as session:
        decisions.reject(session, number, done, wang, "R01", "")


def test_a_question_must_be_answered_by_name_and_at_the_first_look(db, box, intake, tmp_path) -> None:
    number = ready(db, box, intake, tmp_path, unknown=[unknown_driver()])
    li, wang = person(db), person(db, "wang")
    version = looked(db, li, number)
    for answers in ({}, {"driver_present": "  "}):
        with pytest.raises(Unfit, match="driver_present"), db.write() as session:
            decisions.approve(session, number, version, li, answers)
    with pytest.raises(Unfit, match="does not ask"), db.write() as session:
        decisions.approve(session, number, version, li, {"weather": "fine"})
    with db.write() as session:
        row = decisions.approve(session, number, version, li, {"driver_present": "absent"})
        assert (row.questions[0].answer, row.questions[0].answered_by) == ("absent", "li")
    version = looked(db, wang, number)
    with later(11), pytest.raises(Unfit, match="answered at the first look"), db.write() as session:
        decisions.approve(session, number, version, wang, {"driver_present": "present"})
    with later(11), db.write() as session:
        assert decisions.approve(session, number, version, wang, {"driver_present": "absent"}).state == "APPROVED"


def test_what_was_decided_is_taken_back_by_who_decided_it_for_ten_seconds(db, box, intake, tmp_path) -> None:
    number = ready(db, box, intake, tmp_path, unknown=[unknown_driver()])
    li, wang = person(db), person(db, "wang")
    before = cases(db)[0]
    version = looked(db, li, number)
    with db.write() as session:
        decisions.approve(session, number, version, li, {"driver_present": "absent"})
    with pytest.raises(Unfit, match="only who decided it"), db.write() as session:
        decisions.undo(session, number, wang)
    with later(10.1), pytest.raises(Unfit, match="it is final"), db.write() as session:
        decisions.undo(session, number, li)
    with later(9), db.write() as session:
        row = decisions.undo(session, number, li)
        assert (row.state, row.decided_by, row.first_by, row.questions[0].answer) == ("REVIEW1", None, None, None)
        assert (row.due_at, row.reason_code, row.note) == (before.due_at, None, None)
        assert [line.action for line in row.history][-2:] == ["approve", "undo"]
    with pytest.raises(Unfit, match="no decision to take back"), db.write() as session:
        decisions.undo(session, number, li)


def test_what_is_sent_back_or_asked_for_comes_again_and_says_why(db, box, intake, tmp_path) -> None:
    number, li, wang = ready(db, box, intake, tmp_path), person(db), person(db, "wang")
    version = looked(db, li, number)
    with pytest.raises(Unfit, match="say in a note"), db.write() as session:
        decisions.ask(session, number, version, li, " ")
    with db.write() as session:
        assert decisions.ask(session, number, version, li, "the sign is hidden").state == "NEEDS_MORE"
    with later(11), db.write() as session:
        assert decisions.resume(session, number, version + 1, li, "seen on the spot").state == "REVIEW1"
    with later(22), db.write() as session:
        decisions.approve(session, number, version + 2, li, {})
    with later(33):
        looked(db, wang, number)
        with db.write() as session:
            row = decisions.send_back(session, number, version + 3, wang, "which car?")
            assert (row.state, row.first_by, row.note) == ("REVIEW1", None, "which car?")
    # The one who sent it back may look first now, and then somebody else looks second.
    with later(44), db.write() as session:
        assert decisions.approve(session, number, version + 4, wang, {}).first_by == "wang"
    with later(55), pytest.raises(Unfit, match="another person's"), db.write() as session:
        decisions.approve(session, number, version + 5, wang, {})
    with later(55), pytest.raises(Unfit, match="was never opened as it stands"), db.write() as session:
        decisions.approve(session, number, version + 5, li, {})
    with later(55):
        looked(db, li, number)
        with db.write() as session:
            assert decisions.approve(session, number, version + 5, li, {}).state == "APPROVED"


def test_what_the_second_look_gives_back_has_the_time_of_the_second(db, box, intake, tmp_path) -> None:
    number, li, wang = ready(db, box, intake, tmp_path), person(db), person(db, "wang")
    first_due = cases(db)[0].due_at
    version = looked(db, li, number)
    with db.write() as session:
        row = decisions.approve(session, number, version, li, {})
        version, second_due = row.version, row.due_at
    assert first_due is not None and second_due is not None and first_due < second_due
    moment = first_due + timedelta(hours=1)
    with clock_of(lambda: moment):
        looked(db, wang, number)
        with db.write() as session:
            row = decisions.send_back(session, number, version, wang, "which car?")
            assert (row.state, row.due_at) == ("REVIEW1", second_due)
            version = row.version
        assert expiry.rounds(db) == 0
    with clock_of(lambda: moment + timedelta(seconds=11)):
        looked(db, li, number)
        with db.write() as session:
            # What is asked for and resumed wins nobody a day, and costs none.
            assert decisions.ask(session, number, version, li, "the sign").due_at == second_due
    with clock_of(lambda: moment + timedelta(seconds=15)), db.write() as session:
        row = decisions.undo(session, number, li)
        assert (row.state, row.due_at) == ("REVIEW1", second_due)
    with db.read() as session:
        assert list(audit_cases.cases(session)) == []


def test_nobody_takes_a_decision_back_into_a_step_that_is_locked(db, box, intake, tmp_path) -> None:
    number, li = ready(db, box, intake, tmp_path), person(db)
    version, due = looked(db, li, number), cases(db)[0].due_at
    with clock_of(lambda: due - timedelta(seconds=5)), db.write() as session:
        decisions.approve(session, number, version, li, {})
    with clock_of(lambda: due), pytest.raises(Unfit, match="the step before it has ended"), db.write() as session:
        decisions.undo(session, number, li)


def test_an_answer_that_was_taken_back_is_the_one_before_it(db, box, intake, tmp_path) -> None:
    number = ready(db, box, intake, tmp_path, unknown=[unknown_driver()])
    li, wang = person(db), person(db, "wang")
    version = looked(db, li, number)
    with db.write() as session:
        version = decisions.ask(session, number, version, li, "who was there?").version
    with later(11), db.write() as session:
        version = decisions.resume(session, number, version, li, "asked").version
    with later(22), db.write() as session:
        version = decisions.approve(session, number, version, li, {"driver_present": "absent"}).version
    with later(33):
        looked(db, wang, number)
        with db.write() as session:
            row = decisions.send_back(session, number, version, wang, "look again")
            # Whoever looks first looks anew, and vouches for nothing that another one said.
            assert row.questions[0].answer is None
            version = row.version
    with later(44):
        looked(db, li, number)
        with db.write() as session:
            decisions.approve(session, number, version, li, {"driver_present": "present"})
        with db.write() as session:
            assert decisions.undo(session, number, li).questions[0].answer is None
    with db.read() as session:
        assert list(audit_cases.cases(session)) == []


def test_what_nobody_decides_in_time_is_locked(db, box, intake, tmp_path) -> None:
    number, li = ready(db, box, intake, tmp_path), person(db)
    version = looked(db, li, number)
    due = cases(db)[0].due_at
    assert due is not None
    with clock_of(lambda: due), pytest.raises(Unfit, match="the time for this step ended"), db.write() as session:
        decisions.approve(session, number, version, li, {})
    with clock_of(lambda: due - timedelta(seconds=1)):
        assert expiry.rounds(db) == 0
    with clock_of(lambda: due):
        assert (expiry.rounds(db), expiry.rounds(db)) == (1, 0)
    (row,) = cases(db)
    assert row.state == "EXPIRED"
    with pytest.raises(Unfit, match="EXPIRED"), db.write() as session:
        decisions.approve(session, number, row.version, li, {})


@pytest.mark.parametrize("clock", [Clock(), Clock(offset_ms=900.0, uncertainty_ms=200.0, source="rtcp")])
def test_a_clock_nobody_vouches_for_is_held_flagged_and_asked(db, box, intake, tmp_path, clock) -> None:
    officer = person(db)
    number = ready(db, box, intake, tmp_path, clock=clock, state="NEEDS_MORE")
    with db.read() as session:
        view = service.case(session, number, None)
        # The pack of these tests has neither overlay copies nor a picture of the plate.
        assert service.queue(session, state="NEEDS_MORE").items[0].flags == ["clock", "profile"]
    assert [question.fact for question in view.questions] == ["clock"]
    version = looked(db, officer, number)
    with pytest.raises(Unfit, match="NEEDS_MORE"), db.write() as session:
        decisions.approve(session, number, version, officer, {})
    with db.write() as session:
        decisions.resume(session, number, version, officer, "the control room's clock is in the picture")
    with later(11), pytest.raises(Unfit, match="clock"), db.write() as session:
        decisions.approve(session, number, version + 1, officer, {})


def test_a_rejection_needs_its_reason(db, box, intake, tmp_path) -> None:
    number, officer = ready(db, box, intake, tmp_path, unknown=[unknown_driver()]), person(db)
    version = looked(db, officer, number)
    for code, note in (("R17", ""), ("", ""), ("R16", " "), ("R01", "x" * 3000), ("R01", "\ud800")):
        with pytest.raises(Unfit), db.write() as session:
            decisions.reject(session, number, version, officer, code, note)
    note = "<b>\u202e \U0001f697'; DROP TABLE cases"
    with db.write() as session:
        row = decisions.reject(session, number, version, officer, "R16", note)
        assert (row.state, row.reason_code, row.note) == ("REJECTED", "R16", note)


@pytest.mark.parametrize("role", list(Role))
def test_who_may_decide_by_the_table_decides_and_others_do_not(db, box, intake, tmp_path, role) -> None:
    number, one = ready(db, box, intake, tmp_path), person(db, "wang", role)
    version = looked(db, one, number)
    if role in {Role.REVIEWER, Role.CHIEF}:
        with db.write() as session:
            assert decisions.approve(session, number, version, one, {}).state == "REVIEW2"
    else:
        with pytest.raises(NotAllowed), db.write() as session:
            decisions.approve(session, number, version, one, {})


def test_what_a_person_reads_otherwise_stands_beside_what_the_machine_read(db, box, intake, tmp_path) -> None:
    number, li, wang = ready(db, box, intake, tmp_path), person(db), person(db, "wang")
    version = looked(db, li, number)
    for field, said in (("plate", "12"), ("type", "ship"), ("color", "bright"), ("driver", "x"), ("plate", "\ud800")):
        with pytest.raises(Unfit), db.write() as session:
            corrections.correct(session, number, version, li, field, said)
    with db.write() as session:
        version = corrections.correct(session, number, version, li, "plate", "皖a·195k9").version
    with db.read() as session:
        view = service.case(session, number, li)
    assert (view.vehicle.plate, view.machine.plate, view.corrected) == ("皖A195K9", None, {"plate": "皖A195K9"})
    with db.write() as session:
        version = decisions.approve(session, number, version, li, {}).version
    looked(db, wang, number)
    with later(11), db.write() as session:
        row = corrections.correct(session, number, version, wang, "type", "truck")
        assert (row.state, row.first_by, row.vehicle_class) == ("REVIEW1", None, "truck")
        version = row.version
    # Nobody alone puts a vehicle on an approved case: the correction stays, and both look anew.
    with later(12), pytest.raises(Unfit, match="no decision to take back"), db.write() as session:
        decisions.undo(session, number, wang)
    with later(30 * 86_400), pytest.raises(Unfit, match="the time for this step ended"), db.write() as session:
        corrections.correct(session, number, version, wang, "type", "bus")
    with db.read() as session:
        assert list(audit_cases.cases(session)) == []


def test_who_corrects_has_looked(db, box, intake, tmp_path) -> None:
    number, li = ready(db, box, intake, tmp_path), person(db)
    with pytest.raises(Unfit, match="never opened"), db.write() as session:
        corrections.correct(session, number, cases(db)[0].version, li, "plate", "皖A195K9")


def test_a_page_that_was_only_fetched_ahead_was_not_looked_at(db, box, intake, tmp_path) -> None:
    number, li = ready(db, box, intake, tmp_path), person(db)
    (row,) = cases(db)
    with db.write() as session:
        looks.page(session, row.id, li.id, looks.Why.PREFETCHED, [])
    with pytest.raises(Unfit, match="never opened"), db.write() as session:
        decisions.approve(session, number, row.version, li, {})


@pytest.mark.parametrize(
    "forged",
    [
        "due_at = NULL, sort_at = at_trigger", "sort_at = '2030-01-01 00:00:00.000000'", "note = 'nothing'", "jurisdiction = 'uk'",
        "utc_offset_s = 0", "verdict = 'candidate'", "first_by_id = 77", "decided_by_id = 77", "ground = 'G1'",
        "due_at = '2030-01-01 00:00:00.000000'", "corrected = '{\"plate\": \"x\"}'",
    ],
)  # fmt: skip
def test_the_audit_finds_a_row_that_was_forged(db, box, intake, tmp_path, forged: str) -> None:
    ready(db, box, intake, tmp_path, unknown=[unknown_driver()])
    with db.read() as session:
        assert list(audit_cases.cases(session)) == []
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE cases SET {forged}")
    with db.read() as session:
        assert list(audit_cases.cases(session)) != []


def test_the_audit_finds_a_question_that_was_removed(db, box, intake, tmp_path) -> None:
    ready(db, box, intake, tmp_path, unknown=[unknown_driver()])
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM case_questions")
    with db.read() as session:
        assert any("question was removed" in fault for fault in audit_cases.cases(session))


def test_nothing_is_decided_before_its_evidence_is_there(db, box, intake) -> None:
    taken(intake, decision(box, violation()))
    (case,), officer = cases(db), person(db)
    with pytest.raises(Unfit, match="CANDIDATE"), db.write() as session:
        decisions.approve(session, case.number, case.version, officer, {})


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
    assert seen == [f"{DAY}-000{index}" for index in range(1, 8)]
    assert {state: count for state, count in page.counts.items() if count} == {"CANDIDATE": 7}
    with db.read() as session:
        view = service.case(session, seen[3], None)
        assert (view.previous, view.next) == (seen[2], seen[4])
        for number in ("", "x", f"{DAY}-9999", "' OR 1=1", "1" * 5000):
            with pytest.raises(CaseMissing):
                service.case(session, number, None)
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
        view = service.case(session, row.number, None)
    assert [one.fact for one in view.questions] == ["disabled_permit"]
    assert {fact: said.value for fact, said in view.facts.items()} == {"disabled_permit": "yes", "works_vehicle": "no"}
    assert view.state == "REVIEW1"
    looked(db, officer, row.number)
    with db.write() as session, pytest.raises(Unfit):
        decisions.approve(session, row.number, view.version, officer, {})
    with db.write() as session:
        done = decisions.approve(session, row.number, view.version, officer, {"disabled_permit": "no"})
        assert done.state == "REVIEW2"
