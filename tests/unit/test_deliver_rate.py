"""A backlog is poured out at its rate, and what is new does not feel it."""

from hypothesis import given
from hypothesis import strategies as st

from edge.deliver.rate import Rate


def test_a_full_bucket_goes_at_once_and_the_rest_at_its_rate() -> None:
    rate = Rate(per_s=2, burst=3)
    assert rate.room(100.0) == 3
    assert [rate.spend(1, 100.0) for _ in range(3)] == [0, 0, 0]
    assert rate.room(100.0) == 0 and rate.room(100.4) == 0 and rate.room(100.5) == 1
    assert rate.room(1000.0) == 3, "no more than the bucket is saved up"


def test_who_spends_what_is_not_there_is_told_how_long_to_wait() -> None:
    rate = Rate(per_s=1000, burst=2000)
    assert rate.spend(2000, 0.0) == 0.0
    assert rate.spend(500, 0.0) == 0.5
    assert rate.spend(500, 0.5) == 0.5


@given(st.floats(0.5, 500), st.floats(1, 100), st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_the_bucket_and_its_rate(per_s, burst, pauses) -> None:
    rate, now, sent = Rate(per_s, burst), 0.0, 0
    for pause in pauses:
        now += pause
        for _ in range(rate.room(now)):
            rate.spend(1, now)
            sent += 1
        assert sent <= burst + per_s * now + 1e-6


def test_a_clock_that_stands_or_goes_back_fills_nothing() -> None:
    rate = Rate(per_s=10, burst=1)
    rate.spend(1, 5.0)
    assert rate.room(5.0) == 0 and rate.room(4.0) == 0
