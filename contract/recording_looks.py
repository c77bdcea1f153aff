"""The viewer log of an archive of a recording: who watched the camera, live or played back, and other looks.

What was watched through central stands in its ledger, two entries a watching (`watch`), and each line made of one names
its place there; a line that names none stands on the office's word.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contract import recording
from contract.bundle import Entries
from contract.errors import SealError
from contract.events import rfc3339
from contract.ledger import moment, read_entry

#: The kind of the ledger's entries of watchings.
WATCH = "watch"
_HEAD = ("at", "by", "looked_at", "ledger")
#: A place in the ledger, and the entry that is there.
Placed = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """A line of the viewer log: when, who (an account), and at what, in words."""

    at: datetime
    by: str
    what: str


def viewer_log(looks: Sequence[Look], watched: Sequence[Placed]) -> bytes:
    """`viewer-log.csv`: the looks, and a line for each of the ledger's entries of watchings, by time."""
    lines = [(moment(one.at), one.by, one.what, "") for one in looks]
    lines += [_line(place, entry) for place, entry in watched]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(_HEAD)
    table.writerows(sorted(lines))
    return out.getvalue().encode()


def watched_in(raw: bytes) -> list[Placed]:
    """The watchings among the entries of `ledger/entries.json`. Raises ValueError for another file."""
    found = [(one.place, read_entry(one.line)) for one in Entries.model_validate_json(raw).entries]
    return [(place, entry) for place, entry in found if entry["kind"] == WATCH]


def checked(raw: bytes, views: int, watched: Sequence[Placed]) -> int:
    """How many lines of a viewer log the ledger bears out. Raises SealError where it is another than the ledger has."""
    try:
        lines = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SealError(f"{recording.VIEWERS}: is no table") from error
    if not lines or tuple(lines[0]) != _HEAD or len(lines) != views + 1:
        raise SealError(f"{recording.VIEWERS}: has {len(lines) - 1} lines, the statement says {views}")
    told = sorted(tuple(line) for line in lines[1:] if len(line) == len(_HEAD) and line[3])
    true = sorted(_line(place, entry) for place, entry in watched)
    for said, there in zip([*told, None], [*true, None], strict=False):
        if said != there:
            one = there or said
            assert one is not None  # lists of different length differ before both are over
            raise SealError(f"{recording.VIEWERS}: is not what the ledger has of {one[1]}, {one[0]}")
    return len(true)


def _line(place: int, entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return str(entry["at"]), str(entry["by"]), _words(entry), str(place)


def _words(entry: Mapping[str, Any]) -> str:
    detail = entry.get("detail") or {}
    if entry.get("action") != "begin":
        return f"ended ({detail.get('why') or '?'}), {detail.get('pictures', '?')} pictures"
    if detail.get("from_us") is not None:
        return f"played back from {rfc3339(recording.moment_of(int(detail['from_us'])))}, pace {detail.get('pace', 1)}"
    return f"watched live ({detail.get('quality', '?')})"


__all__ = ["WATCH", "Look", "Placed", "checked", "viewer_log", "watched_in"]
