"""Spans of a ledger laid side by side into blocks, without a hole and without an overlap. Pure."""

from dataclasses import dataclass, field
from typing import Literal

from contract.continuity import Cause, Missing, Recorded

#: Where the times of a block come from (contract.continuity.Block).
Clock = Literal["unknown", "rtcp", "onvif", "ntp", "file", "same_host"]

#: A hole this small between two segments is the width of a picture or a correction of the clock: they are joined.
SMALL_US = 100_000
#: As far as stamps of arrival and a camera's clock may disagree over a gap. Microseconds.
LOOSE_US = 1_000_000
#: Most entries of one list of a block; the contract allows 500.
MOST = 400


@dataclass(slots=True)
class Draft:
    """What will be a block."""

    from_us: int
    until_us: int
    recorded: list[Recorded] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    late: list[Recorded | Missing] = field(default_factory=list)
    clock: Clock = "unknown"


class Tiles:
    """Takes spans in the order in which they came to be; what lies before `at_us` is told as late."""

    def __init__(self, from_us: int) -> None:
        self._draft = Draft(from_us, from_us)
        self._done: list[Draft] = []

    @property
    def at_us(self) -> int:
        """Up to here all is told."""
        return self._draft.until_us

    def clock_is(self, source: Clock) -> None:
        """Where the clock of what was laid last came from."""
        self._draft.clock = source

    def clock(self, start_us: int, end_us: int, detail: str) -> None:
        """The wall clock skipped this span. What is told already is left as it stands."""
        start_us = max(start_us, self.at_us)
        if start_us < end_us:
            self._lay(Missing(start_us=start_us, end_us=end_us, cause="clock", detail=detail))

    def missing(self, start_us: int, end_us: int, cause: Cause, detail: str) -> None:
        """Nothing was recorded in this span."""
        for start, end, late in self._parts(start_us, end_us):
            one = Missing(start_us=start, end_us=end, cause=cause, detail=detail[:300])
            if late:
                self._late(one)
            else:
                self._lay(one)

    def recorded(self, start_us: int, end_us: int, told: Recorded) -> None:
        """A segment covers this span."""
        for start, end, late in self._parts(start_us, end_us):
            one = told.model_copy(update={"start_us": start, "end_us": end})
            if late:
                self._late(one)
            else:
                self._lay(one)

    def finished(self) -> list[Draft]:
        """The blocks; nothing may be laid after this."""
        if self._draft.late or self._draft.until_us > self._draft.from_us:
            self._close()
        return self._done

    def _parts(self, start_us: int, end_us: int) -> list[tuple[int, int, bool]]:
        """(start, end, late) of a span: the part that is told already is late, unless it is small."""
        at = self.at_us
        if start_us >= at:
            return [(start_us, end_us, False)]
        if end_us > at and at - start_us <= LOOSE_US:
            return [(at, end_us, False)]
        if at > self._draft.from_us:  # late is what is before a block, not within it
            self._close()
        parts = [(start_us, min(end_us, at), True)]
        if end_us > at:
            parts.append((at, end_us, False))
        return parts

    def _lay(self, one: Recorded | Missing) -> None:
        draft = self._draft
        if isinstance(one, Recorded):
            draft.recorded.append(one)
        elif draft.missing and _goes_on(draft.missing[-1], one):
            draft.missing[-1] = draft.missing[-1].model_copy(update={"end_us": one.end_us})
        else:
            draft.missing.append(one)
        draft.until_us = one.end_us
        self._room()

    def _late(self, one: Recorded | Missing) -> None:
        self._draft.late.append(one)
        self._room()

    def _room(self) -> None:
        if max(len(self._draft.recorded), len(self._draft.missing), len(self._draft.late)) >= MOST:
            self._close()

    def _close(self) -> None:
        draft = self._draft
        if draft.until_us == draft.from_us:  # a block has a length, though all of its time is told already
            said = "the clock was set back: this time was told before it came"
            draft.missing.append(Missing(start_us=draft.from_us, end_us=draft.from_us + 1, cause="clock", detail=said))
            draft.until_us += 1
        self._done.append(draft)
        self._draft = Draft(draft.until_us, draft.until_us, clock=draft.clock)


def _goes_on(before: Missing, one: Missing) -> bool:
    return before.end_us == one.start_us and (before.cause, before.detail) == (one.cause, one.detail)


__all__ = ["LOOSE_US", "MOST", "SMALL_US", "Clock", "Draft", "Tiles"]
