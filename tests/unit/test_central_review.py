"""The review table: every step it allows, every step it forbids, and what no sequence of steps can reach."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.tickets.errors import NotAllowed, TicketError, Unfit
from central.tickets.review import APPROVED, CANDIDATE, REASONS, REJECTED, REVIEW, TABLE, WORKFLOW, CaseFacts
from central.workflow.engine import Workflow
from central.workflow.table import SYSTEM, Actor, Doing, Transition

GOOD = CaseFacts(manifest=True, sealed=True, reason="R01")
EXEMPT = CaseFacts(manifest=True, sealed=True, suppressed=("disabled_permit",))
ACTIONS = ["evidence complete", "set aside", "approve", "reject", "delete", ""]
ROLES = [SYSTEM, "officer", "auditor", "admin", ""]


def doing(role: str) -> Doing:
    return Doing(Actor(1, "li", frozenset({role})), datetime(2026, 11, 21, tzinfo=UTC))


facts = st.builds(
    CaseFacts,
    manifest=st.booleans(),
    missing_media=st.integers(0, 3),
    sealed=st.booleans(),
    suppressed=st.sampled_from([(), ("disabled_permit",)]),
    unanswered=st.lists(st.sampled_from(["driver_present", "clock"]), max_size=2).map(tuple),
    reason=st.one_of(st.none(), st.sampled_from([*REASONS, "R17", ""])),
    note=st.text(max_size=5),
)


def test_the_states_are_these() -> None:
    assert WORKFLOW.states == (CANDIDATE, REVIEW, APPROVED, REJECTED)


@pytest.mark.parametrize(("state", "action", "role"), list(itertools.product(WORKFLOW.states, ACTIONS, ROLES)))
def test_only_what_the_table_says_is_possible(state: str, action: str, role: str) -> None:
    allowed = {(row.source, row.action): row for row in TABLE}
    row = allowed.get((state, action))
    if row is not None and role in row.by:
        assert WORKFLOW.step(state, action, EXEMPT if action == "set aside" else GOOD, doing(role)).target == row.target
    else:
        with pytest.raises(NotAllowed if row else Unfit):
            WORKFLOW.step(state, action, GOOD, doing(role))


def test_whose_vehicle_is_exempt_is_set_aside_and_nobody_elses_case() -> None:
    with pytest.raises(Unfit, match="its vehicle is exempt: disabled_permit"):
        WORKFLOW.step(CANDIDATE, "evidence complete", EXEMPT, doing(SYSTEM))
    with pytest.raises(Unfit, match="nothing exempts its vehicle"):
        WORKFLOW.step(CANDIDATE, "set aside", GOOD, doing(SYSTEM))
    with pytest.raises(Unfit, match="seal"):
        WORKFLOW.step(CANDIDATE, "set aside", replace(EXEMPT, sealed=False), doing(SYSTEM))


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(ROLES), facts), max_size=8))
def test_nothing_is_approved_but_by_an_officer_with_all_evidence_and_every_answer(
    steps: list[tuple[str, str, CaseFacts]],
) -> None:
    state, complete = WORKFLOW.initial, False
    for action, role, seen in steps:
        before = state
        try:
            state = WORKFLOW.step(state, action, seen, doing(role)).target
        except TicketError as refusal:
            assert str(refusal)
            continue
        if state == REVIEW:
            complete = seen.manifest and seen.missing_media == 0 and seen.sealed and not seen.suppressed
        if state == APPROVED:
            assert (before, role, complete, seen.unanswered) == (REVIEW, "officer", True, ())
        if state == REJECTED:
            assert (before, role) in {(REVIEW, "officer"), (CANDIDATE, SYSTEM)}
            assert before == REVIEW or (seen.suppressed and seen.sealed and seen.manifest)
            assert before == CANDIDATE or seen.reason in REASONS
        assert before not in {APPROVED, REJECTED}


@pytest.mark.parametrize(
    ("state", "action", "role", "seen", "words"),
    [
        (CANDIDATE, "evidence complete", SYSTEM, CaseFacts(sealed=True), "manifest"),
        (CANDIDATE, "evidence complete", SYSTEM, CaseFacts(manifest=True, sealed=True, missing_media=2), "2 of"),
        (CANDIDATE, "evidence complete", SYSTEM, CaseFacts(manifest=True), "seal"),
        (REVIEW, "approve", "officer", CaseFacts(unanswered=("driver_present",)), "driver_present"),
        (REVIEW, "reject", "officer", CaseFacts(), "R01 to R16"),
        (REVIEW, "reject", "officer", CaseFacts(reason="R16"), "note"),
    ],
)
def test_each_guard_says_what_stands_in_the_way(
    state: str, action: str, role: str, seen: CaseFacts, words: str
) -> None:
    with pytest.raises(Unfit, match=words):
        WORKFLOW.step(state, action, seen, doing(role))


def test_two_rows_that_disagree_are_no_table() -> None:
    row: Transition[CaseFacts] = TABLE[0]
    with pytest.raises(ValueError, match="two rows"):
        Workflow(CANDIDATE, [row, row])
