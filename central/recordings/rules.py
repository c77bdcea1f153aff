"""What recordings that are handed out go by, as the settings say."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

#: States of what was asked for.
ASKED, FETCHING, READY, OVER = "asked", "fetching", "ready", "over"


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """Where archives lie (replicas share the folder), how long a span may be, and how long archives are kept.

    `wait`: what has not come from the box by then is absent. `bytes_per_s`: what a box may take of its line.
    """

    folder: Path
    longest: timedelta = timedelta(hours=24)
    keep: timedelta = timedelta(days=30)
    wait: timedelta = timedelta(days=7)
    bytes_per_s: int = 1_000_000


def archive_of(folder: Path, request: str) -> Path:
    """Where the archive of a request lies."""
    return folder / f"{request}.zip"


__all__ = ["ASKED", "FETCHING", "OVER", "READY", "RecordingRules", "archive_of"]
