"""One polling camera under watch: which keyframes are looked at, what they say, and what is told of it.

Time is given from outside (`t` monotonic seconds, `at` Unix seconds), so that hours of a stream can be judged in
minutes. Every keyframe's bytes are read, a look (decoding) is taken every few seconds, and of every keyframe while
something is suspected.
"""

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

import av

from edge.cameras.keyframe import KeyframeDecoder
from edge.cameras.packets import Origin, StreamInfo, digest_of
from edge.polling import rules
from edge.polling.baseline import Baseline
from edge.polling.examine import Examiner
from edge.polling.matters import Begun, Ended, Matters
from edge.polling.pixels import Area
from edge.polling.rules import Finding, Look, Stream
from edge.record.tapped import Tapped

#: Looks while something is suspected lie no closer than this. Seconds.
HURRY_S = 0.9
#: A camera that paints its masks itself is looked at so often: the live view hangs on it. Seconds.
MASKED_S = 2.0
#: Clock readings of so long are kept: the one that was least late says how the camera's clock stands. Seconds.
_CLOCK_S = 20.0
#: A picture's way through encoder and network at best. Seconds.
_LATENCY_S = 0.1


@dataclass(slots=True)
class Counts:
    """Of one camera since its process started."""

    keyframes: int = 0
    looks: int = 0
    damaged: int = 0


class FeedWatch:
    """Judges one camera. Not thread-safe."""

    def __init__(
        self,
        area: Area,
        look_s: float,
        baseline: Baseline | None = None,
        matters: Matters | None = None,
        *,
        masked_by_camera: bool = False,
    ) -> None:
        """`look_s`: how often it is looked at while nothing is suspected; `masked_by_camera`: it hides masks itself."""
        self.matters = matters or Matters()
        self.counts = Counts()
        self.last_look: Look | None = None
        self.unmasked = False
        self._look_s = min(look_s, MASKED_S) if area.masks and masked_by_camera else look_s
        self._examiner = Examiner(area, baseline)
        self._decoder = KeyframeDecoder()
        self._looked: float | None = None
        self._fresh = True
        self._place: tuple[int, float] | None = None
        self._leads: deque[tuple[float, float]] = deque()
        self._groups: deque[float] = deque(maxlen=5)
        self._lag: float | None = None

    @property
    def baseline(self) -> Baseline | None:
        """What it learned; None while it learns."""
        return self._examiner.baseline

    def connected(self) -> None:
        """A new connection to the recorder: what comes first may have waited there."""
        self._fresh = True

    def keyframe(self, one: Tapped, t: float, at: float) -> tuple[list[Begun | Ended], av.VideoFrame | None]:
        """One keyframe that arrived at `t` and `at`: what it begins and ends, and the picture if it was looked at."""
        packet = one.packet
        place = packet.info.epoch, packet.t
        if place == self._place:  # handed out again after a reconnect
            return [], None
        self._group(place)
        self.counts.keyframes += 1
        findings: list[Finding] = []
        if self._fresh:
            self._fresh = False
        else:
            self._leads.append((t, one.wall_us / 1e6 - at))
            findings += rules.of_clock(self._offset(t), set(self.matters.open))
        self._lag = self._examiner.echo.keyframe(digest_of(packet), t)
        stream = self._stream(packet.info)
        findings.append(rules.of_stream(self._known_stream(), stream))
        told = self.matters.hear(findings, t, at)
        frame = None
        if self._due(t):
            self._looked = t
            frame = self._decoder.frame(packet)
            self.counts.looks += 1
            self.counts.damaged += frame is None
        if frame is not None:
            told += self._look(frame, packet.origin, stream, t, at)
        return told, frame

    def silence(self, silent_s: float, cause: str, t: float, at: float) -> list[Begun | Ended]:
        """Told every second or so: no packet has come for `silent_s`, and why."""
        return self.matters.hear([rules.of_silence(silent_s, cause)], t, at)

    def hear(self, findings: Iterable[Finding], t: float, at: float) -> list[Begun | Ended]:
        """What another source found (a camera's own events): it is settled as what is seen here is."""
        return self.matters.hear(findings, t, at)

    def _due(self, t: float) -> bool:
        if self._looked is None:
            return True
        # Keyframes come in their own pace: a tenth too early is this look, not the next one's.
        hurry = bool(self._lag) or bool(self.matters.suspected - {"lost", "time", "replaced", "looped"})
        return t - self._looked >= (HURRY_S if hurry else self._look_s - 0.1)

    def _look(
        self, frame: av.VideoFrame, origin: Origin | None, stream: Stream, t: float, at: float
    ) -> list[Begun | Ended]:
        look, seen = self._examiner.look(frame, t, self._lag, origin)
        self.last_look = look
        found = list(rules.of_look(look, self.matters.checks))
        self.unmasked = any(one.check == "mask" and one.bad for one in found) or "mask" in self.matters.checks
        told = self.matters.hear(found, t, at)
        well = not self.matters.suspected - {"lost", "time", "replaced"}
        self._examiner.learn(seen, look, well=well)
        baseline = self._examiner.baseline
        if baseline is not None and well and "replaced" not in self.matters.checks:
            known = baseline.stream
            if known is None:
                baseline.stream = stream
            elif known.gop_s is None and stream.gop_s is not None:
                baseline.stream = replace(known, gop_s=stream.gop_s)
        return told

    def _known_stream(self) -> Stream | None:
        return None if self._examiner.baseline is None else self._examiner.baseline.stream

    def _stream(self, info: StreamInfo) -> Stream:
        sets = "" if info.extradata is None else hashlib.sha256(info.extradata).hexdigest()
        return Stream(info.codec, info.width, info.height, sets, self._gop())

    def _group(self, place: tuple[int, float]) -> None:
        before, self._place = self._place, place
        if before is None or before[0] != place[0]:
            self._groups.clear()
        elif place[1] > before[1]:
            self._groups.append(place[1] - before[1])

    def _gop(self) -> float | None:
        """How often keyframes come, of a camera that keeps to it: one that adapts its groups has none."""
        if len(self._groups) < 5 or max(self._groups) > 1.2 * min(self._groups):
            return None
        return round(median(self._groups), 2)

    def _offset(self, t: float) -> float | None:
        while self._leads and self._leads[0][0] < t - _CLOCK_S:
            self._leads.popleft()
        return max(lead for _, lead in self._leads) + _LATENCY_S if len(self._leads) >= 3 else None


__all__ = ["HURRY_S", "MASKED_S", "Counts", "FeedWatch"]
