"""Whatever people do in whatever order, at whatever time: what no sequence of actions may bring about.

Against the real service and a real database. The test keeps its own account of who opened what and who decided when;
it does not ask the code for it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import AT, Box, person, unknown_driver
from desk_kit import Time, faults, waiting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.ledger.key import office_key
from central.tickets import corrections, decisions, expiry, looks, queue
from central.tickets.errors import TicketError
from central.tickets.standing import standing

#: So many cases are taken in at once; each example has one to itself.
POOL = 120
STAFF = {
    "li": Role.REVIEWER, "wang": Role.SECOND_REVIEWER, "chen": Role.CHIEF, "zhao": Role.CHIEF, "zhou": Role.AUDITOR,
    "both": (Role.REVIEWER, Role.SECOND_REVIEWER),
}  # fmt: skip
LOOKING = ("approve", "reject", "send back", "ask", "resume")
LATER = ("enter", "notify", "handle", "appeal", "verify", "cancel", "uphold")
#: Ways in from which everything goes on: who does what, each with the page open and ten seconds later.
_APPEAL = (("li", "approve"), ("wang", "approve"), ("li", "enter"), ("li", "appeal"), ("zhao", "verify"))
WAYS = (
    (), (("li", "approve"),), (("li", "approve"), ("wang", "approve")), (("li", "ask"),),
    (("li", "approve"), ("wang", "send back")), (("li", "approve"), ("wang", "reject")),
    _APPEAL, (*_APPEAL, ("wang", "uphold")), (*_APPEAL, ("li", "cancel")), (*_APPEAL, ("chen", "cancel")),
    (("both", "approve"), ("both", "approve")), (("chen", "approve"), ("chen", "approve")),
)  # fmt: skip
STEP = st.tuples(
    st.sampled_from(sorted(STAFF)),
    st.sampled_from(["open", "open", *LOOKING, *LOOKING, "approve", "undo", "undo", "correct", *LATER, "expire"]),
    st.sampled_from([0.0, 0.0, 1.0, 9.5, 11.0, 11.0, 11.0, 3 * 86_400.0, 20 * 86_400.0]),
    st.sampled_from([0, 0, 0, 0, 1]),
    st.sampled_from(["absent", "present", ""]),
    # Somebody has it open before; somebody opens it, decides it and thinks better of it.
    st.sampled_from(["", "open", "open", "hasty"]),
)


@dataclass(frozen=True)
class Stand:
    """A row as a person can see it."""

    state: str
    due: object
    sort: object
    reason: str | None
    ground: str | None
    first: tuple[str | None, int | None]
    decided: tuple[str | None, int | None, object]
    answers: tuple[tuple[str, str | None, str | None], ...]
    version: int
    lines: int
    corrected: tuple[tuple[str, str], ...]

    def but(self) -> tuple[object, ...]:
        """What undo gives back: all but versions, lines, and what was corrected meanwhile."""
        return self.state, self.due, self.sort, self.reason, self.ground, self.first, self.decided, self.answers


@dataclass
class Account:
    """The test's own account of one case."""

    opened: set[str] = field(default_factory=set)
    passed_by: str | None = None
    #: Who decided last, when, and how the case stood before: while it can be taken back.
    last: tuple[str, object, Stand] | None = None


class Office:
    def __init__(self, db: Database) -> None:
        self.db = db
        box = Box()
        box.enrol(db)
        self.people = {name: person(db, name, role) for name, role in STAFF.items()}
        self.names = {one.id: name for name, one in self.people.items()}
        self.fresh = (
            number
            for first in itertools.count(0, POOL)
            for number in waiting(db, box, POOL, first, unknown=[unknown_driver()])
        )

    def stand(self, number: str) -> Stand:
        with self.db.read() as session:
            return _stand(queue.found(session, number))


def _stand(row: Case) -> Stand:
    told = standing(row.history)
    assert (row.state, row.first_by, row.first_by_id) == (told.state, told.first_by, told.first_by_id)
    assert (row.decided_by, row.decided_by_id, row.decided_at) == (told.decided_by, told.decided_by_id, told.decided_at)
    assert (row.reason_code, row.ground, dict(row.corrected)) == (told.reason, told.ground, dict(told.corrected))
    answers = {one.fact: one.answer for one in row.questions if one.answer is not None}
    assert answers == {fact: said.text for fact, said in told.answers.items()}
    assert not told.due_told or row.due_at == told.due
    return Stand(
        row.state, row.due_at, row.sort_at, row.reason_code, row.ground, (row.first_by, row.first_by_id),
        (row.decided_by, row.decided_by_id, row.decided_at),
        tuple((one.fact, one.answer, one.answered_by) for one in row.questions),
        row.version, len(row.history), tuple(sorted(row.corrected.items())),
    )  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    if request.param == "sqlite":
        yield from _office(f"sqlite:///{folder}/central.sqlite", folder)
        return
    yield from _office(request.getfixturevalue("postgres").create("any_order"), folder)


def _office(url: str, folder: Path) -> Iterator[Office]:
    db = Database(url)
    migrate.upgrade(db)
    yield Office(db)
    # After everything that was tried: the ledger, the histories and the rows agree.
    with db.read() as session:
        key = office_key(session, folder / "office.jwk")
    found = faults(db, key, folder / "none")
    db.close()
    assert found == []


