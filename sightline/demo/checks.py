"""What must be there before the demo begins: each check is one line with a remedy when it does not hold."""

import shutil
import socket
import sys
from pathlib import Path

from contract.errors import RunError

#: Room that one run needs for recordings, evidence and a model, bytes.
NEEDED_BYTES = 1_000_000_000
HOST = "127.0.0.1"


def require_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raises RunError below Python 3.11."""
    if version < (3, 11):
        raise RunError(f"Python {version[0]}.{version[1]} is too old - install Python 3.11 or newer")


def require_space(folder: Path, needed: int = NEEDED_BYTES) -> None:
    """Raises RunError when the disk under `folder` (which need not exist yet) has less than `needed` bytes free."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise RunError(
            f"{folder}: only {free / 1e9:.1f} GB free, {needed / 1e9:.0f} GB are needed - make room or choose another "
            "disk with --data-dir"
        )


def port(wanted: int | None, usual: int) -> int:
    """`wanted` when it is free, else RunError; without a wish the usual one, or any other that is free."""
    if wanted is not None:
        if not _free(wanted):
            raise RunError(f"{HOST}:{wanted}: the port is in use - choose another with --port")
        return wanted
    if _free(usual):
        return usual
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return True
