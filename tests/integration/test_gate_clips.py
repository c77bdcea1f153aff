"""The change gate on real streets: every annotated arrival and departure opens it, and what stands is held."""

from pathlib import Path

import pytest

from tests.bench.gate import CODED, measure


@pytest.mark.shared
def test_real_arrivals_and_departures_open_the_gate_and_parked_stretches_are_held(shared: Path) -> None:
    for name, tally in measure(shared / "clips", ["as it is", "night", CODED]).items():
        assert tally.events >= 60
        assert not tally.missed, f"{name}: {tally.missed}"
        assert tally.quiet >= 60
        assert tally.held / tally.quiet >= 0.9, f"{name}: {tally.opened}"
