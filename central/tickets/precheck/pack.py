"""What a decision and its pack have and lack by themselves: stored with the case when they arrive."""

from collections.abc import Iterator
from typing import Any

from central.tickets.precheck.clock import clock_error, clock_words
from central.tickets.precheck.profiles import profile_of
from central.tickets.views import Check
from contract.events import Manifest, Vehicle, Violation
from contract.pack_check import Asked, lacks, measured
from contract.plates import PLATE_SURE
from contract.profile import Profile


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


def suppressed(checks: list[Any]) -> tuple[str, ...]:
    """The facts that exempt the vehicle, of the checks stored with a case."""
    return tuple(check["detail"] for check in checks if check["name"] == "suppression" and not check["ok"])


def as_json(checks: Iterator[Check]) -> list[Any]:
    """Checks as they are stored with the case."""
    return [check.model_dump(exclude_defaults=True) for check in checks]


__all__ = ["as_json", "of_decision", "of_evidence", "of_plate", "suppressed"]
