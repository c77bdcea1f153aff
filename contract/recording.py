"""What an archive of a camera's recording says of itself, and how its files are named and ordered.

An archive is one ZIP (`contract.bundle_archive`) that is read from its front: the office's signed statement, what
vouches for the box's key, the box's sealed blocks, and then the segments as they were recorded, by time. So whoever
has its beginning can check its beginning. Which segments there are, and when they were, follows from the blocks alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from contract.bundle import OFFICE_KEY, VIEWERS
from contract.bundle_archive import MOST_FILES
from contract.continuity import Block, Micros, Missing, Recorded, coverage, told
from contract.merkle import completed, leaf_hash, root
from contract.model import Hex64, Model
from contract.site import Point, Site, ZoneType

FORMAT: Literal["sightline.recording/1"] = "sightline.recording/1"
STATEMENT, SEAL, PAGE, SEALED = "recording.json", "recording.jws", "index.html", "sealed.jsonl"
#: The files at the front, in this order; ledger, sealed events, site files, page and viewer log follow; then segments.
FRONT = (STATEMENT, SEAL, OFFICE_KEY)
#: The action under which the ledger has the request (`asked`) and the second person's word (`approved`).
ASKED, APPROVED = "asked", "approved"


class Wanted(Model):
    """What was asked for: a camera of a box, from `from_us` to before `until_us`; so the request's `what` says."""

    edge_id: str = Field(max_length=64)
    camera_id: str = Field(max_length=64)
    from_us: Micros
    until_us: Micros


class Request(Model):
    """Who asked for the recording and why, and who else approved; `key` is the request's number in the ledger."""

    key: str = Field(max_length=20)
    wanted: Wanted
    reason: str = Field(min_length=1, max_length=4000)
    asked_by: str = Field(max_length=64)
    asked_at: AwareDatetime
    approved_by: str = Field(max_length=64)
    approved_at: AwareDatetime


class Station(Model):
    """Where the camera stands, as the site file of the span's end says."""

    site: str = Field(max_length=64)
    name: str = Field(max_length=200)
    timezone: str = Field(max_length=64)
    camera: str = Field(max_length=200)
    station: str | None = None
    township: str | None = None
    village: str | None = None


class Mask(Model):
    """A part of the picture that nobody is to see; pixels of `frame`."""

    id: str = Field(max_length=64)
    polygon: list[Point] = Field(max_length=200)


class InForce(Model):
    """A version of the site file, in force from `from_us` on, and the masks it sets for this camera.

    `file` is None where it holds a password in the clear and was left out: then the masks are the office's word.
    """

    sha256: Hex64
    from_us: Micros
    file: str | None = Field(max_length=40)
    by: Literal["edge", "camera", "nobody"] = Field(description="who hides the masks; nobody: there are none")
    frame: tuple[int, int]
    masks: list[Mask] = Field(max_length=200)


class Absent(Model):
    """A segment that the blocks name and the archive lacks, and why."""

    sha256: Hex64
    why: str = Field(min_length=1, max_length=300)


class Filed(Model):
    """One file of the archive."""

    name: str = Field(max_length=200)
    sha256: Hex64
    bytes: int = Field(ge=0, lt=2**32)


class Statement(Model):
    """`recording.json`, signed by the office in `recording.jws`: what it is, and every other file by its hash."""

    format: Literal["sightline.recording/1"] = FORMAT
    office: str = Field(max_length=64, description="RFC 7638 thumbprint of the office's key")
    request: Request
    station: Station
    made_at: AwareDatetime
    sites: list[InForce] = Field(min_length=1, max_length=100)
    recorded_us: int = Field(ge=0, description="of the span, by the blocks, whether or not the segments are here")
    gaps: list[Missing] = Field(max_length=100_000)
    absent: list[Absent] = Field(max_length=MOST_FILES)
    views: int = Field(ge=0, description="lines of the viewer log")
    notes: list[str] = Field(default=[], max_length=100)
    files: list[Filed] = Field(max_length=MOST_FILES, description="in their order in the archive, behind the seal")
    root: Hex64 = Field(description="Merkle root (RFC 9162) over the hashes of `files`, in their order")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of the span: what the box said of the file, and the stretches of the span that it holds.

    `whole_us` is all that the blocks say it holds, also beyond the span's ends. Microseconds.
    """

    recorded: Recorded
    spans: tuple[tuple[int, int], ...]
    whole_us: int


def segments_of(blocks: Iterable[Block], from_us: int, until_us: int) -> list[Segment]:
    """The segments that hold a part of the span, by time, each once: what the archive must have."""
    found: dict[str, Segment] = {}
    for one in told(blocks, from_us, until_us):
        if not isinstance(one, Recorded):
            continue
        span = (max(one.start_us, from_us), min(one.end_us, until_us))
        before, length = found.get(one.sha256), one.end_us - one.start_us
        if before is None:
            found[one.sha256] = Segment(one, (span,), length)
        else:
            found[one.sha256] = Segment(before.recorded, (*before.spans, span), before.whole_us + length)
    return list(found.values())


def gaps_of(blocks: Sequence[Block], from_us: int, until_us: int) -> list[Missing]:
    """The gaps of the span with their causes, by time; what is before a camera's very first block is one as well."""
    gaps = list(coverage(blocks, from_us, until_us).gaps)
    if blocks and blocks[0].number == 0 and blocks[0].from_us > from_us:
        end = min(blocks[0].from_us, until_us)
        begun = Missing(start_us=from_us, end_us=end, cause="start", detail="the ledger of this camera begins after it")
        gaps.insert(0, begun)
    return gaps