def _check(office: Office, way: tuple[tuple[str, str], ...], steps: list[tuple]) -> None:
    number = next(office.fresh)
    account, time = Account(), Time(AT + timedelta(hours=30))
    with time.running():
        for name, action in way:
            time.go(11)
            _do(office, account, time, number, (name, "open", 0.0, 0, "absent"))
            _do(office, account, time, number, (name, action, 0.0, 0, "absent"))
        for step in steps:
            time.go(step[2])
            before = ("open",) if step[5] else ()
            behind = ("undo",) if step[5] == "hasty" and step[1] in LOOKING else ()
            for action in (*before, step[1], *behind):
                _do(office, account, time, number, (step[0], action, 0.0, *step[3:5]))


def _do(office: Office, account: Account, time: Time, number: str, step: tuple) -> None:
    name, action, _, behind, answer = step
    before = office.stand(number)
    try:
        done = _acted(office.db, office.people[name], number, action, before.version - behind, answer)
    except TicketError:
        assert office.stand(number) == before, f"{action} was refused and changed something"
        return
    after = office.stand(number)
    if action == "open":
        account.opened.add(name)
        assert after == before
    elif done:
        _held(account, time, name, action, behind, before, after)


def _acted(db: Database, user: SignedInUser, number: str, action: str, version: int, answer: str) -> bool:
    with db.write() as session:
        if action == "open":
            looks.page(session, queue.found(session, number).id, user.id, looks.Why.OPENED, [])
        elif action == "expire":
            return expiry.expire(session) > 0
        elif action == "approve":
            decisions.approve(session, number, version, user, {"driver_present": answer} if answer else {}, "so")
        elif action == "reject":
            decisions.reject(session, number, version, user, "R03")
        elif action == "undo":
            decisions.undo(session, number, user)
        elif action == "correct":
            corrections.correct(session, number, version, user, "color", {"absent": "red"}.get(answer, "white"))
        else:
            decisions.step(session, number, version, user, action, note="so", ground="G7")
    return True


def _held(account: Account, time: Time, name: str, action: str, behind: int, before: Stand, after: Stand) -> None:
    """What must be so after an action that was taken."""
    if action == "expire":
        if after != before:
            assert (after.state, before.due is not None and time.now >= before.due) == ("EXPIRED", True)
            account.last = None
        return
    assert name != "zhou", "an auditor changed a case"
    assert before.state not in {"EXPIRED", "ARCHIVED"}, f"{action} on a case that is locked"
    assert (behind, after.version > before.version, after.lines > before.lines) == (behind, True, True)
    assert behind == 0 or action == "undo", "decided in a version that was not seen"
    if action == "undo":
        assert account.last is not None
        who, at, stood = account.last
        assert who == name and time.now < at + timedelta(seconds=10), "taken back by another, or too late"
        assert after.but() == stood.but(), "undo did not give back what was"
        account.last = None
        account.passed_by = after.first[0]
        account.opened &= {name}
        return
    _decided(account, time, name, action, before, after)
    account.passed_by = name if after.state == "REVIEW2" else None if after.state == "REVIEW1" else account.passed_by
    account.last = (name, time.now, before) if action in LOOKING else None
    # What others had open is no more what stands there.
    account.opened &= {name}


def _decided(account: Account, time: Time, name: str, action: str, before: Stand, after: Stand) -> None:
    if action in {*LOOKING, "correct", "enter"}:
        last = account.last
        assert last is None or time.now >= last[1] + timedelta(seconds=10), f"{action} while it could be taken back"
    if action in {*LOOKING, "correct", "enter"}:
        assert before.due is None or time.now < before.due, f"{action} after its time"
    if action in {*LOOKING, "correct"}:
        assert name in account.opened, f"{action} by somebody who has not had it open since others moved it"
    assert action != "approve" or after.answers[0][1], "approved with an open question"
    if after.state == "APPROVED":
        assert account.passed_by not in {None, name}, "approved by one person"
    if action == "verify":
        assert after.ground == "G7"
    if action in {"cancel", "uphold"}:
        assert name not in {before.first[0], before.decided[0]}, "who decided it answers the appeal"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in(office: Office, way: tuple) -> None:
    _check(office, way, [("chen", "approve", 11.0, 1, "present", "open"), ("li", "approve", 0.0, 0, "", "open")])


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(WAYS), st.lists(STEP, max_size=14))
def test_no_order_of_actions_brings_about_what_must_not_be(office: Office, way: tuple, steps: list) -> None:
    _check(office, way, steps)


@pytest.mark.long
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(WAYS), st.lists(STEP, max_size=40))
def test_nor_does_any_of_many_more(office: Office, way: tuple, steps: list) -> None:
    _check(office, way, steps)


def test_an_answer_that_is_taken_back_is_again_the_one_of_before(office: Office) -> None:
    _check(
        office,
        (("li", "approve"), ("wang", "send back")),
        [("chen", "approve", 11.0, 0, "present", "hasty"), ("chen", "approve", 11.0, 0, "present", "open")],
    )
