"""What must have been heard of what was shown, and what was heard of nothing.

A stay must be found when it was in sight for the permitted wait and `SLACK_S` more before the run ended; a passage over
a crossing when its front passed the stop line that long before the end and its pedestrian stepped out after the camera
was live. What lies at the edge of the run may be found or not. Any other decision is false, a second one of the same
matter as well.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sightline.bench.county import Mount, permitted_wait
from sightline.bench.listener import Heard

#: How much of its end a run must leave for a decision, s; a decision is that of a planted matter within so many s.
SLACK_S = 6.0
NEAR_S = {"illegal_parking": 8.0, "failure_to_yield": 4.0}


@dataclass(frozen=True, slots=True)
class Shown:
    """One showing of something planted: the instant at which the offence is complete, Unix s."""

    camera_id: str
    rule: str
    zone_id: str
    complete: float
    must: bool


@dataclass(slots=True)
class Verdict:
    """Found, missed and false, with the delays of what was found: seconds by rule."""

    found: int = 0
    missed: list[Shown] = field(default_factory=list)
    false: list[Heard] = field(default_factory=list)
    from_frame: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    from_truth: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def expected(self) -> int:
        """How many had to be found."""
        return self.found + len(self.missed)


def shown(
    mounts: list[Mount], epoch: float, live: Mapping[str, float], end: float, permitted_wait_s: float | None
) -> list[Shown]:
    """Everything planted that the box could see between `live` (by camera) and `end`, Unix s."""
    found = []
    for mount in mounts:
        since = live.get(mount.camera_id, end)
        for planted in mount.stream.planted:
            for begins, ends in mount.times(planted, epoch, end):
                if planted.rule == "illegal_parking":
                    complete = max(begins, since) + permitted_wait(mount, permitted_wait_s)
                    sure = complete + SLACK_S <= min(ends, end)
                    possible = complete - SLACK_S <= min(ends, end)
                else:
                    complete = ends
                    sure = begins >= since + 2.0 and complete + SLACK_S <= end
                    possible = since <= complete <= end
                if possible:
                    found.append(Shown(mount.camera_id, planted.rule, planted.zone_id, complete, sure))
    return found


def judge(all_shown: list[Shown], heard: list[Heard]) -> Verdict:
    """Match decisions with what was shown, nearest first."""
    verdict = Verdict()
    open_ = list(all_shown)
    for one in sorted(heard, key=lambda event: event.received):
        near = [
            matter
            for matter in open_
            if (matter.camera_id, matter.rule, matter.zone_id) == (one.camera_id, one.rule, one.zone_id)
            and abs(matter.complete - one.at_trigger) <= NEAR_S[one.rule]
        ]
        if not near:
            verdict.false.append(one)
            continue
        matter = min(near, key=lambda each: abs(each.complete - one.at_trigger))
        open_.remove(matter)
        verdict.found += matter.must
        verdict.from_frame[one.rule].append(one.received - one.at_last)
        verdict.from_truth[one.rule].append(one.received - matter.complete)
    verdict.missed = [matter for matter in open_ if matter.must]
    return verdict
