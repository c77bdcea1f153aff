"""Failure to yield at a crosswalk (道交法 47, domain sections C1 and C2): every vehicle over it is judged once.

Live, each vehicle is followed from before its stop line until it has left the crosswalk; then the passage is judged
against every person who was there, looking back over smoothed tracks, and ends in one decision: VIOLATION, CLEARED
or SUPPRESSED, with the reason and the numbers.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from contract.site import Camera, Zone
from edge.frames import Facts, Scene
from edge.rules.crosswalk import Crosswalk, crosswalk_of
from edge.rules.decision import Decision, Keep, Outcome, Release, Saying, told_of
from edge.rules.drive import drive_of
from edge.rules.finding import Finding, Matter, find
from edge.rules.ground import Plane
from edge.rules.movers import MEMORY_S, Group, Mover, Movers
from edge.rules.passage import Passage, Step
from edge.rules.ruling import decide, moment, unjudged
from edge.rules.signal import SignalMemory

#: What is further from the crossing is no concern of it, metres.
RADIUS_M = {Group.PERSON: 30.0, Group.CYCLE: 30.0, Group.VEHICLE: 120.0}
#: How far back before t2 a passage is judged, seconds.
LOOK_BACK_S = 40.0
#: What has moved less over the crosswalk stood there, and has not driven over it, metres.
_DROVE_M = 2.5


class YieldRule:
    """Judges one crosswalk of one camera. `plane` is shared: its owner calls `plane.observe`, this rule does not.

    A decision's `passage` is `zone/lane@t2_ms` in stream time; `trigger.t` and `lane_id` name it again for a case key.
    Raises ValueError with a sentence when the zone's lanes do not meet its crosswalk. While a plane that is learnt
    later shows them so, nobody is judged.
    """

    def __init__(self, camera: Camera, zone: Zone, plane: Plane) -> None:
        self._frame = camera.frame
        self._zone = zone
        self._plane = plane
        self._version = plane.version
        self._crosswalk = crosswalk_of(zone, plane)
        self._mapped = True
        self._movers = Movers(plane, self._crosswalk.middle, RADIUS_M)
        self._passages: dict[int, Passage] = {}
        self._instants: deque[float] = deque()
        self._signal = SignalMemory(zone.id, zone.signal != "none")

    @property
    def crosswalk(self) -> Crosswalk:
        """The geometry judged by, in metres."""
        return self._crosswalk

    @property
    def following(self) -> bool:
        """Whether a vehicle has passed its stop line and is not yet judged."""
        return any(passage.t2 is not None and not passage.done for passage in self._passages.values())

    def step(self, scene: Scene) -> Iterator[Saying]:
        """Take one scene; see `edge.rules.decision.Rule`."""
        if self._instants and scene.t <= self._instants[-1]:
            raise ValueError(f"time runs backwards: {scene.t} s after {self._instants[-1]} s")
        self._follow_plane()
        self._remember(scene.t)
        self._signal.take(scene)
        seen = {mover.serial for mover in self._movers.take(scene)}
        if not self._mapped:
            return
        for mover in self._movers.of(Group.VEHICLE):
            passage = self._passages.setdefault(mover.serial, Passage(mover, self._crosswalk.zone_id))
            if passage.t2 is not None and passage.t2 > mover.last:
                yield from self._reopen(passage)
                passage = self._passages[mover.serial] = Passage(mover, passage.zone_id, passage.since)
            if mover.serial in seen:
                step = passage.look(self._crosswalk, self._plane, self._frame)
            else:
                step = passage.unseen(scene.t, self._frame)
            yield from self._act(passage, step)
            if passage.t3 is not None and mover.serial in seen:
                self._passages[mover.serial] = self._next(passage)
        known = {mover.serial for mover in self._movers.all}
        self._passages = {serial: passage for serial, passage in self._passages.items() if serial in known}

    def finish(self) -> Iterator[Saying]:
        """The stream has ended: what has passed its stop line is judged as far as it was seen."""
        for passage in list(self._passages.values()):
            yield from self._act(passage, Step.LOST)

    def _follow_plane(self) -> None:
        if self._plane.version == self._version:
            return
        self._version = self._plane.version
        try:
            self._crosswalk, self._mapped = crosswalk_of(self._zone, self._plane), True
        except ValueError:
            # A plane that is still being learnt may for a while hold a lane that misses the crosswalk.
            self._mapped = False
        self._movers.moved_plane(self._crosswalk.middle)
        lanes = {approach.lane_id: approach for approach in self._crosswalk.approaches}
        for passage in self._passages.values():
            if passage.approach is not None:
                passage.approach = lanes[passage.approach.lane_id]

    def _remember(self, t: float) -> None:
        self._instants.append(t)
        while self._instants[0] < t - MEMORY_S:
            self._instants.popleft()

    def _act(self, passage: Passage, step: Step) -> Iterator[Saying]:
        if passage.done:
            return
        if passage.t2 is None:
            if step is Step.LOST:
                yield from self._odd(passage)
        elif step is Step.PASSED:
            yield from self._keep(passage)
        elif step is Step.BACK and not passage.over:
            yield from self._reopen(passage)
        elif step in (Step.LEFT, Step.BACK, Step.LOST):
            yield from self._close(passage)

    def _next(self, passage: Passage) -> Passage:
        """It has left the crosswalk. Should it come back, or another be taken for it, that is judged for itself."""
        passage.mover.facts = Facts()
        return Passage(passage.mover, passage.zone_id, since=passage.mover.last)

    def _reopen(self, passage: Passage) -> Iterator[Saying]:
        """Rolled back behind the stop line before the crosswalk: the passage has not begun yet."""
        if passage.kept:
            yield Release(passage.name)
        passage.t2, passage.approach, passage.kept = None, None, False

    def _keep(self, passage: Passage) -> Iterator[Saying]:
        """At t2: when someone may accuse later, the pictures of t1 and t2 are wanted."""
        matter = self._matter(passage)
        guilty = [] if matter is None else [f for f in self._findings(matter) if f.guilty and f.t1 is not None]
        if guilty and passage.t2 is not None:
            passage.kept = True
            yield from self._keeps(passage, min(f.t1 for f in guilty if f.t1 is not None), passage.t2)

    def _keeps(self, passage: Passage, t1: float, t2: float) -> Iterator[Keep]:
        for name, t in (("first", t1), ("trigger", t2)):
            at = moment(passage.mover, t)
            yield Keep(passage.name, name, at.t, at.box)

    def _close(self, passage: Passage) -> Iterator[Saying]:
        passage.done = True
        matter = self._matter(passage)
        if matter is None:
            return
        decision = self._judge(passage, matter)
        if decision.outcome is Outcome.VIOLATION:
            if not passage.kept:
                yield from self._keeps(passage, decision.first.t, matter.t2)
            yield Keep(passage.name, "last", decision.last.t, decision.last.box)
        elif passage.kept:
            yield Release(passage.name)
        yield decision

    def _odd(self, passage: Passage) -> Iterator[Saying]:
        """A vehicle that is lost without having passed a stop line: when it drove over the crosswalk, say why not."""
        passage.done = True
        drives = [
            (lane, drive_of(passage.mover, self._crosswalk, lane, self._plane, self._frame, passage.since))
            for lane in self._crosswalk.approaches
        ]
        over = [(lane, drive) for lane, drive in drives if drive is not None and drive.crossed() > _DROVE_M]
        if over:
            lane, drive = min(over, key=lambda pair: float(pair[0].aside(pair[1].front[pair[1].over]).mean()))
            yield unjudged(drive, lane, self._crosswalk, self._plane)

    def _judge(self, passage: Passage, matter: Matter) -> Decision:
        findings = self._findings(matter)
        signal = self._signal.at(matter.t2)
        gone = passage.gone(self._frame)
        decision = decide(matter, findings, passage.name, signal, self._signal.signalised, gone)
        return replace(decision, told=told_of(passage.mover.facts.emergency, signal))

    def _findings(self, matter: Matter) -> list[Finding]:
        since = matter.t2 - LOOK_BACK_S
        found = (find(person, matter, since) for person in self._movers.of(Group.PERSON))
        return [finding for finding in found if finding is not None]

    def _matter(self, passage: Passage) -> Matter | None:
        mover, approach, t2 = passage.mover, passage.approach, passage.t2
        if approach is None or t2 is None:
            return None
        since = max(t2 - LOOK_BACK_S, passage.since)
        drive = drive_of(mover, self._crosswalk, approach, self._plane, self._frame, since)
        if drive is None:
            return None
        instants = np.array(self._instants)
        others: list[Mover] = self._movers.all
        return Matter(
            drive=drive,
            crosswalk=self._crosswalk,
            approach=approach,
            t2=t2,
            t3=passage.t3,
            end=mover.last,
            instants=instants,
            movers=others,
            plane=self._plane,
            max_pet_s=self._zone.max_pet_s,
        )
