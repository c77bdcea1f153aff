"""The check of what an archive of a recording says: the box's sealed blocks against the office's statement. Pure.

Nothing of the segments is needed for it: which there must be, and when they were, follows from the blocks. Every
function raises SealError with the first thing that does not hold, and the seconds that it concerns.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from contract import continuity, recording
from contract.continuity import Block, Deleted, Missing
from contract.errors import SealError, SiteError
from contract.events import EventType, parse_data, parse_event, rfc3339
from contract.recording import InForce, Request, Segment, Statement
from contract.sealing import sha256_hex, verify_detached
from contract.sitefile import site_of

#: By how much two entries of one moment may differ: each is written with a clock of its own.
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What the box's sealed events say of the span, once they hold; `deleted` tells why, by SHA-256 of a segment."""

    blocks: tuple[Block, ...]
    kids: frozenset[str]
    segments: tuple[Segment, ...]
    gaps: tuple[Missing, ...]
    recorded_us: int
    deleted: Mapping[str, str]

    @property
    def place(self) -> tuple[str, str]:
        """Box and camera."""
        return self.blocks[0].edge_id, self.blocks[0].camera_id


@dataclass(frozen=True, slots=True)
class _Event:
    block: Block
    digest: str
    sha256: str


def span_words(zone: str, from_us: int, until_us: int) -> str:
    """A stretch of time, to the millisecond, by the station's clock."""
    try:
        at: tzinfo = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        at = UTC  # a machine may know fewer zones than the office
    first, last = (rfc3339(recording.moment_of(one).astimezone(at)) for one in (from_us, until_us))
    return f"{first} to {last} ({(until_us - from_us) / 1e6:.3f} s)"


def sealed(
    raw: bytes, statement: Statement, keys: Mapping[str, tuple[str, OKPKey]], admitted: Mapping[str, Mapping[str, Any]]
) -> Told:
    """Check the sealed events: seals, camera, chain, that every second of the span is spoken of.

    `keys`: a box's id and key by its thumbprint; `admitted`: the ledger's entries of events by SHA-256 of their bytes.
    """
    wanted, zone = statement.request.wanted, statement.station.timezone
    found: list[_Event] = []
    single: list[tuple[str, str]] = []
    deleted: dict[str, str] = {}
    kids = set()
    for number, line in enumerate(io.BytesIO(raw), start=1):
        where = f"{recording.SEALED}: line {number}"
        event, kid = _opened(line, where, statement, keys)
        kids.add(kid)
        entry = admitted.get(sha256_hex(event))
        if entry is not None and (entry.get("kid"), entry.get("edge")) != (kid, wanted.edge_id):
            raise SealError(f"{where}: the ledger has it of another key or box than the one that sealed it")
        data, plain = _data(event, where, statement)
        if isinstance(data, Deleted):
            single.append((where, sha256_hex(event)))
            deleted |= dict.fromkeys(data.segments, data.why)
        else:
            found.append(_Event(data, continuity.block_hash(plain), sha256_hex(event)))
    if not found:
        raise SealError(f"{recording.SEALED}: has no block of camera {wanted.camera_id}: all of the ledger was removed")
    reach = next((n for n, one in enumerate(found) if one.block.until_us >= wanted.until_us), len(found) - 1)
    _chained(found[: reach + 1], zone)
    _later(found[reach:], zone)
    single += [(f"block {one.block.number}", one.sha256) for one in found[reach:]]
    for where, sha256 in single:
        if sha256 not in admitted:
            raise SealError(
                f"{where}: is not in the office's ledger: the box told it later, or nobody but this archive has it"
            )
    blocks = tuple(one.block for one in found)
    gaps = recording.gaps_of(blocks, wanted.from_us, wanted.until_us)
    _spoken_of(blocks, gaps, statement)
    said = continuity.coverage(blocks, wanted.from_us, wanted.until_us)
    segments = tuple(recording.segments_of(blocks, wanted.from_us, wanted.until_us))
    return Told(blocks, frozenset(kids), segments, tuple(gaps), said.recorded_us, deleted)


