"""When a sensor gives alarm, when it is over, and when it is silent: cases a lawyer could read, and what always holds."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rules.threshold import (
    CALM_S,
    MOST_AN_HOUR,
    Cleared,
    Decision,
    Heard,
    Limits,
    Raised,
    Reading,
    Silent,
    State,
    interrupted,
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
    state, decisions = listened(state, BAY, 899, 999)
    assert decisions == []
    after, (alarm,) = listened(state, BAY, 1, 1003)
    assert isinstance(alarm, Raised) and (alarm.wait.t_first, alarm.t) == (100, 1000)
    assert listened(after, BAY, 2000, 5000)[1] == []


@pytest.mark.parametrize("t", [1e3, 1e9])
def test_no_date_fills_the_wait_of_a_value_that_holds(t: float) -> None:
    """A step of the box's clock, a gateway's wrong one, or a box that was off: only listening counts."""
    state, decisions = told(BAY, (100, 1), (t, 1))
    assert decisions == [] and listened(state, BAY, 1, t)[1] == []
    assert kinds(listened(state, BAY, 900, 200)[1]) == ["Raised"]


def test_a_bay_left_while_the_box_was_cut_off_was_not_occupied_for_too_long() -> None:
    state, _ = told(BAY, (100, 1))
    state, decisions = listened(state, BAY, 600, 700)
    state = interrupted(state, BAY)
    state, more = listened(state, BAY, 600, 1900)
    assert decisions + more == [], "it may have been left meanwhile"
    state, decisions = told(BAY, (2000, 1), state=state)
    assert decisions == [] and listened(state, BAY, 899, 2899)[1] == []
    assert kinds(listened(state, BAY, 900, 2900)[1]) == ["Raised"]
    assert told(BAY, (2500, 0), state=state)[1] == []


def test_smoke_is_not_over_because_the_line_was_cut() -> None:
    smoke = Limits(raise_at=1.0, clear_at=0.0, clear_for_s=60.0, holds=True)
    state, _ = told(smoke, (0, 1), (10, 0))
    state, decisions = listened(state, smoke, 50, 60)
    state, more = listened(interrupted(state, smoke), smoke, 500, 700)
    assert decisions + more == [] and state.raised is not None
    state, _ = told(smoke, (800, 0), state=state)
    assert kinds(listened(state, smoke, 60, 860)[1]) == ["Cleared"]


def test_an_interruption_leaves_readings_in_intervals_to_their_own_time() -> None:
    state, _ = told(WATER, (0, 31))
    assert kinds(told(WATER, (60, 31), state=interrupted(state, WATER))[1]) == ["Raised"]


def test_a_value_that_holds_is_vouched_for_only_until_the_sensor_is_silent() -> None:
    bay = replace(BAY, for_s=3000, silent_after_s=3600)
    state, _ = told(bay, (0, 0), (1000, 0), (1500, 1))
    assert kinds(listened(state, bay, 1e6, 1e6)[1]) == ["Raised", "Silent"]
    just = replace(bay, for_s=3600)
    assert kinds(listened(told(just, (0, 1))[0], just, 3600, 3600)[1]) == ["Raised", "Silent"]
    beyond = replace(bay, for_s=3601)
    assert kinds(listened(told(beyond, (0, 1))[0], beyond, 1e6, 1e6)[1]) == ["Silent"]


# -- a sensor that flaps ----------------------------------------------------------------------------------------------


def test_the_last_alarm_of_many_says_that_the_sensor_is_unstable_and_is_over_after_calm() -> None:
    state, decisions = told(SMOKE, *((t, t % 2) for t in map(float, range(1, 1000))))
    assert kinds(decisions) == ["Raised", "Cleared"] * (MOST_AN_HOUR - 1) + ["Raised"]
    assert [one.unstable for one in decisions if isinstance(one, Raised)] == [False] * (MOST_AN_HOUR - 1) + [True]
    assert state.unstable
    state, decisions = told(SMOKE, (1000, 0), (1500, 0), (999 + CALM_S, 0), state=state)
    assert decisions == []
    state, decisions = told(SMOKE, (1000 + CALM_S, 0), state=state)
    assert kinds(decisions) == ["Cleared"] and not state.unstable
    state, decisions = told(SMOKE, (6000, 1), (6001, 0), state=state)
    assert kinds(decisions) == ["Raised", "Cleared"], "an hour later it is as any other"


def test_a_sensor_that_is_silent_again_and_again_is_heard_again_only_after_calm() -> None:
    limits = replace(WATER, silent_after_s=10)
    state, decisions, t = State(), list[Decision](), 0.0
    for _ in range(40):
        state, more = told(limits, (t := t + 1, 5), state=state)
        state, silent = listened(state, limits, 11, t := t + 11)
        decisions += more + silent
    assert kinds(decisions) == (["Silent", "Heard"] * MOST_AN_HOUR)[:-1]
    assert [one.unstable for one in decisions if isinstance(one, Silent)][-2:] == [False, True]
    readings = [(t + 5 * n, 5.0) for n in range(1, int(CALM_S // 5) + 2)]
    state, decisions = told(limits, *readings[:-1], state=state)
    assert decisions == [] and state.unstable
    state, decisions = told(limits, readings[-1], state=state)
    assert kinds(decisions) == ["Heard"] and not state.unstable


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


@given(LIMITS, ROW, st.integers(1, 9))
@settings(max_examples=60)
def test_in_whatever_pieces_it_is_listened_the_decisions_are_the_same(
    limits: Limits, readings: list[Reading], pieces: int
) -> None:
    row = list({one.t: one for one in sorted(readings, key=lambda one: one.t)}.values())

    def run(many: int) -> list[Decision]:
        state, decisions = State(), list[Decision]()
        for one, after in pairwise(row):
            state, more = judge(state, limits, one)
            decisions += more
            for n in range(1, many + 1):
                span = (after.t - one.t) / many
                state, more = listened(state, limits, span, one.t + n * span)
                decisions += more
        # The instant at which a silence is said is that of the piece; everything else is the sensor's own time.
        return [replace(one, t=0.0) if isinstance(one, Silent) else one for one in decisions]

    def plain(one: Decision) -> Decision:
        """How much was listened when it was found is that of the piece, too."""
        if isinstance(one, Raised):
            return replace(one, wait=replace(one.wait, held_s=0.0))
        return replace(one, raised=replace(one.raised, held_s=0.0)) if isinstance(one, Cleared) else one

    # Powers of two of whole seconds add up without rounding.
    assert [plain(one) for one in run(2**pieces)] == [plain(one) for one in run(1)]


FLAPS = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 7.0, 31.0, 65.0, 400.0]), st.sampled_from([5.0, 30.0, 45.0])),
    min_size=1,
    max_size=30,
)


@given(LIMITS, FLAPS)
@settings(max_examples=60)
def test_however_a_sensor_flaps_it_begins_so_many_alarms_an_hour_and_no_more(
    limits: Limits, flaps: list[tuple[float, float]]
) -> None:
    state, t, begun = State(), 0.0, {Raised: list[float](), Silent: list[float]()}
    while t < 3 * 3600 and sum(map(len, begun.values())) < 500:
        for gap, value in flaps:
            state, decisions = listened(state, limits, gap, t + gap)
            t += gap
            state, more = judge(state, limits, Reading(t, value))
            for one in decisions + more:
                if isinstance(one, Raised | Silent):
                    begun[type(one)].append(t)
    for times in begun.values():
        for begin in times:
            within = sum(begin <= one < begin + 3600 for one in times)
            assert within <= MOST_AN_HOUR + 3600 / CALM_S


@given(LIMITS, st.lists(st.floats(0.01, 50), min_size=1, max_size=40))
def test_silence_is_found_exactly_when_it_was_listened_for_long_enough(limits: Limits, spans: list[float]) -> None:
    state, found, total = judge(State(), limits, Reading(0.0, 5.0))[0], 0, 0.0
    for span in spans:
        total += span
        state, decisions = listened(state, limits, span, total)
        found += kinds(decisions).count("Silent")
        assert (state.silent is not None) == (state.unheard_s >= limits.silent_after_s)
    assert found == (1 if state.unheard_s >= limits.silent_after_s else 0)
    assert state.unheard_s == pytest.approx(total)
