"""The check of an archive of a recording (`contract.recording`): read once from its front, with bounded memory.

The office's signature, the ledger and the box's blocks come first and are checked first; nothing after them is needed
to know what must follow. So of a download that broke off it is told up to when it is good, and of what was altered,
which seconds it concerns. Who the office is, is not in the file: its key and its heads are compared (`Trust`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from joserfc.jwk import OKPKey

from contract import recording, recording_check, recording_looks
from contract.bundle import ENTRIES
from contract.errors import InputError, SealError
from contract.events import rfc3339
from contract.recording import Statement
from contract.recording_check import Told, span_words
from contract.sealing import import_public, thumbprint
from sightline.evidence.proofs import Ledger, proven
from sightline.evidence.recording_files import Front, Read, Reading

_NAME = recording.STATEMENT.encode()
#: Lines that are printed of things of one kind.
_MOST = 20


@dataclass(frozen=True, slots=True)
class _Checked:
    """The front of an archive, once it holds."""

    statement: Statement
    key: OKPKey
    ledger: Ledger
    told: Told
    #: Lines of the viewer log that the ledger has.
    watched: int
    notes: list[str]


def is_recording(path: Path) -> bool:
    """Whether a file begins as an archive of a recording does, not whether it holds. Raises InputError."""
    try:
        with path.open("rb") as file:
            head = file.read(30 + len(_NAME))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}) - give an archive (.zip)") from error
    return head[:4] == b"PK\x03\x04" and head[30:] == _NAME


def verify_recording(
    path: Path, office: str | None, heads: Path | None = None, roots: Sequence[x509.Certificate] = ()
) -> list[str]:
    """What holds, line by line; `office` is the thumbprint of the office's key and `heads` the file it published.

    Raises SealError with what does not hold, line by line: each with the seconds it concerns, then what is good.
    """
    try:
        return _verified(path, office, heads, list(roots))
    except SealError as error:
        raise SealError("\n".join(map(_plain, str(error).splitlines()))) from error


def _verified(path: Path, office: str | None, heads: Path | None, roots: list[x509.Certificate]) -> list[str]:
    with path.open("rb") as file:
        reading = Reading(file)
        front = reading.front()
        try:
            checked = _front(front, office, heads, roots)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SealError(f"{recording.STATEMENT}: is not of the form that this version knows ({error})") from error
        read = reading.segments(front, checked.told)
    lines = _lines(checked, read, office is not None, heads is not None)
    if read.faults or read.cut is not None:
        raise SealError("\n".join([*_faults(read), *_good(checked, read)]))
    return [_plain(line) for line in lines]


def _front(front: Front, office: str | None, heads: Path | None, roots: list[x509.Certificate]) -> _Checked:
    statement, key = front.statement, front.key
    if office is not None and office != thumbprint(key):
        raise SealError(
            f"{recording.OFFICE_KEY}: is the key {thumbprint(key)}, not the office's {office}: somebody else signed it"
        )
    ledger = proven(front, heads, roots)
    keys = {str(line.entry["kid"]): (str(line.entry["edge"]), _box_key(line.entry)) for line in ledger.of("key")}
    admitted = {str(line.entry["sha256"]): line.entry for line in ledger.of("event")}
    told = recording_check.sealed(front.archive.entries[recording.SEALED], statement, keys, admitted)
    recording_check.agreed(statement, told)
    recording_check.requested(statement, [line.entry for line in ledger.of("approval")])
    notes = recording_check.placed(statement, told, front.archive.entries)
    watched = [(line.place, line.entry) for line in ledger.of(recording_looks.WATCH)]
    if strange := next((one for _, one in watched if (one["edge"], one["camera"]) != told.place), None):
        raise SealError(f"{ENTRIES}: has a watching of camera {strange['camera']} of box {strange['edge']}")
    borne = recording_looks.checked(front.archive.entries[recording.VIEWERS], statement.views, watched)
    return _Checked(statement, key, ledger, told, borne, [*_of_keys(ledger, told), *notes])


def _of_keys(ledger: Ledger, told: Told) -> list[str]:
    """What is to be known of the box's keys: one that nobody outside has seen let in, and one that was taken back."""
    fresh = [line.entry["kid"] for line in ledger.of("key") if line.place >= ledger.published.head.size]
    ended = {str(line.entry["kid"]): str(line.entry["at"]) for line in ledger.of("key-revoked")}
    notes = [
        f"the box's key {kid} was let in after the last published head: the office alone vouches for it"
        for kid in sorted(told.kids & set(fresh))
    ]
    return notes + [f"the box's key {kid} was revoked {ended[kid]}" for kid in sorted(told.kids & set(ended))]


def _box_key(entry: dict[str, Any]) -> OKPKey:
    key = import_public(dict(entry["jwk"]))
    if thumbprint(key) != entry["kid"]:
        raise SealError(f"the ledger's entry of the key {entry['kid']} holds another key")
    return key


def _faults(read: Read) -> list[str]:
    more = len(read.faults) - _MOST
    told = [*read.faults[:_MOST], *([f"... and {more} more"] if more > 0 else [])]
    return [*told, *([read.cut] if read.cut is not None else [])]


