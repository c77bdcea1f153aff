"""What central may ask of a box: put down where a part takes it, once, whatever stands in it."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import ValidationError

from contract.command import COMMAND, LONGEST_SPAN_US, KeepSpan, LiveOn
from edge.asked import MOST, Asked

SPAN = {"camera_id": "cam-1", "from_us": 1_000, "until_us": 2_000, "by": "zhang", "reason": "complaint 7"}


def keep(name: str = "h-1", **changes: object) -> KeepSpan:
    return KeepSpan.model_validate({"id": name, "command": "keep_span", **SPAN, **changes})


def test_a_command_is_told_by_its_word() -> None:
    live = COMMAND.validate_json('{"id": "l-1", "command": "live_on", "camera_id": "cam-1"}')
    assert isinstance(live, LiveOn) and live.quality == "main"
    with pytest.raises(ValidationError, match="tell_fact"):
        COMMAND.validate_json('{"id": "x", "command": "delete_all"}')


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({}, True),
        ({"quality": "sub", "stream": "sub"}, True),
        ({"stream": "p-1", "from_us": 1}, True),
        ({"stream": "p-1"}, False),
        ({"quality": "main", "stream": "sub"}, False),
        ({"from_us": 1}, False),
        ({"stream": "stills", "from_us": 1}, False),
    ],
)
def test_a_play_back_never_takes_the_place_of_a_live_view(said: dict[str, object], held: bool) -> None:
    whole = {"id": "l-1", "command": "live_on", "camera_id": "cam-1", **said}
    with nullcontext() if held else pytest.raises(ValidationError, match="stream"):
        LiveOn.model_validate(whole)


@pytest.mark.parametrize("until", [1_000, 999, 1_000 + LONGEST_SPAN_US + 1])
def test_a_span_has_a_length_and_an_end(until: int) -> None:
    with pytest.raises(ValidationError, match="until_us"):
        keep(until_us=until)


def test_what_is_asked_waits_until_it_is_done_and_twice_is_once(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "keep_span")
    odd = keep("../../h 2/\N{SNOWMAN}")
    assert asked.put(keep()) is None and asked.put(odd) is None and asked.put(keep()) is None
    again = Asked(tmp_path, "keep_span")
    assert again.waiting() == [keep(), odd] or again.waiting() == [odd, keep()]
    again.done(odd)
    assert asked.waiting() == [keep()]
    assert sorted(path.parent.name for path in tmp_path.rglob("*.json")) == ["keep_span"]


def test_a_file_that_is_no_command_does_not_block_the_rest(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "keep_span")
    (tmp_path / "keep_span" / "0.json").write_bytes(b"\xff{")
    asked.put(keep())
    assert asked.waiting() == [keep()] and len(list(tmp_path.rglob("*.json"))) == 1


def test_a_flood_is_refused_with_a_sentence(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "keep_span")
    for number in range(MOST):
        (tmp_path / "keep_span" / f"{number}.json").write_text("{}")
    assert "wait already" in str(asked.put(keep()))
