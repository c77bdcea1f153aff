"""The review table: every step it allows, every step it forbids, and what no sequence of steps can reach."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.accounts.roles import Role
from central.tickets import states
from central.tickets.errors import NotAllowed, TicketError, Unfit
from central.tickets.guards import UNDO, CaseFacts, Last
from central.tickets.reasons import GROUNDS, REASONS
from central.tickets.review import DECISIONS, TABLE, UNDO_STEP, WORKFLOW
from central.tickets.states import APPROVED, CANDIDATE, ENTERED, EXPIRED, EXPIRING, REVIEW1, REVIEW2
from central.workflow.engine import Workflow
from central.workflow.table import SYSTEM, Actor, Doing, Transition

AT = datetime(2026, 11, 21, tzinfo=UTC)
ROLES = [SYSTEM, *map(str, Role), "officer", ""]
ACTIONS = [*WORKFLOW.actions, "delete", ""]
LI, WANG = 1, 2


def doing(role: str, who: int = WANG, at: datetime = AT) -> Doing:
    return Doing(Actor(None if role == SYSTEM else who, "wang", frozenset({role})), at)


def letting(row: Transition[CaseFacts]) -> CaseFacts:
    """Facts by which nothing stands in the way of this row."""
    facts = CaseFacts(
        manifest=True, sealed=True, seen=True, reason="R01", note="seen on the clip", ground="G7", verified=True,
        first_by=LI, judges=frozenset({LI}), keep_until=AT, due=AT + timedelta(days=1),
    )  # fmt: skip
    if row.action == "set aside":
        facts = replace(facts, suppressed=("disabled_permit",))
    if row.action == "verify":
        facts = replace(facts, verified=False)
    if row.action == "notify":
        facts = replace(facts, untold=True)
    if row.action == "extend":
        facts = replace(facts, extensible=True)
    if row.action == "hold":
        facts = replace(facts, held=("clock",))
    if row.action == "expire":
        facts = replace(facts, due=AT)
    if row.action == UNDO_STEP:
        facts = replace(facts, last=Last(row.target, WANG, AT - UNDO + timedelta(seconds=1)))
    return facts


def test_the_states_are_those_of_the_domain() -> None:
    named = {value for name, value in vars(states).items() if name.isupper() and isinstance(value, str)}
    assert set(WORKFLOW.states) == named
    assert WORKFLOW.initial == CANDIDATE


@pytest.mark.parametrize(("state", "action"), list(itertools.product(WORKFLOW.states, ACTIONS)))
def test_only_what_the_table_says_is_possible(state: str, action: str) -> None:
    rows = [row for row in TABLE if (row.source, row.action) == (state, action)]
    for role in ROLES:
        for row in rows:
            if role in row.by:
                assert WORKFLOW.step(state, action, letting(row), doing(role), to=row.target) is row
            else:
                with pytest.raises(NotAllowed):
                    WORKFLOW.step(state, action, letting(row), doing(role), to=row.target)
        if not rows:
            with pytest.raises(Unfit, match="cannot be moved"):
                WORKFLOW.step(state, action, CaseFacts(), doing(role))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.source}-{row.action}-{row.target}")
def test_each_guard_of_each_row_can_say_no(row: Transition[CaseFacts]) -> None:
    """Nothing, said by nobody in time: whatever has a guard is refused by it."""
    role = next(iter(sorted(row.by)))
    last = Last("elsewhere", LI, AT)
    for guard in row.guards:
        worse = [
            CaseFacts(last=last, due=AT, seen=False, missing_media=1, unanswered=("x",), differs=("type",)),
            CaseFacts(suppressed=("x",), held=("clock",), first_by=WANG, judges=frozenset({WANG})),
            CaseFacts(due=AT + timedelta(days=1), verified=True),
            CaseFacts(untold=True, upheld=True, extended=True),
        ]
        assert any(guard(facts, doing(role)) for facts in worse), guard


facts = st.builds(
    CaseFacts,
    manifest=st.booleans(),
    missing_media=st.integers(0, 1),
    sealed=st.booleans(),
    held=st.sampled_from([(), ("clock",)]),
    seen=st.booleans(),
    suppressed=st.sampled_from([(), ("disabled_permit",)]),
    unanswered=st.sampled_from([(), ("driver_present",)]),
    reason=st.sampled_from([None, "R01", "R16", "R17"]),
    ground=st.sampled_from([None, *GROUNDS, "G9"]),
    note=st.sampled_from(["", "because"]),
    verified=st.booleans(),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ACTIONS), st.sampled_from(ROLES), st.integers(1, 3), facts, st.integers(0, 15_000),
            st.sampled_from(WORKFLOW.states),
        ),
        max_size=25,
    )
)  # fmt: skip
def test_nothing_is_approved_but_by_two_people_nor_entered_after_its_deadline(
    steps: list[tuple[str, str, int, CaseFacts, int, str]],
) -> None:
    """Facts of who did what are kept here as the service keeps them; everything else is drawn anew for each step."""
    state, at, last = WORKFLOW.initial, AT, None
    first: int | None = None
    looks: list[int] = []
    due = AT + timedelta(hours=8)
    for action, role, who, seen, later, to in steps:
        at += timedelta(seconds=later)
        by = None if role == SYSTEM else who
        drawn = replace(seen, first_by=first, judges=frozenset(looks), last=last, due=due)
        wanted = to if action == UNDO_STEP else None
        try:
            row = WORKFLOW.step(state, action, drawn, Doing(Actor(by, "x", frozenset({role})), at), to=wanted)
        except TicketError as refusal:
            assert str(refusal)
            continue
        before, state = state, row.target
        last = Last(before, by, at) if action in DECISIONS else None
        if (before, action) == (REVIEW1, "approve"):
            first, looks = by, [*([by] if by else [])]
        elif state == REVIEW1:
            first, looks = None, []
        elif (before, action) == (REVIEW2, "approve"):
            looks = [*looks, *([by] if by else [])]
        elif (action, state) == (UNDO_STEP, REVIEW2):
            looks = looks[:1]
            first = looks[0] if looks else None
        if state == APPROVED:
            assert len(looks) == 2 and len(set(looks)) == 2 and at < due and seen.seen and not seen.unanswered
        if state == ENTERED:
            assert at < due
        if state == EXPIRED:
            assert at >= due and before in EXPIRING
        assert before != EXPIRED or state == states.ARCHIVED


def test_a_rejection_needs_one_of_the_codes_and_words_where_the_code_has_none() -> None:
    for code in (*REASONS, "R17", None, ""):
        for note in ("", "  ", "because"):
            given_ = CaseFacts(seen=True, reason=code, note=note)
            if code in REASONS and (code != "R16" or note.strip()):
                assert WORKFLOW.step(REVIEW1, "reject", given_, doing("reviewer")).target == states.REJECTED
            else:
                with pytest.raises(Unfit, match="R16"):
                    WORKFLOW.step(REVIEW1, "reject", given_, doing("reviewer"))


def test_two_rows_that_disagree_are_no_table() -> None:
    row: Transition[CaseFacts] = TABLE[0]
    with pytest.raises(ValueError, match="two rows"):
        Workflow(CANDIDATE, [row, row])
