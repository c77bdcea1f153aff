"""A short campaign (`python -m tests.bench.recording_forgery` is the long one): every kind of forgery once."""

from tests.bench.recording_attacks import ATTACKS
from tests.bench.recording_forgery import campaign


def test_every_forgery_of_a_recording_is_named_and_nothing_true_is_accused(tmp_path) -> None:
    tally = campaign(tmp_path, len(ATTACKS), seed=2026)
    assert tally.false_alarms == []
    assert tally.missed == []
    assert tally.unnamed == []
    assert len(tally.forged) == len(ATTACKS) >= 60
