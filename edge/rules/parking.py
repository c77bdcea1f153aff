"""Illegal parking, as domain section D2 defines it.

The law asks for a vehicle that stood in a zone for longer than the zone permits, while it could have driven on
(道交法 93, 实施条例 63). A machine accuses nobody: what comes out is a candidate. Whether the driver is present no box
can tell; it stays "unknown" in the numbers, and is asked of the reviewer where the policy says that it decides.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contract.site import Camera
from edge.frames import BICYCLE, MOTORCYCLE, VEHICLES, Scene
from edge.rules import boxes, reasons, stillness
from edge.rules.decision import Decision, Keep, Moment, Number, Release, Saying
from edge.rules.ground import Plane
from edge.rules.jam import Jam
from edge.rules.kerb import IN_BAY, IN_ZONE, Kerb
from edge.rules.memory import VERSION, Memory, scar_of, scar_record
from edge.rules.roster import Roster
from edge.rules.scars import Scar, Scars
from edge.rules.sighting import Sighting
from edge.rules.stander import Stander
from edge.rules.stay import Clock, Stay, as_box
from edge.rules.vehicle import Vehicle

#: A stay counts as such after min(this, half the permitted wait) of standing (domain D2) [s].
STOPPED_S = 10.0
#: The second image is taken so long after the first (GA/T 832, as domain B2 gives it) [s].
SPACING_S = 10.0
#: Boxes of one thing found twice in one picture overlap so much.
TWICE_IOU = 0.7
#: Sums of stream times carry rounding errors below this [s].
EPSILON_S = 1e-6
_JUDGED = VEHICLES | {BICYCLE, MOTORCYCLE}


class ParkingRule:
    """All parking zones of one camera. A `Rule`: fed scenes in rising stream time, says what it decided."""

    def __init__(
        self,
        camera: Camera,
        zone_info: ZoneInfo,
        wall: Callable[[float], datetime],
        plane: Plane,
        *,
        country: str | None = None,
        ask_driver: bool = False,
    ) -> None:
        """`wall` gives the aware wall clock of a stream second; `country` (ISO 3166) the public holidays of `hours`.

        `ask_driver`: the jurisdiction makes the driver's presence decide, so every candidate carries the question.
        """
        self._wall, self._ask_driver = wall, ask_driver
        self._kerb = Kerb(camera, zone_info, wall, plane, country)
        self._jam = Jam(self._kerb)
        self._roster = Roster(self._kerb, plane)
        self._scars = Scars()
        self._memory = Memory(self._kerb, plane)
        self._restored: Mapping[str, Any] | None = None
        self._t = -math.inf

    def step(self, scene: Scene) -> Iterator[Saying]:
        """Take one scene. Raises ValueError when its time does not rise."""
        if not scene.t > self._t:
            raise ValueError(f"scene at {scene.t} s after {self._t} s - stream time must rise")
        self._resume(scene.t)
        self._t = scene.t
        for stay, how in self._roster.take(scene.t, self._sightings(scene)):
            yield from self._end(stay, how)
        self._watch_traffic()
        for stay in list(self._roster.stays.values()):
            yield from self._judge(stay)

    def finish(self) -> Iterator[Saying]:
        """The stream has ended, and with it every open stay."""
        for stay, how in self._roster.end_all():
            yield from self._end(stay, how)

    def snapshot(self) -> dict[str, Any]:
        """What is proven so far, as plain JSON with wall-clock instants; for `restore` after a restart of the box.

        Only stays that stand and have asked for a picture, or are accused, are in it: what no kept picture shows
        is not resumed.
        """
        stays = [
            self._memory.stay_record(stay, self._seconds)
            for stay in self._roster.stays.values()
            if stay.t_moving is None and (stay.kept_at is not None or stay.accused)
        ]
        scars = [scar_record(scar, self._seconds) for scar in self._scars]
        return {"version": VERSION, "stays": stays, "scars": scars}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from `snapshot` with the next scene. One of another version is put aside: its waits begin anew."""
        if snapshot.get("version") == VERSION and self._t == -math.inf:
            self._restored = snapshot

    def standers(self) -> tuple[Stander, ...]:
        """The vehicles on four wheels that stand as of the last scene, for the plan of the looks to come."""
        standing = [one for one in self._roster.vehicles.values() if one.kind in VEHICLES]
        stays = [(one.rest, self._roster.stays.get(one.key)) for one in standing if one.rest]
        return tuple(Stander(r.box, r.settled, stay is not None, self._expires(stay), r.t_last) for r, stay in stays)

    def _expires(self, stay: Stay | None) -> float | None:
        number = self._nearest_to_expiry(stay) if stay and stay.t_moving is None and not stay.accused else None
        if stay is None or number is None or reasons.excuse(stay, self._kerb, number, self._t) is not None:
            return None
        return stay.t_last + self._left_to_wait(stay, number)

    def _resume(self, t: float) -> None:
        """Put what was restored on the stream that begins at `t`."""
        snapshot, self._restored = self._restored, None
        if snapshot is None:
            return
        now = self._seconds(t)
        for record in snapshot["stays"]:
            stay = self._memory.stay_of(record, lambda at: t - (now - at))
            if stay is not None and stay.t_last <= t:
                self._roster.adopt(stay.vehicle, stay)
        for record in snapshot["scars"]:
            self._scars.add(scar_of(record, lambda at: t - (now - at)))

    def _seconds(self, t: float) -> float:
        return self._wall(t).timestamp()

    def _sightings(self, scene: Scene) -> list[Sighting]:
        """The usable boxes of a scene: vehicles and two-wheelers, finite, not hidden, each thing once."""
        tracks, found = scene.tracks, []
        for row in range(len(tracks)):
            box, kind = tracks.boxes[row].astype(np.float64), int(tracks.classes[row])
            usable = bool(np.isfinite(box).all()) and box[2] - box[0] > 1 and box[3] - box[1] > 1
            if kind in _JUDGED and usable and not self._kerb.hides(box):
                track_id, score = int(tracks.ids[row]), float(np.nan_to_num(tracks.scores[row]))
                found.append(Sighting(scene.t, box, kind, score, track_id, tracks.facts_of(track_id)))
        return _each_once(found)

    def _watch_traffic(self) -> None:
        """Show the jam veto who runs and who stands in the zones."""
        inside: list[list[Vehicle]] = [[] for _ in self._kerb.zones]
        for stay in self._roster.stays.values():
            for number, share in stay.standing.shares:
                if share >= IN_BAY and stay.t_moving is None:
                    inside[number].append(stay.vehicle)
        self._jam.look(self._t, list(self._roster.vehicles.values()), inside)
        oldest = min((stay.t_first for stay in self._roster.stays.values()), default=self._t)
        self._jam.forget_before(oldest - 60.0)

    def _judge(self, stay: Stay) -> Iterator[Saying]:
        """Set the clocks of one stay, and accuse when the first of them has run out at this very sighting."""
        if stay.t_moving is not None or stay.accused:
            return
        if not stay.vehicle.rest or not stay.rest.standing_now or stay.rest.t_last < self._t:
            return
        anew = self._set_clocks(stay)
        anew |= stay.permit(self._t, reasons.permission(stay, self._kerb, self._t) is not None)
        if anew and stay.kept_at is not None:
            # The wait has begun anew; pictures of the old one prove nothing about it.
            yield Release(stay.passage)
            stay.kept_at, stay.spaced = None, False
        number = self._nearest_to_expiry(stay)
        if number is None:
            return
        excused = reasons.excuse(stay, self._kerb, number, self._t)
        yield from self._keep(stay, number, excused is None)
        if excused is None and self._left_to_wait(stay, number) <= EPSILON_S:
            yield from self._accuse(stay, number)

    def _set_clocks(self, stay: Stay) -> bool:
        """Start the clock of each zone that holds the vehicle and is awake; True when one began anew."""
        anew, stay.asleep = False, False
        for number, share in stay.standing.shares:
            if share < IN_ZONE:
                continue
            clock = stay.clocks.get(number)
            if clock is None:
                clock = stay.clocks[number] = Clock(stay.rest.t_first, stay.rest.t_first)
                if not self._kerb.zones[number].calendar.awake(stay.rest.t_first):
                    clock.t_first = None
                anew = True
            woke = self._kerb.zones[number].calendar.woke(clock.t_looked, self._t)
            clock.t_looked = self._t
            if not self._kerb.zones[number].calendar.awake(self._t):
                clock.t_first, stay.asleep = None, True
            elif woke is not None:
                clock.t_first, anew = woke, True
        return anew

    def _counted(self, stay: Stay, number: int) -> float:
        """Seconds of the wait in a zone that are proven and count; 0 while it sleeps."""
        clock = stay.clocks.get(number)
        if clock is None or clock.t_first is None:
            return 0.0
        paused = self._jam.paused(number, clock.t_first, stay.t_last)
        return max(0.0, stay.t_last - clock.t_first - paused)

    def _left_to_wait(self, stay: Stay, number: int) -> float:
        return self._kerb.zones[number].zone.wait_s - self._counted(stay, number)

    def _nearest_to_expiry(self, stay: Stay) -> int | None:
        """The zone whose wait runs out first, among those whose clock runs."""
        running = [number for number, clock in stay.clocks.items() if clock.t_first is not None]
        for number in running:
            stay.proven_s = max(stay.proven_s, self._counted(stay, number))
        return min(running, key=lambda number: (self._left_to_wait(stay, number), number), default=None)

    def _keep(self, stay: Stay, number: int, suspect: bool) -> Iterator[Saying]:
        """Ask for the pictures of the first standing instant and of one >= 10 s later."""
        first = stay.clocks[number].t_first
        assert first is not None
        wait_s = self._kerb.zones[number].zone.wait_s
        if self._t - first < min(STOPPED_S, wait_s / 2) - EPSILON_S:
            return
        self._name(stay)
        if stay.kept_at is None and suspect:
            zone_ids = {self._kerb.zones[n].zone.id for n in stay.clocks}
            stay.same_case = self._scars.same_case(stay.vehicle, zone_ids, first)
            if stay.same_case is None:
                t, box = stay.trail_since(first)[0]
                stay.kept_at = max(first, min(t, self._t))
                yield Keep(stay.passage, "first", stay.kept_at, as_box(box))
        elif stay.kept_at is not None and not stay.spaced and self._t - stay.kept_at >= SPACING_S - EPSILON_S:
            stay.spaced = True
            yield Keep(stay.passage, "spacing", self._t, as_box(stay.vehicle.last.box))

    def _name(self, stay: Stay) -> None:
        """A stay's name comes from the stream alone: the wall clock of its beginning, and where it stands."""
        if not stay.passage:
            x, y = boxes.feet(stay.rest.box[None])[0]
            stay.passage = f"{round(self._wall(stay.t_first).timestamp() * 1000)}:{round(x)},{round(y)}"

    def _accuse(self, stay: Stay, number: int) -> Iterator[Saying]:
        """Say the violation, unless the whole wait, looked at again, does not bear it."""
        place, first = self._kerb.zones[number], stay.clocks[number].t_first
        assert first is not None
        trail = stay.trail_since(first)
        for part in stay.stretches(first):
            seen = np.array([box for _, box in part])
            if stillness.drifted(stay.rest.yard.metres(boxes.feet(seen)), stay.rest.sigma_m, stay.vehicle.kind):
                stay.creep(self._t)
                return
        stay.standing = self._kerb.standing(stay.most_shown(first), stay.vehicle.kind, stay.vehicle.course)
        if stay.share(number) < IN_ZONE or reasons.excuse(stay, self._kerb, number, self._t) is not None:
            return
        stay.accused_in = number
        stay.first = Moment(first, as_box(trail[0][1]))
        stay.trigger = Moment(self._t, as_box(stay.vehicle.last.box))
        yield reasons.violation(stay, place.zone, self._figures(stay, number), self._ask_driver)

    def _figures(self, stay: Stay, number: int) -> dict[str, Number]:
        zone = self._kerb.zones[number].zone
        paused = self._jam.paused(number, stay.t_first, stay.t_last)
        return reasons.figures(stay, zone, number, paused)

    def _end(self, stay: Stay, how: str) -> Iterator[Saying]:
        """A stay has ended: close its case, or tell why there was none."""
        if stay.accused_in is not None:
            yield self._close(stay, stay.accused_in, how)
            return
        if stay.kept_at is not None:
            yield Release(stay.passage)
        number = max(stay.standing.shares, key=lambda pair: (pair[1] >= IN_ZONE, pair[1]))[0]
        wait_s = self._kerb.zones[number].zone.wait_s
        if stay.t_last - stay.t_first >= min(STOPPED_S, wait_s / 2) - EPSILON_S:
            self._name(stay)
            zone = self._kerb.zones[number].zone
            excused = reasons.excuse(stay, self._kerb, number, stay.t_last)
            yield reasons.acquitted(stay, zone, self._figures(stay, number), how, excused)

    def _close(self, stay: Stay, number: int, how: str) -> Decision:
        stay.proven_s = max(stay.proven_s, self._counted(stay, number))
        zone = self._kerb.zones[number].zone
        vehicle = stay.vehicle
        if how != "stream_end":
            scar = Scar(stay.passage, zone.id, stay.rest.box, stay.t_last, how == "left", vehicle.key, vehicle.plate)
            self._scars.add(scar)
        return reasons.closed(stay, zone, self._figures(stay, number), how)


def _each_once(found: list[Sighting]) -> list[Sighting]:
    """Without second boxes of one thing; the surer box stays, in its old order."""
    if len(found) < 2:
        return found
    overlap = boxes.iou_matrix(*[np.array([one.box for one in found])] * 2)
    dropped: set[int] = set()
    for row in sorted(range(len(found)), key=lambda row: (-found[row].score, row)):
        if row not in dropped:
            twins = np.flatnonzero(overlap[row] >= TWICE_IOU).tolist()
            dropped |= {one for one in twins if one != row and found[one].two_wheeler == found[row].two_wheeler}
    return [one for row, one in enumerate(found) if row not in dropped]
