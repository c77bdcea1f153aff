"""A packet as a camera sent it, before it is put on stream time, and how long is waited for one."""

from dataclasses import dataclass, replace
from typing import Literal

#: An address that has not begun to send by then cannot be had. Seconds.
OPEN_S = 5.0
#: A stream that sends nothing for this long is lost; noticed well within the 5 s of domain E2. Seconds.
SILENT_S = 4.0
Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class RawPacket:
    """A packet as the sender stamped it: `pts` and `dts` in seconds of its own clock.

    `reported` is the camera's wall clock for it (Unix seconds), once an RTCP sender report came; `arrived` and
    `monotonic` are this machine's.
    """

    pts: float
    dts: float
    duration: float
    data: bytes
    keyframe: bool
    disposable: bool
    reported: float | None
    arrived: float
    monotonic: float


def reckoned(backlog: list[RawPacket]) -> list[RawPacket]:
    """The packets of a backlog with arrival, and the camera's clock where only later ones told it, reckoned back."""
    if not backlog:
        return []
    newest = backlog[-1]
    told = next((raw for raw in backlog if raw.reported is not None), None)
    made = []
    for raw in backlog:
        ago = newest.dts - raw.dts
        reported = raw.reported
        if reported is None and told is not None and told.reported is not None:
            reported = told.reported - (told.pts - raw.pts)
        made.append(replace(raw, arrived=newest.arrived - ago, monotonic=newest.monotonic - ago, reported=reported))
    return made
