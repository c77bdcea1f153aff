"""What a detector and a tracker would make of exact boxes: jitter, misses, splits, merges, false boxes, switches.

Figures are those of `measured.json` (written by `measure.py` from the real clips with YOLO11n), rounded; the comment
at each says which. A night scene takes the worse end of the same figures.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.scenes.generate.view import Sight

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Faults:
    """How a detector errs. Edge figures are shares of the box (left, top, right, bottom)."""

    #: Frame to frame, uncorrelated: jitter_median of `car` and of `person`.
    white: dict[str, tuple[float, float, float, float]] = field(
        default_factory=lambda: {
            "person": (0.026, 0.011, 0.026, 0.0105),
            "two": (0.030, 0.031, 0.030, 0.012),
            "vehicle": (0.006, 0.0075, 0.0066, 0.0065),
        }
    )
    #: Wandering with correlation 0.63 over 0.1 s (edge_error_autocorrelation), i.e. a time constant of 0.22 s. Of
    #: people: edge_error_sd_within, less what the hand-made boxes add (they keep their width while legs swing).
    wander: dict[str, tuple[float, float, float, float]] = field(
        default_factory=lambda: {
            "person": (0.08, 0.02, 0.08, 0.018),
            "two": (0.04, 0.03, 0.04, 0.015),
            "vehicle": (0.008, 0.008, 0.008, 0.008),
        }
    )
    wander_s: float = 0.22
    #: The same for the life of an object: edge_bias_sd_between_people; a car's is its slow_wander.
    bias: dict[str, tuple[float, float, float, float]] = field(
        default_factory=lambda: {
            "person": (0.05, 0.014, 0.04, 0.006),
            "two": (0.03, 0.02, 0.03, 0.008),
            "vehicle": (0.006, 0.01, 0.006, 0.006),
        }
    )
    #: One edge off by much for a frame: makes up for jitter_rms being far above jitter_median.
    pop: float = 0.01
    pop_size: float = 0.08
    #: Holes begin per sighting and last so many frames at 12.5 fps: hole_starts_per_sighting, hole_mean_frames.
    hole_start: dict[str, float] = field(default_factory=lambda: {"person": 0.032, "two": 0.04, "vehicle": 0.017})
    hole_s: float = 2.2 / 12.5
    #: Below this visible share a thing is seldom found, above the second always as far as occlusion goes
    #: (miss_share_hidden_30 is 0.38).
    lost_below: float = 0.3
    sure_above: float = 0.6
    #: false_per_frame is 0.38 where eight people mill about; a street has fewer. Most last a frame or two.
    false_per_s: float = 0.25
    #: splits_per_person_frame, merged_per_person_frame (two people who overlap by a third are one box so often).
    split: float = 0.012
    merge: float = 0.25
    #: class_flip_share of cars (to truck), of trucks and buses.
    flip: dict[str, float] = field(default_factory=lambda: {"car": 0.019, "truck": 0.15, "bus": 0.12})
    #: Where ids are given: switches a minute in free sight, and the chance of a new id after a hole of half a second
    #: (8 a person-minute in the PETS crowd, where people hide one another all the time).
    switch_per_min: float = 1.0
    switch_after_hole: float = 0.5
    score: tuple[float, float] = (0.72, 0.12)


DAY = Faults()
NIGHT = replace(
    DAY,
    white={kind: tuple(1.4 * one for one in edges) for kind, edges in DAY.white.items()},  # type: ignore[misc]
    hole_start={kind: 1.6 * share for kind, share in DAY.hole_start.items()},
    false_per_s=0.4,
    score=(0.55, 0.13),
)


def group_of(kind: str) -> str:
    """person, two (wheels) or vehicle."""
    return kind if kind == "person" else "two" if kind in {"bicycle", "motorcycle"} else "vehicle"


@dataclass
class Reader:
    """Makes the detector's objects of every frame. `ids`: given (with switches) or left to the tracker."""

    faults: Faults
    rng: np.random.Generator
    frame: tuple[int, int]
    ids: bool
    #: When each actor was detected, by name; filled by `lines`.
    sighted: dict[str, Array] = field(default_factory=dict)
    _next: int = 1

    def lines(self, times: Array, sights: list[Sight]) -> list[dict[str, Any]]:
        """One line a frame in the format of `edge replay --objects`, without signals."""
        rows: list[list[dict[str, Any]]] = [[] for _ in times]
        for sight in sights:
            if sight.actor.role != "ghost":
                self._one(sight, times, rows)
        self._false(times, rows)
        found = []
        for t, objects in zip(times.tolist(), rows, strict=True):
            kept = self._merged(objects)
            self.rng.shuffle(kept)  # type: ignore[arg-type]
            found.append({"t": round(t, 3), "objects": kept})
        return found

    def _one(self, sight: Sight, times: Array, rows: list[list[dict[str, Any]]]) -> None:
        actor, group = sight.actor, group_of(sight.actor.kind)
        found = self._found(sight, times, group)
        self.sighted[actor.name] = times[found]
        errors = self._errors(len(times), times, group)
        score = self.rng.normal(self.faults.score[0], 0.08)
        likes_flip = self.rng.uniform() < 0.25
        one, last = self._fresh(), None
        for at in np.flatnonzero(found):
            t = float(times[at])
            if self._switches(t, last):
                one = self._fresh()
            last = t
            box = sight.box[at]
            size = np.tile(box[2:] - box[:2], 2)
            box = np.clip(box + errors[at] * size, 0, [*self.frame, *self.frame])
            if box[2] - box[0] < 3 or box[3] - box[1] < 3:
                continue
            said = float(np.clip(score + self.rng.normal(0, self.faults.score[1] / 2), 0.26, 0.97))
            rows[at].append(self._object(self._kind(actor.kind, likes_flip), box, said, one, actor.facts))
            if self.rng.uniform() < self.faults.split * (0.5 if group == "vehicle" else 1.0):
                rows[at].append(self._object(actor.kind, _part(box, self.rng), said * 0.6, None, {}))

    def _found(self, sight: Sight, times: Array, group: str) -> NDArray[np.bool_]:
        """At which instants it is detected: visible enough, large enough, and not in a hole."""
        height = sight.box[:, 3] - sight.box[:, 1]
        chance = np.clip(
            (sight.shown - self.faults.lost_below) / (self.faults.sure_above - self.faults.lost_below), 0, 1
        )
        chance = np.where(np.isnan(height) | (height < 14), 0.0, chance)
        found = self.rng.uniform(size=len(times)) < chance
        start = self.faults.hole_start[group] * np.where(height < 40, 2.0, 1.0) * 12.5
        gaps = np.diff(times, prepend=times[0] - 0.08)
        hole_until = -np.inf
        draws, lengths = self.rng.uniform(size=len(times)), self.rng.exponential(self.faults.hole_s, len(times))
        for at, t in enumerate(times.tolist()):
            if t < hole_until:
                found[at] = False
            elif found[at] and draws[at] < start[at] * min(gaps[at], 0.2):
                found[at] = False
                hole_until = t + lengths[at]
        return found

    def _errors(self, count: int, times: Array, group: str) -> Array:
        """Edge errors (T, 4) as shares of the box."""
        keep = np.exp(-np.diff(times, prepend=times[0]) / self.faults.wander_s)
        shocks = self.rng.normal(size=(count, 4))
        wander = np.zeros((count, 4))
        state = shocks[0]
        for at in range(count):
            state = keep[at] * state + np.sqrt(1 - keep[at] ** 2) * shocks[at]
            wander[at] = state
        errors = wander * np.array(self.faults.wander[group])
        errors += self.rng.normal(size=(count, 4)) * np.array(self.faults.white[group])
        errors += self.rng.normal(size=4) * np.array(self.faults.bias[group])
        pops = self.rng.uniform(size=(count, 4)) < self.faults.pop / 4
        found: Array = errors + pops * self.rng.normal(size=(count, 4)) * self.faults.pop_size
        return found

    def _switches(self, t: float, last: float | None) -> bool:
        if last is None:
            return False
        if t - last > 0.5 and self.rng.uniform() < self.faults.switch_after_hole * min(1.0, (t - last) / 2):
            return True
        return bool(self.rng.uniform() < self.faults.switch_per_min * min(t - last, 1.0) / 60)

    def _kind(self, kind: str, likes: bool) -> str:
        share = self.faults.flip.get(kind, 0.0)
        if share and self.rng.uniform() < share * (3.0 if likes else 0.33):
            return {"car": "truck", "truck": "car", "bus": "truck"}[kind]
        return kind

    def _object(self, kind: str, box: Array, score: float, one: int | None, facts: dict[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {"class": kind, "box": [round(float(v), 1) for v in box], "score": round(score, 3)}
        if self.ids:
            said["id"] = self._fresh() if one is None else one
        return {**said, **facts}

    def _fresh(self) -> int:
        self._next += 1
        return self._next

    def _false(self, times: Array, rows: list[list[dict[str, Any]]]) -> None:
        """Boxes of nothing, for a frame or a few, anywhere."""
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.1
        for at in range(len(times)):
            if self.rng.uniform() < self.faults.false_per_s * min(step, 0.5):
                kind = str(self.rng.choice(["person", "car", "truck", "bicycle"], p=[0.5, 0.3, 0.1, 0.1]))
                middle = self.rng.uniform([0, 0.3 * self.frame[1]], self.frame)
                height = self.rng.uniform(20, 90)
                width = height * (0.45 if kind == "person" else 1.4)
                box = np.array([middle[0] - width / 2, middle[1] - height, middle[0] + width / 2, middle[1]])
                one = self._fresh()
                for later in range(at, min(at + int(self.rng.integers(1, 4)), len(times))):
                    shake = box + self.rng.normal(0, 1.5, 4)
                    rows[later].append(self._object(kind, shake, float(self.rng.uniform(0.26, 0.45)), one, {}))

    def _merged(self, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Two people close together are one box now and then."""
        people = [one for one in objects if one["class"] == "person"]
        for number, one in enumerate(people):
            for other in people[number + 1 :]:
                if _overlap(one["box"], other["box"]) > 0.33 and self.rng.uniform() < self.faults.merge:
                    a, b = one["box"], other["box"]
                    one["box"] = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
                    return [thing for thing in objects if thing is not other]
        return objects


def _part(box: Array, rng: np.random.Generator) -> Array:
    """A piece of a thing that is taken for a thing of its own."""
    width, height = box[2] - box[0], box[3] - box[1]
    if rng.uniform() < 0.5:
        return np.array([box[0], box[1], box[2], box[1] + rng.uniform(0.4, 0.65) * height])
    return np.array([box[0], box[1], box[0] + rng.uniform(0.4, 0.65) * width, box[3]])


def _overlap(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def instants(rng: np.random.Generator, t0: float, t1: float, fps: float, unsteady: str) -> Array:
    """Time stamps (T,) from `t0` to `t1`: steady, jitter (by a third of a frame), vfr (the rate halves for stretches),
    drop (30 % of the frames are lost, some in a row)."""
    times = np.arange(t0, t1, 1 / fps)
    if unsteady == "jitter":
        times = times + rng.uniform(-0.33, 0.33, len(times)) / fps
    elif unsteady == "vfr":
        slow = np.sin(times * rng.uniform(0.3, 1.0) + rng.uniform(0, 6)) > 0.3
        times = times[~(slow & (np.arange(len(times)) % 2 == 1))]
    elif unsteady == "drop":
        lost = rng.uniform(size=len(times)) < 0.24
        for at in np.flatnonzero(rng.uniform(size=len(times)) < 0.02):
            lost[at : at + 3] = True
        times = times[~lost]
    found: Array = np.round(times, 3)
    return found
