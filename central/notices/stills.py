"""Stills as the public may see them (`central.redaction.public`): made once, on record, and kept on disk.

The case's history has the SHA-256 of each copy, and only a file of that hash is shown. One that is lost or was altered
is made anew. Where nothing here can redact (no weights, no package) there are none: an original is never shown instead.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog, CaseMedia
from central.db.database import Database
from central.db.events import Event
from central.db.media import Media
from central.db.notices import Notice
from central.media.store import MediaStore
from central.tickets import opening, showing
from central.workflow.table import SYSTEM
from contract.errors import MediaError, ModelError
from contract.events import Violation, parse_data, parse_event
from contract.sealing import sha256_hex

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

_log = structlog.get_logger("notices")


#: The line of the history that names a copy.
REDACTED: Final = "redacted"


@dataclass(frozen=True, slots=True)
class PublicStill:
    """A copy, the SHA-256 of its original, and whether the accused vehicle's plate can be read in it."""

    path: Path
    of: str
    caption: str
    plate: bool


class PublicStills:
    """Redacted copies in `folder`. `make` gives the redactor, None where there is none; it is used one at a time."""

    def __init__(self, db: Database, store: MediaStore, folder: Path, make: "Callable[[], Redactor] | None") -> None:
        self._db = db
        self._store = store
        self._folder = folder
        self._make = make
        self._redactor: Redactor | None = None
        self._lock = threading.Lock()

    def of(self, session: Session, notice: Notice) -> list[PublicStill]:
        """The copies that go with a letter; those that cannot be made are left out."""
        found = (self.one(session, notice, str(one["sha256"])) for one in notice.said["stills"])
        return [one for one in found if one is not None]

    def one(self, session: Session, notice: Notice, sha256: str) -> PublicStill | None:
        """The copy of one still that the letter names; None where it names none such or it cannot be shown."""
        caption = next((str(one["caption"]) for one in notice.said["stills"] if one["sha256"] == sha256), None)
        if caption is None:
            return None
        case = session.get_one(Case, notice.case_id)
        named = next((one for one in case.media if one.sha256 == sha256), None)
        stored = session.get(Media, sha256)
        path = self._path(case.number, sha256)
        if named is None or stored is None or not stored.complete:
            # What is no longer kept is not shown from a copy either.
            path.unlink(missing_ok=True)
            return None
        line = _line(session, case.id, sha256)
        if line is None or not _is(path, line):
            line = self._made(session, case, named, path)
        return PublicStill(path, sha256, caption, bool(line["plate"])) if line is not None else None

    def forget(self, number: str, sha256: str) -> None:
        """Remove the copy of a still that is deleted."""
        self._path(number, sha256).unlink(missing_ok=True)

    def _path(self, number: str, sha256: str) -> Path:
        return self._folder / f"{number}-{sha256}.jpg"

    def _made(self, session: Session, case: Case, named: CaseMedia, path: Path) -> "_Line | None":
        event = session.get_one(Event, case.event_id)
        violation = parse_data(parse_event(event.raw))
        if not isinstance(violation, Violation):
            return None
        plate = showing.vehicle_of(session, case).plate
        with self._lock:
            try:
                redactor = self._ready()
                if redactor is None:
                    return None
                from central.redaction.stills import public_of

                raw, readable = public_of(named, self._store.path(named.sha256), violation, redactor, plate)
            except (ModelError, MediaError, ImportError, FileNotFoundError) as fault:
                _log.warning("a still cannot be shown to the public", sha256=named.sha256, reason=str(fault)[:200])
                return None
            line = {"still": named.sha256, "copy": sha256_hex(raw), "plate": readable}
            _write(path, raw)
            self._recorded(case.id, line)
        return line

    def _recorded(self, case_id: int, line: "_Line") -> None:
        """Once: another process may have made the same copy meanwhile."""
        with self._db.write() as session:
            case = session.get_one(Case, case_id, with_for_update=True)
            if _line(session, case_id, str(line["still"])) != line:
                opening.log(case, SYSTEM, REDACTED, **line)

    def _ready(self) -> "Redactor | None":
        if self._redactor is None and self._make is not None:
            self._redactor = self._make()
        return self._redactor


_Line = dict[str, object]


def _line(session: Session, case_id: int, sha256: str) -> _Line | None:
    """What the history says of the newest copy of a still."""
    query = select(CaseLog.detail).where(CaseLog.case_id == case_id, CaseLog.action == REDACTED)
    lines = session.execute(query.order_by(CaseLog.id.desc())).scalars()
    return next((dict(one) for one in lines if one.get("still") == sha256), None)


def _is(path: Path, line: _Line) -> bool:
    """Whether the file is the copy that the history names."""
    try:
        return sha256_hex(path.read_bytes()) == line["copy"]
    except FileNotFoundError:
        return False


def _write(path: Path, raw: bytes) -> None:
    """Whole or not at all: two processes may make the same copy."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
    Path(name).replace(path)


__all__ = ["REDACTED", "PublicStill", "PublicStills"]
