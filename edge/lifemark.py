"""A mark on disk that the supervisor renews while it lives, so that its successor knows when and how it ended.

Its time is the kernel's monotonic clock, which one start of a machine shares among its processes; across two starts
only the wall clock remains.
"""

import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.deliver.durable import write_durable, write_whole

log = logging.getLogger("sightline.supervisor")
EVERY_S = 1.0
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Absence:
    """The box before ended at `since` (monotonic seconds of this start of the machine), because of `cause`."""

    cause: str
    since: float


def boot_id() -> str:
    """What the kernel calls this run of the machine (random(4))."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return "unknown"


class LifeMark:
    """One file. `before` is how the box ended that marked it last; None when it ended in order, or never ran."""

    def __init__(self, path: Path, boot: str | None = None) -> None:
        """`boot` names this start of the machine; the kernel's name when None."""
        self._path = path
        self._boot = boot_id() if boot is None else boot
        self._due = 0.0
        self._begun = False
        self.before = self._read()

    def turn(self) -> None:
        """Renew it, about once a second. A disk that refuses leaves the mark of before."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY_S
            self._write(ended=False, durable=not self._begun)
            self._begun = True

    def end(self) -> None:
        """The box ends in order."""
        self._write(ended=True, durable=True)

    def _read(self) -> Absence | None:
        try:
            mark = json.loads(self._path.read_text(encoding="utf-8"))
            if mark["ended"]:
                return None
            now = time.monotonic()
            if mark["boot"] == self._boot:
                return Absence("the supervisor ended without a word", min(now, float(mark["monotonic"])))
            return Absence("the machine was started anew", now - max(0.0, time.time() - float(mark["at"])))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: does not tell how the box ended before (%s)", self._path, type(error).__name__)
            return None

    def _write(self, *, ended: bool, durable: bool) -> None:
        """`durable`: on disk when it returns. After a power cut the first mark of a run must stand, not the last."""
        mark = {"boot": self._boot, "monotonic": time.monotonic(), "at": time.time(), "ended": ended}
        with suppress(OSError):
            (write_durable if durable else write_whole)(self._path, json.dumps(mark).encode("utf-8"))


__all__ = ["Absence", "LifeMark", "boot_id"]