def versions_of(blocks: Sequence[Block], from_us: int, until_us: int) -> list[tuple[int, str]]:
    """The site files by which the span was recorded: from when on (Unix microseconds), and the SHA-256, by time.

    They are what the box signed. A block that was made before blocks named one tells of none.
    """
    found: list[tuple[int, str]] = []
    for block in blocks:
        named = block.site_version
        if named is None or block.until_us <= from_us or block.from_us >= until_us:
            continue
        if not found or found[-1][1] != named:
            found.append((block.from_us, named))
    return found


def moment_of(micros: int) -> datetime:
    """An instant of the recording's clock, UTC."""
    return datetime.fromtimestamp(micros / 1e6, UTC)


def segment_name(number: int, start_us: int) -> str:
    """Where segment `number` (from 0) of an archive stands; players that sort names play them in order."""
    at = moment_of(start_us // 1_000_000 * 1_000_000)
    return f"segments/{number:05d}-{at:%Y%m%dT%H%M%SZ}.mp4"


def names_of(segments: Sequence[Segment]) -> dict[str, str]:
    """The names of segments, by SHA-256. One that is absent keeps its number."""
    return {one.recorded.sha256: segment_name(n, one.recorded.start_us) for n, one in enumerate(segments)}


def root_of(files: Sequence[Filed]) -> str:
    """The Merkle root (hex) over the SHA-256 of `files` in their order."""
    nodes: dict[tuple[int, int], bytes] = {}

    def at(level: int, index: int) -> bytes:
        return nodes[level, index]

    for index, file in enumerate(files):
        for level, place, digest in completed(index, leaf_hash(bytes.fromhex(file.sha256)), at):
            nodes[level, place] = digest
    return root(len(files), at).hex()


def in_force(site: Site, camera_id: str, sha256: str, from_us: int, file: str | None) -> InForce | None:
    """What a site file sets for a camera; None when it has no such camera."""
    camera = next((one for one in site.cameras if one.id == camera_id), None)
    if camera is None:
        return None
    masks = [Mask(id=one.id, polygon=one.polygon) for one in camera.zones if one.type is ZoneType.PRIVACY_MASK]
    hides = site.polling.masks if site.polling is not None and masks else "nobody"
    return InForce(sha256=sha256, from_us=from_us, file=file, by=hides, frame=camera.frame, masks=masks)


def station_of(site: Site, camera_id: str) -> Station:
    """Where a camera stands, by its site file."""
    name = next((one.name for one in site.cameras if one.id == camera_id), None)
    polling = site.polling
    return Station(
        site=site.site,
        name=site.name,
        timezone=site.timezone,
        camera=name or camera_id,
        station=polling.station if polling else None,
        township=polling.township if polling else None,
        village=polling.village if polling else None,
    )


__all__ = [
    "APPROVED",
    "ASKED",
    "FORMAT",
    "FRONT",
    "OFFICE_KEY",
    "PAGE",
    "SEAL",
    "SEALED",
    "STATEMENT",
    "VIEWERS",
    "Absent",
    "Filed",
    "InForce",
    "Mask",
    "Request",
    "Segment",
    "Statement",
    "Station",
    "Wanted",
    "gaps_of",
    "in_force",
    "moment_of",
    "names_of",
    "root_of",
    "segment_name",
    "segments_of",
    "station_of",
    "versions_of",
]
