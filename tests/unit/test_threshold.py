"""When a sensor gives alarm, when it is over, and when it is silent: cases a lawyer could read, and what always holds."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rules.threshold import (
    Cleared,
    Decision,
    Heard,
    Limits,
    Raised,
    Reading,
    Silent,
    State,
    held,
    judge,
    listened,
)

#: The underpass: alarm at 30 cm for a minute, over at 20 cm for a minute, silent after a quarter of an hour.
WATER = Limits(raise_at=30.0, clear_at=20.0, for_s=60.0, clear_for_s=60.0, silent_after_s=900.0)
SMOKE = Limits(raise_at=1.0, clear_at=0.0)
#: A bay that may be occupied for a quarter of an hour; its sensor tells changes, and that it lives once an hour.
BAY = Limits(raise_at=1.0, clear_at=0.0, for_s=900.0, silent_after_s=3900.0, holds=True)


UNKNOWN = State()


def told(limits: Limits, *readings: tuple[float, float], state: State = UNKNOWN) -> tuple[State, list[Decision]]:
    """What a row of (t, value) decides."""
    decisions: list[Decision] = []
    for t, value in readings:
        state, more = judge(state, limits, Reading(t, value))
        decisions += more
    return state, decisions


def kinds(decisions: list[Decision]) -> list[str]:
    return [type(one).__name__ for one in decisions]


# -- the law ----------------------------------------------------------------------------------------------------------


def test_water_over_the_limit_for_a_minute_is_an_alarm_from_the_first_reading_on() -> None:
    state, decisions = told(WATER, (0, 12), (30, 31), (60, 35), (89, 33), (90, 34))
    (alarm,) = decisions
    assert isinstance(alarm, Raised)
    assert (alarm.wait.t_first, alarm.t, alarm.wait.peak) == (30, 90, 35)
    assert state.raised is not None


def test_a_wave_is_no_alarm() -> None:
    assert told(WATER, (0, 31), (30, 40), (59, 29.9), (60, 31), (100, 31))[1] == []


def test_between_the_limits_the_alarm_stays_and_at_the_lower_one_it_ends_after_a_minute() -> None:
    state, decisions = told(WATER, (0, 31), (60, 31), (120, 25), (600, 21), (700, 20), (730, 21), (740, 20), (800, 12))
    assert kinds(decisions) == ["Raised", "Cleared"]
    assert isinstance(decisions[1], Cleared) and (decisions[1].t, decisions[1].raised.t_first) == (800, 0)
    assert state.raised is None


def test_a_second_flood_is_a_second_matter() -> None:
    _, decisions = told(WATER, (0, 31), (60, 31), (100, 9), (200, 9), (300, 31), (400, 31))
    assert kinds(decisions) == ["Raised", "Cleared", "Raised"]
    assert [one.wait.t_first for one in decisions if isinstance(one, Raised)] == [0, 300]


def test_two_readings_far_apart_prove_nothing_about_the_time_between() -> None:
    assert told(WATER, (0, 31), (901, 31))[1] == []
    assert kinds(told(WATER, (0, 31), (900, 31))[1]) == ["Raised"]


def test_a_late_or_doubled_reading_changes_nothing() -> None:
    whole = told(WATER, (0, 31), (60, 31), (100, 31))
    assert told(WATER, (0, 31), (0, 31), (60, 31), (30, 2), (60, 31), (100, 31)) == whole


def test_falling_values_raise_where_the_alarm_is_below() -> None:
    battery = Limits(raise_at=3.1, clear_at=3.4, for_s=0)
    assert kinds(told(battery, (0, 3.6), (1, 3.1), (2, 3.3), (3, 3.4))[1]) == ["Raised", "Cleared"]


def test_smoke_is_an_alarm_at_once() -> None:
    _, decisions = told(SMOKE, (0, 0), (5, 1), (9, 0))
    assert kinds(decisions) == ["Raised", "Cleared"]
    assert isinstance(decisions[0], Raised) and decisions[0].t == decisions[0].wait.t_first == 5


def test_a_bay_is_occupied_for_too_long_though_its_sensor_says_nothing_more() -> None:
    state, decisions = told(BAY, (0, 0), (100, 1))
    assert decisions == []
    assert held(state, BAY, 999)[1] == []
    after, (alarm,) = held(state, BAY, 1003)
    assert isinstance(alarm, Raised) and (alarm.wait.t_first, alarm.t) == (100, 1000)
    assert held(after, BAY, 5000)[1] == []


def test_a_bay_left_while_the_box_was_off_was_occupied_for_too_long_all_the_same() -> None:
    assert kinds(told(BAY, (100, 1), (1200, 0))[1]) == ["Raised", "Cleared"]
    assert told(BAY, (100, 1), (900, 0))[1] == []


def test_a_value_that_holds_is_vouched_for_only_until_the_sensor_is_silent() -> None:
    bay = replace(BAY, for_s=3000, silent_after_s=3600)
    state, _ = told(bay, (0, 0), (1000, 0), (1500, 1))
    assert held(state, bay, 1e6)[1] != []
    late = replace(bay, for_s=3600)
    assert kinds(told(late, (0, 1), (4000, 1))[1]) == ["Raised"]


def test_silence_is_counted_while_the_box_listens_and_only_then() -> None:
    state, _ = told(WATER, (1000, 5))
    state, decisions = listened(state, WATER, 899, 9_000)
    assert decisions == []
    state, decisions = listened(state, WATER, 1, 9_001)
    assert decisions == [Silent(since=1000, t=9_001)]
    assert listened(state, WATER, 10_000, 20_000)[1] == []
    state, decisions = told(WATER, (20_050, 5), state=state)
    assert decisions == [Heard(since=1000, t=20_050)]
    assert listened(state, WATER, 899, 21_000)[1] == []


def test_a_sensor_that_was_never_heard_is_silent_from_when_the_box_began_to_listen() -> None:
    _, decisions = listened(State(unheard_s=880), WATER, 20, 5_000)
    assert decisions == [Silent(since=4_100, t=5_000)]


def test_an_alarm_outlasts_silence_and_ends_by_a_reading_alone() -> None:
    state, _ = told(WATER, (0, 31), (60, 31), (100, 10))
    state, decisions = listened(state, WATER, 901, 1_001)
    assert kinds(decisions) == ["Silent"] and state.raised is not None
    state, decisions = told(WATER, (1100, 10), (1159, 10), (1160, 10), state=state)
    assert kinds(decisions) == ["Heard", "Cleared"], "what was waited for before the silence does not count"


# -- what always holds ------------------------------------------------------------------------------------------------

LIMITS = st.builds(
    Limits,
    raise_at=st.just(30.0),
    clear_at=st.sampled_from([20.0, 29.0, 40.0]),
    for_s=st.sampled_from([0.0, 5.0, 30.0]),
    clear_for_s=st.sampled_from([0.0, 5.0, 30.0]),
    silent_after_s=st.sampled_from([30.0, 60.0]),
    holds=st.booleans(),
)
ROW = st.lists(
    st.builds(Reading, t=st.integers(0, 300).map(float), value=st.sampled_from([5.0, 20.0, 25.0, 29.5, 30.0, 45.0])),
    max_size=60,
)


def decided(limits: Limits, readings: list[Reading]) -> list[Decision]:
    state, decisions = State(), list[Decision]()
    for one in readings:
        state, more = judge(state, limits, one)
        decisions += more
    return decisions


@given(LIMITS, ROW)
def test_every_alarm_is_borne_out_by_readings_and_no_alarm_is_below_the_limit(
    limits: Limits, readings: list[Reading]
) -> None:
    for one in decided(limits, readings):
        if not isinstance(one, Raised):
            continue
        assert one.t - one.wait.t_first >= limits.for_s
        heard = [r for r in readings if one.wait.t_first <= r.t <= one.t]
        assert any(limits.beyond(r.value) and r.t == one.wait.t_first for r in heard)
        assert limits.beyond(one.wait.peak)


@given(LIMITS, ROW)
def test_in_order_every_reading_of_an_alarm_is_beyond_the_limit(limits: Limits, readings: list[Reading]) -> None:
    row = list({one.t: one for one in sorted(readings, key=lambda one: one.t)}.values())
    for one in decided(limits, row):
        if isinstance(one, Raised):
            during = [r for r in row if one.wait.t_first <= r.t <= (one.t if not limits.holds else one.t - 1e-9)]
            assert all(limits.beyond(r.value) for r in during)
            assert all(b.t - a.t <= limits.silent_after_s for a, b in pairwise(during))


@given(LIMITS, st.data(), ROW)
def test_whatever_the_order_a_matter_is_raised_once_and_ended_once(
    limits: Limits, data: st.DataObject, readings: list[Reading]
) -> None:
    shuffled = data.draw(st.permutations(readings + readings))
    decisions = decided(limits, shuffled)
    assert kinds(decisions) == (["Raised", "Cleared"] * len(decisions))[: len(decisions)]
    matters = [one.wait.t_first for one in decisions if isinstance(one, Raised)]
    assert len(matters) == len(set(matters))
    ends = [one.raised.t_first for one in decisions if isinstance(one, Cleared)]
    assert ends == matters[: len(ends)]


@given(LIMITS, ROW)
def test_hysteresis_a_raised_alarm_ends_by_readings_beyond_the_other_limit_alone(
    limits: Limits, readings: list[Reading]
) -> None:
    between = [one for one in readings if not limits.back(one.value)]
    state = State(raised=judge(State(), replace(limits, for_s=0), Reading(-1, 50.0 * limits.sign))[0].raised)
    if state.raised is None:
        return
    for one in sorted(between, key=lambda one: one.t):
        state, decisions = judge(state, limits, one)
        assert decisions == []


@given(LIMITS, ROW, st.lists(st.floats(0, 40), max_size=20))
@settings(max_examples=60)
def test_ticks_between_readings_decide_nothing_that_readings_do_not(
    limits: Limits, readings: list[Reading], ticks: list[float]
) -> None:
    """`held` may be asked at any time up to the next reading: the decisions and their instants are the same."""
    row = list({one.t: one for one in sorted(readings, key=lambda one: one.t)}.values())
    state, decisions = State(), list[Decision]()
    end = Reading(row[-1].t + 1e-6, row[-1].value) if row else Reading(0.0, 0.0)
    row = [*row, end]  # what holds after the last reading is for the clock alone to tell
    for one, after in zip(row, [*row[1:], end], strict=True):
        state, more = judge(state, limits, one)
        decisions += more
        for tick in sorted(ticks):
            if one.t + tick < after.t:
                state, more = held(state, limits, one.t + tick)
                decisions += more
    assert [d for d in decisions if not isinstance(d, Heard)] == decided(limits, row)


@given(LIMITS, st.lists(st.floats(0.01, 50), min_size=1, max_size=40))
def test_silence_is_found_exactly_when_it_was_listened_for_long_enough(limits: Limits, spans: list[float]) -> None:
    state, found, total = judge(State(), limits, Reading(0.0, 5.0))[0], 0, 0.0
    for span in spans:
        total += span
        state, decisions = listened(state, limits, span, total)
        found += len(decisions)
        assert (state.silent is not None) == (state.unheard_s >= limits.silent_after_s)
    assert found == (1 if state.unheard_s >= limits.silent_after_s else 0)
    assert state.unheard_s == pytest.approx(total)
