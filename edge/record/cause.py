"""Why a camera is not recorded, told from what can be seen: its line of trouble, and whether its machine answers."""

import socket
from urllib.parse import urlsplit

from edge.record.index import Cause

#: A machine on a whole network answers well within this. Seconds.
_ANSWER_S = 0.5


def cause_of(url: str, told: str) -> Cause:
    """`network` when nothing at the camera's address answers, `camera` when something does, even by refusing."""
    if "no route to that host" in told or "host name is not known" in told:
        return "network"
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            return "camera"
        socket.create_connection((parts.hostname, parts.port or 554), _ANSWER_S).close()
    except ConnectionRefusedError:
        return "camera"
    except (OSError, ValueError):
        return "network"
    return "camera"


def cause_of_restart(before: tuple[str, str] | None, boot: str) -> tuple[Cause, str]:
    """Why the run before ended: `before` is its boot id and what it said at its end, `boot` the present boot id."""
    if before is None:
        return "start", "recording began"
    if before[1]:
        return "operator", before[1]
    if before[0] != boot:
        return "power", "the machine was started anew"
    return "process", "the recorder ended without a word"
