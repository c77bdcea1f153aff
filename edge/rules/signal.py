"""What a crossing's traffic light showed: the last value told holds for 2 s, then it is unknown (domain section C2)."""

from collections import deque

from edge.frames import Scene

HOLDS_S = 2.0


class SignalMemory:
    """The states of one crossing's signal. `signalised` is what the site file says, and true once a state was told."""

    def __init__(self, zone_id: str, signalised: bool) -> None:
        self._zone_id = zone_id
        self._told: deque[tuple[float, str]] = deque(maxlen=20_000)
        self.signalised = signalised

    def take(self, scene: Scene) -> None:
        """Remember what this scene tells."""
        state = scene.signals.get(self._zone_id)
        if state is not None:
            self.signalised = True
            self._told.append((scene.t, state))

    def at(self, t: float) -> str | None:
        """`vehicle_green`, `pedestrian_green` or `off` at stream time `t`; None when nobody told within 2 s before."""
        for told, state in reversed(self._told):
            if told <= t + 1e-9:
                return state if t - told <= HOLDS_S else None
        return None
