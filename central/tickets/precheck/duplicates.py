"""The same matter twice: same plate, site and code within the profile's merge window (domain B4), whichever came first.

Two cameras and two boxes may both have seen it, and written its plate each in their own way. Nothing is rejected for
it: R12 is one key, and a person who sees both.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, plain_plate
from central.db.events import Event
from central.tickets.precheck.profiles import profile_of
from central.tickets.views import Check
from contract.events import Violation, parse_event
from contract.profile import MERGE_S

_MOST = 20


def of_duplicates(session: Session, row: Case, plate: str | None, data: Violation) -> Check:
    """Other cases of `plate` at that site with that code, their triggers no further away than the window."""
    if plate is None:
        return Check(name="duplicates", ok=None, detail="the plate was not read")
    profile = profile_of(data.jurisdiction)
    window = MERGE_S[data.rule] if profile is None else profile.merges_within(data.rule)
    found = [one for one in _near(session, row, plate, window) if _code(session, one) == data.violation_code]
    if not found:
        said = f"no other case of it here within {window:g} s"
        return Check(name="duplicates", ok=True, detail=said, figures=[f"{window:g}"])
    numbers = [one.number for one in found]
    apart = min(abs((one.at_trigger - row.at_trigger).total_seconds()) for one in found)
    said = f"{', '.join(numbers)}, {apart:.1f} s apart"
    return Check(name="duplicates", ok=False, detail=said, figures=[", ".join(numbers), f"{apart:.1f}"], cases=numbers)


def _near(session: Session, row: Case, plate: str, window: float) -> list[Case]:
    span = timedelta(seconds=window)
    query = (
        select(Case)
        .where(
            Case.plate_plain == plain_plate(plate),
            Case.site == row.site,
            Case.rule == row.rule,
            Case.at_trigger.between(row.at_trigger - span, row.at_trigger + span),
            Case.id != row.id,
        )
        .order_by(Case.at_trigger, Case.id)
        .limit(_MOST)
    )
    return list(session.execute(query).scalars())


def _code(session: Session, row: Case) -> str | None:
    said = parse_event(session.get_one(Event, row.event_id).raw).data.get("violation_code")
    return said if isinstance(said, str) else None


__all__ = ["of_duplicates"]
