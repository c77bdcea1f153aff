"""Can the time be relied on: known, and within what the profile asks for (GA/T 832-2014: 1.0 s)."""

from collections.abc import Iterator

from central.tickets.precheck.profiles import counted_by
from contract.events import Unknown, Violation
from contract.pack_check import clock_lack

CLOCK_FACT = "clock"


def clock_error(data: Violation) -> str | None:
    """Why the clock cannot be relied on, None when it can: known, and within the profile's limit."""
    return clock_lack(data.clock, counted_by(data.jurisdiction).evidence)


def clock_words(data: Violation) -> str:
    """The offset in words."""
    return f"offset {data.clock.offset_ms or 0.0:+.0f} ms, measured by {data.clock.source}"


def clock_question(data: Violation) -> Iterator[Unknown]:
    """What the officer must answer about the time before anything is approved, if anything."""
    if said := clock_error(data):
        yield Unknown(
            fact=CLOCK_FACT,
            question=f"{said[0].upper()}{said[1:]}: from what is the time of the offence established?",
            sources=["rtcp", "onvif", "ntp"],
        )


__all__ = ["CLOCK_FACT", "clock_error", "clock_question", "clock_words"]
