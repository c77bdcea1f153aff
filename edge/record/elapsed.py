"""Time that no clock can shift: CLOCK_BOOTTIME of this start of the machine, and how the wall clock stands to it.

Within one start of the machine two instants are apart by the difference of their boot clocks, whatever was done to
the wall clock between them. Across two starts only wall clocks remain: the camera's own, or this machine's.
"""

import time
from dataclasses import dataclass

#: A wall clock that moves against the boot clock by more than this at once was set; less is being slewed. Microseconds.
STEP_US = 500_000


@dataclass(frozen=True, slots=True)
class Here:
    """Now: the boot's id, its clock, and wall clock minus boot clock. Microseconds.

    `sure`: the kernel calls the wall clock synchronised.
    """

    boot: str
    boot_us: int
    lead_us: int
    sure: bool = False

    @property
    def wall_us(self) -> int:
        """Wall clock, Unix microseconds."""
        return self.boot_us + self.lead_us


def boottime_us() -> int:
    """CLOCK_BOOTTIME (clock_gettime(2)): rises through suspension, and nobody can set it. Microseconds."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def here(boot: str, *, sure: bool = False) -> Here:
    """The present instant of the machine's start `boot`."""
    at = boottime_us()
    return Here(boot, at, time.time_ns() // 1000 - at, sure)


__all__ = ["STEP_US", "Here", "boottime_us", "here"]
