"""A process of the box that the supervisor keeps alive: started anew with back-off, ended with its whole group."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger("sightline.supervisor")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
#: One that ran this long was well: the next failure waits short again.
WELL_S = 60.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """In the child, before exec: the kernel ends it when the supervisor is gone, even by SIGKILL (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One part of the box. All methods are called from the supervisor's main thread, to whose life it is bound."""

    def __init__(
        self, name: str, arguments: Sequence[str], heartbeat: Path | None = None, says_ready: bool = False
    ) -> None:
        """`arguments` follow the interpreter; `heartbeat` is a file that a living one keeps fresh; `says_ready`: it
        writes `ready` on standard output once it works."""
        self.name = name
        self.restarts = 0
        self.status: int | None = None
        self.heartbeat = heartbeat
        self._arguments = [sys.executable, *arguments]
        self._says_ready = says_ready
        self._ready = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._began = 0.0
        self._next = 0.0
        self._wait = FIRST_WAIT_S

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.pid is not None

    @property
    def ready(self) -> bool:
        """Whether it said that it works; one that says nothing works while it runs."""
        return self.running and (self._ready.is_set() or not self._says_ready)

    def start(self) -> None:
        """Start it, in a process group of its own: a Ctrl-C reaches the supervisor alone, which stops in order."""
        self._ready.clear()
        if self.heartbeat is not None:
            self.heartbeat.unlink(missing_ok=True)
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._says_ready else None,
            text=True,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl, loaded before the fork
        )
        if self._says_ready:
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def tend(self) -> None:
        """Note an end, and start anew when its time has come."""
        process = self._process
        if process is not None and process.poll() is not None:
            self._ended(process.returncode)
        elif process is None and time.monotonic() >= self._next:
            self.restarts += 1
            self.start()

    def hung(self, patience_s: float) -> bool:
        """Whether its heartbeat is older than `patience_s`; it gets as long to begin one."""
        if self.heartbeat is None or not self.running:
            return False
        try:
            last = self.heartbeat.stat().st_mtime
        except OSError:
            last = 0.0
        silent = time.time() - last
        return min(silent, time.monotonic() - self._began) > patience_s

    def ask_to_end(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its whole group."""
        self._signal(signal.SIGKILL, group=True)

    def wait(self, timeout: float) -> bool:
        """Whether it ended within `timeout` seconds; then what is left of its group is ended too."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self._signal(signal.SIGKILL, group=True)
        return True

    def _ended(self, status: int) -> None:
        self.status = status
        self._process = None
        if time.monotonic() - self._began > WELL_S:
            self._wait = FIRST_WAIT_S
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        log.error("%s ended (%s) - starting it anew in %.1f s", self.name, how, self._wait)
        self._next = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT_S)

    def _signal(self, number: signal.Signals, group: bool = False) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(self._process.pid, number)
            elif self._process.poll() is None:
                self._process.send_signal(number)

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready" and process is self._process:
                self._ready.set()
        process.stdout.close()
