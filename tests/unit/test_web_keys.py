"""One table of keys, in every language. That scripts bind it and nothing else is seen in the browser."""

import pytest

from central.web.keylist import CASE, QUEUE, Keys, Row
from central.web.language import LANGUAGES, load


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_key_that_is_bound_stands_in_the_list(tag: str) -> None:
    for keys in (CASE, QUEUE):
        listed = keys.listed(load(tag))
        assert len(listed.lines) == len(keys.rows) and all(what for _, what in listed.lines)
        shown = {stroke for strokes, _ in listed.lines for stroke in strokes}
        words = {" ", "Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "="} | set("2345678")
        assert set(listed.bound) - words <= shown


def test_a_key_that_would_do_two_things_is_a_fault() -> None:
    with pytest.raises(ValueError, match="'a' is bound twice"):
        Keys((Row({"a": "approve"}, "keys.approve"), Row({"a": "all"}, "keys.help"))).listed(load("en"))
