"""What the change gate holds, misses and costs on the real clips of ../shared, as they are and in weather.

    python -m tests.bench.gate [--json] [--weather rain,snow]

Every clip is made 1920 x 1080 and looked at every 2 s, at four phases, as keyframes would fall. In a quiet stretch of a
zone (annotated: something stands, or nobody is there) looks should be held; after an event the next look must open.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.planes import luma
from edge.plan.gate import ChangeGate
from tests.scenes import weather

Gray = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Weather = Callable[[Gray, np.random.Generator], Gray]

ROOT = Path(__file__).resolve().parents[2]
#: Looks are so far apart, and begin at these phases [s].
EVERY, PHASES = 2.0, (0.0, 0.5, 1.0, 1.5)
SIZE = (1920, 1080)


@dataclass(frozen=True)
class Watched:
    """One zone of a clip: its box in px of the clip, when nothing happens in it, and when something comes or goes."""

    clip: str
    name: str
    box: Box
    quiet: tuple[tuple[float, float], ...] = ()
    events: tuple[float, ...] = ()


#: From the annotations beside the clips; instants are those at which the zone's pixels have begun to change.
WATCHED = (
    Watched("lot_cctv_leaving_prakhar.mp4", "estate that stays", (345, 85, 425, 168), quiet=((11.0, 27.0),)),
    Watched("lot_cctv_leaving_prakhar.mp4", "saloon leaves", (277, 92, 348, 157), events=(3.5,)),
    Watched(
        "lot_cctv_leaving_prakhar.mp4", "hatchback leaves", (462, 125, 530, 188), quiet=((4.0, 8.5),), events=(18.0,)
    ),
    Watched("road_illegal_parking_kevinjoy.mp4", "saloon comes and goes", (281, 168, 345, 214), events=(4.4, 16.8)),
    Watched(
        "indoor_table_onebyone_intel.mp4",
        "people one by one",
        (360, 75, 540, 330),
        quiet=((0.0, 5.5), (46.0, 50.0), (70.5, 74.0), (87.5, 91.5)),
        events=(7.0, 19.0, 24.0, 44.0, 51.5, 69.0, 75.5, 86.0, 93.0, 119.0, 124.5, 135.5),
    ),
    Watched("lot_person_bicycle_car_intel.mp4", "empty bays", (220, 60, 560, 240), quiet=((17.0, 26.0),)),
)


def drops(luma: Gray, rng: np.random.Generator) -> Gray:
    """Rain with the grain that comes with it."""
    return weather.grain(weather.rain(luma, rng, 300), rng)


def lit(luma: Gray, rng: np.random.Generator) -> Gray:
    """Night, and somebody's headlights anywhere."""
    x, y = rng.uniform((0.0, 300.0), (1900.0, 900.0))
    return weather.grain(weather.headlights(weather.exposed(luma, 0.4, 8.0), x, y), rng, 4.0)


WEATHERS: dict[str, Weather] = {
    "as it is": lambda luma, rng: luma,
    "sensor noise, sd 6": lambda luma, rng: weather.grain(luma, rng, 6.0),
    "auto exposure, +-25 %": lambda luma, rng: weather.exposed(luma, rng.uniform(0.75, 1.25), rng.uniform(-8.0, 8.0)),
    "shaken, +-4 px": lambda luma, rng: weather.shaken(luma, *rng.uniform(-4.0, 4.0, 2)),
    "rain, 300 streaks": drops,
    "snow, 500 flakes": lambda luma, rng: weather.snow(luma, rng, 500),
    "night": lambda luma, rng: weather.grain(weather.exposed(luma, 0.35, 8.0), rng, 4.0),
    "night, headlights sweep": lit,
}
CODED = "H.264, 1 Mbit/s keyframes"


@dataclass
class Tally:
    """What came of one weather."""

    quiet: int = 0
    held: int = 0
    events: int = 0
    missed: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    cpu_held: list[float] = field(default_factory=list)
    cpu_opened: list[float] = field(default_factory=list)

    @property
    def row(self) -> dict[str, object]:
        """For people and for files."""
        return {
            "looks": len(self.cpu_held) + len(self.cpu_opened),
            "held": round(self.held / max(1, self.quiet), 3),
            "quiet": self.quiet,
            "events": self.events,
            "missed": len(self.missed),
            "us_held": round(float(np.median(self.cpu_held or [0.0])) * 1e6),
            "us_opened": round(float(np.median(self.cpu_opened or [0.0])) * 1e6),
        }


