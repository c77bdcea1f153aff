"""What a camera's looks are to cost, and what they have cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """Looks a second where a rule needs them, and how often the detector is asked whatever the gate says [s]."""

    parking_fps: float = 2.0
    yield_fps: float = 12.5
    heartbeat_s: float = 10.0


@dataclass(slots=True)
class Counts:
    """What was done since the start. `looked` are looks of the detector, `gated` those that the gate held back.

    `mode` is demux, keyframes, stretch or full; `t_looked` the stream second at which all zones were last looked at
    (`note` it), `look_gap_s` the longest stream time between two looks.
    """

    packets: int = 0
    keyframes: int = 0
    decoded: int = 0
    gated: int = 0
    looked: int = 0
    shed: int = 0
    skipped_packets: int = 0
    damaged: int = 0
    stretches: int = 0
    mode: str = "keyframes"
    t_looked: float | None = None
    look_gap_s: float = 0.0

    def note(self, t: float) -> None:
        """All zones were looked at, by gate or detector, as they were at stream second `t`."""
        if self.t_looked is not None:
            self.look_gap_s = max(self.look_gap_s, round(t - self.t_looked, 3))
        self.t_looked = t
