"""The pulse of a part: bytes down a pipe that its supervisor holds, while the part's own loop comes round.

A pipe needs no disk and no clock, so a full disk or a clock that jumps an hour kills no part that works. A part that
was started by hand has no pipe and beats into nothing.
"""

import os

#: Names the descriptor that the supervisor left open for the part.
VARIABLE = "SIGHTLINE_PULSE_FD"


def beat() -> None:
    """Say that this process works. Never blocks and never fails: a supervisor that is gone is told by the kernel."""
    number = os.environ.get(VARIABLE, "")
    if number.isdigit():
        try:
            os.write(int(number), b".")
        except OSError:
            return  # full (nobody has read for hours) or closed


__all__ = ["VARIABLE", "beat"]