def pictures(path: Path, times: list[float]) -> list[Gray]:
    """Luma of the first pictures shown at or after `times`, rising, made 1920 x 1080."""
    found: list[Gray] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            while len(found) < len(times) and float(frame.pts * stream.time_base) >= times[len(found)] - 1e-6:
                found.append(cv2.resize(luma(frame), SIZE, interpolation=cv2.INTER_CUBIC))
    return found


def stretches(clip: str, folder: Path) -> Iterator[tuple[list[float], list[Gray]]]:
    """The looks of a clip, phase by phase."""
    with av.open(str(folder / clip)) as container:
        length = float(container.duration) / 1e6
    for phase in PHASES:
        times = list(np.arange(phase, length, EVERY))
        found = pictures(folder / clip, times)
        yield times[: len(found)], found


def watched(
    times: list[float], shown: list[Gray], zones: list[Watched], scale: tuple[float, float], tally: Tally
) -> None:
    """Put one phase's looks before a gate and note what it says; a detection is made when it opens, or after 10 s."""
    polygons = [[(x * scale[0], y * scale[1]) for x, y in _corners(zone.box)] for zone in zones]
    gate = ChangeGate(polygons, SIZE)
    said: list[tuple[bool, ...]] = []
    last = -np.inf
    for t, picture in zip(times, shown, strict=True):
        begun = time.thread_time()
        change = gate.look(t, picture)
        (tally.cpu_opened if any(change.changed) else tally.cpu_held).append(time.thread_time() - begun)
        said.append(change.changed)
        if any(change.changed) or t - last >= 10.0:
            gate.settle()
            last = t
    for number, zone in enumerate(zones):
        for begin, end in zone.quiet:
            inside = [i for i, t in enumerate(times) if i and times[i - 1] >= begin and t <= end]
            tally.quiet += len(inside)
            opened = [times[i] for i in inside if said[i][number]]
            tally.held += len(inside) - len(opened)
            tally.opened += [f"{zone.name}, look at {t:.1f} s" for t in opened]
        for at in zone.events:
            after = [i for i, t in enumerate(times) if at <= t]
            if not after or after[0] == 0:
                continue
            tally.events += 1
            if not said[after[0]][number]:
                tally.missed.append(f"{zone.name} at {at} s, look at {times[after[0]]:.1f} s")


def _corners(box: Box) -> list[tuple[float, float]]:
    x1, y1, x2, y2 = box
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def measure(folder: Path, names: list[str]) -> dict[str, Tally]:
    """All clips in all weathers."""
    tallies = {name: Tally() for name in names}
    for clip in dict.fromkeys(zone.clip for zone in WATCHED):
        zones = [zone for zone in WATCHED if zone.clip == clip]
        truth = json.loads((folder / clip).with_suffix(".json").read_text(encoding="utf-8"))
        scale = (SIZE[0] / truth["width"], SIZE[1] / truth["height"])
        for times, shown in stretches(clip, folder):
            for name in names:
                rng = np.random.default_rng(17)
                if name == CODED:
                    changed = weather.coded(shown, bitrate=1_000_000, gop=1)
                else:
                    changed = [WEATHERS[name](picture, rng) for picture in shown]
                watched(times, changed, zones, scale, tallies[name])
        print(f"{clip}: done", file=sys.stderr)
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """Markdown."""
    lines = [
        "| weather | looks | held, of quiet looks | missed, of events | cpu-µs of a look held | ... that opens |",
        "|---|---|---|---|---|---|",
    ]
    for name, tally in tallies.items():
        row = tally.row
        lines.append(
            f"| {name} | {row['looks']} | {100 * tally.held / max(1, tally.quiet):.1f} % of {tally.quiet} "
            f"| {row['missed']} of {tally.events} | {row['us_held']} | {row['us_opened']} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--weather", help="only these, comma between them")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shared = Path(os.environ.get("SIGHTLINE_SHARED", ROOT.parent / "shared"))
    names = [*WEATHERS, CODED]
    if options.weather:
        names = [name for name in names if any(part in name for part in options.weather.split(","))]
    tallies = measure(shared / "clips", names)
    if options.json:
        print(json.dumps({name: tally.row for name, tally in tallies.items()}, indent=1))
    else:
        print(f"{platform.machine()}, Python {platform.python_version()}, OpenCV {cv2.__version__}\n\n{table(tallies)}")
    for name, tally in tallies.items():
        for missed in tally.missed:
            print(f"missed in {name}: {missed}", file=sys.stderr)
        for opened in tally.opened:
            print(f"opened in {name}: {opened}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
