"""A process of the box that the supervisor keeps alive: started anew with back-off, ended with its whole group.

A part beats (`edge.pulse`) while its own loop comes round. One that stops beating, and has no excuse (`edge.silence`),
hangs: it is ended and started anew like one that died. Every time that a part did not work is a `Gap` with its cause,
which the supervisor puts on record.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import pulse
from edge.silence import Silence

log = logging.getLogger("sightline.supervisor")
#: The longest is short: a box goes on within 10 s whatever part of it dies, however often.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 4.0
#: One that ran this long was well: the next failure waits short again.
WELL_S = 60.0
#: How long a part may take from its start to its first beat. Seconds.
GRACE_S = 60.0
#: A part that a signal stopped for this long is not slow, it will not go on by itself. Seconds.
STOPPED_S = 1.5
#: However busy the processors and however slow the disk: a part that is silent for this long hangs. Seconds.
SLOW_S = 15.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """In the child, before exec: the kernel ends it when the supervisor is gone, even by SIGKILL (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time during which a part did not work: monotonic seconds, and why."""

    part: str
    cause: str
    since: float
    until: float


class Child:
    """One part of the box. All methods are called from the supervisor's main thread, to whose life it is bound."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        heartbeat: Path | None = None,
        says_ready: bool = False,
        patience_s: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`arguments` follow the interpreter; `heartbeat` is a file of figures that a living one keeps fresh.

        `says_ready`: it writes `ready` on standard output once it works. `patience_s`: it beats, and one that does not
        for so long, without an excuse, hangs; None for a part that has no pulse. `environment` is added to this
        process's.
        """
        self.name = name
        self.restarts = 0
        self.kills = 0
        self.status: int | None = None
        self.heartbeat = heartbeat
        self._arguments = [sys.executable, *arguments]
        self._says_ready = says_ready
        self._patience_s = patience_s
        self._environment = dict(environment or {})
        self._pulse: int | None = None
        self._beaten = False
        self._silence = Silence(0, 0.0)
        self._why: str | None = None
        self._away: tuple[str, float] | None = None
        self._gaps: list[Gap] = []
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

    @property
    def works(self) -> bool:
        """Whether it runs and has shown a sign of life since it was started."""
        return self.running and self._beaten

    def start(self) -> None:
        """Start it, in a process group of its own: a Ctrl-C reaches the supervisor alone, which stops in order."""
        self._ready.clear()
        if self.heartbeat is not None:
            self.heartbeat.unlink(missing_ok=True)
        self._began = time.monotonic()
        self._beaten = False
        listen, speak = self._pipe()
        environment = {**os.environ, **self._environment, pulse.VARIABLE: str(speak)}
        try:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._says_ready else None,
                text=True,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl, loaded before the fork
                pass_fds=(speak,),
                env=environment,
            )
        finally:
            os.close(speak)
        self._pulse = listen
        self._silence = Silence(self._process.pid, self._began)
        if self._says_ready:
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def tend(self) -> None:
        """Note beats and an end, end it when it hangs, and start anew when its time has come."""
        process = self._process
        if process is not None and process.poll() is not None:
            self._ended(process.returncode)
        elif process is None and time.monotonic() >= self._next:
            self.restarts += 1
            self.start()
        elif process is not None:
            self._feel()
            if self._why is None and (why := self._hung()) is not None:
                self._why = why
                self.kills += 1
                log.error("%s %s", self.name, why)
                self.kill()  # one that waits for a disk ends when the disk has answered

    def take_gaps(self) -> list[Gap]:
        """The gaps that ended since this was last asked."""
        gaps, self._gaps = self._gaps, []
        return gaps

    @property
    def beat_age_s(self) -> float | None:
        """Seconds since its last beat, None for one that has none or does not run."""
        return time.monotonic() - self._silence.beaten_at if self._patience_s is not None and self.running else None

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

    def _pipe(self) -> tuple[int, int]:
        """(our end, its end) of a fresh pulse."""
        if self._pulse is not None:
            os.close(self._pulse)
            self._pulse = None
        listen, speak = os.pipe()
        os.set_blocking(listen, False)
        os.set_blocking(speak, False)
        return listen, speak

    def _feel(self) -> None:
        """Read its pulse. The first beat after an end closes the gap."""
        if self._patience_s is None:
            self._works()
            return
        assert self._pulse is not None
        try:
            alive = os.read(self._pulse, 4096) != b""
        except BlockingIOError:
            alive = False
        now = time.monotonic()
        if alive:
            self._beaten = True
            self._silence.beat(now)
            self._works()
        else:
            self._silence.look(now)

    def _works(self) -> None:
        if self._away is not None:
            cause, since = self._away
            self._away = None
            self._gaps.append(Gap(self.name, cause, since, time.monotonic()))

    def _hung(self) -> str | None:
        """Why it is to be killed; None for one that is well, slow, or still begins."""
        silence = self._silence
        if self._patience_s is None:
            return None
        told = f"no sign of life for {time.monotonic() - silence.beaten_at:.0f} s"
        if silence.stopped_s >= STOPPED_S:
            return f"hung: {told}, stopped by a signal, killed"
        if not self._beaten:
            return f"hung: {told} since its start, killed" if silence.whole_s > GRACE_S else None
        if silence.unexcused_s > self._patience_s or silence.whole_s > max(SLOW_S, self._patience_s):
            return f"hung: {told}, killed"
        return None

    def _ended(self, status: int) -> None:
        self.status = status
        self._process = None
        if time.monotonic() - self._began > WELL_S:
            self._wait = FIRST_WAIT_S
        how = self._why or (f"killed by signal {-status}" if status < 0 else f"ended with exit status {status}")
        if self._away is None:
            self._away = how, self._silence.beaten_at if self._why else time.monotonic()
        self._why = None
        log.error("%s %s - starting it anew in %.1f s", self.name, how, self._wait)
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
