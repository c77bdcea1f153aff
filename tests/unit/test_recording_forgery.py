"""A short campaign (`python -m tests.bench.recording_forgery` is the long one): every kind once, and some by chance."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bench.recording_forgery import Tally, campaign, once
from tests.bench.recording_insiders import ATTACKS


def holds(tally: Tally) -> None:
    assert tally.false_alarms == []
    assert tally.missed == []
    assert tally.unnamed == []


def test_every_forgery_of_a_recording_is_named_and_nothing_true_is_accused(tmp_path) -> None:
    tally = campaign(tmp_path, len(ATTACKS), seed=2026)
    holds(tally)
    assert len(tally.forged) == len(ATTACKS) >= 60


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1 << 30), st.sampled_from(ATTACKS))
def test_any_archive_holds_untouched_and_is_accused_once_it_was_touched(seed, attack) -> None:
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        once(tally, Path(folder) / "w", seed, attack)
    holds(tally)
