"""One camera's decoding, detecting and judging, each done in one place and put on the card of what it costs."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import av

from edge.cameras.group import Frame, Group
from edge.cameras.hardware import Decode
from edge.cameras.keyframe import KeyframeDecoder
from edge.cameras.packets import CameraPacket, Picture
from edge.cameras.planes import luma, scaled
from edge.detect.protocol import LateError
from edge.frames import Detections
from edge.plan.costs import Costs
from edge.plan.counts import Counts
from edge.plan.crop import Crop
from edge.plan.gate import Change, ChangeGate
from edge.plan.judge import Judge, Outputs
from edge.plan.pace import Pace


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking the detector: nothing `seen` when none answers, or when the box was too slow (`late`).

    `seconds` of processor time went into the asking.
    """

    seen: Detections | None
    late: bool
    seconds: float


Asked = Future[Answer]


class Eye:
    """What a looker sees with. `floor`: nothing before that stream second is shown."""

    def __init__(
        self, judge: Judge, counts: Counts, costs: Costs, decode: Decode, size: tuple[int, int], part: Crop | None
    ) -> None:
        """`size` (width, height) px is what the detector takes in; it is shown `part` of each picture, or the whole."""
        self._judge, self._counts, self._costs, self._size, self._part = judge, counts, costs, size, part
        self._keys = KeyframeDecoder(decode)
        self._asking: ThreadPoolExecutor | None = None
        self.floor = -math.inf

    def keyframe(self, packet: CameraPacket) -> av.VideoFrame | None:
        """The picture of a keyframe; None when it cannot be decoded."""
        damaged = self._keys.damaged
        with self._costs.of("decode"):
            frame = self._keys.frame(packet)
        self._counts.damaged += self._keys.damaged - damaged
        self._counts.decoded += frame is not None
        return frame

    def between(
        self, group: Group, after: float, until: float, wants: Callable[[float], bool], *, whole: bool
    ) -> Iterator[Frame]:
        """Pictures of a group in (`after`, `until`] that `wants` lets through; `whole`: no more of it will come."""
        frames = group.frames(max(after, self.floor - 1e-6), until, wants, whole=whole)
        while True:
            before, damaged = group.decoded, group.damaged
            with self._costs.of("decode"):
                found = next(frames, None)
            self._counts.decoded += group.decoded - before
            self._counts.damaged += group.damaged - damaged
            if found is None:
                return
            yield found

    def ahead(self, group: Group, until: float, grid: Pace) -> Frame | None:
        """Decode a running group on to `until`, keeping the pictures of `grid`; the one reached, if it has come."""
        before = group.decoded
        with self._costs.of("decode"):
            found = group.keep(until, grid.wants)
        self._counts.decoded += group.decoded - before
        return found

    def gate(self, gate: ChangeGate, t: float, frame: av.VideoFrame) -> Change:
        """What the gate says of a picture."""
        with self._costs.of("gate"):
            return gate.look(t, luma(frame))

    def detect(self, frame: av.VideoFrame) -> Detections | None:
        """What is in a picture; None when no detector answers, or none in time."""
        with self._costs.of("detect"):
            answer = self._answer(self._shown(frame))
        return self._counted(answer)

    def ask(self, frame: av.VideoFrame) -> Asked:
        """`detect` begun: the detector works while the next picture is decoded. One is asked for at a time."""
        if self._asking is None:
            self._asking = ThreadPoolExecutor(1, thread_name_prefix="asks")
        with self._costs.of("detect"):
            return self._asking.submit(self._answer, self._shown(frame))

    def answer(self, asked: Asked) -> Detections | None:
        """What was asked for; None as `detect`."""
        answer = asked.result()
        self._costs.add("detect", answer.seconds)
        return self._counted(answer)

    def _counted(self, answer: Answer) -> Detections | None:
        """What was seen, counted in the thread that counts everything else: whoever asks beside it counts nothing."""
        self._counts.looked += answer.seen is not None
        self._counts.shed += answer.late
        return answer.seen

    def _answer(self, picture: Picture) -> Answer:
        """Ask. The CPU seconds are for who asks beside the analysis, where no time card runs."""
        begun = time.thread_time()
        seen, late = None, False
        try:
            seen = self._seen(picture)
        except LateError:
            late = True  # nobody looked: no sighting, and no absence either
        return Answer(seen, late, time.thread_time() - begun)

    def _shown(self, frame: av.VideoFrame) -> Picture:
        return scaled(frame, self._size) if self._part is None else self._part.cut(frame, self._size)

    def _seen(self, picture: Picture) -> Detections | None:
        """What is in a picture that was `_shown`, where it is in the camera's frame."""
        seen = self._judge.detect(picture)
        return seen if seen is None or self._part is None else self._part.back(seen)

    def feed(self, t: float, seen: Detections) -> Outputs:
        """Give a scene to the rules."""
        with self._costs.of("rules"):
            return self._judge.seen(t, seen)


def of_zones(change: Change, first: int, last: int | None) -> Change:
    """The gate's word on some of its polygons."""
    part = slice(first, last)
    return replace(
        change,
        changed=change.changed[part],
        moving=change.moving[part],
        share=change.share[part],
        settled=change.settled[part],
    )


__all__ = ["Eye", "of_zones"]
