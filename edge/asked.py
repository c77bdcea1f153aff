"""What central asked of this box, on disk: deliver puts it down, the part that does it takes it away when it is done.

<data_dir>/asked/<command>/<id>.json    one command, whole or not at all; the same id again changes nothing

Neither needs the other to be alive, and what was answered with `done` survives a restart.
"""

import hashlib
import logging
from pathlib import Path

from pydantic import ValidationError

from contract.command import COMMAND, AnyCommand
from edge.deliver.durable import folder_durable, write_durable

log = logging.getLogger("sightline.asked")
#: Most commands of one kind that wait: who asks for more is told to wait.
MOST = 1000


class Asked:
    """The folder of one command. One part writes, one takes."""

    def __init__(self, folder: Path, command: str) -> None:
        """`folder` is the box's `asked`, `command` the word of `contract.command`. Raises OSError."""
        self._folder = folder_durable(folder_durable(folder, 0o700) / command, 0o700)

    def put(self, command: AnyCommand) -> str | None:
        """Put one down, on disk when this returns; why not, as a sentence, else None. Raises OSError."""
        path = self._path(command.id)
        if not path.exists() and sum(1 for _ in self._folder.glob("*.json")) >= MOST:
            return f"{MOST} such commands wait already - ask again when some are done"
        write_durable(path, command.model_dump_json(exclude_none=True).encode(), 0o600)
        return None

    def waiting(self) -> list[AnyCommand]:
        """What waits, oldest first. A file that is no command is logged and removed."""
        found: list[AnyCommand] = []
        for path in sorted(self._folder.glob("*.json"), key=_age):
            try:
                found.append(COMMAND.validate_json(path.read_bytes()))
            except FileNotFoundError:
                continue
            except (ValidationError, OSError) as error:
                log.error("%s: is no command and is removed (%s)", path, str(error).splitlines()[0])
                path.unlink(missing_ok=True)
        return found

    def done(self, command: AnyCommand) -> None:
        """Take it away."""
        self._path(command.id).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # An id is printable text of any kind; a file's name is not.
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


__all__ = ["MOST", "Asked"]
