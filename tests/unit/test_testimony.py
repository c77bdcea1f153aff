"""What people and devices say of facts, and what becomes of a decision: suppressed, asked, or left as it is. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import UNKNOWN, Clock
from contract.exempt import ExemptList
from contract.facts import FactRow, load_facts
from contract.jurisdiction import load_profile
from contract.statement import Statement
from edge.rules.decision import Decision, Moment, Outcome, told_of
from edge.rules.policy import Law, Policy
from edge.rules.testimony import Accused, true_time
from tests.unit.test_facts_policy import CAMERA, START, parked, passed

SHANGHAI = ZoneInfo("Asia/Shanghai")
BOX = (10.0, 10.0, 50.0, 50.0)
#: A passage that began at second 10, was decisive at 14, and over at 18.
SPAN: dict[str, Any] = {"first": Moment(10, BOX), "trigger": Moment(14, BOX), "last": Moment(18, BOX)}


def said(fact: str, value: str = "yes", begin: float = 0, end: float | None = 60, **more: Any) -> Statement:
    until = None if end is None else START + timedelta(seconds=end)
    values = {"id": f"{fact}{begin}", "by": "duty-7", "from": START + timedelta(seconds=begin), "until": until}
    return Statement.model_validate({"fact": fact, "value": value, **values, **more})


def judged(decision: Decision, *statements: Statement, lists: Sequence[ExemptList] = ()) -> Decision:
    law = Law(load_profile("cn-default"), load_facts(), lists)
    return Policy(law, CAMERA, SHANGHAI, lambda t: START + timedelta(seconds=t)).judged(decision, statements)


@pytest.mark.parametrize("decision", [parked(**SPAN), passed(**SPAN)])
def test_an_officer_who_directed_at_the_decisive_instant_acquits_and_is_named(decision: Decision) -> None:
    done = judged(decision, said("officer_directing", begin=14, end=15))
    assert (done.outcome, done.suppression) == (Outcome.SUPPRESSED, ("officer_directing",))
    assert "officer_directing is yes, said by duty-7" in done.reason
    fact = done.facts["officer_directing"]
    assert (fact.value, fact.source, fact.by, fact.at) == ("yes", "mqtt", "duty-7", START + timedelta(seconds=14))


@pytest.mark.parametrize(("begin", "end"), [(0, 12), (14.5, 60), (0, 14)])
def test_one_who_directed_for_another_part_of_it_is_asked_about(begin: float, end: float) -> None:
    done = judged(passed(**SPAN), said("officer_directing", begin=begin, end=end))
    assert done.verdict == "needs_human" and [one.fact for one in done.unknown] == ["officer_directing"]
    assert "duty-7 said that officer_directing is yes, from 10:00:" in done.unknown[0].question
    assert "duty-7 said" in done.reason
    fact = done.facts["officer_directing"]
    assert (fact.value, fact.ask, fact.by) == (UNKNOWN, True, "duty-7")


@pytest.mark.parametrize(
    "statement",
    [
        said("officer_directing", begin=0, end=9),
        said("officer_directing", begin=18.5, end=60),
        said("officer_directing", camera_id="cam-1", zone_id="kerb"),
        said("officer_directing", value="no", begin=0, end=12),
        said("driver_present", value="absent"),
        said("emergency_on_task", value="no"),
    ],
)
def test_what_was_said_of_another_time_or_place_changes_nothing(statement: Statement) -> None:
    assert judged(passed(**SPAN), statement) == judged(passed(**SPAN))


def test_without_a_word_the_fact_is_unknown_and_nobody_is_named() -> None:
    fact = judged(passed(**SPAN)).facts["officer_directing"]
    assert (fact.value, fact.source, fact.by, fact.at) == (UNKNOWN, None, None, None)


def test_two_who_contradict_each_other_are_for_a_person() -> None:
    no = said("officer_directing", value="no", begin=1, by="control room")
    done = judged(passed(**SPAN), said("officer_directing"), no)
    assert done.verdict == "needs_human"
    assert "duty-7 said" in done.unknown[0].question and "control room said" in done.unknown[0].question


@pytest.mark.parametrize("fact", ["emergency_on_task", "works_vehicle"])
@pytest.mark.parametrize(
    ("named", "known", "outcome", "asks"),
    [
        ("沪A·B1234", "沪AB1234", Outcome.SUPPRESSED, False),
        ("沪AB1234", None, Outcome.VIOLATION, True),
        (None, "沪AB1234", Outcome.VIOLATION, True),
        ("沪AB1234", "沪AB1235", Outcome.VIOLATION, False),
    ],
)
def test_a_word_about_a_vehicle_acquits_the_one_with_that_plate(
    fact: str, named: str | None, known: str | None, outcome: Outcome, asks: bool
) -> None:
    more = {"plate": named} if named else {}
    done = judged(parked(**SPAN, plate=known), said(fact, **more))
    assert done.outcome is outcome
    assert [one.fact for one in done.unknown] == ([fact] if asks else [])


def test_a_list_that_names_the_plate_comes_before_a_word_and_a_list_that_does_not_after_it() -> None:
    decision = parked(**SPAN, plate="沪AB1234")
    on, off = ExemptList("works_vehicle", {"沪AB1234": None}), ExemptList("works_vehicle", {})
    word = said("works_vehicle", plate="沪AB1234")
    assert judged(decision, said("works_vehicle", "no", plate="沪AB1234"), lists=[on]).outcome is Outcome.SUPPRESSED
    assert judged(decision, word, lists=[off]).facts["works_vehicle"].source == "mqtt"
    assert judged(decision, lists=[off]).facts["works_vehicle"].source == "plate_list"


def test_a_plate_read_after_the_decision_finds_what_was_said_of_it() -> None:
    law = Law(load_profile("cn-default"), load_facts())
    times = [START + timedelta(seconds=t) for t in (10, 14, 18)]
    accused = Accused("illegal_parking", "kerb", times[0], times[1], times[2], START.date(), "沪AB1234")
    tells = law.of_plate(accused, [said("emergency_on_task", plate="沪A·B1234"), said("works_vehicle")])
    assert tells.suppression == ("emergency_on_task",)
    assert tells.facts["emergency_on_task"].by == "duty-7"
    assert "works_vehicle" not in tells.facts  # asked at the decision already; the plate tells nothing more


def test_the_light_is_named_with_its_device_or_the_file_that_told_it() -> None:
    red = passed(**SPAN, zone_id="lit", told=told_of(None, "pedestrian_green"))
    told = said("signal_state", "pedestrian_green", 13, None, camera_id="cam-1", zone_id="lit", by="sensor s-7")
    fact = judged(red, told).facts["signal_state"]
    assert (fact.source, fact.by, fact.at) == ("mqtt", "sensor s-7", START + timedelta(seconds=13))
    assert judged(red).facts["signal_state"].source == "objects"


def test_true_time_takes_the_cameras_offset_away() -> None:
    assert true_time(START, Clock(offset_ms=1500.0, source="rtcp")) == START - timedelta(seconds=1.5)
    assert true_time(START, Clock()) == START


def test_a_row_whose_table_names_a_stranger_among_its_values_is_refused() -> None:
    row = load_facts().row("officer_directing")
    assert row is not None
    with pytest.raises(ValueError, match=r"told\.perhaps: is none of its values \(yes, no\)"):
        FactRow.model_validate(row.model_dump() | {"told": {"perhaps": "ask"}})


@given(st.lists(st.builds(said, st.sampled_from(["officer_directing", "emergency_on_task", "works_vehicle"]),
                          st.sampled_from(["yes", "no"]), st.floats(0, 30), st.floats(30, 60)), max_size=4))  # fmt: skip
def test_no_word_makes_an_accusation_out_of_none_or_hides_a_fact(statements: list[Statement]) -> None:
    cleared = passed(**SPAN, outcome=Outcome.CLEARED)
    assert judged(cleared, *statements) is cleared
    done = judged(passed(**SPAN), *statements)
    assert set(done.facts) == set(judged(passed(**SPAN)).facts)
