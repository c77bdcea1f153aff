"""What is kept of one polling camera on disk: its baseline, its open troubles, and events not yet handed over."""

import contextlib
import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contract.events import CloudEvent
from contract.feedhealth import Check
from edge.deliver.durable import folder_durable, write_durable
from edge.deliver.spool import MediaGone, Spool
from edge.polling.baseline import Baseline, from_json
from edge.polling.matters import Open

log = logging.getLogger("sightline.health")


class Told(BaseModel):
    """An event and the files that go with it: hex SHA-256 -> path."""

    model_config = ConfigDict(frozen=True)

    event: CloudEvent
    files: dict[str, Path] = {}


class Trouble(BaseModel):
    """An open trouble: its check, and when it began (Unix seconds)."""

    check: Check
    begun: float


class State(BaseModel):
    """Everything but the baseline."""

    open: dict[str, Trouble] = {}
    unsent: list[Told] = []


class KeptCamera:
    """The files of one camera below `<data_dir>/polling`. A disk that refuses is said once and tried again."""

    def __init__(self, folder: Path, camera: str) -> None:
        self.camera = camera
        self._baseline = folder / f"{camera}.baseline"
        self._state = folder / f"{camera}.json"
        self._anew = folder / f"{camera}.anew"
        self._stills = folder_durable(folder / "stills", 0o700)
        self.unsent: list[Told] = []
        self._refused = False

    @property
    def stills(self) -> Path:
        """Where stills lie until they are handed over."""
        return self._stills

    def baseline(self) -> Baseline | None:
        """What was learned; None when nothing was, or it cannot be read."""
        try:
            return from_json(self._baseline.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.error("%s: %s - it is learned anew", self._baseline, error)
            return None

    def write_baseline(self, baseline: Baseline) -> None:
        """Keep what was learned."""
        self._write(self._baseline, baseline.to_json())

    def told_anew(self) -> bool:
        """Whether somebody put `<camera>.anew` here: it was turned on purpose and is to be learned anew; asked once."""
        if not self._anew.exists():
            return False
        with contextlib.suppress(OSError):
            self._baseline.unlink(missing_ok=True)
            self._baseline.with_suffix(".pointing").unlink(missing_ok=True)  # where its head points (edge.onvif)
            self._anew.unlink(missing_ok=True)
        return not self._anew.exists()

    def open(self) -> dict[str, Open]:
        """Troubles that were told and not ended, and what is still to be handed over."""
        try:
            state = State.model_validate_json(self._state.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.error("%s: cannot be read (%s) - end at central by hand what was open", self._state, error)
            return {}
        self.unsent = list(state.unsent)
        return {key: Open(one.check, one.begun) for key, one in state.open.items()}

    def write(self, open_: dict[str, Open]) -> None:
        """Keep open troubles and what is unsent, before it is handed over."""
        known = {key: Trouble(check=one.check, begun=one.begun) for key, one in open_.items()}
        self._write(self._state, State(open=known, unsent=self.unsent).model_dump_json(by_alias=True).encode())

    def send(self, spool: Spool, open_: dict[str, Open]) -> None:
        """Hand over what is unsent; what the disk refuses stays for the next time."""
        if not self.unsent:
            return
        while self.unsent:
            one = self.unsent[0]
            try:
                spool.put(one.event, one.files)
            except MediaGone as error:
                log.error("%s: its still is gone (%s)", self.camera, error)
                self.unsent[0] = one.model_copy(update={"event": _without_still(one.event), "files": {}})
                continue
            except OSError as error:
                self._say(error)
                return
            for path in one.files.values():
                path.unlink(missing_ok=True)
            self.unsent.pop(0)
        self.write(open_)

    def remove(self) -> None:
        """The camera is no more."""
        for path in (self._baseline, self._state):
            path.unlink(missing_ok=True)

    def _write(self, path: Path, raw: bytes) -> None:
        try:
            write_durable(path, raw, 0o600)
            self._refused = False
        except OSError as error:
            self._say(error)

    def _say(self, error: OSError) -> None:
        if not self._refused:
            log.error("%s: what is known of it cannot be written (%s) - free space on the disk", self.camera, error)
        self._refused = True


def ask_anew(folder: Path, camera: str) -> None:
    """Have a camera learned anew: whoever looks after its picture finds the file. Raises OSError."""
    (folder / f"{camera}.anew").touch(mode=0o600)


def _without_still(event: CloudEvent) -> CloudEvent:
    return event.model_copy(update={"data": {key: value for key, value in event.data.items() if key != "still"}})


def folder_of(data_dir: Path) -> Path:
    """The folder of all polling cameras, made when it is not there. Raises OSError."""
    return folder_durable(folder_durable(data_dir) / "polling", 0o700)


__all__ = ["KeptCamera", "Told", "ask_anew", "folder_of"]
