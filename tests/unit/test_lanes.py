"""`make test` runs every file of tests in exactly one lane of three, and ends as one pytest over all would."""

from pathlib import Path

import pytest

from tests import lanes
from tests.ports import open_port

FILES = sorted(lanes.TESTS.glob("*/test_*.py"))


def test_what_may_run_abreast_is_there() -> None:
    assert [name for name in (*lanes.ABREAST, *lanes.WAITING) if not (lanes.TESTS / name).exists()] == []


def test_every_lane_has_its_own_and_no_file_is_named_twice() -> None:
    assert lanes.lane_of(Path(__file__)) == "abreast"
    assert lanes.lane_of(lanes.TESTS / "integration" / "test_cameras_rtsp.py") == "waiting"
    assert lanes.lane_of(lanes.TESTS / "acceptance" / "test_bench_edge.py") == "alone"
    names = [*lanes.ABREAST, *lanes.WAITING]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("statuses", "together"),
    [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 0, 1], 1), ([5, 0, 5], 0), ([0, 5, 5], 0), ([5, 1, 0], 1), ([5, 5, 5], 5)],
)
def test_one_status_of_all(statuses: list[int], together: int) -> None:
    assert lanes.together(statuses) == together


def test_a_port_is_given_once_and_none_that_connections_get() -> None:
    ports = [open_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(20_000 <= port < 32_768 for port in ports)
