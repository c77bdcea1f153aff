"""The table of phases: what follows what, corrections that overwrite nothing, and where a station stands."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from central.polling import phases
from central.polling.phases import FOLLOWS, WINDOWS, Marker, Phase

T0 = datetime(2026, 12, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = list(Phase)


def day(*some: Phase) -> list[Marker]:
    """One marker an hour."""
    return [Marker(n, phase, T0 + n * HOUR) for n, phase in enumerate(some)]


def test_the_whole_day_is_in_order_with_and_without_transport() -> None:
    for whole in (DAY, [one for one in DAY if one is not Phase.TRANSPORT]):
        markers: list[Marker] = []
        for n, phase in enumerate(whole):
            assert phases.in_order(markers, phase, T0 + n * HOUR), phase
            markers.append(Marker(n, phase, T0 + n * HOUR))
        assert phases.expected(markers) is None
    assert set(FOLLOWS) == {None, *Phase} and phases.expected([]) is Phase.INSTALL
    assert {one for pair in WINDOWS.values() for one in pair} <= set(Phase)


@pytest.mark.parametrize(("before", "phase"), list(product([None, *Phase], Phase)))
def test_only_what_the_table_says_follows(before: Phase | None, phase: Phase) -> None:
    place = {one: n for n, one in enumerate(DAY)}
    markers = day(before) if before else []
    one_on = place[phase] == (place[before] + 1 if before else 0)
    no_transport = (before, phase) == (Phase.SEALING, Phase.OPENING)
    assert phases.in_order(markers, phase, T0 + HOUR) == (one_on or no_transport)


def test_what_is_marked_late_must_fit_on_both_sides() -> None:
    markers = [Marker(1, Phase.VOTING, T0), Marker(2, Phase.SEALING, T0 + 9 * HOUR)]
    assert phases.in_order(markers, Phase.CLOSE, T0 + 8 * HOUR)
    assert not phases.in_order(markers, Phase.CLOSE, T0 - HOUR)
    assert not phases.in_order(markers, Phase.SEALED, T0 + HOUR)
    assert not phases.in_order(markers, Phase.VOTING, T0 + HOUR)


def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    markers = day(Phase.INSTALL, Phase.REHEARSAL, Phase.VOTING)
    sealed = Marker(7, Phase.SEALED, T0 + 2 * HOUR, corrects=2)
    assert [one.phase for one in phases.standing([*markers, sealed])] == DAY[:3]
    none = Marker(8, None, T0 + 2 * HOUR, corrects=7)
    left = [*markers, sealed, none]
    assert [one.phase for one in phases.standing(left)] == DAY[:2]
    assert phases.current(left, T0 + 9 * HOUR) == markers[1] and phases.expected(left) is Phase.SEALED
    assert phases.current(left, T0) == markers[0] and phases.current(left, T0 - HOUR) is None
