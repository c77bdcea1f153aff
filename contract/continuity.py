"""The continuity ledger of a camera: every second is a recorded segment or a gap with its cause (domain E2.3).

About once a minute the recorder closes a block: the segments and gaps that tile its time from `from_us` to `until_us`
without a hole and without an overlap, and the hash of the block before. A block travels as a sealed event, so the box
signed it and central has it minutes later: what was recorded cannot be rewritten, only added to. What comes to light
after its time (a picture store in the camera, a clock that was wrong) stands as `late` in a later block.

Times are whole Unix microseconds of the recording's clock; `clock` says what that clock was. Everything here is pure:
the same functions check a block on the box, at central, and offline in an export.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from contract.ledger import canonical
from contract.model import SCHEMA_VERSION, Chain, Hex64, Model
from contract.sealing import GENESIS

#: Why a stretch is not recorded. `unknown` is what nobody could tell, and is as bad as it sounds.
Cause = Literal["network", "power", "storage", "camera", "operator", "clock", "process", "start", "unknown"]
Micros = Annotated[int, Field(ge=0, lt=1 << 53)]
#: Links that are not part of what is hashed: the box's sender adds them when the block goes out.
_ADDED = ("camera_seq", "chain")


class Recorded(Model):
    """One segment: `name` below the camera's folder, SHA-256 of the file's bytes, when it was, and what is in it."""

    start_us: Micros
    end_us: Micros
    name: str = Field(min_length=1, max_length=200)
    sha256: Hex64
    bytes: int = Field(ge=0)
    pictures: int = Field(ge=0)
    damaged: int = Field(default=0, ge=0, description="pictures that lack packets")
    torn: bool = Field(default=False, description="cut short by a crash, whole up to its end")
    masked: bool = Field(default=False, description="the box painted the privacy masks before it was written")
    origin: Literal["stream", "camera_store"] = "stream"

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.end_us <= self.start_us:
            raise ValueError("a segment ends after it begins")
        return self


class Missing(Model):
    """Nothing was recorded from `start_us` to before `end_us`, because of `cause`."""

    start_us: Micros
    end_us: Micros
    cause: Cause
    detail: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.end_us <= self.start_us:
            raise ValueError("a gap ends after it begins")
        return self


class Block(Model):
    """`data` of `sightline.recording.block`: one closed stretch of a camera's ledger."""

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    camera_id: str
    site: str = Field(max_length=64)
    site_version: Hex64 | None = Field(
        default=None, description="SHA-256 of the site file that the box had when it closed the block: its masks"
    )
    number: int = Field(ge=0, description="0 begins a camera's ledger; then by one")
    prev: Hex64 = Field(default=GENESIS, description="hash of the block before")
    from_us: Micros
    until_us: Micros
    recorded: list[Recorded] = Field(default=[], max_length=500)
    missing: list[Missing] = Field(default=[], max_length=500)
    late: list[Recorded | Missing] = Field(
        default=[], max_length=500, description="of the time before `from_us`: takes the place of what was said of it"
    )
    clock: Literal["unknown", "rtcp", "onvif", "ntp", "file", "same_host"] = "unknown"
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


class Deleted(Model):
    """`data` of `sightline.recording.deleted`: segments that are gone from the box, and why. Never silent."""

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    camera_id: str
    why: Literal["kept_long_enough", "disk_full", "operator"]
    detail: str = Field(default="", max_length=300)
    from_us: Micros
    until_us: Micros
    segments: list[Hex64] = Field(min_length=1, max_length=2000, description="SHA-256 of each, oldest first")
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not hold in a ledger: the block's number, and a sentence."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """A window as the ledger tells it. Spans are microseconds, gaps by time; `unledgered_us` nobody speaks of."""

    planned_us: int
    recorded_us: int
    unledgered_us: int
    gaps: tuple[Missing, ...]

    @property
    def share(self) -> float:
        """Recorded of planned, 0..1."""
        return self.recorded_us / self.planned_us if self.planned_us else 1.0


def block_hash(data: dict[str, Any]) -> str:
    """Hex SHA-256 of a block's `data`, as its successor names it: canonical JSON without what the sender adds."""
    return hashlib.sha256(canonical({key: value for key, value in data.items() if key not in _ADDED})).hexdigest()


