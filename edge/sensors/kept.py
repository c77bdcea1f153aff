"""What a box knows of one sensor, on disk: a restart goes on with the duration, the alarm and the silence at hand.

<data_dir>/sensors/<sensor_id>.json

What was decided is written here before it is handed over, and struck once it is in the spool: a crash in between hands
it over again under the same case key, which central takes once.
"""

import logging
from pathlib import Path

import uuid_utils
from pydantic import Field, ValidationError

from contract.events import CloudEvent
from contract.model import Model
from edge.deliver.durable import folder_durable, write_durable
from edge.rules.threshold import State

log = logging.getLogger("sightline.sensors")


class Kept(Model):
    """The state of a sensor, and what it decided that is not in the spool yet."""

    state: State = State()
    outgoing: list[CloudEvent] = Field(default=[])

    def anew(self) -> list[CloudEvent]:
        """What is to be handed over after a crash, under fresh ids.

        Deliver may have sealed an event before the crash, and what is sealed under one id must never differ.
        """
        return [one.model_copy(update={"id": str(uuid_utils.uuid7())}) for one in self.outgoing]


class KeptFile:
    """One sensor's file. What cannot be read is laid aside as `<sensor_id>.json.unreadable`, said, and begins anew."""

    def __init__(self, folder: Path, sensor_id: str) -> None:
        """`folder` is the box's `sensors`."""
        self.path = folder / f"{sensor_id}.json"
        self._written: Kept | None = None
        self._refused = False
        #: Whether `read` found something that it could not read.
        self.unreadable = False

    def read(self) -> Kept:
        """What an earlier run left; nothing known when there is none."""
        try:
            self._written = Kept.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return Kept()
        except (OSError, ValidationError) as error:
            self.unreadable = True
            log.error(
                "%s: cannot be read (%s) - it is laid aside as %s and the sensor begins anew, close at central by hand "
                "what it had begun", self.path, str(error).splitlines()[0], self._lay_aside(),
            )  # fmt: skip
            return Kept()
        return self._written

    def _lay_aside(self) -> Path:
        """Keep what cannot be read for a person; where it is."""
        aside = self.path.with_name(f"{self.path.name}.unreadable")
        try:
            self.path.replace(aside)
        except OSError:
            return self.path
        return aside

    def write(self, kept: Kept) -> bool:
        """Replace what is there; on disk when it returns True. A disk that refuses is said once."""
        if kept == self._written:
            return True
        try:
            write_durable(self.path, kept.model_dump_json(by_alias=True).encode(), 0o600)
        except OSError as error:
            if not self._refused:
                log.error("%s: cannot be written (%s) - free space on the disk", self.path, error.strerror)
            self._refused = True
            return False
        self._written, self._refused = kept, False
        return True

    def remove(self) -> None:
        """The sensor is no more."""
        self.path.unlink(missing_ok=True)


def folder_of(data_dir: Path) -> Path:
    """The folder of all sensors, made when it is not there. Raises OSError."""
    return folder_durable(folder_durable(data_dir) / "sensors", 0o700)


__all__ = ["Kept", "KeptFile", "folder_of"]
