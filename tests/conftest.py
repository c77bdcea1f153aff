"""What every ring of tests may ask for."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from tests.lanes import FAILED_FILE, lane_of
from tests.ports import open_port

# Speed belongs in benchmarks: on a busy machine a time limit on single examples only tells how busy it is.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")

#: Open files of the tests' process beyond which somebody has forgotten to close his.
MOST_FILES = 400
ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that `tests.lanes` chooses with."""
    parser.addoption(
        "--lane", choices=["abreast", "waiting", "alone"], help="only the tests of this lane, see tests/lanes.py"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of the other lanes are not even imported, unless they are named: pytest finds no fault with those."""
    lane = config.getoption("--lane")
    if lane is None or not collection_path.is_file() or lane_of(collection_path) == lane:
        return None
    named = {(config.invocation_params.dir / word.partition("::")[0]).resolve() for word in config.args}
    return None if collection_path in named else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is named and belongs to another lane."""
    lane = config.getoption("--lane")
    if lane is None:
        return
    others = [item for item in items if lane_of(item.path) != lane]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if lane_of(item.path) == lane]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Leave the names of what failed to `tests.lanes`, which says them at the very end; xdist's workers say nothing."""
    if (file := os.environ.get(FAILED_FILE)) and not hasattr(config, "workerinput"):
        names = [report.nodeid for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, [])]
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.writelines(f"{name}\n" for name in names)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips, weights and plates; its absence skips, and fails where CI is set."""
    folder = Path(os.environ.get("SIGHTLINE_SHARED", ROOT.parent / "shared"))
    if not (folder / "clips").is_dir():
        message = f"no clips and weights at {folder} - set SIGHTLINE_SHARED"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    return open_port()


@pytest.fixture(autouse=True)
def files_given_back() -> Iterator[None]:
    """No test leaves files open behind it: three thousand tests share one process, and select() is blind from 1,024."""
    yield
    kit = sys.modules.get("central_kit")
    if kit is not None:
        kit.give_back_files()
    if len(open_files()) > MOST_FILES:
        gc.collect()
        left = open_files()
        assert len(left) <= MOST_FILES, f"{len(left)} files are open after this test: {left[-20:]}"


def open_files() -> list[str]:
    """What this process has open."""
    named = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed by another thread in this moment
            named.append(str(one.readlink()))
    return sorted(named)
