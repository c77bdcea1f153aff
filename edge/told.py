"""What a box was told of one camera, on disk: deliver writes it, the camera's worker reads it, neither needs the other.

<data_dir>/told/lasting/<camera_id>.json    statements with an end; durable, a restart goes on with them
<data_dir>/told/passing/<camera_id>.json    readings of single instants; a restart has no use for them
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from contract.statement import Statement
from edge.deliver.durable import write_durable, write_whole

log = logging.getLogger("sightline.camera")
SIGNAL = "signal_state"
#: Domain C2: the last state of a signal that was told holds for so long. Seconds.
SIGNAL_HOLDS = timedelta(seconds=2)
_LIST = TypeAdapter(list[Statement])
_NEVER = datetime.min.replace(tzinfo=UTC)


class ToldFile:
    """One file of statements. Written whole or not at all; what cannot be read tells nothing, and is logged once."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._held: tuple[Statement, ...] = ()

    def read(self) -> tuple[Statement, ...]:
        """What stands in it now; asked again, an unchanged file is not opened."""
        try:
            facts = self.path.stat()
            stamp = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
            if stamp != self._stamp:
                self._held = ()
                self._stamp = stamp
                self._held = tuple(_LIST.validate_json(self.path.read_bytes()))
        except FileNotFoundError:
            self._held, self._stamp = (), None
        except (OSError, ValidationError) as error:
            log.warning("%s: cannot be read (%s) - what it told is unknown", self.path, str(error).splitlines()[0])
        return self._held

    def write(self, statements: Iterable[Statement], *, durable: bool) -> None:
        """Replace what stands in it. Raises OSError, and then the old file is still there."""
        raw = _LIST.dump_json(list(statements), by_alias=True, exclude_none=True)
        if durable:
            write_durable(self.path, raw, 0o600)
        else:
            write_whole(self.path, raw)


class Told:
    """Everything that was told of one camera, as its worker asks for it."""

    def __init__(self, folder: Path, camera_id: str) -> None:
        """`folder` is the box's `told`; it need not exist."""
        self._files = [ToldFile(folder / kind / f"{camera_id}.json") for kind in ("lasting", "passing")]
        self._given: dict[str, datetime] = {}

    def statements(self) -> tuple[Statement, ...]:
        """All of them, of whatever time."""
        return tuple(one for file in self._files for one in file.read())

    def signals(self, at: datetime) -> dict[str, str]:
        """The state of signals at the instant `at` by crossing, for the scene of that instant.

        The newest word counts. One of an instant is given once, to the first scene after it, because a rule keeps it
        for as long as it holds; one that is too old by then, or that another of the same instant contradicts, is not.
        """
        newest: dict[str, list[Statement]] = {}
        for one in self.statements():
            if one.fact != SIGNAL or one.zone_id is None or one.valid_from > at:
                continue
            held = newest.setdefault(one.zone_id, [])
            if held and one.valid_from > held[0].valid_from:
                held.clear()
            if not held or one.valid_from == held[0].valid_from:
                held.append(one)
        return {zone: state for zone, said in newest.items() if (state := self._state(zone, said, at)) is not None}

    def _state(self, zone: str, said: list[Statement], at: datetime) -> str | None:
        values = {one.value for one in said}
        if len(values) > 1:
            return None
        begun = said[0].valid_from
        if any(one.valid_until is not None for one in said):
            return values.pop() if any(one.valid_until is not None and at < one.valid_until for one in said) else None
        if at - begun > SIGNAL_HOLDS or begun <= self._given.get(zone, _NEVER):
            return None
        self._given[zone] = begun
        return values.pop()


__all__ = ["SIGNAL", "SIGNAL_HOLDS", "Told", "ToldFile"]
