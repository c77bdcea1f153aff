"""What was said against what is right, scene by scene: found, asked, missed, false, twice.

An event belongs to the expected one of its rule, zone and lane that is nearest in time; whether its times then lie in
the windows is a second question, so that a right accusation with a wrong time is not counted as a false one and a
missed one at once.
"""

from dataclasses import dataclass, field

from sightline.evaluation.labels import Expected, LabelledScene
from sightline.evaluation.run import Ran, Said

#: How far outside its window a `t_trigger` may lie and still speak of the same passage or stay [s].
SAME_MATTER_S = {"failure_to_yield": 2.0, "illegal_parking": 15.0}


@dataclass(frozen=True, slots=True)
class Pair:
    """An expected event and the one that was said of it; `faults` are its windows and verdicts that do not hold."""

    expected: Expected
    said: Said
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A scene judged. `twice` are second events of a matter already told, `false` accuse of what is no offence."""

    scene: LabelledScene
    ran: Ran
    pairs: list[Pair] = field(default_factory=list)
    missed: list[Expected] = field(default_factory=list)
    false: list[Said] = field(default_factory=list)
    twice: list[Said] = field(default_factory=list)
    tolerated: list[Said] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """No more and no less than the label says."""
        return not (self.ran.error or self.missed or self.false or self.twice or any(p.faults for p in self.pairs))

    def wrongs(self) -> list[str]:
        """A sentence for each thing that is not as expected."""
        told = [f"could not be judged: {self.ran.error}"] if self.ran.error else []
        told += [f"missed: {_expected(one)}" for one in self.missed]
        told += [f"false: {_said(one)}" for one in self.false]
        told += [f"second event of one matter: {_said(one)}" for one in self.twice]
        told += [f"{fault}: {_said(pair.said)}" for pair in self.pairs for fault in pair.faults]
        return told


def compare(scene: LabelledScene, ran: Ran) -> Compared:
    """Match the events of a scene to its label."""
    result = Compared(scene, ran)
    left = list(ran.events)
    candidates = sorted(
        (distance, _off(expected, said), number, at)
        for number, expected in enumerate(scene.label.events)
        for at, said in enumerate(left)
        if (distance := _distance(expected, said)) is not None
    )
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, _, number, at in candidates:
        if number not in taken and at not in used:
            taken[number] = at
            used.add(at)
    for number, expected in enumerate(scene.label.events):
        if number in taken:
            said = left[taken[number]]
            result.pairs.append(Pair(expected, said, _faults(expected, said)))
        else:
            result.missed.append(expected)
    for at, said in enumerate(left):
        if at not in used:
            _sort_rest(result, said)
    return result


def _sort_rest(result: Compared, said: Said) -> None:
    if any(_same_matter(pair.expected, pair.said, said) for pair in result.pairs):
        result.twice.append(said)
    elif any(_fits(one, said) for one in result.scene.label.tolerated):
        result.tolerated.append(said)
    else:
        result.false.append(said)


def _same_place(expected: Expected, said: Said) -> bool:
    same_lane = expected.lane_id is None or expected.lane_id == said.lane_id
    return expected.rule == said.rule and expected.zone_id == said.zone_id and same_lane


def _distance(expected: Expected, said: Said) -> float | None:
    """Seconds between the trigger and its window; None when the event speaks of something else."""
    if not _same_place(expected, said):
        return None
    if expected.t_trigger is None:
        return 0.0
    low, high = expected.t_trigger
    away = max(low - said.t_trigger, said.t_trigger - high, 0.0)
    return away if away <= SAME_MATTER_S[expected.rule] else None


def _off(expected: Expected, said: Said) -> float:
    """Seconds by which its times are off the truth: of two stays that trigger together each has the nearer event."""
    truth = expected.truth
    if truth is None:
        return 0.0
    pairs = ((truth.t_first, said.t_first), (truth.t_trigger, said.t_trigger))
    return sum(abs(told - exact) for exact, told in pairs if exact is not None)


def _same_matter(expected: Expected, first: Said, said: Said) -> bool:
    """Whether a further event speaks of the passage or stay that `first` has told."""
    if not _same_place(expected, said) or first.lane_id != said.lane_id:
        return False
    truth = expected.truth
    if expected.rule == "illegal_parking" and truth and truth.t_end is not None:
        return first.t_first <= said.t_trigger <= truth.t_end + SAME_MATTER_S[expected.rule]
    return abs(said.t_trigger - first.t_trigger) <= SAME_MATTER_S[expected.rule]


def _fits(expected: Expected, said: Said) -> bool:
    return _distance(expected, said) is not None and not _faults(expected, said)


def _faults(expected: Expected, said: Said) -> tuple[str, ...]:
    found = []
    if said.verdict not in expected.verdict:
        found.append(f"verdict {said.verdict}, not {' or '.join(expected.verdict)}")
    for name in ("t_first", "t_trigger", "t_last"):
        window = getattr(expected, name)
        if window is not None and not window[0] <= getattr(said, name) <= window[1]:
            found.append(f"{name} {getattr(said, name):.2f} s outside {window[0]:.2f}..{window[1]:.2f} s")
    return tuple(found)


def _expected(one: Expected) -> str:
    when = f" at {one.t_trigger[0]:.1f}..{one.t_trigger[1]:.1f} s" if one.t_trigger else ""
    return f"{one.rule} in {one.zone_id}{' ' + one.lane_id if one.lane_id else ''}{when}"


def _said(one: Said) -> str:
    asked = f" ({', '.join(one.unknown)}?)" if one.unknown else ""
    lane = f" {one.lane_id}" if one.lane_id else ""
    return f"{one.verdict}{asked} {one.rule} in {one.zone_id}{lane} at {one.t_trigger:.2f} s: {one.reason}"
