"""Who is told, when, and what is one alarm: rules without a database, held to by what hypothesis thinks of."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.duty.escalation import DEFAULT, Open, Step, due, next_step
from central.duty.matters import AGAIN, TOGETHER, Seen, Standing, alarm_for
from central.duty.people import effective
from central.duty.roster import Shift, holes, joined, on_duty

T0 = datetime(2026, 12, 12, 2, 0, tzinfo=UTC)
MIN = timedelta(minutes=1)
AREAS = ("a", "b")


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


@st.composite
def shift(draw: st.DrawFn) -> Shift:
    begin = draw(st.integers(-60, 60))
    return Shift(
        draw(st.integers(1, 1000)), draw(st.integers(1, 4)), "p", draw(st.integers(1, 3)), at(begin),
        at(begin + draw(st.integers(1, 60))), frozenset(draw(st.sets(st.sampled_from(AREAS)))),
    )  # fmt: skip


ROSTER = st.lists(shift(), max_size=8)
AREA = st.sampled_from([*AREAS, None])


def run(shifts: list[Shift], alarm: Open, minutes: range) -> list[tuple[int, int, int]]:
    """(minute, level, account) of everybody told, looked at once a minute as the job does."""
    told: set[tuple[int, int]] = set()
    log = []
    for minute in minutes:
        for one in due(at(minute), alarm, shifts, DEFAULT, told):
            assert (one.level, one.shift.user_id) not in told
            told.add((one.level, one.shift.user_id))
            log.append((minute, one.level, one.shift.user_id))
    return log


@given(ROSTER, AREA)
def test_each_person_is_told_once_a_step_and_only_while_on_duty_for_the_area(
    shifts: list[Shift], area: str | None
) -> None:
    log = run(shifts, Open(T0, "alarm", area), range(30))
    assert len({(level, who) for _, level, who in log}) == len(log)
    for minute, level, who in log:
        assert any(
            one.level == level and one.user_id == who and one.begin <= at(minute) < one.until and one.reaches(area)
            for one in shifts
        )


@given(ROSTER, AREA)
def test_whoever_is_on_duty_after_the_last_step_was_told(shifts: list[Shift], area: str | None) -> None:
    told = {(level, who) for _, level, who in run(shifts, Open(T0, "alarm", area), range(31))}
    for one in on_duty(shifts, area, at(30)):
        assert (one.level, one.user_id) in told


@given(ROSTER, AREA)
def test_nobody_is_told_before_their_step_unless_nobody_stands_before_them(
    shifts: list[Shift], area: str | None
) -> None:
    steps = {one.level: one.after for one in DEFAULT["alarm"]}
    log = run(shifts, Open(T0, "alarm", area), range(30))
    for minute, level, _ in log:
        if timedelta(minutes=minute) < steps[level]:
            before = level - 1
            assert not [one for one in on_duty(shifts, area, at(minute)) if one.level == before]
            assert not [True for when, each, _ in log if each == before and when <= minute]


def test_the_steps_of_a_day_with_everybody_there() -> None:
    shifts = [Shift(n, n, "p", n, at(-1), at(60)) for n in (1, 2, 3)]
    assert run(shifts, Open(T0, "alarm", None), range(20)) == [(0, 1, 1), (3, 2, 2), (10, 3, 3)]
    assert run(shifts, Open(T0, "warning", None), range(20)) == [(0, 1, 1)]
    assert run(shifts[1:], Open(T0, "alarm", None), range(20)) == [(0, 2, 2), (10, 3, 3)]
    assert run(shifts[2:], Open(T0, "alarm", None), range(20)) == [(0, 3, 3)]
    assert run([], Open(T0, "alarm", None), range(20)) == []
    late = [shifts[0], Shift(9, 9, "q", 1, at(5), at(60))]
    assert run(late, Open(T0, "alarm", None), range(20)) == [(0, 1, 1), (5, 1, 9)]
    assert next_step(at(4), Open(T0, "alarm", None), DEFAULT) == Step(3, 10 * MIN)
    assert next_step(at(10), Open(T0, "alarm", None), DEFAULT) is None


@given(ROSTER, AREA, st.integers(-60, 60), st.integers(1, 120), st.sampled_from([None, 1]))
def test_holes_are_exactly_the_minutes_without_anybody(
    shifts: list[Shift], area: str | None, begin: int, long: int, level: int | None
) -> None:
    found = holes(shifts, area, (at(begin), at(begin + long)), level)
    for minute in range(begin, begin + long):
        there = [one for one in on_duty(shifts, area, at(minute)) if level in (None, one.level)]
        assert any(first <= at(minute) < last for first, last in found) is not bool(there)
    assert joined(found) == found and all(at(begin) <= first < last <= at(begin + long) for first, last in found)


@given(st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc")), st.sampled_from("abc"))
def test_a_shift_never_reaches_beyond_what_its_person_sees(asked: set[str], seen: set[str], area: str) -> None:
    got = effective(asked, seen)
    reaches = got is not None and (not got or area in got)
    assert reaches == ((not asked or area in asked) and (not seen or area in seen))


def seen(key: str = "k", begun: float = 0, severity: str = "alarm", site: str = "s") -> Seen:
    return Seen(key, site, "lost", "lost", severity, at(begun))  # type: ignore[arg-type]


def standing(
    begun: float = 0, ended: float | None = None, key: str = "k", acked: float | None = None, severity: str = "alarm"
) -> Standing:
    over, by = (None if one is None else at(one) for one in (ended, acked))
    return Standing(7, "s", severity, at(begun), by, {key: over})  # type: ignore[arg-type]


def joins(one: Seen, alarm: Standing, now: float) -> bool:
    return alarm_for(one, [alarm], at(now)) is not None


def test_what_begins_within_two_minutes_at_one_station_is_one_alarm() -> None:
    assert joins(seen("other", 1.9), standing(), 2) and joins(seen("other", -1.9), standing(), 2)
    assert not joins(seen("other", 2.1), standing(), 3)
    assert not joins(seen("other", 1, site="t"), standing(), 2)
    assert joins(seen("other", 1, "warning"), standing(), 2)
    assert not joins(seen("other", 1), standing(severity="warning"), 2)


def test_what_flickers_stays_one_matter_and_what_comes_back_later_is_another() -> None:
    assert joins(seen(begun=30), standing(ended=29), 30) and joins(seen(begun=30), standing(ended=29, acked=2), 30)
    assert not joins(seen(begun=30), standing(ended=27), 30)


def test_what_began_after_somebody_answered_is_new_and_its_consequences_are_not() -> None:
    assert not joins(seen("other", 1.5), standing(acked=1), 2)
    assert joins(seen("other", 0.5), standing(acked=1), 2)


@given(st.integers(-600, 600), st.integers(0, 600), st.none() | st.integers(0, 600), st.none() | st.integers(0, 600))
def test_a_box_with_a_wrong_clock_cannot_hide_behind_an_old_alarm(
    begun: int, now: int, ended: int | None, acked: int | None
) -> None:
    """Whatever moment is claimed: it joins only what lasts (or ended a moment ago) and began about when it did."""
    one, alarm = seen("other", begun), standing(0, ended, "k", acked)
    if joins(one, alarm, now):
        assert abs(min(at(begun), at(now)) - T0) <= TOGETHER
        assert ended is None or at(now) - at(ended) <= AGAIN
