"""Precheck of a candidate: each check with its result, shown on the page and never hidden (domain sections B2, B5).

What is asked for stands in the profile of the decision's jurisdiction (`configs/jurisdictions/`), measured by the
very function that the edge marks its packs with. What fails here flags the case. A seal that does not hold and a fact
that exempts the vehicle keep a case from review; the clock is put to the officer as a question, because a record
whose time nobody vouches for cannot be evidence.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from central.tickets.views import Check
from contract.errors import ConfigError
from contract.events import Manifest, Unknown, Vehicle, Violation
from contract.jurisdiction import load_profile
from contract.pack_check import Asked, clock_lack, lacks, measured
from contract.plates import PLATE_SURE
from contract.profile import Profile

#: By whose clock limit a decision is measured whose own profile is not known here.
_STRICTEST = "cn-default"
CLOCK_FACT = "clock"


def of_decision(data: Violation, sealed: bool) -> Iterator[Check]:
    """What can be said of a decision before its evidence is there."""
    yield Check(name="seal", ok=sealed, detail="the signature holds" if sealed else "the signature does not hold")
    error = clock_error(data)
    yield Check(name="clock", ok=error is None, detail=error or clock_words(data))
    for mark in data.suppression:
        yield Check(name="suppression", ok=False, detail=mark)


def of_evidence(decided: Violation, data: Manifest) -> Iterator[Check]:
    """What the pack of a decision has and lacks by its profile, and what the box itself says is lacking.

    A place's own profile stands beside its site file and not here: then the box's word alone counts, and that is said.
    """
    said: set[str] = set()
    profile = profile_of(decided.jurisdiction)
    if profile is None:
        why = f"profile {decided.jurisdiction} is not known here: what a pack must have was measured by the box alone"
        yield Check(name="profile", ok=False, detail=why)
    else:
        for check in _measured(decided, data, profile):
            said.add(check.detail)
            yield check
    for lack in data.below_profile:
        if lack not in said:
            yield Check(name="profile", ok=False, detail=lack)
    for gone in data.dropped:
        yield Check(name="dropped", ok=False, detail=gone)
    for mark in data.suppression:
        yield Check(name="suppression", ok=False, detail=mark)


def _measured(decided: Violation, data: Manifest, profile: Profile) -> Iterator[Check]:
    wait = decided.numbers.get("permitted_wait_s")
    known = float(wait) if isinstance(wait, int | float) else None
    asked = Asked(decided.rule, profile.evidence, known)
    found = measured(asked, data.images)
    for one in found:
        yield Check(name=one.name, ok=one.ok, detail=one.detail)
    said = {one.detail for one in found}
    for lack in lacks(asked, data.images, data.video):
        if lack not in said:
            yield Check(name="profile", ok=False, detail=lack)


@cache
def profile_of(jurisdiction: str) -> Profile | None:
    """The profile of that name, None where it is a place's own, which central does not have."""
    try:
        return load_profile(jurisdiction)
    except ConfigError:
        return None


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


def clock_error(data: Violation) -> str | None:
    """Why the clock cannot be relied on, None when it can: known, and within the profile's limit."""
    return clock_lack(data.clock, (profile_of(data.jurisdiction) or load_profile(_STRICTEST)).evidence)


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


def suppressed(checks: list[Any]) -> tuple[str, ...]:
    """The facts that exempt the vehicle, of the checks stored with a case."""
    return tuple(check["detail"] for check in checks if check["name"] == "suppression" and not check["ok"])


def as_json(checks: Iterator[Check]) -> list[Any]:
    """Checks as they are stored with the case."""
    return [check.model_dump() for check in checks]
