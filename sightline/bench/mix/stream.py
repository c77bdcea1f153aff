"""A composed stream on disk: a folder with H.264 segments, the order in which they make a loop, a site and the truth.

    flow.h264 arrive.h264 ...   access units one after another (Annex B, parameter sets before every keyframe)
    stream.json                 what `Stream` holds; written last, so that a folder with it is whole

Segments begin and end on a moment at which nothing moves, show the same street in the same light and begin with a
keyframe: played one after another in any order that the script allows, no seam can be told from a moment of quiet.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from contract.errors import InputError

FPS, GOP_S, BIT_RATE = 25, 2, 4_000_000
FILE = "stream.json"


@dataclass(frozen=True, slots=True)
class Segment:
    """Encoded frames: file name, frames a group of pictures, bytes of every access unit."""

    file: str
    gop: int
    sizes: list[int]

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.sizes) / FPS


@dataclass(frozen=True, slots=True)
class Planted:
    """Something that must be found, in seconds of the loop.

    Parking: it stands from `begins` to `ends`. Yield: `begins` is when the pedestrian steps out, `ends` when the
    vehicle's front passes the stop line; from then on it can be decided.
    """

    rule: Literal["illegal_parking", "failure_to_yield"]
    zone_id: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Stream:
    """What `stream.json` says. `camera` is a camera of a site file without id and url; `fingerprint` of its makers."""

    name: str
    kind: Literal["parking", "yield"]
    source: str
    fingerprint: str
    camera: dict[str, Any]
    segments: dict[str, Segment]
    playlist: list[str]
    planted: list[Planted]
    fps: int = FPS

    @property
    def seconds(self) -> float:
        """Length of the loop."""
        return sum(self.segments[name].seconds for name in self.playlist)

    @property
    def bit_rate(self) -> float:
        """Bits a second of the loop."""
        total = sum(sum(self.segments[name].sizes) for name in self.playlist)
        return total * 8 / self.seconds

    def begins(self, index: int) -> float:
        """The second of the loop at which the `index`-th entry of the playlist begins."""
        return sum(self.segments[name].seconds for name in self.playlist[:index])


def write_stream(folder: Path, stream: Stream) -> None:
    """Write `stream.json`, whole or not at all."""
    part = folder / f"{FILE}.part"
    part.write_text(json.dumps(asdict(stream)), encoding="utf-8")
    part.replace(folder / FILE)


def read_stream(folder: Path) -> Stream:
    """A composed stream. Raises InputError when the folder holds none."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        segments = {name: Segment(**one) for name, one in told.pop("segments").items()}
        planted = [Planted(**one) for one in told.pop("planted")]
        return Stream(**told, segments=segments, planted=planted)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: holds no composed stream ({error}) - run `sightline bench compose`") from error


def streams_in(folder: Path) -> list[Stream]:
    """Every composed stream below `folder`, by name. Raises InputError when there is none."""
    found = [read_stream(path.parent) for path in sorted(folder.glob(f"*/{FILE}"))]
    if not found:
        raise InputError(f"{folder}: holds no composed streams - run `sightline bench compose --out {folder}`")
    return found
