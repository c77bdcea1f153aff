"""Makes the archive of a recording (`contract.recording`) of what central holds: pure but for the files it copies.

Segments are put in as they were recorded, byte for byte, and read in parts, so memory does not grow with the span.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from contract import bundle_archive, recording
from contract.bundle import ENTRIES
from contract.continuity import Block, Missing, coverage
from contract.errors import InputError
from contract.events import parse_data, parse_event, rfc3339
from contract.recording import Absent, Filed, InForce, Request, Segment, Statement
from contract.recording_looks import Look, Placed, viewer_log, watched_in
from contract.recording_page import page
from contract.sealing import sha256_hex, sign_detached, thumbprint
from contract.secretref import in_the_clear
from contract.site import Site
from contract.sitefile import site_of

#: ZIP64 holds more; no disk that a county hands out does. Bytes.
MOST_BYTES = 1 << 44


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as it was received: its very bytes, and the box's detached JWS over them."""

    raw: bytes
    jws: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What goes into an archive.

    `events`: the camera's blocks by their number - those that follow one another over the whole span, then later ones
    that say something `late` of it - and the `sightline.recording.deleted` of segments of the span, wherever.
    `sites`: the site files of the span, each with the instant (Unix microseconds) from which it holds, by time: those
    that the box signed (`recording.versions_of`), or where its blocks name none, those that were in force. The first
    holds from the span's beginning at the latest.
    `segments`: files by SHA-256, more than needed do no harm; `absent`: why one is not here, by SHA-256: a
    sentence, or a word that the page has in each language (the `why` of its deletion, or `not_arrived`).
    `ledger`: the files that vouch for the box's key and for the events, by the names that the evidence bundle gives
    them (`keys/office.jwk`, `ledger/head.json`, ...); the entries in it are of the box's keys, of the newest block of
    the span, of each later block and deletion, of the request's history, and of every watching of the camera (`watch`),
    each of which gets its line in the viewer log. `looks`: other looks, on the office's word.
    """

    request: Request
    events: Sequence[SealedEvent]
    sites: Sequence[tuple[int, bytes]]
    segments: Mapping[str, Path]
    ledger: Mapping[str, bytes]
    made_at: datetime
    absent: Mapping[str, str] = field(default_factory=dict)
    looks: Sequence[Look] = ()
    notes: Sequence[str] = ()


def write_archive(target: BinaryIO, parts: Parts, key: OKPKey) -> Statement:
    """Write the archive of `parts` to `target`, its statement signed with the office's `key`; what it states.

    Raises InputError when parts do not fit together: an event of another camera, a segment that is neither here nor
    absent, one that is not what the box recorded, a site file without the camera. OSError as the disk does.
    """
    wanted = parts.request.wanted
    blocks = blocks_in(parts)
    segments = recording.segments_of(blocks, wanted.from_us, wanted.until_us)
    names = recording.names_of(segments)
    recorded_us = coverage(blocks, wanted.from_us, wanted.until_us).recorded_us
    gaps = recording.gaps_of(blocks, wanted.from_us, wanted.until_us)
    sites, files = _sites(
        parts, {sha256 for _, sha256 in recording.versions_of(blocks, wanted.from_us, wanted.until_us)}
    )
    absent = _absent(parts, segments)
    films = {name: parts.segments[sha256] for sha256, name in names.items() if sha256 not in absent}
    front = _front(parts, files, gaps, (sites[-1][0], [one for _, one in sites]), segments, absent)
    filed = [Filed(name=name, sha256=sha256_hex(raw), bytes=len(raw)) for name, raw in front.items()]
    hashes = {name: sha256 for sha256, name in names.items()}
    filed += [Filed(name=name, sha256=hashes[name], bytes=path.stat().st_size) for name, path in films.items()]
    statement = Statement(
        office=thumbprint(key),
        request=parts.request,
        station=recording.station_of(sites[-1][0], wanted.camera_id),
        made_at=parts.made_at,
        sites=[one for _, one in sites],
        recorded_us=recorded_us,
        gaps=gaps,
        absent=[Absent(sha256=sha256, why=why) for sha256, why in absent.items()],
        views=len(parts.looks) + len(_watched(parts)),
        notes=list(parts.notes),
        files=filed,
        root=recording.root_of(filed),
    )
    raw = statement.model_dump_json(indent=1).encode()
    signed = [(recording.STATEMENT, raw), (recording.SEAL, sign_detached(raw, key).encode())]
    bundle_archive.write(target, [*signed, *front.items(), *films.items()], MOST_BYTES, hashes)
    return statement


def blocks_in(parts: Parts) -> list[Block]:
    """The blocks among the events. Raises InputError for an event of another camera, or that is none of a recording."""
    wanted, blocks = parts.request.wanted, []
    for one in parts.events:
        try:
            data = parse_data(parse_event(one.raw))
        except (ValidationError, ValueError) as error:
            raise InputError("an event of the recording is none of the contract") from error
        place = (getattr(data, "edge_id", None), getattr(data, "camera_id", None))
        if place != (wanted.edge_id, wanted.camera_id):
            raise InputError(f"an event is of {place}, not of camera {wanted.camera_id} of box {wanted.edge_id}")
        if isinstance(data, Block):
            blocks.append(data)
    if not blocks:
        raise InputError(f"camera {wanted.camera_id}: no block of its ledger speaks of that span - ask for another")
    return blocks


def _sites(parts: Parts, signed: set[str]) -> tuple[list[tuple[Site, InForce]], dict[str, bytes]]:
    """Each site file, what it sets, and the files that go in: none that tells a password."""
    found, files = list[tuple[Site, InForce]](), dict[str, bytes]()
    for number, (from_us, raw) in enumerate(parts.sites):
        name = f"site/{number:02d}.yaml"
        site = site_of(raw, name)
        addresses = [url for camera in site.cameras for url in (camera.url, camera.sub_url) if url]
        shown = None if any(map(in_the_clear, addresses)) else name
        holds = from_us if found else min(from_us, parts.request.wanted.from_us)
        one = recording.in_force(site, parts.request.wanted.camera_id, sha256_hex(raw), holds, shown)
        if one is None:
            raise InputError(f"site {site.site}: its file has no camera {parts.request.wanted.camera_id}")
        found.append((site, one))
        if shown is not None:
            files[shown] = raw
    if not found:
        raise InputError("no site file was in force in that span - nobody could tell where the camera stood")
    if lacking := signed - {one.sha256 for _, one in found}:
        raise InputError(f"the box recorded by the site file {min(lacking)}, which is not here - register that file")
    return found, files


def _absent(parts: Parts, segments: Sequence[Segment]) -> dict[str, str]:
    absent = {}
    for one in segments:
        sha256 = one.recorded.sha256
        if sha256 in parts.segments:
            continue
        if sha256 not in parts.absent:
            at = rfc3339(recording.moment_of(one.spans[0][0]))
            raise InputError(f"the segment of {at} ({sha256}) is not here - wait for it, or say why it is absent")
        absent[sha256] = parts.absent[sha256]
    return absent


def _front(
    parts: Parts,
    files: Mapping[str, bytes],
    gaps: Sequence[Missing],
    sites: tuple[Site, list[InForce]],
    segments: Sequence[Segment],
    absent: Mapping[str, str],
) -> dict[str, bytes]:
    """Everything before the segments, in its order: whoever has it can check each segment as it comes."""
    lines = [json.dumps({"event": one.raw.decode(), "jws": one.jws}, ensure_ascii=False) for one in parts.events]
    shown = page(parts.request, sites, gaps, segments, absent, made_at=parts.made_at, notes=parts.notes)
    return {
        recording.OFFICE_KEY: parts.ledger[recording.OFFICE_KEY],
        **{name: raw for name, raw in sorted(parts.ledger.items()) if name != recording.OFFICE_KEY},
        recording.SEALED: "".join(f"{line}\n" for line in lines).encode(),
        **files,
        recording.VIEWERS: viewer_log(parts.looks, _watched(parts)),
        recording.PAGE: shown,
    }


def _watched(parts: Parts) -> list[Placed]:
    try:
        return watched_in(parts.ledger[ENTRIES])
    except ValueError as error:
        raise InputError(f"{ENTRIES}: is no file of a ledger's entries ({error})") from error


__all__ = ["MOST_BYTES", "Look", "Parts", "SealedEvent", "blocks_in", "write_archive"]
