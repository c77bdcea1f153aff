"""The short form of the tamper campaign (`python -m tests.bench.tamper`): real H.264 of real rooms, seconds in all."""

from pathlib import Path

import pytest

from tests.bench import tamper
from tests.bench.tamper import Case

SHORT = (
    "turned by 3 % of the width",
    "frozen: one picture, clock runs",
    "looped: 10 keyframes again",
    "mask of the camera displaced",
    "untouched: crowd",
    "light switched on and off",
    "quiet room for 0.1 h",
)


@pytest.fixture(scope="module")
def campaign(shared: Path) -> dict[str, Case]:
    return {case.name: case for case in tamper.cases(*tamper.clips(shared / "clips"), hours=0.1)}


@pytest.mark.shared
@pytest.mark.parametrize("name", SHORT)
def test_told_in_time_or_not_at_all(campaign: dict[str, Case], name: str) -> None:
    result = tamper.run(campaign[name])
    assert not result.wrong, tamper.table_of([result])
