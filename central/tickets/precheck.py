"""Precheck of a candidate: each check with its result, shown on the page and never hidden (domain sections B2, B5).

What fails here flags the case. The seal alone keeps a case from review; the clock is put to the officer as a question,
because a record whose time nobody vouches for cannot be evidence.
"""

from collections.abc import Iterator
from typing import Any

from central.tickets.views import Check
from contract.events import Clock, Manifest, Rule, Unknown, Vehicle, Violation
from contract.plates import PLATE_SURE

#: GA/T 832-2014: device clock against Beijing time.
CLOCK_LIMIT_MS = 1000.0
#: Stills that a standing vehicle needs (Beijing DB11) and a moving one (GA/T 832-2014).
IMAGES_MIN = {Rule.ILLEGAL_PARKING: 3, Rule.FAILURE_TO_YIELD: 2}
#: GA/T 832-2014: spacing of stills of a standing vehicle, in seconds.
SPACING_S = 10.0
#: GA/T 832-2014: size of a still in pixels.
SIZE_MIN = (1280, 720)
CLOCK_FACT = "clock"


def of_decision(data: Violation, sealed: bool) -> Iterator[Check]:
    """What can be said of a decision before its evidence is there."""
    yield Check(name="seal", ok=sealed, detail="the signature holds" if sealed else "the signature does not hold")
    yield Check(name="clock", ok=clock_error(data.clock) is None, detail=clock_error(data.clock) or clock_words(data))
    for mark in data.suppression:
        yield Check(name="suppression", ok=False, detail=mark)


def of_evidence(rule: str, data: Manifest) -> Iterator[Check]:
    """Count, spacing and size of the stills, and what the box itself says is lacking.

    GA/T 832 asks this of panoramic pictures; crops of them, plates and composites are beside the count.
    """
    originals = [image for image in data.images if not image.overlay and image.role == "far"]
    least = IMAGES_MIN[Rule(rule)]
    yield Check(name="images", ok=len(originals) >= least, detail=f"{len(originals)} stills, {least} needed")
    if rule == Rule.ILLEGAL_PARKING and originals:
        gap = max(image.t for image in originals) - min(image.t for image in originals)
        yield Check(name="spacing", ok=gap >= SPACING_S, detail=f"{gap:.1f} s apart, {SPACING_S:.0f} s needed")
    small = [image for image in originals if not _large(image.w, image.h)]
    wanted = f"{SIZE_MIN[0]} x {SIZE_MIN[1]}"
    found = f"{small[0].w} x {small[0].h}, below {wanted}" if small else f"at least {wanted}"
    yield Check(name="size", ok=not small, detail=found)
    for lack in data.below_profile:
        yield Check(name="profile", ok=False, detail=lack)
    for gone in data.dropped:
        yield Check(name="dropped", ok=False, detail=gone)


def of_plate(told: str | None, seen: Vehicle | None) -> Iterator[Check]:
    """How sure the machine is of the plate it read, and whether it is the plate that another source `told`.

    A plate that could not be read is in the pack's own list of what is lacking.
    """
    if seen is None or seen.plate is None:
        return
    if told is not None and told != seen.plate:
        yield Check(name="plate", ok=False, detail=f"read as {seen.plate}, while another source says {told}")
        return
    least = min(seen.per_char_conf or [seen.conf or 0.0])
    words = f"{least:.2f} is the certainty of the least certain of {len(seen.plate)} characters"
    yield Check(name="plate", ok=least >= PLATE_SURE, detail=words)


def clock_error(clock: Clock) -> str | None:
    """Why the clock cannot be relied on, None when it can: known, and within the limit with its uncertainty."""
    if clock.offset_ms is None:
        return "the camera's clock offset is unknown"
    worst = abs(clock.offset_ms) + (clock.uncertainty_ms or 0.0)
    if worst > CLOCK_LIMIT_MS:
        return f"the camera's clock may be off by {worst / 1000:.1f} s, more than {CLOCK_LIMIT_MS / 1000:.1f} s"
    return None


def clock_words(data: Violation) -> str:
    """The offset in words."""
    return f"offset {data.clock.offset_ms or 0.0:+.0f} ms, measured by {data.clock.source}"


def clock_question(clock: Clock) -> Iterator[Unknown]:
    """What the officer must answer about the time before anything is approved, if anything."""
    if said := clock_error(clock):
        yield Unknown(
            fact=CLOCK_FACT,
            question=f"{said[0].upper()}{said[1:]}: from what is the time of the offence established?",
            sources=["rtcp", "onvif", "ntp"],
        )


def as_json(checks: Iterator[Check]) -> list[Any]:
    """Checks as they are stored with the case."""
    return [check.model_dump() for check in checks]


def _large(width: int, height: int) -> bool:
    return width >= SIZE_MIN[0] and height >= SIZE_MIN[1]
