"""Stills as the public may see them (`central.redaction.public`): made once, on record, and kept on disk.

The case's history has the SHA-256 of each copy, and only a file of that hash is shown. One that is lost or was altered
is made anew. Where nothing here can redact (no weights, no package) there are none: an original is never shown instead.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
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
from central.turns import Busy, Turns
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


@dataclass(frozen=True, slots=True)
class Still:
    """What a copy is made of, read within a session and made outside of it.

    `raw` is the event that names the still, `plate` the accused vehicle's, `line` what the history says of a copy.
    """

    case_id: int
    sha256: str
    path: Path
    caption: str
    named: CaseMedia
    raw: bytes
    plate: str | None
    line: "_Line | None"


class PublicStills:
    """Redacted copies in `folder`. `make` gives the redactor, None where there is none; it is used one at a time."""

    def __init__(self, db: Database, store: MediaStore, folder: Path, make: "Callable[[], Redactor] | None") -> None:
        self._db = db
        self._store = store
        self._folder = folder
        self._make = make
        self._redactor: Redactor | None = None
        self._turns = Turns()

    def of(self, session: Session, notice: Notice) -> list[Still]:
        """The stills that go with a letter, as far as they are kept. No copy is made yet."""
        case = session.get_one(Case, notice.case_id)
        named = {one.sha256: one for one in case.media}
        found = []
        for said in notice.said["stills"]:
            sha256 = str(said["sha256"])
            stored, path = session.get(Media, sha256), self._path(case.number, sha256)
            if sha256 not in named or stored is None or not stored.complete:
                # What is no longer kept is not shown from a copy either.
                path.unlink(missing_ok=True)
                continue
            raw, plate = session.get_one(Event, case.event_id).raw, showing.vehicle_of(session, case).plate
            line = _line(session, case.id, sha256)
            found.append(Still(case.id, sha256, path, str(said["caption"]), named[sha256], raw, plate, line))
        return found

    def made(self, still: Still) -> PublicStill | None:
        """The copy; None where it cannot be made here. Takes seconds the first time: never within a session.

        Raises Busy.
        """
        if still.line is not None and _is(still.path, still.line):
            return _shown(still, still.line)
        violation = parse_data(parse_event(still.raw))
        if self._make is None or not isinstance(violation, Violation):
            return None
        with self._turns.one():
            # Another one may have waited for the same copy.
            with self._db.read() as session:
                line = _line(session, still.case_id, still.sha256)
            if line is None or not _is(still.path, line):
                line = self._copied(still, violation)
        return _shown(still, line) if line is not None else None

    def all_made(self, stills: Iterable[Still]) -> list[PublicStill]:
        """Those that can be made. Raises Busy."""
        return [one for still in stills if (one := self.made(still)) is not None]

    def nameable(self, stills: Iterable[Still]) -> list[PublicStill]:
        """Those that a page can name: a copy that has no turn just now is made when its picture is asked for."""
        return [one for still in stills if (one := self._named(still)) is not None]

    def _named(self, still: Still) -> PublicStill | None:
        try:
            return self.made(still)
        except Busy:
            return PublicStill(still.path, still.sha256, still.caption, plate=True)

    def forget(self, number: str, sha256: str) -> None:
        """Remove the copy of a still that is deleted."""
        self._path(number, sha256).unlink(missing_ok=True)

    def _path(self, number: str, sha256: str) -> Path:
        return self._folder / f"{number}-{sha256}.jpg"

    def _copied(self, still: Still, violation: Violation) -> "_Line | None":
        try:
            redactor = self._ready()
            if redactor is None:
                return None
            from central.redaction.stills import public_of

            path = self._store.path(still.sha256)
            raw, readable = public_of(still.named, path, violation, redactor, still.plate)
        except (ModelError, MediaError, ImportError, FileNotFoundError) as fault:
            _log.warning("a still cannot be shown to the public", sha256=still.sha256, reason=str(fault)[:200])
            return None
        line: _Line = {"still": still.sha256, "copy": sha256_hex(raw), "plate": readable}
        write(still.path, raw)
        self._recorded(still.case_id, line)
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


def _shown(still: Still, line: _Line) -> PublicStill:
    return PublicStill(still.path, still.sha256, still.caption, bool(line["plate"]))


def _is(path: Path, line: _Line) -> bool:
    """Whether the file is the copy that the history names."""
    try:
        return sha256_hex(path.read_bytes()) == line["copy"]
    except FileNotFoundError:
        return False


def write(path: Path, raw: bytes) -> None:
    """Whole or not at all: two processes may make the same copy."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
    Path(name).replace(path)


__all__ = ["REDACTED", "PublicStill", "PublicStills", "Still", "write"]
