"""The demo's processes: started one by one, watched, and ended in the opposite order with all their children."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import RunError

_GRACE_S = 20.0


@dataclass
class Part:
    """One process. `command` is what a person would type to start it again; its output goes to `log`."""

    name: str
    command: list[str]
    log: Path
    piped: bool = False
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    told_dead: bool = False

    def start(self) -> None:
        """Start it in a session of its own (Ctrl-C reaches the demo alone), tied to the life of this process."""
        tied = [sys.executable, "-m", "sightline.demo.child", str(os.getpid()), *self.command]
        with self.log.open("a", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                tied,
                stdin=subprocess.PIPE if self.piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.piped else out,
                stderr=out,
                text=True,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def spelled(self) -> str:
        """The command as it is typed into a shell."""
        return shlex.join(self.command)

    def require(self) -> None:
        """Raises RunError with the last line of the log when it has ended."""
        if not self.alive:
            raise RunError(f"{self.name} did not start: {self.last_line()} - see {self.log}")

    def last_line(self) -> str:
        """The last line it wrote, for a person."""
        lines = [line for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it wrote nothing"

    def stop(self) -> None:
        """SIGTERM, patience, then SIGKILL to its whole group. Safe to call at any time."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"{self.name} did not end by itself within {_GRACE_S:.0f} s\n")
        self._end_group()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _end_group(self) -> None:
        assert self.process is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        finally:
            self.process.wait()


class Parts:
    """All of them, in the order of their start."""

    def __init__(self) -> None:
        self._all: list[Part] = []

    def start(self, part: Part) -> Part:
        """Start one more."""
        self._all.append(part)
        part.start()
        return part

    def dead(self) -> list[Part]:
        """Those that have ended since this was asked last."""
        gone = [part for part in self._all if not part.alive and not part.told_dead]
        for part in gone:
            part.told_dead = True
        return gone

    def stop(self) -> None:
        """End them, the last started first."""
        while self._all:
            self._all.pop().stop()


def run_once(command: list[str], what: str, stdin: str = "", timeout_s: float = 60.0) -> str:
    """Run a command to its end and give what it printed. Raises RunError with its last line when it fails."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"{what}: no answer within {timeout_s:.0f} s - the machine may be overloaded, try again"
        ) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RunError(f"{what}: {lines[-1].removeprefix('sightline: ')}")
    return done.stdout


def wait_until(holds: Callable[[], bool], what: str, parts: list[Part], limit_s: float, look_s: float = 0.25) -> None:
    """Wait until `holds()` is true. Raises RunError when a part ends meanwhile or the time is over."""
    until = time.monotonic() + limit_s
    while not holds():
        for part in parts:
            part.require()
        if time.monotonic() > until:
            names = " or ".join(str(part.log) for part in parts)
            raise RunError(f"{what} took longer than {limit_s:.0f} s - see {names}")
        time.sleep(look_s)
