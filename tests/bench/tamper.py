"""`python -m tests.bench.tamper [--short]`: cameras of real rooms tampered with, and told or not; a table, and its status.

Streams run on their own clock, faster than real time, through the code that runs on a box. What is synthetic is said
in `tests/bench/tamper_scenes.py`. Exit status 1 when a tamper was not told in time or anything was told that was none.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from edge.polling.matters import Begun
from edge.polling.pixels import Area
from edge.polling.rules import RULES
from edge.polling.watch import FeedWatch
from edge.record.tapped import Tapped
from tests.bench import tamper_scenes as scenes
from tests.bench.tamper_scenes import BEGIN, Clip, Picture, between

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "clips"
#: When tampering begins and how long it lasts, in seconds of the stream.
AT, LASTS = 120.0, 60.0
LOOK_S, GOP_S = 5.0, 2.0
#: After its confirmation time a check may take one look and two keyframes more.
SLACK_S = LOOK_S + 2 * GOP_S
MASK = ((0.0, 0.25), (0.3, 0.25), (0.3, 0.75), (0.0, 0.75))


#: `tamper_scenes.camera`, of groups of a size that is chosen once.
Camera = Callable[..., Iterator[Tapped]]


@dataclass(frozen=True, slots=True)
class Case:
    """A stream, the checks of which one must be told in time (none: nothing may be told), and what else may be."""

    name: str
    stream: Callable[[], Iterator[Tapped]]
    wanted: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    within_s: float | None = None
    begins: float = AT
    masks: bool = False


@dataclass(slots=True)
class Result:
    """What was told: (check, seconds after the tampering began) and what it cost."""

    case: Case
    told: list[tuple[str, float]] = field(default_factory=list)
    looks: int = 0
    cpu_s: float = 0.0
    stream_s: float = 0.0

    @property
    def wrong(self) -> str:
        """What is wrong with it; empty when nothing is."""
        allowed = {*self.case.wanted, *self.case.also}
        false = [check for check, delay in self.told if check not in allowed or delay < 0]
        if false:
            return f"false: {', '.join(false)}"
        if not self.case.wanted:
            return ""
        delays = [delay for check, delay in self.told if check in self.case.wanted]
        if not delays:
            return "not told"
        limit = self.case.within_s or max(RULES[one].confirm_s for one in self.case.wanted) + SLACK_S  # type: ignore[index]
        return "" if delays[0] <= limit else f"late: {delays[0]:.0f} s, {limit:.0f} s are allowed"


def run(case: Case, *, painted: bool = False) -> Result:
    """Feed one stream through a camera's watch, `painted`: through the masks that a box paints, before."""
    result = Result(case)
    watch: FeedWatch | None = None
    for one in scenes.painted(case.stream(), MASK) if painted else case.stream():
        if watch is None:
            size = one.packet.info.width, one.packet.info.height
            masks = (tuple((x * size[0], y * size[1]) for x, y in MASK),) if case.masks or painted else ()
            watch = FeedWatch(Area(size, masks, painted=painted), LOOK_S, masked_by_camera=case.masks)
        if not one.packet.keyframe:
            continue
        begun = time.process_time()
        told, _ = watch.keyframe(one, one.packet.t, BEGIN + one.packet.t)
        result.cpu_s += time.process_time() - begun
        result.stream_s = one.packet.t
        result.told += [(each.finding.check, one.packet.t - case.begins) for each in told if isinstance(each, Begun)]
    assert watch is not None
    result.looks = watch.counts.looks
    return result


def cases(table: Clip, crowd: Clip, hours: float, frames: int = 1) -> list[Case]:
    """The campaign. `table` and `crowd` are real rooms; `hours` is how long the quiet room lasts.

    `frames` pictures stand in a group: of one, keyframes alone, which is all that is looked at.
    """
    camera = partial(scenes.camera, frames=frames)
    tampers = _tampers(table, crowd, camera)
    return [*tampers, *_streams(table, camera, frames), *_untouched(table, crowd, hours, camera)]


