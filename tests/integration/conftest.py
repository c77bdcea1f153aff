"""Fixtures of the integration tests: a real recording over RTSP, a box that watches it, and a desk after approval."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from after_kit import Desk, desk_on
from central_replicas import postgres_server
from edge_peers import CLIP, SITE, Field
from goes_on_peers import Table

from tests.s3_peer import S3
from tests.scenes.rtsp import FileServer, GstServer, has_gst
from tests.schema_kit import SharedPostgres

_TABLE = pytest.StashKey[Table]()


@pytest.fixture
def camera(shared: Path) -> Iterator[str]:
    """The address of a real recording over RTSP, played from its beginning for each viewer."""
    server = GstServer(shared / "clips" / CLIP) if has_gst() else FileServer(shared / "clips")
    yield server.url if isinstance(server, GstServer) else server.url(CLIP)
    server.stop()


@pytest.fixture
def field(shared: Path, tmp_path: Path, camera: str) -> Iterator[Callable[[int, str], Field]]:
    made: list[Field] = []

    def make(broker: int, central: str) -> Field:
        url = camera.replace("://", "://viewer:top-secret@")
        made.append(Field(tmp_path, shared / "clips" / SITE, url, broker, central, shared / "weights"))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.end()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A real S3 with Object Lock, shared: each test makes buckets or prefixes of its own."""
    server = S3(tmp_path_factory.mktemp("s3") / "weed").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[SharedPostgres]:
    """A real PostgreSQL, shared: each test makes databases of its own. Nobody ends it or changes its settings."""
    with postgres_server(SharedPostgres) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk whose cases are approved, once on each database."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with desk_on(request.param, tmp_path, server, request.node.name) as made:
        yield made


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Desk]:
    """The same on SQLite alone, where the kind of database makes no difference."""
    with desk_on("sqlite", tmp_path, None, "") as made:
        yield made


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> Table:
    """How long a box takes to go on; told at the end of the run."""
    return pytestconfig.stash.setdefault(_TABLE, Table())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of a run that filled it."""
    for line in config.stash.get(_TABLE, Table()).lines():
        terminalreporter.write_line(line)
