"""What every ring of tests may ask for."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Speed belongs in benchmarks: on a busy machine a time limit on single examples only tells how busy it is.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")

ROOT = Path(__file__).resolve().parent.parent


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def files_given_back() -> Iterator[None]:
    """No test leaves a database's files open behind it: three thousand tests share one process."""
    yield
    kit = sys.modules.get("central_kit")
    if kit is not None:
        kit.give_back_files()
