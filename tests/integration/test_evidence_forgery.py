"""A short forgery campaign (`python -m tests.bench.forgery` is the long one): every kind at least once."""

from tests.bench import forgery_bundles, forgery_database
from tests.bench.forgery import campaign


def test_every_kind_of_forgery_is_named_and_nothing_true_is_accused(tmp_path) -> None:
    kinds = len(forgery_bundles.MUTATIONS), len(forgery_database.CHANGES)
    wanted = max(kinds[0] * 5 // 3 + 2, kinds[1] * 5 // 2 + 2)
    tally = campaign(tmp_path, 8, seed=7, forgeries=wanted)
    assert tally.false_alarms == []
    assert tally.missed == []
    assert tally.unnamed == []
    assert len(tally.forged) == sum(kinds)
    assert tally.true == 8