def _tampers(table: Clip, crowd: Clip, camera: Camera) -> list[Case]:
    end = AT + LASTS

    def shot(change: scenes.Change, scene: Clip = table) -> Callable[[], Iterator[Tapped]]:
        return partial(camera, scene, end + 30, GOP_S, between(change, AT, end))

    def other(t: float) -> Picture:
        return np.asarray(cv2.resize(crowd(t), (768, 432)), np.uint8) if t >= AT else table(t)

    return [
        Case("covered by hand", shot(partial(_hand, begin=AT)), ("covered",), ("frozen", "dark")),
        Case("covered by hand, crowd", shot(partial(_hand, begin=AT), crowd), ("covered",), ("frozen", "dark")),
        Case("covered when it began", partial(camera, table, 60, GOP_S, partial(_hand, begin=-9.0)), ("covered",),
             ("frozen",), begins=0.0),
        Case("turned by 3 % of the width", shot(lambda p, _: scenes.turned(p, 0.03)), ("moved",)),
        Case("turned by 6 %, crowd", shot(lambda p, _: scenes.turned(p, 0.06), crowd), ("moved",), ("scene",)),
        Case("turned by 20 % and 8 degrees", shot(lambda p, _: scenes.turned(p, 0.2, 8)), ("moved", "scene")),
        Case("turned by half a percent an hour", partial(camera, table.still(2.0), 6 * 3600, LOOK_S, _creeping), ("moved",),
             begins=3.5 * 3600, within_s=2 * 3600),
        Case("looks at another room", partial(camera, other, end, GOP_S), ("scene",), ("moved",)),
        Case("defocused", shot(lambda p, _: scenes.defocused(p, 6)), ("defocused",)),
        Case("defocused, crowd", shot(lambda p, _: scenes.defocused(p, 5), crowd), ("defocused",)),
        Case("dimmed to darkness", shot(lambda p, _: scenes.dimmed(p, 0.08)), ("dark",)),
        Case("blinded by a lamp", shot(lambda p, _: scenes.dimmed(p, 0.35, 215)), ("bright",), ("covered",)),
    ]  # fmt: skip


def _streams(table: Clip, camera: Camera, frames: int) -> list[Case]:
    quiet, end = table.still(2.0), AT + LASTS

    def held(t: float) -> float:
        return min(t, AT)

    def round_again(t: float) -> float:
        return t if t < AT else AT - 20 + (t - AT) % 20

    length = partial(camera, quiet, end, GOP_S)
    bare = partial(camera, table, end, GOP_S)

    def replaced() -> Iterator[Tapped]:
        yield from camera(table, AT, GOP_S)
        small = scenes.Encoder(640, 360, GOP_S, epoch=1, frames=frames)
        for number in range(10 * frames):
            t = round(AT + number * GOP_S / frames, 3)
            yield small(np.asarray(cv2.resize(table(t), (640, 360)), np.uint8), t)

    def unmasked(picture: Picture, t: float) -> Picture:
        return scenes.masked(picture, 1.0 if t < AT else 0.0)

    def displaced(picture: Picture, t: float) -> Picture:
        return scenes.masked(picture, 1.0 if t < AT else 0.8)

    return [
        Case("frozen: the same bytes again", lambda: scenes.again(bare(), AT, 1), ("frozen",)),
        Case("frozen: one picture, clock runs", partial(bare, play=held), ("frozen",)),
        Case("frozen, quiet room", partial(length, play=held), ("frozen",)),
        Case("looped: 10 keyframes again", lambda: scenes.again(length(), AT, 10), ("looped",), within_s=20 + SLACK_S),
        Case("looped: 20 s encoded anew", partial(length, play=round_again), ("looped",), within_s=60 + SLACK_S),
        Case("clock 2 s off", lambda: scenes.late(bare(), AT, 2.0), ("time",), within_s=15.0),
        Case("clock 8 s back", lambda: scenes.late(bare(), AT, -8.0), ("time",), within_s=35.0),
        Case("another encoder", replaced, ("replaced",), ("moved", "scene", "defocused")),
        Case("mask of the camera gone", partial(bare, change=unmasked), ("mask",), masks=True),
        Case("mask of the camera displaced", partial(bare, change=displaced), ("mask",), masks=True),
    ]