def _good(checked: _Checked, read: Read) -> list[str]:
    """Up to when a torn archive is good, and which seconds of an altered one are."""
    said, zone = checked.statement, checked.statement.station.timezone
    wanted = said.request.wanted
    spans = [(*span, one.recorded.sha256 in read.good) for one in checked.told.segments for span in one.spans]
    spans += [(gap.start_us, gap.end_us, True) for gap in checked.told.gaps]
    stretches: list[tuple[int, int]] = []
    for first, last, holds in sorted(spans):
        if not holds:
            continue
        if stretches and stretches[-1][1] == first:
            stretches[-1] = (stretches[-1][0], last)
        else:
            stretches.append((first, last))
    have = sum(last - first for one in checked.told.segments if one.recorded.sha256 in read.good
               for first, last in one.spans)  # fmt: skip
    lines = [f"good: {have / 1e6:.3f} s of {checked.told.recorded_us / 1e6:.3f} s recorded, as the box signed them"]
    if read.cut is not None and stretches and stretches[0][0] == wanted.from_us:
        lines.append(f"good from the beginning: {span_words(zone, *stretches[0])}, gaps with it as the box told them")
    elif read.cut is not None:
        lines.append("good from the beginning: nothing")
    lines += [f"good: {span_words(zone, *one)}" for one in stretches[:_MOST]] if read.faults else []
    if read.faults and len(stretches) > _MOST:
        lines.append(f"good: ... and {len(stretches) - _MOST} stretches more")
    return lines


def _lines(checked: _Checked, read: Read, trusted: bool, seen: bool) -> list[str]:
    said, told, zone = checked.statement, checked.told, checked.statement.station.timezone
    wanted, head = said.request.wanted, checked.ledger.head.head
    span = span_words(zone, wanted.from_us, wanted.until_us)
    same = "the key you gave" if trusted else "compare it with the one that the office has published (--trust)"
    published = "as published" if seen else "compare it with the published heads (--heads)"
    absent = sum(last - first for one in told.segments if one.recorded.sha256 not in read.good
                 for first, last in one.spans)  # fmt: skip
    holds = f"unaltered; {absent / 1e6:.3f} s that were recorded are not in it" if absent else "whole and unaltered"
    lines = [
        f"recording of camera {wanted.camera_id} of box {wanted.edge_id}, {span}: {holds}",
        f"place    {_plain(' '.join(filter(None, _place(said))))}",
        f"office   {thumbprint(checked.key)}: {same}",
        f"ledger   {head.size} entries, goes on from the head of {checked.ledger.published.head.size}: {published}",
        f"box      {len(told.blocks)} blocks sealed by {', '.join(sorted(told.kids))}, chained, no second untold",
        f"recorded {told.recorded_us / 1e6:.3f} s of {(wanted.until_us - wanted.from_us) / 1e6:.3f} s; "
        f"{len(read.good)} segments are here, byte for byte as the box recorded them",
    ]
    lines += _many([f"gap      {span_words(zone, one.start_us, one.end_us)}: {one.cause} {_plain(one.detail)}".rstrip()
                    for one in told.gaps])  # fmt: skip
    lines += _many(_missing(checked))
    lines.append(
        f"pictures {read.pictures} by the files' own decode times, which agree with the blocks"
        if not read.differ
        else f"pictures {read.pictures}; in {len(read.differ)} files the pictures do not agree with the blocks"
    )
    lines += _many(read.differ)
    asked = said.request
    lines.append(
        f"asked    {asked.key} by {_plain(asked.asked_by)}, {rfc3339(asked.asked_at)}: {_plain(asked.reason)}; "
        f"approved by {_plain(asked.approved_by)}"
    )
    lines.append(
        f"looks    {said.views} in the viewer log, {checked.watched} of them in the ledger, others on the office's word"
    )
    if checked.ledger.stamped is not None:
        lines.append(f"stamped  {rfc3339(checked.ledger.stamped)} by the timestamp authority")
    return [*lines, *_many([f"note     {_plain(note)}" for note in [*checked.notes, *said.notes]])]


def _place(said: Statement) -> tuple[str | None, ...]:
    one = said.station
    return one.township, one.village, one.station, one.name, one.camera


def _missing(checked: _Checked) -> list[str]:
    """Segments that were recorded and are not here: gone from the box by its own sealed word, or on the office's."""
    zone, deleted = checked.statement.station.timezone, checked.told.deleted
    why = {one.sha256: one.why for one in checked.statement.absent}
    lines = []
    for one in checked.told.segments:
        sha256 = one.recorded.sha256
        if sha256 in why:
            proof = f"the box deleted it ({deleted[sha256]})" if sha256 in deleted else "on the office's word"
            when = "; ".join(span_words(zone, *span) for span in one.spans)
            lines.append(f"missing  {when}: recorded and not here, {_plain(why[sha256])}: {proof}")
    return lines


def _many(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST else [*lines[:_MOST], f"... and {len(lines) - _MOST} more"]


def _plain(text: str) -> str:
    """What stands in a file of a stranger, fit for a terminal."""
    return "".join(one if one.isprintable() else " " for one in text)[:1000]


__all__ = ["is_recording", "verify_recording"]
