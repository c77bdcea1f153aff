"""From findings to troubles begun and ended, each once: pure, and the same for whatever source a finding has."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.feedhealth import Check
from edge.polling.rules import LOOKS, RULES, Finding

#: Longer between two findings of one check, and nobody knows what was in between: waiting begins anew. Seconds.
_APART_S = 30.0


@dataclass(frozen=True, slots=True)
class Open:
    """A trouble that was told: what began it and when (Unix seconds)."""

    check: Check
    begun: float


@dataclass(frozen=True, slots=True)
class Begun:
    """It is certain. `first` is when it was first seen, `at` now; Unix seconds."""

    key: str
    finding: Finding
    first: float
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over since `at` (Unix seconds)."""

    key: str
    check: Check
    begun: float
    at: float


@dataclass(slots=True)
class _Wait:
    check: Check
    since: float
    at: float
    last: float
    count: int = 1


@dataclass(slots=True)
class Matters:
    """The troubles of one camera. `t` rises and is never set (monotonic seconds), `at` is Unix time."""

    open: dict[str, Open] = field(default_factory=dict)
    _bad: dict[str, _Wait] = field(default_factory=dict)
    _well: dict[str, _Wait] = field(default_factory=dict)

    @property
    def checks(self) -> frozenset[Check]:
        """What is wrong now."""
        return frozenset(one.check for one in self.open.values())

    @property
    def suspected(self) -> frozenset[Check]:
        """What is wrong now, or may be soon."""
        return self.checks | frozenset(one.check for one in self._bad.values())

    def hear(self, findings: Iterable[Finding], t: float, at: float) -> list[Begun | Ended]:
        """What begins and ends by these findings."""
        told: list[Begun | Ended] = []
        for one in findings:
            if one.bad is None:
                continue
            said = self._bad_one(one, t, at) if one.bad else self._well_one(one, t, at)
            if said is not None:
                told.append(said)
        return told

    def _bad_one(self, one: Finding, t: float, at: float) -> Begun | None:
        self._well.pop(one.key, None)
        if one.key in self.open:
            return None
        wait = _waited(self._bad, one, t, at)
        if wait.count < LOOKS.get(one.check, 2) or t - wait.since < RULES[one.check].confirm_s:
            return None
        del self._bad[one.key]
        self.open[one.key] = Open(one.check, wait.at)
        return Begun(one.key, one, wait.at, at)

    def _well_one(self, one: Finding, t: float, at: float) -> Ended | None:
        self._bad.pop(one.key, None)
        known = self.open.get(one.key)
        if known is None:
            return None
        wait = _waited(self._well, one, t, at)
        if t - wait.since < RULES[one.check].clear_s:
            return None
        del self._well[one.key], self.open[one.key]
        return Ended(one.key, known.check, known.begun, max(wait.at, known.begun))


def _waited(waits: dict[str, _Wait], one: Finding, t: float, at: float) -> _Wait:
    wait = waits.get(one.key)
    if wait is None or t - wait.last > _APART_S:
        waits[one.key] = wait = _Wait(one.check, t, at, t)
        return wait
    wait.last = t
    wait.count += 1
    return wait


__all__ = ["Begun", "Ended", "Matters", "Open"]
