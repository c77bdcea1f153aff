"""When a camera that masks its own pictures showed what it must hide: nobody is played that, also when it is over.

`<data_dir>/polling/<camera>.bare`, a line a failure: begin and end, Unix microseconds. Feed health writes, live reads.
"""

import contextlib
from pathlib import Path
from typing import Final

from edge.deliver.durable import write_durable

#: A failure is noticed so long after it began at the most; everything since is withheld. Microseconds.
NOTICED_US: Final = 10_000_000
#: Failures kept; a camera that has had more is played back from the first one that is kept on.
_MOST: Final = 5_000


class Bare:
    """The failures of one camera."""

    def __init__(self, folder: Path, camera: str) -> None:
        """`folder` is that of all polling cameras."""
        self._path = folder / f"{camera}.bare"
        self._known: tuple[int, tuple[tuple[int, int], ...]] = (0, ())

    def add(self, begun_us: int, ended_us: int) -> None:
        """One that is over, on disk when this returns. Raises OSError."""
        kept = [*self.spans(), (begun_us, ended_us)][-_MOST:]
        write_durable(self._path, "".join(f"{begun} {ended}\n" for begun, ended in kept).encode(), 0o600)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """All that are over. What cannot be read withholds everything."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return ()
        except OSError:
            return ((0, 1 << 62),)
        if changed != self._known[0]:
            self._known = changed, self._read()
        return self._known[1]

    def holds(self, wall_us: int) -> bool:
        """Whether a picture of that instant is withheld."""
        return any(begun - NOTICED_US <= wall_us <= ended for begun, ended in self.spans())

    def _read(self) -> tuple[tuple[int, int], ...]:
        with contextlib.suppress(OSError, ValueError):
            lines = self._path.read_text(encoding="ascii").split("\n")
            pairs = [line.split(" ") for line in lines if line]
            return tuple((int(begun), int(ended)) for begun, ended in pairs)
        return ((0, 1 << 62),)


__all__ = ["NOTICED_US", "Bare"]
