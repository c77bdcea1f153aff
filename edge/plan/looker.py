"""Drives one camera's looks: packets in, outputs of its rules out, and no more decoded or detected than its plan needs.

    keyframes   one look every two seconds, put before the gate; the detector is asked when the plan says so
    stretch     the span between two looks decoded whole and looked at with `parking_fps`
    full        decoded as packets come and looked at with `yield_fps` (at a low rate while only somebody is near)

Rules want scenes in rising time, so a span is fed when it is decided, at most one look late. Between keyframes that lie
too far apart the running group is decoded on to the next due look, no further. The same object serves the live worker
and replay; a live one knows how late it is (`newest`) and then sheds by rule, replay never does.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from threading import Semaphore
from typing import Literal

import av

from contract.site import PARKING_ZONES, Camera, ZoneType
from edge.cameras.group import Frame, Group
from edge.cameras.hardware import Decode
from edge.cameras.packets import CameraPacket
from edge.frames import Detections
from edge.plan.choice import Choice, Heed, Watch
from edge.plan.costs import Costs
from edge.plan.counts import Counts, Rates
from edge.plan.crop import shown
from edge.plan.crossing import CrossingPlan
from edge.plan.eye import Asked, Eye, of_zones
from edge.plan.gate import Change, ChangeGate
from edge.plan.haste import SPAN_PATIENCE_S, Haste
from edge.plan.heat import Heat
from edge.plan.held import Held, joined
from edge.plan.judge import Judge, Outputs
from edge.plan.pace import Pace
from edge.plan.parking import PUT_OFF_MOST, ParkingPlan
from edge.plan.state import LATE_KEYFRAME_S, LOOK_S, Glance, Look, State
from edge.rules.ground import Plane

#: Looks a second while somebody is near a crossing and no vehicle in sight [I].
VIGIL_FPS = 2.5
#: While an answer is awaited, the next keyframe is looked for this often [s].
GLANCE_S = 0.1


class Looker:
    """The looks of one camera. One thread."""

    def __init__(  # noqa: PLR0913 - a camera, what judges it, and how it is to be looked at
        self,
        camera: Camera,
        plane: Plane,
        judge: Judge,
        rates: Rates,
        *,
        plan: Literal["auto", "full"] = "auto",
        decode: Decode = "software",
        size: tuple[int, int] = (640, 640),
        newest: Callable[[], float] | None = None,
        coming: Callable[[float], CameraPacket | None] | None = None,
        costs: Costs | None = None,
        turns: Semaphore | None = None,
    ) -> None:
        """`size` (width, height) px is what the detector takes in.

        Live, `newest` is the stream second that has come, and `coming` the first keyframe after one, if it has come;
        `turns` are shared by cameras that look at their spans in turn.
        """
        parking = [zone.polygon for zone in camera.zones if zone.type in PARKING_ZONES]
        walks = [zone for zone in camera.zones if zone.type is ZoneType.CROSSWALK]
        self.counts = Counts(mode="keyframes" if parking or walks else "demux")
        self.costs = costs or Costs()
        self._judge, self._rates, self._decode = judge, rates, decode
        self._haste, self._coming = Haste(newest), coming
        self._eye = Eye(judge, self.counts, self.costs, decode, size, shown(camera))
        bays = [zone.polygon for zone in camera.zones if zone.type is ZoneType.PARKING_BAY]
        lanes = [lane.polygon for lane in camera.lanes]
        self._parking = ParkingPlan(parking, rates.heartbeat_s, bays, lanes) if parking else None
        self._crossing = CrossingPlan(walks, plane, rates.heartbeat_s) if walks else None
        watched = [list(polygon) for polygon in parking]
        if self._crossing:
            watched += self._crossing.surroundings(camera.frame)
        self._own = len(parking)
        self._gate = ChangeGate(watched, camera.frame)
        self._held = Held(watched)
        self._always = plan == "full" and bool(watched)
        self._now = State(running=self._always)
        self._pace = Pace(rates.yield_fps if walks else rates.parking_fps)
        self._grid = Pace(rates.parking_fps)
        self._tried: float | None = None
        self._turns = turns or Semaphore()

    def take(self, packets: list[CameraPacket]) -> Iterator[Outputs]:
        """Go on with the next packets, in decode order; what the rules say, scene by scene."""
        now = self._now
        self.counts.packets += len(packets)
        for packet in packets:
            if packet.keyframe:
                self.counts.keyframes += 1
                yield from self._begin(packet)
            elif now.groups:
                now.groups[-1].add(packet)
        if self.counts.mode == "demux":
            now.groups.clear()
        elif now.running:
            yield from self._run()
        elif now.groups:
            yield from self._look_between()

    def begins(self, t: float) -> None:
        """Nothing before stream second `t` is shown (the edit list of a file)."""
        self._eye.floor = t

    @property
    def running(self) -> bool:
        """Whether pictures are decoded as they come."""
        return self._now.running

    @property
    def t(self) -> float:
        """Stream second of the last scene that the rules were given."""
        return self._now.t_fed

    def finish(self) -> Iterator[Outputs]:
        """No more packets will come: what was not yet looked at is, whole."""
        now = self._now
        if self.counts.mode == "demux" or not now.groups:
            return
        if now.running:
            yield from self._run(whole=True)
            return
        yield from self._stretches(list(now.waiting))
        now.waiting.clear()
        after = now.t_fed
        yield from self._between(after, math.inf)

    def _begin(self, packet: CameraPacket) -> Iterator[Outputs]:
        """A new group of pictures begins."""
        now = self._now
        if self.counts.mode == "demux":
            return
        group = Group(packet, self._decode)
        if now.groups:
            now.gop_s = max(0.0, packet.t - now.groups[-1].t)
            if now.running:
                stays = self._always or (self._crossing is not None and self._crossing.watch is not Watch.IDLE)
                yield from self._run(whole=not stays)
                if stays:
                    group.follow(now.groups[-1])
                else:
                    now.running, now.t_look = False, now.t_fed
                    self._gate.forget()
                    self.counts.mode = "keyframes"
        now.groups.append(group)
        if not now.running and packet.t >= self._eye.floor and now.keyframe_due(packet.t):
            if (glance := now.glanced(packet.t)) is not None:
                yield from self._look(packet.t, glance.frame, glance.change)
            elif (frame := self._eye.keyframe(packet)) is not None:
                yield from self._look(packet.t, frame)
        now.prune()

    def _look_between(self) -> Iterator[Outputs]:
        """Looks between keyframes that lie too far apart: the running group is decoded on to each that is due."""
        now = self._now
        group = now.groups[-1]
        while (t := now.between_due()) is not None:
            found = self._eye.ahead(group, t, self._grid)
            if found is None:
                return
            yield from self._look(*found)
        now.prune()
        if now.running:
            yield from self._run()

    def _glance(self) -> None:
        """Put the next keyframe before the gate as soon as it has come: no zone waits for the span of another look."""
        now = self._now
        if self._coming is None or now.glance is not None or now.t_look is None:
            return
        packet = self._coming(now.t_look)
        while packet is not None and not now.keyframe_due(packet.t):
            packet = self._coming(packet.t)
        # Beyond the next look there is one due before it, and of one that is damaged there is one try.
        if packet is None or packet.t - now.t_look > LOOK_S + LATE_KEYFRAME_S or packet.t == self._tried:
            return
        self._tried = packet.t
        if (frame := self._eye.keyframe(packet)) is not None:
            now.glance = Glance(packet.t, frame, self._eye.gate(self._gate, packet.t, frame))
            self.counts.note(packet.t)

    def _look(self, t: float, frame: av.VideoFrame, change: Change | None = None) -> Iterator[Outputs]:
        """One look: the gate (or `change`, what it said), then perhaps the detector, then perhaps the whole span."""
        now, heed = self._now, self._judge.heed()
        after = t if now.t_look is None else now.t_look
        now.t_look = t
        self.counts.note(t)
        if change is None:
            now.glance = None  # of a keyframe that was not due after all
            change = self._eye.gate(self._gate, t, frame)
        choice = self._parking.first(t, of_zones(change, 0, self._own), heed) if self._parking else Choice.HOLD
        crossing = self._crossing is not None and self._crossing.first(t, change.changed[self._own :])
        if choice in {Choice.HOLD, Choice.DEFER} and not crossing:
            self.counts.gated += 1
            yield from self._flush(PUT_OFF_MOST - 1 if choice is Choice.DEFER else 0)
            held = self._held.at(change.changed)
            if choice is Choice.DEFER:
                now.waiting.append(Look(after, t, held, put_off=True))
            else:
                yield self._feed(t, held)
            return
        seen = self._eye.detect(frame)
        if seen is None:
            yield from self._flush()
            return
        self._gate.settle()
        look = Look(after, t, self._noted(seen, change))
        yield from self._decide(look, seen, choice, heed, change.since_last)

    def _decide(self, look: Look, seen: Detections, choice: Choice, heed: Heed, heat: Heat) -> Iterator[Outputs]:
        """The span up to `look`, now that its picture was detected."""
        now = self._now
        if self._crossing and self._crossing.second(look.t, seen, heed.following) is not Watch.IDLE:
            yield from self._flush()
            now.running, now.t_fed = True, max(now.t_fed, look.after if look.after < look.t else look.t - 1e-6)
            self._pace = Pace(self._crossing_fps())
            self._haste.begins()
            return
        if self._parking:
            second = self._parking.second(look.t, look.seen, heed, heat)
            choice = choice if choice is Choice.STRETCH else second
        if choice is Choice.STRETCH and self._parking:
            before = self.counts.stretches
            yield from self._stretches([*now.waiting, look])
            now.waiting.clear()
            self._held.note(look.seen)
            if self.counts.stretches > before:  # else nobody looked closely
                self._parking.stretched(look.t)
            return
        yield from self._flush(self._parking.questioned if self._parking and choice is Choice.WAIT else 0)
        if choice is Choice.WAIT:
            now.waiting.append(look)
        else:
            yield self._feed(look.t, look.seen)

    def _stretches(self, looks: list[Look]) -> Iterator[Outputs]:
        """The spans up to `looks`, each in its turn; when it is too late for one it is for all that follow."""
        given_up = False
        for look in looks:
            # Not from the look itself: one that waited for this decision is old, however fast the box is.
            given_up = given_up or not self._turn_comes(look.t if self._now.t_look is None else self._now.t_look)
            if given_up:
                self.counts.shed += round((look.t - look.after) * self._rates.parking_fps)
            else:
                yield from self._stretch(look)
            if not look.put_off:
                yield self._feed(look.t, look.seen)

    def _stretch(self, look: Look) -> Iterator[Outputs]:
        """Look at the whole span up to a look, and give the turn back."""
        try:
            self.counts.stretches += 1
            self.counts.mode = "stretch"
            margin = 0.0 if look.put_off else 0.4 / self._rates.parking_fps
            yield from self._between(look.after, look.t - margin)
            self.counts.mode = "keyframes"
        finally:
            self._turns.release()

    def _turn_comes(self, t: float) -> bool:
        """Wait for this camera's turn, the next keyframe apart; False when the look at `t` has become too old."""
        for _ in range(round(SPAN_PATIENCE_S / GLANCE_S)):  # by these too: a stream that ended is never late
            if self._haste.gives_up(t):
                return False
            if self._turns.acquire(timeout=GLANCE_S):
                return True
            self._glance()
        return False

    def _between(self, after: float, until: float) -> Iterator[Outputs]:
        """Decode and look at (`after`, `until`] with `parking_fps`; while one is detected the next is decoded."""
        pace = Pace(self._rates.parking_fps, after)
        asked: tuple[float, Asked] | None = None
        for group in [group for group in self._now.groups if group.t <= until]:
            for t, frame in self._eye.between(group, after, until, self._glancing(pace), whole=True):
                before, asked = asked, (t, self._eye.ask(frame))
                if before is not None:
                    yield from self._looked_between(*before)
        if asked is not None:
            yield from self._looked_between(*asked)

    def _looked_between(self, t: float, asked: Asked) -> Iterator[Outputs]:
        while not asked.done():
            wait([asked], GLANCE_S)
            self._glance()
        if (seen := self._eye.answer(asked)) is not None:
            self._held.note(seen)
            yield self._feed(t, seen)

    def _glancing(self, pace: Pace) -> Callable[[float], bool]:
        """`pace.wants`, with an eye on the next keyframe: twelve pictures between two that are due take their time."""

        def wants(t: float) -> bool:
            self._glance()
            return pace.wants(t)

        return wants

    def _run(self, *, whole: bool = False) -> Iterator[Outputs]:
        """Decode what has come and look at every picture that is due; while one is detected the next is decoded."""
        asked: tuple[float, Asked] | None = None
        for t, frame in self._due(whole):
            before, asked = asked, (t, self._eye.ask(frame))
            if before is not None:
                yield from self._look_closely(*before)
        if asked is not None:
            yield from self._look_closely(*asked)
        del self._now.groups[:-1]

    def _due(self, whole: bool) -> Iterator[Frame]:
        """Pictures that are looked at closely, as far as they have come, less those that a late box passes over."""
        now = self._now
        self.counts.mode = "full"
        for group in list(now.groups):
            last = group is now.groups[-1]
            for t, frame in self._eye.between(group, now.t_fed, math.inf, self._due_now, whole=whole or not last):
                if not last and self._haste.skips(t):
                    self.counts.skipped_packets += len(group.packets)
                    break
                halved = self._crossing is not None and self._crossing.watch is Watch.COMING
                if self._haste.passes_over(t, halved=halved):
                    self.counts.shed += 1
                    continue
                yield t, frame

    def _due_now(self, t: float) -> bool:
        """At the rate of now: what is seen in one picture of a span may change it for those that follow."""
        return self._pace.wants(t)

    def _look_closely(self, t: float, asked: Asked) -> Iterator[Outputs]:
        seen = self._eye.answer(asked)
        self._now.t_look = t
        self.counts.note(t)
        if seen is None:
            return
        self._held.note(seen)
        if self._crossing and not self._always:
            before = self._crossing.watch
            if self._crossing.second(t, seen, self._judge.heed().following) is not before:
                self._pace = Pace(self._crossing_fps(), t)
        if self._parking:
            self._parking.followed(t, seen)
        yield self._feed(t, seen)

    def _noted(self, seen: Detections, change: Change) -> Detections:
        """What was seen, and what stands though the detector missed it."""
        self._held.note(seen, change.changed)
        return joined(seen, self._held.unseen(change.changed))

    def _feed(self, t: float, seen: Detections) -> Outputs:
        self._now.t_fed = t
        return self._eye.feed(t, seen)

    def _flush(self, keep: int = 0) -> Iterator[Outputs]:
        """What waited turned out to be of no matter, but for the last `keep` looks."""
        waiting = self._now.waiting
        done = waiting[: max(0, len(waiting) - keep)]
        self._now.waiting = waiting[len(done) :]
        for look in done:
            yield self._feed(look.t, look.seen)

    def _crossing_fps(self) -> float:
        assert self._crossing is not None
        if self._crossing.watch is Watch.FULL:
            return self._rates.yield_fps
        least = max(VIGIL_FPS, self._rates.parking_fps if self._parking else 0.0)
        return max(least, self._rates.yield_fps / 2) if self._crossing.watch is Watch.COMING else least
