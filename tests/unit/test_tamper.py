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


@pytest.mark.shared
@pytest.mark.parametrize("name", ["turned by 20 % and 8 degrees", "frozen: the same bytes again"])
def test_told_also_where_the_box_paints_masks_and_encodes_again(shared: Path, name: str) -> None:
    """A mask's painted corners never move, and an encoder's own noise hides that the camera's is gone."""
    table, crowd = tamper.clips(shared / "clips")
    (case,) = [one for one in tamper.cases(table, crowd, 0.1, frames=5) if one.name == name]
    result = tamper.run(case, painted=True)
    assert not result.wrong, tamper.table_of([result])
