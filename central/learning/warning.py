"""The warning period of a site: what was captured within it is reviewed like any case and leads to a warning only."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import yaml
from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case
from central.db.events import Event
from central.db.sites import SiteVersion
from central.tickets.precheck.profiles import profile_of
from contract.events import UNKNOWN, Violation, parse_data, parse_event

_ONLY: Final = "warning_only"
_UNTIL: Final = "warning_until"


@dataclass(frozen=True, slots=True)
class Period:
    """`until` is its last day, as the site counts; None where nobody told when enforcement began."""

    until: date | None


def of(session: Session, case: Case) -> Period | None:
    """The warning period that `case` lies in; None where it may lead to a fine.

    What the box sealed goes before; a box that knew of no period is held to the profile and the registered site file.
    Where a place has such a period and nobody told when it began, the case lies in it: in doubt nobody is fined.
    """
    event = session.get(Event, case.event_id)
    data = parse_data(parse_event(event.raw)) if event is not None else None
    if not isinstance(data, Violation):
        return None
    return told(data.numbers) or _by_register(session, data, day_of(case))


def told(numbers: dict[str, JsonValue]) -> Period | None:
    """What a box sealed: within the period, or unknown whether."""
    if numbers.get(_ONLY) is True:
        until = numbers.get(_UNTIL)
        return Period(date.fromisoformat(until) if isinstance(until, str) and until != UNKNOWN else None)
    return Period(None) if numbers.get(_ONLY) == UNKNOWN else None


def day_of(case: Case) -> date:
    """The day of the capture as the site counts it: its number begins with it."""
    return date(int(case.number[:4]), int(case.number[4:6]), int(case.number[6:8]))


def _by_register(session: Session, data: Violation, day: date) -> Period | None:
    profile = profile_of(data.jurisdiction)
    if profile is None or (profile.warning_days is None and profile.warning_until is None):
        return None
    until = profile.warns_until(_since(session, data.site_version))
    if until is None:
        # The box has sealed that it is no warning; a register that lacks the file knows no better.
        return None if data.numbers.get(_ONLY) is False else Period(None)
    return Period(until) if day <= until else None


def _since(session: Session, version: str) -> date | None:
    raw = session.execute(select(SiteVersion.raw).where(SiteVersion.sha256 == version)).scalar_one_or_none()
    said = yaml.safe_load(bytes(raw)) if raw is not None else None
    since = said.get("enforcing_since") if isinstance(said, dict) else None
    return since if isinstance(since, date) else None


__all__ = ["Period", "day_of", "of", "told"]
