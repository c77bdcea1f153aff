"""Whether a camera may be looked at: feed health puts down a file while a mask fails (`run/cut/<camera>`)."""

from pathlib import Path


def why_cut(path: Path) -> str | None:
    """The reason in a camera's file below `run/cut`; None when it may be looked at."""
    try:
        return path.read_text(encoding="utf-8").strip() or "cut"
    except FileNotFoundError:
        return None
    except OSError as error:  # what cannot be read may forbid it
        return f"{path.name}: cannot be read ({error.strerror})"


def begun_us(path: Path) -> int:
    """Since when it may not be, Unix microseconds; since ever where that cannot be told."""
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return 0


__all__ = ["begun_us", "why_cut"]
