"""Runs a command that does not outlive the demo: `python -m sightline.demo.child PARENT_PID COMMAND...`.

The kernel sends SIGTERM to the command when the demo's process is gone, however it went (prctl PR_SET_PDEATHSIG,
which stays in force over exec).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)
    os.execvp(command[0], command)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