def hash_of(block: Block) -> str:
    """`block_hash` of a block that was not sent yet. Absent values are left out, as an event leaves them out."""
    return block_hash(block.model_dump(mode="json", exclude_none=True))


def tiling(block: Block) -> str | None:
    """Why the entries of a block do not tile its time, as a sentence; None when they do."""
    at = block.from_us
    if block.until_us <= block.from_us:
        return "it ends before it begins"
    entries: list[Recorded | Missing] = [*block.recorded, *block.missing]
    for one in sorted(entries, key=lambda entry: entry.start_us):
        if one.start_us > at:
            return f"{(one.start_us - at) / 1e6:.3f} s from {at} are neither recorded nor a gap"
        if one.start_us < at:
            return f"{(at - one.start_us) / 1e6:.3f} s from {one.start_us} are told twice"
        at = one.end_us
    if at != block.until_us:
        return f"its entries end {(block.until_us - at) / 1e6:+.3f} s before it does"
    if any(one.start_us >= block.from_us for one in block.late):
        return "what is said to be late is of its own time"
    return None


def check(blocks: Sequence[tuple[Block, str]]) -> list[Fault]:
    """What does not hold in a stretch of one camera's ledger, given as (block, its hash) in the order of numbers."""
    faults = []
    before: tuple[Block, str] | None = None
    for block, digest in blocks:
        if (why := tiling(block)) is not None:
            faults.append(Fault(block.number, why))
        if before is not None:
            last, known = before
            if block.number != last.number + 1:
                faults.append(Fault(block.number, f"follows block {last.number}: what is between is missing"))
            elif block.prev != known:
                faults.append(Fault(block.number, f"names another block {last.number} than the one that is here"))
            elif block.from_us != last.until_us:
                shift = (block.from_us - last.until_us) / 1e6
                faults.append(Fault(block.number, f"begins {shift:+.3f} s from the end of the block before"))
        before = block, digest
    return faults


def told(blocks: Iterable[Block], from_us: int, until_us: int) -> list[Recorded | Missing]:
    """What the blocks say of a window, entry by entry, by time: later words take the place of earlier ones.

    Entries that reach over the window's ends are whole; one that later words cut in two stands there twice.
    """
    entries: list[Recorded | Missing] = []
    for block in blocks:
        own: list[Recorded | Missing] = [*block.recorded, *block.missing]
        entries += [one for one in own if _touches(one, from_us, until_us)]
        for late in block.late:
            if _touches(late, from_us, until_us):
                entries = [rest for one in entries for rest in _without(one, late)]
                entries.append(late)
    return sorted((one for one in entries if _touches(one, from_us, until_us)), key=lambda one: one.start_us)


def coverage(blocks: Iterable[Block], from_us: int, until_us: int) -> Coverage:
    """What the blocks say of the window, summed up."""
    cut = [one for entry in told(blocks, from_us, until_us) if (one := inside(entry, from_us, until_us)) is not None]
    recorded = sum(one.end_us - one.start_us for one in cut if isinstance(one, Recorded))
    gaps = tuple(one for one in cut if isinstance(one, Missing))
    known = recorded + sum(one.end_us - one.start_us for one in gaps)
    return Coverage(until_us - from_us, recorded, until_us - from_us - known, gaps)


def inside(entry: Recorded | Missing, from_us: int, until_us: int) -> Recorded | Missing | None:
    """The part of an entry within a window, None where there is none."""
    first, last = max(entry.start_us, from_us), min(entry.end_us, until_us)
    return entry.model_copy(update={"start_us": first, "end_us": last}) if first < last else None


def _touches(entry: Recorded | Missing, from_us: int, until_us: int) -> bool:
    return entry.start_us < until_us and from_us < entry.end_us


def _without(entry: Recorded | Missing, late: Recorded | Missing) -> list[Recorded | Missing]:
    """The parts of `entry` outside the span of `late`."""
    if late.end_us <= entry.start_us or entry.end_us <= late.start_us:
        return [entry]
    parts = [(entry.start_us, late.start_us), (late.end_us, entry.end_us)]
    return [entry.model_copy(update={"start_us": first, "end_us": last}) for first, last in parts if first < last]


__all__ = [
    "Block",
    "Cause",
    "Coverage",
    "Deleted",
    "Fault",
    "Missing",
    "Recorded",
    "block_hash",
    "check",
    "coverage",
    "hash_of",
    "inside",
    "tiling",
    "told",
]
