"""Votes over readings: agreement, disagreement, and the honest "unreadable"."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.plates import load_plates
from edge.plates.protocol import PlateReading
from edge.plates.voted import LEAST, vote

CN = load_plates("cn")
_ANYWHERE = ((0.0, 0.0, 100.0, 30.0), np.zeros((4, 2), np.float32), 1.0)


def reading(text: str, *conf: float, colour: str | None = "blue") -> PlateReading:
    values = conf if len(conf) == len(text) else (conf or (1.0,)) * len(text)
    return PlateReading(text, tuple(values), *_ANYWHERE, colour)


def test_one_sure_reading_is_an_answer() -> None:
    answer = vote([reading("浙A12345", 0.95)], CN)
    assert (answer.text, answer.conf, answer.colour, answer.type_code) == ("浙A12345", 0.95, "blue", "02")
    assert answer.why == "" and answer.readings == 1


def test_the_majority_wins_and_the_other_is_kept() -> None:
    answer = vote([reading("浙A12345", 0.9), reading("浙A12345", 0.9), reading("浙A12346", 0.6)], CN)
    assert answer.text == "浙A12345"
    assert answer.alternatives[6] == {"6": 0.25} and answer.alternatives[0] == {}
    assert answer.per_char_conf[6] == pytest.approx(0.9 * 0.75)
    assert answer.per_char_conf[0] == pytest.approx(0.8)


def test_certainty_weighs_more_than_number() -> None:
    doubtful = [reading("浙A1234S", 1, 1, 1, 1, 1, 1, 0.3)] * 2
    assert vote([*doubtful, reading("浙A12345", 0.99)], CN).best == "浙A12345"


def test_an_even_split_is_unreadable() -> None:
    answer = vote([reading("浙A12345", 0.99), reading("浙A12346", 0.99)], CN)
    assert answer.text is None and "character 7 is too uncertain" in answer.why
    assert answer.alternatives[6]


def test_agreement_of_doubtful_readings_stays_doubtful() -> None:
    answer = vote([reading("浙A12345", LEAST - 0.01)] * 20, CN)
    assert answer.text is None and "too uncertain" in answer.why


def test_readings_of_another_length_lower_the_certainty() -> None:
    answer = vote([reading("浙A12345", 1.0), reading("浙A12345", 1.0), reading("浙A1234", 0.5)], CN)
    assert answer.text == "浙A12345" and answer.conf == pytest.approx(2 / 3, abs=0.001)


@pytest.mark.parametrize("text", ["浙A1234", "A1234567", "浙AI2345", "浙A123456"])
def test_what_cannot_be_a_plate_is_never_bent_into_one(text: str) -> None:
    answer = vote([reading(text)] * 5, CN)
    assert (answer.text, answer.best, answer.type_code) == (None, text, None)
    assert f"({text}) cannot stand on a plate" in answer.why


def test_nothing_read_is_said_in_two_ways() -> None:
    assert vote([], CN).why == "no plate is to be seen"
    assert "too small or unclear" in vote([reading(""), reading("")], CN).why


def test_looks_that_read_nothing_do_not_spoil_those_that_did() -> None:
    assert vote([reading(""), reading("浙A12345", 0.9)], CN).text == "浙A12345"


def test_a_colour_that_contradicts_takes_the_type_and_not_the_text() -> None:
    answer = vote([reading("浙A12345", 0.9, colour="green")], CN)
    assert (answer.text, answer.colour, answer.type_code) == ("浙A12345", "green", None)


def test_colours_are_voted_too() -> None:
    looks = [reading("浙A12345", 0.9, colour=colour) for colour in ("blue", "blue", "black", None)]
    assert vote(looks, CN).colour == "blue"
    assert vote(looks[1:], CN).colour is None  # one blue, one black


texts = st.text(alphabet="浙皖AB1278D", min_size=0, max_size=9)
readings = st.lists(
    texts.flatmap(
        lambda text: st.lists(st.floats(0, 1), min_size=len(text), max_size=len(text)).map(
            lambda conf: PlateReading(text, tuple(conf), *_ANYWHERE, "blue")
        )
    ),
    max_size=8,
)


@given(readings, st.randoms(use_true_random=False))
def test_order_changes_nothing_and_an_answer_is_always_a_possible_plate(looks: list[PlateReading], random) -> None:
    answer = vote(looks, CN)
    shuffled = list(looks)
    random.shuffle(shuffled)
    again = vote(shuffled, CN)
    assert (again.text, again.best, again.colour) == (answer.text, answer.best, answer.colour)
    assert again.per_char_conf == pytest.approx(answer.per_char_conf)
    assert all(0 <= value <= 1 for value in answer.per_char_conf)
    assert len(answer.best) == len(answer.per_char_conf) == len(answer.alternatives)
    assert (answer.text is None) == bool(answer.why)
    if answer.text is not None:
        assert CN.holds(answer.text) and answer.conf >= LEAST