def agreed(statement: Statement, told: Told) -> None:
    """The statement says what the blocks say: the same gaps with their causes, the same segments, in their order."""
    zone = statement.station.timezone
    for said, true in zip([*statement.gaps, None], [*told.gaps, None], strict=False):
        if said == true:
            continue
        one = true or said
        assert one is not None  # lists of different length differ before both are over
        words = f"{one.cause} {one.detail}".strip()
        if true is None:
            raise SealError(
                f"{recording.STATEMENT}: tells of a gap {span_words(zone, one.start_us, one.end_us)} that no block has"
            )
        raise SealError(
            f"{recording.STATEMENT}: tells the gap {span_words(zone, one.start_us, one.end_us)} otherwise than the "
            f"box, which signed: {words}"
        )
    if statement.recorded_us != told.recorded_us:
        raise SealError(
            f"{recording.STATEMENT}: says that {statement.recorded_us / 1e6:.3f} s were recorded; the box signed "
            f"{told.recorded_us / 1e6:.3f} s"
        )
    names, absent = recording.names_of(told.segments), {one.sha256 for one in statement.absent}
    known = set(names)
    if strange := absent - known:
        raise SealError(f"{recording.STATEMENT}: a segment is said to be absent that no block names ({min(strange)})")
    filed = [(one.name, one.sha256) for one in statement.files if one.name.startswith("segments/")]
    wanted = [(name, sha256) for sha256, name in names.items() if sha256 not in absent]
    spans = {one.recorded.sha256: one.spans for one in told.segments}
    for here, there in zip([*filed, None], [*wanted, None], strict=False):
        if here == there:
            continue
        if there is None:
            assert here is not None
            raise SealError(f"{recording.STATEMENT}: lists {here[0]}, a segment that no block names: it was added")
        when = "; ".join(span_words(zone, *span) for span in spans[there[1]])
        raise SealError(
            f"{recording.STATEMENT}: the segment of {when} is not where it belongs ({there[0]}): it was removed, "
            "swapped or given another date"
        )


def requested(statement: Statement, lines: Sequence[Mapping[str, Any]]) -> None:
    """The ledger has the request as the statement tells it, and another person's approval. `lines`: of requests."""
    asked = statement.request
    own = [one for one in lines if one.get("request") == asked.key]
    first = next((one for one in own if one.get("action") == recording.ASKED), None)
    second = next((one for one in own if one.get("action") == recording.APPROVED), None)
    if first is None or second is None:
        raise SealError(f"{recording.STATEMENT}: the ledger has no request {asked.key} that somebody approved")
    _asked_for(asked, first)
    if second["by"] != asked.approved_by or not _near(second, asked.approved_at):
        raise SealError(f"{recording.STATEMENT}: the ledger says that {second['by']} approved it, {second['at']}")
    if first["by"] == second["by"]:
        raise SealError(f"{recording.STATEMENT}: {first['by']} asked and approved: nobody else did")
    if statement.made_at < asked.approved_at - _MINUTE:
        raise SealError(f"{recording.STATEMENT}: was made {rfc3339(statement.made_at)}, before it was approved")


def placed(statement: Statement, told: Told, files: Mapping[str, bytes]) -> list[str]:
    """The site files are those that the box signed, and set what the statement says; notes on the masks."""
    wanted = statement.request.wanted
    starts = [one.from_us for one in statement.sites]
    if starts != sorted(starts) or starts[0] > wanted.from_us:
        raise SealError(f"{recording.STATEMENT}: no site file is told for the beginning of the span")
    signed = recording.versions_of(told.blocks, wanted.from_us, wanted.until_us)
    if lacking := {sha256 for _, sha256 in signed} - {one.sha256 for one in statement.sites}:
        raise SealError(f"site/: the box recorded by the site file {min(lacking)}, and another was put in its place")
    notes = [] if signed else ["the blocks name no site file: that these were in force is the office's word"]
    for one in statement.sites:
        if one.file is None:
            notes.append(f"site file {one.sha256} is not here, it holds a password: its masks are the office's word")
        else:
            _of_site(one, files.get(one.file, b""), statement, told)
    return [*notes, *_unmasked(statement, told)]


def _of_site(one: InForce, raw: bytes, statement: Statement, told: Told) -> None:
    """One site file against the blocks and the statement."""
    camera, names = statement.request.wanted.camera_id, {block.site for block in told.blocks}
    try:
        site = site_of(raw, str(one.file))
    except SiteError as error:
        raise SealError(f"{one.file}: is no site file ({str(error).splitlines()[0]})") from error
    if site.site not in names:
        raise SealError(f"{one.file}: is of site {site.site}; the box signed {', '.join(sorted(names))}")
    if recording.in_force(site, camera, sha256_hex(raw), one.from_us, one.file) != one:
        raise SealError(f"{recording.STATEMENT}: tells other masks of {camera} than {one.file} sets")
    if one is statement.sites[-1] and recording.station_of(site, camera) != statement.station:
        raise SealError(f"{recording.STATEMENT}: names another station or camera than {one.file}")


def _unmasked(statement: Statement, told: Told) -> list[str]:
    """What was recorded as it came although the site file has the box paint masks over it."""
    notes = []
    for segment in told.segments:
        here = [one for one in statement.sites if one.from_us <= segment.spans[0][0]]
        if here and here[-1].by == "edge" and not segment.recorded.masked:
            when = span_words(statement.station.timezone, *segment.spans[0])
            notes.append(f"masks: {when} was recorded without the masks that the site file has the box paint")
    return notes


