"""Stills as the public may see them: no face, and no plate but the accused vehicle's.

A copy is made when it is asked for, and kept on disk. Where nothing here can redact (no weights, no package) there are
none: an original is never shown instead.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseMedia
from central.db.events import Event
from central.db.media import Media
from central.db.notices import Notice
from central.media.store import MediaStore
from contract.errors import MediaError, ModelError
from contract.events import Violation, parse_data, parse_event

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

_log = structlog.get_logger("notices")


class PublicStills:
    """Redacted copies in `folder`. `make` gives the redactor, None where there is none; it is used one at a time."""

    def __init__(self, store: MediaStore, folder: Path, make: "Callable[[], Redactor] | None") -> None:
        self._store = store
        self._folder = folder
        self._make = make
        self._redactor: Redactor | None = None
        self._lock = threading.Lock()

    def of(self, session: Session, notice: Notice) -> list[tuple[Path, str]]:
        """The copies that go with a letter, with their captions; those that cannot be made are left out."""
        found = []
        for one in notice.said["stills"]:
            path = self.one(session, notice, str(one["sha256"]))
            if path is not None:
                found.append((path, str(one["caption"])))
        return found

    def one(self, session: Session, notice: Notice, sha256: str) -> Path | None:
        """The copy of one still that the letter names; None where it names none such or it cannot be shown."""
        if all(one["sha256"] != sha256 for one in notice.said["stills"]):
            return None
        case = session.get_one(Case, notice.case_id)
        named = next((one for one in case.media if one.sha256 == sha256), None)
        stored = session.get(Media, sha256)
        path = self._path(case.number, sha256)
        if named is None or stored is None or not stored.complete:
            # What is no longer kept is not shown from a copy either.
            path.unlink(missing_ok=True)
            return None
        if path.is_file():
            return path
        event = session.get_one(Event, case.event_id)
        violation = parse_data(parse_event(event.raw))
        return self._made(named, violation, path) if isinstance(violation, Violation) else None

    def forget(self, number: str, sha256: str) -> None:
        """Remove the copy of a still that is deleted."""
        self._path(number, sha256).unlink(missing_ok=True)

    def _path(self, number: str, sha256: str) -> Path:
        return self._folder / f"{number}-{sha256}.jpg"

    def _made(self, named: CaseMedia, violation: Violation, path: Path) -> Path | None:
        with self._lock:
            if path.is_file():
                return path
            try:
                redactor = self._ready()
                if redactor is None:
                    return None
                from central.redaction.stills import copy_of

                raw = copy_of(named, self._store.path(named.sha256), violation, redactor)
            except (ModelError, MediaError, ImportError, FileNotFoundError) as fault:
                _log.warning("a still cannot be shown to the public", sha256=named.sha256, reason=str(fault)[:200])
                return None
            _write(path, raw)
        return path

    def _ready(self) -> "Redactor | None":
        if self._redactor is None and self._make is not None:
            self._redactor = self._make()
        return self._redactor


def _write(path: Path, raw: bytes) -> None:
    """Whole or not at all: two processes may make the same copy."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
    Path(name).replace(path)


__all__ = ["PublicStills"]
