"""When a sensor's readings are an alarm, when it is over, and when a sensor is silent: hysteresis, duration, silence.

Readings are judged in the order of their own time, `t` in seconds since 1970. What comes late or twice changes
nothing: the time of a reading counts, never how many there are.

- *Raised*: every reading from the first one at or beyond `raise_at` on is so, for `for_s` seconds. One that is not
  begins the wait anew.
- *Over*: the same at or beyond `clear_at`, for `clear_for_s`. What lies between the two limits decides nothing.
- Between two readings nobody knows: when they are more than `silent_after_s` apart, the wait begins anew with the
  second.
- A sensor that tells changes only (`holds`) vouches for its value until the next reading, for as long, while the box
  listens: what fills its durations is the time of listening since the reading arrived, by a clock that nobody sets.
  When the box was cut off or away, a change may have been missed, and the wait begins anew with the next reading.
- *Silent*: nothing was heard for `silent_after_s` while the box listened. The time in which the box did not hear its
  broker is not the sensor's silence.
- *Unstable*: the `MOST_AN_HOUR`th alarm within an hour is over only after `CALM_S` at or beyond `clear_at`, and the
  `MOST_AN_HOUR`th silence only after `CALM_S` without another. However a sensor flaps, it begins at most
  `MOST_AN_HOUR` + 3600 / `CALM_S` alarms an hour, and as many silences.
"""

from dataclasses import dataclass, replace

#: What begins as one of so many alarms (or silences) within an hour is unstable, and ends after so much calm. Seconds.
MOST_AN_HOUR, HOUR_S, CALM_S = 6, 3600.0, 900.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sensor is judged by. `raise_at` over `clear_at`: alarm when the value rises, else when it falls."""

    raise_at: float
    clear_at: float
    for_s: float = 0.0
    clear_for_s: float = 0.0
    silent_after_s: float = 900.0
    holds: bool = False

    @property
    def sign(self) -> float:
        """1 where high values are bad, -1 where low ones are."""
        return 1.0 if self.raise_at > self.clear_at else -1.0

    def beyond(self, value: float) -> bool:
        """Whether `value` is at or beyond the limit of the alarm."""
        return (value - self.raise_at) * self.sign >= 0

    def back(self, value: float) -> bool:
        """Whether `value` is at or beyond the limit at which it is over."""
        return (value - self.clear_at) * self.sign <= 0

    def worse(self, one: float, other: float) -> float:
        """The one of two values that is further beyond."""
        return max(one, other) if self.sign > 0 else min(one, other)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value at `t`. `dated`: `t` is the sensor's own word, else the instant of arrival."""

    t: float
    value: float
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """Readings since `t_first` all say the same; `peak` is the furthest beyond among them.

    `held_s`: for so long the box has listened since the first of them arrived; counted where the value `holds`.
    """

    t_first: float
    peak: float
    dated: bool = True
    held_s: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one sensor.

    `wait` leads to an alarm while none is `raised`, and to its end while one is. `unheard_s`: for so long the box has
    listened and heard nothing. `silent` is the instant from which on the sensor is called silent; while that is
    unstable it has been heard again since `heard_from`. `raises` and `silences` are the instants of the latest ones, of
    an hour and `MOST_AN_HOUR` at most.
    """

    last: Reading | None = None
    wait: Wait | None = None
    raised: Wait | None = None
    unheard_s: float = 0.0
    silent: float | None = None
    heard_from: float | None = None
    raises: tuple[float, ...] = ()
    silences: tuple[float, ...] = ()

    @property
    def unstable(self) -> bool:
        """Whether what is raised or silent now is one of too many, and ends only after calm."""
        raised = self.raised is not None and len(self.raises) >= MOST_AN_HOUR
        return raised or (self.silent is not None and len(self.silences) >= MOST_AN_HOUR)


@dataclass(frozen=True, slots=True)
class Raised:
    """There is an alarm: `wait.t_first` names the matter, at `t` the duration was full."""

    wait: Wait
    t: float
    unstable: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """The alarm `raised` is over since `t`."""

    raised: Wait
    t: float


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing is heard since `since`, the last reading or the beginning of listening; said at `t`."""

    since: float
    t: float
    unstable: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """The sensor that was silent since `since` is heard again with a reading of `t`."""

    since: float
    t: float


Decision = Raised | Cleared | Silent | Heard