def _untouched(table: Clip, crowd: Clip, hours: float, camera: Camera) -> list[Case]:
    whole, rush = table.seconds - 1, crowd.seconds - 1
    end = AT + LASTS

    def drift(picture: Picture, t: float) -> Picture:
        return scenes.dimmed(picture, 1.0 + 0.18 * math.sin(t / 600))

    def switched(picture: Picture, t: float) -> Picture:
        return scenes.dimmed(picture, 0.4 if int(t / 45) % 2 else 1.0)

    def stands(picture: Picture, t: float) -> Picture:
        return scenes.before_the_lens(picture, t, AT)

    return [
        Case("untouched: people one by one", partial(camera, table, whole, GOP_S)),
        Case("untouched: crowd", partial(camera, crowd, rush, GOP_S)),
        Case("untouched: crowd, no noise added", partial(camera, crowd, rush, GOP_S, noise=0.0)),
        Case("light switched on and off", partial(camera, table, end + 60, GOP_S, switched)),
        Case(
            "more light", partial(camera, table, end, GOP_S, between(lambda p, _: scenes.dimmed(p, 1.3, 20), AT, end))
        ),
        Case("person before the lens for 40 s", partial(camera, table, end, GOP_S, between(stands, AT, AT + 40))),
        Case("room empties after a crowd", partial(_emptied, table, end + 60, camera)),
        Case("masked by the camera", partial(camera, table, end, GOP_S, lambda p, _: scenes.masked(p)), masks=True),
        Case(f"quiet room for {hours:g} h", partial(camera, table.still(2.0), hours * 3600, 5.0, drift)),
    ]


def _creeping(picture: Picture, t: float) -> Picture:
    """A lens that is turned so slowly that whatever follows slow changes follows it."""
    return scenes.turned(picture, 0.005 * t / 3600)


def _emptied(table: Clip, seconds: float, camera: Camera) -> Iterator[Tapped]:
    """Many people (of other seconds of the clip, put into one picture) for two minutes, then nobody."""

    def scene(t: float) -> Picture:
        if t >= AT:
            return table(10.0)
        return np.asarray(cv2.addWeighted(table(t * 3 + 60), 0.5, table(t * 5 + 200), 0.5, 0), np.uint8)

    return camera(scene, seconds, GOP_S)


def _hand(picture: Picture, t: float, begin: float) -> Picture:
    return scenes.covered(picture, t, begin)


def table_of(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = ["| stream | told (seconds after it began) | looks | ms a look | |", "|---|---|---|---|---|"]
    for one in results:
        told = ", ".join(f"{check} {delay:.0f}" for check, delay in one.told) or "nothing"
        cost = 1000 * one.cpu_s / max(1, one.looks)
        lines.append(f"| {one.case.name} | {told} | {one.looks} | {cost:.1f} | {one.wrong or 'ok'} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The campaign."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tamper", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ten minutes of the quiet room instead of two hours")
    parser.add_argument(
        "--painted", action="store_true", help="through the masks that a box paints, as five pictures a group"
    )
    parser.add_argument("--only", default="", help="streams with this in their name")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    table, crowd = clips()
    every = cases(table, crowd, 1 / 6 if options.short else 2.0, 5 if options.painted else 1)
    # Where the box paints, the masks of the camera are nobody's matter.
    chosen = [one for one in every if options.only in one.name and not (options.painted and one.masks)]
    results = [run(one, painted=options.painted) for one in chosen]
    sys.stdout.write(table_of(results) + "\n")
    return 1 if any(one.wrong for one in results) else 0


def clips(folder: Path = CLIPS) -> tuple[Clip, Clip]:
    """The two real rooms, slowed so that no picture comes twice: a loop is what must be told.

    Of the crowd the first 7 s: then its camera, held by a hand, drifts by 2 to 3 % of the width, and is told rightly.
    """
    table = Clip(folder / "indoor_table_onebyone_intel.mp4", 0.4, 5.0)
    crowd = Clip(folder / "indoor_entrance_crowd_zayed.mp4", 1 / 30, 30.0, until=7.0)
    return table, crowd


if __name__ == "__main__":
    sys.exit(main())
