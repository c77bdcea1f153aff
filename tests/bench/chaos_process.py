"""Processes that are started again when they end, as a service manager would; and what a fault does to them."""

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: A service manager's pause before it starts again what ended by itself; s.
REST_S = 1.0


@dataclass
class Kept:
    """One process. Start it from the main thread alone: the kernel ends it with the thread that started it.

    `ended` are the statuses with which it ended by itself. One that `comes_to_an_end` is `finished` with status 0.
    """

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    comes_to_an_end: bool = False
    process: subprocess.Popen[bytes] | None = None
    ended: list[int] = field(default_factory=list)
    kills: int = 0
    finished: bool = False
    _wanted: bool = False
    _again_at: float = 0.0

    def start(self) -> None:
        """Run, unless it has come to its end."""
        self._wanted = True
        if self.finished or self.alive:
            return
        # It does not outlive the campaign, however that ends.
        tied = [sys.executable, "-m", "sightline.demo.child", str(os.getpid()), *self.command]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                tied, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
            )

    @property
    def alive(self) -> bool:
        """Whether it runs, or hangs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """`kill -9`; it stays away until `start`."""
        self._wanted, self._again_at = False, 0.0
        if self.process is not None and self.alive:
            self.kills += 1
            self.process.kill()
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT, where it is alive."""
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def limit_files(self, most: int) -> None:
        """No file may grow beyond `most` bytes, as on a full disk; RLIM_INFINITY ends it."""
        if self.process is not None and self.alive:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def tick(self) -> None:
        """Note that it ended by itself, and start it again after a rest."""
        if not self._wanted or self.finished or self.process is None or self.alive:
            return
        if not self._again_at:
            self.finished = self.comes_to_an_end and self.process.returncode == 0
            if not self.finished:
                self.ended.append(self.process.returncode)
                self._again_at = time.monotonic() + REST_S
        elif time.monotonic() >= self._again_at:
            self._again_at = 0.0
            self.start()

    def told(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""