def _opened(line: bytes, where: str, statement: Statement, keys: Mapping[str, tuple[str, OKPKey]]) -> tuple[bytes, str]:
    """An event's bytes and the thumbprint of the key that sealed them."""
    try:
        given = json.loads(line)
        raw, jws = given["event"].encode(), str(given["jws"])
        head = jws.partition(".")[0]
        kid = str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SealError(f"{where}: holds no sealed event") from error
    edge, key = keys.get(kid, ("", None))
    if key is None or edge != statement.request.wanted.edge_id:
        raise SealError(
            f"{where}: was sealed by a key that was never let in for box {statement.request.wanted.edge_id}"
        )
    try:
        verify_detached(raw, jws, key)
    except SealError as error:
        raise SealError(f"{where}: the box's seal does not hold over it: it was changed") from error
    return raw, kid


def _data(raw: bytes, where: str, statement: Statement) -> tuple[Block | Deleted, dict[str, Any]]:
    wanted = statement.request.wanted
    try:
        event = parse_event(raw)
        data = parse_data(event)
    except (ValidationError, ValueError, RecursionError) as error:
        raise SealError(f"{where}: is no event of the contract") from error
    if not isinstance(data, Block | Deleted):
        raise SealError(
            f"{where}: is a {event.type}, neither {EventType.RECORDING_BLOCK} nor {EventType.RECORDING_DELETED}"
        )
    source = f"/edge/{wanted.edge_id}/camera/{wanted.camera_id}"
    if (data.edge_id, data.camera_id) != (wanted.edge_id, wanted.camera_id) or event.source != source:
        raise SealError(
            f"{where}: is of camera {data.camera_id} of box {data.edge_id}, not of {wanted.camera_id} of "
            f"{wanted.edge_id}"
        )
    return data, event.data


def _chained(found: Sequence[_Event], zone: str) -> None:
    spans = {one.block.number: one.block for one in found}
    for fault in continuity.check([(one.block, one.digest) for one in found]):
        block = spans[fault.number]
        raise SealError(f"block {fault.number}, {span_words(zone, block.from_us, block.until_us)}: {fault.why}")


def _later(found: Sequence[_Event], zone: str) -> None:
    """Blocks behind the span: in order, and where two are neighbours they follow one another."""
    for before, one in pairwise(found):
        if one.block.number <= before.block.number:
            raise SealError(
                f"block {one.block.number}: does not stand behind block {before.block.number}: it was repeated or moved"
            )
        if one.block.number == before.block.number + 1:
            _chained([before, one], zone)
        elif (why := continuity.tiling(one.block)) is not None:
            raise SealError(
                f"block {one.block.number}, {span_words(zone, one.block.from_us, one.block.until_us)}: {why}"
            )


def _spoken_of(blocks: Sequence[Block], gaps: Sequence[Missing], statement: Statement) -> None:
    """The blocks reach over the span, whatever later ones say of it, and every second of it is recorded or a gap."""
    wanted, zone = statement.request.wanted, statement.station.timezone
    begins = blocks[0].from_us
    if blocks[0].number and begins > wanted.from_us:
        when = span_words(zone, wanted.from_us, min(begins, wanted.until_us))
        raise SealError(f"{recording.SEALED}: no block of its own speaks of {when}: what comes before was removed")
    entries = [*continuity.told(blocks, wanted.from_us, wanted.until_us), *gaps]
    at = wanted.from_us
    for one in [*sorted(entries, key=lambda entry: entry.start_us), None]:
        until = min(one.start_us, wanted.until_us) if one is not None else wanted.until_us
        if until > at:
            raise SealError(
                f"{recording.SEALED}: no block speaks of {span_words(zone, at, until)}: its blocks were "
                "removed, or the span was changed"
            )
        at = max(at, one.end_us) if one is not None else at


def _asked_for(asked: Request, line: Mapping[str, Any]) -> None:
    detail = line.get("detail") or {}
    what, where = detail.get("what") or {}, recording.STATEMENT
    for name, value in asked.wanted.model_dump().items():
        if what.get(name) != value:
            raise SealError(f"{where}: says {name} {value}; what was asked for and approved is {what.get(name)}")
    if detail.get("reason") != asked.reason:
        raise SealError(f"{where}: gives another reason than the request that was approved")
    if line["by"] != asked.asked_by or not _near(line, asked.asked_at):
        raise SealError(f"{where}: the ledger says that {line['by']} asked for it, {line['at']}")


def _near(line: Mapping[str, Any], moment: datetime) -> bool:
    return abs(datetime.fromisoformat(str(line["at"])) - moment) <= _MINUTE


__all__ = ["Told", "agreed", "placed", "requested", "sealed", "span_words"]
