"""Where a looker is in its stream: groups of pictures still needed, looks that wait, and when the next one is due."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import av

from edge.cameras.group import Group
from edge.frames import Detections
from edge.plan.gate import Change

#: No zone goes unlooked at for longer [s]; a keyframe may be a little late before the running group is decoded on.
LOOK_S, LATE_KEYFRAME_S = 2.0, 0.15


@dataclass(frozen=True, slots=True)
class Look:
    """One look at `t` after that of `after` (stream s), and what was seen in it.

    One that was `put_off` was not put before the detector: `seen` is what still stood where nothing changed.
    """

    after: float
    t: float
    seen: Detections
    put_off: bool = False


@dataclass(frozen=True, slots=True)
class Glance:
    """A keyframe of stream second `t` that was decoded and put before the gate before its turn came."""

    t: float
    frame: av.VideoFrame
    change: Change


@dataclass(slots=True)
class State:
    """Times in stream seconds: `t_look` of the last look, `t_fed` of the last scene; `gop_s` between keyframes."""

    groups: list[Group] = field(default_factory=list)
    waiting: list[Look] = field(default_factory=list)
    running: bool = False
    t_look: float | None = None
    t_fed: float = -math.inf
    gop_s: float = 0.0
    glance: Glance | None = None

    def glanced(self, t: float) -> Glance | None:
        """The glance at the keyframe of `t`, if there was one; then it is let go."""
        glance, self.glance = self.glance, None
        return glance if glance is not None and glance.t == t else None

    def keyframe_due(self, t: float) -> bool:
        """Whether the keyframe at `t` must be looked at, because the next one would come too late."""
        return self.t_look is None or t + self.gop_s - self.t_look > LOOK_S + LATE_KEYFRAME_S

    def between_due(self) -> float | None:
        """The instant within the running group that must be looked at, once the next keyframe has not come for it."""
        if self.running or self.t_look is None or self.groups[-1].t_last - self.t_look < LOOK_S + LATE_KEYFRAME_S:
            return None
        return self.t_look + LOOK_S

    def prune(self) -> None:
        """Let go of groups that no span needs any more."""
        needed = self.waiting[0].after if self.waiting else self.t_look
        if needed is None or self.running:
            return
        done = [one for one, following in pairwise(self.groups) if following.t <= needed]
        del self.groups[: len(done)]
        for group in self.groups:
            group.forget(needed)
