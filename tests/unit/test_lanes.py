"""`make test` runs every file of tests in exactly one lane, and ends as one pytest over all would."""

from pathlib import Path

import pytest

from tests import lanes
from tests.ports import open_port

FILES = sorted(lanes.TESTS.glob("*/test_*.py"))


def test_what_may_run_abreast_is_there() -> None:
    assert [name for name in lanes.ABREAST if not (lanes.TESTS / name).exists()] == []


def test_both_lanes_have_their_own() -> None:
    abreast = {path for path in FILES if lanes.lane_of(path) == "abreast"}
    assert Path(__file__) in abreast
    assert lanes.TESTS / "acceptance" / "test_demo.py" not in abreast
    assert {path.parent.name for path in FILES if path not in abreast} >= {"acceptance", "integration"}


@pytest.mark.parametrize(
    ("statuses", "together"),
    [([0, 0], 0), ([1, 0], 1), ([0, 1], 1), ([5, 0], 0), ([0, 5], 0), ([5, 1], 1), ([5, 5], 5)],
)
def test_one_status_of_two(statuses: list[int], together: int) -> None:
    assert lanes.together(statuses) == together


def test_a_port_is_given_once_and_none_that_connections_get() -> None:
    ports = [open_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(20_000 <= port < 32_768 for port in ports)