def judge(state: State, limits: Limits, reading: Reading) -> tuple[State, list[Decision]]:
    """The state after a reading, and what it decides. One that is not newer than the last changes nothing."""
    if state.last is not None and reading.t <= state.last.t:
        return state, []
    apart = state.last is not None and reading.t - state.last.t > limits.silent_after_s
    state, decisions = _alive(state, reading.t)
    if apart and not limits.holds:  # where it holds, `listened` knows better than any date
        state = replace(state, wait=None)
    state = _waiting(replace(state, last=reading), limits, reading)
    after, decided = _full(state, limits, reading.t)
    return after, [*decisions, *decided]


def listened(state: State, limits: Limits, seconds: float, t: float) -> tuple[State, list[Decision]]:
    """The state after `seconds` more of listening in which no reading came; it is `t` now.

    `t` is the box's clock and only dates what is decided: how long was listened is told by a clock that nobody sets.
    """
    decisions: list[Decision] = []
    if limits.holds and state.wait is not None:
        vouched = max(0.0, min(seconds, limits.silent_after_s - state.unheard_s))
        state = replace(state, wait=replace(state.wait, held_s=state.wait.held_s + vouched))
        state, decisions = _full(state, limits, t)
    unheard = state.unheard_s + seconds
    if unheard < limits.silent_after_s:
        return replace(state, unheard_s=unheard), decisions
    # A silence breaks whatever was being waited for: nobody saw the value meanwhile.
    state = replace(state, unheard_s=unheard, wait=None, heard_from=None)
    if state.silent is not None:
        return state, decisions
    since = state.last.t if state.last is not None else t - unheard
    silences = _of_an_hour(state.silences, t)
    said = Silent(since, t, unstable=len(silences) >= MOST_AN_HOUR)
    return replace(state, silent=since, silences=silences), [*decisions, said]


def interrupted(state: State, limits: Limits) -> State:
    """The state when what the sensor said since its last reading may have been missed."""
    return replace(state, wait=None) if limits.holds else state


def set_back(state: State, t: float) -> State:
    """The state when the clock by which it was judged has been set back to `t`: readings begin anew, alarms stay."""
    return replace(
        state,
        last=None,
        wait=None,
        heard_from=None,
        raises=tuple(min(one, t) for one in state.raises),
        silences=tuple(min(one, t) for one in state.silences),
    )


def _alive(state: State, t: float) -> tuple[State, list[Decision]]:
    """The sensor is heard with a reading of `t`."""
    if state.silent is None:
        return replace(state, unheard_s=0.0), []
    since = t if state.heard_from is None else state.heard_from
    if len(state.silences) >= MOST_AN_HOUR and t - since < CALM_S:
        return replace(state, unheard_s=0.0, heard_from=since), []
    return replace(state, unheard_s=0.0, silent=None, heard_from=None), [Heard(state.silent, t)]


def _of_an_hour(begun: tuple[float, ...], t: float) -> tuple[float, ...]:
    """Those of the last hour and the one that begins at `t`."""
    return (*(one for one in begun if t - one < HOUR_S), t)[-MOST_AN_HOUR:]


def _waiting(state: State, limits: Limits, reading: Reading) -> State:
    """The wait that this reading begins, goes on with, or ends."""
    if state.raised is not None:
        state = replace(state, raised=replace(state.raised, peak=limits.worse(state.raised.peak, reading.value)))
    goes_on = limits.beyond(reading.value) if state.raised is None else limits.back(reading.value)
    if not goes_on:
        return replace(state, wait=None)
    if state.wait is None:
        return replace(state, wait=Wait(reading.t, reading.value, reading.dated))
    return replace(state, wait=replace(state.wait, peak=limits.worse(state.wait.peak, reading.value)))


def _full(state: State, limits: Limits, t: float) -> tuple[State, list[Decision]]:
    """Whether what is waited for has lasted long enough at `t`."""
    wait = state.wait
    asked = limits.for_s if state.raised is None else limits.clear_for_s
    if state.raised is not None and len(state.raises) >= MOST_AN_HOUR:
        asked = max(asked, CALM_S)
    if wait is None or (wait.held_s if limits.holds else t - wait.t_first) < asked:
        return state, []
    # Where the value holds, the duration was full at that very instant; else the first reading that proves it counts.
    at = wait.t_first + asked if limits.holds else t
    if state.raised is not None:
        return replace(state, raised=None, wait=None), [Cleared(state.raised, at)]
    raises = _of_an_hour(state.raises, at)
    said = Raised(wait, at, unstable=len(raises) >= MOST_AN_HOUR)
    return replace(state, raised=wait, wait=None, raises=raises), [said]


__all__ = [
    "CALM_S",
    "HOUR_S",
    "MOST_AN_HOUR",
    "Cleared",
    "Decision",
    "Heard",
    "Limits",
    "Raised",
    "Reading",
    "Silent",
    "State",
    "Wait",
    "interrupted",
    "judge",
    "listened",
    "set_back",
]
