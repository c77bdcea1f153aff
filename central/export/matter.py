"""What a case can say in a table: one name a value, gathered from the case, its sealed events, lists and profile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog, CaseMedia
from central.db.events import Event
from central.db.sites import Site
from central.learning import warning
from central.learning.warning import Period
from central.tickets import showing
from central.tickets.precheck.profiles import counted_by
from contract.events import Vehicle, Violation, parse_data, parse_event
from contract.profile import Profile

Value = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Matter:
    """An approved case with everything that a column may ask for. `second_by` approved it at `approved_at`.

    Within a `warning` period there is neither money nor points, whatever the law says of them.
    """

    case: Case
    violation: Violation
    vehicle: Vehicle
    profile: Profile
    site: Site | None
    event_sha256: str
    second_by: str | None
    approved_at: datetime | None
    media: Sequence[CaseMedia]
    warning: Period | None

    @property
    def place_time(self) -> timezone:
        """The offset from UTC of the place, as the event carries it."""
        return timezone(timedelta(seconds=self.case.utc_offset_s))

    @property
    def code(self) -> str | None:
        """The violation code: the box's, else the profile's for the rule."""
        own = next((one.code for one in self.profile.codes if one.rule == self.violation.rule), None)
        return self.violation.violation_code or own

    @property
    def meaning(self) -> str | None:
        """What the code list says of that code."""
        return next((one.meaning for one in self.profile.codes if one.code == self.code), None)

    @property
    def fine(self) -> str | None:
        """What the law says of the money, in its own words; None without a source, and where it is a warning only."""
        if self.warning is not None:
            return None
        return next((one.text for one in self.profile.fines if one.rule == self.violation.rule), None)

    @property
    def points(self) -> int | None:
        """Points with a source in the profile; None where it is a warning only."""
        if self.warning is not None:
            return None
        found = self.profile.points_for(self.violation.rule)
        return found.points if found else None


def _figure(name: str) -> Callable[[Matter], Value]:
    def read(matter: Matter) -> Value:
        found = matter.violation.numbers.get(name)
        return found if isinstance(found, int | float | str) else None

    return read


#: Everything a column can name. `serial`, `files` and `file_1`... are the archive's own.
OF_CASE: Final[Mapping[str, Callable[[Matter], Value]]] = {
    "number": lambda one: one.case.number,
    "plate": lambda one: one.vehicle.plate,
    "plate_type": lambda one: one.vehicle.plate_type,
    "plate_color": lambda one: one.vehicle.plate_color,
    "vehicle_class": lambda one: one.vehicle.class_,
    "vehicle_color": lambda one: one.vehicle.color,
    "rule": lambda one: str(one.violation.rule),
    "code": lambda one: one.code,
    "code_version": lambda one: one.violation.code_ver or one.profile.codes_version,
    "code_meaning": lambda one: one.meaning,
    "fine": lambda one: one.fine,
    "points": lambda one: one.points,
    "warning_only": lambda one: "1" if one.warning else "0",
    "warning_until": lambda one: one.warning.until.isoformat() if one.warning and one.warning.until else None,
    "at": lambda one: one.case.at_trigger,
    "at_first": lambda one: one.case.at_first,
    "at_last": lambda one: one.case.at_last,
    "at_end": lambda one: one.case.at_end,
    "stood_s": lambda one: one.case.dwell_s if one.case.dwell_s is not None else _figure("proven_s")(one),
    "permitted_wait_s": _figure("permitted_wait_s"),
    "site": lambda one: one.case.site,
    "site_name": lambda one: one.site.name if one.site else one.case.site,
    "area": lambda one: one.site.area if one.site else None,
    "longitude": lambda one: one.site.lon if one.site else None,
    "latitude": lambda one: one.site.lat if one.site else None,
    "camera": lambda one: one.case.camera_id,
    "box": lambda one: one.case.edge_id,
    "zone": lambda one: one.case.zone_id,
    "lane": lambda one: one.case.lane_id,
    "clock_offset_ms": lambda one: one.case.clock_offset_ms,
    "jurisdiction": lambda one: one.case.jurisdiction,
    "first_by": lambda one: one.case.first_by,
    "second_by": lambda one: one.second_by,
    "approved_at": lambda one: one.approved_at,
    "event": lambda one: one.case.event_id,
    "event_sha256": lambda one: one.event_sha256,
}
MOST_FILES: Final = 12
OF_ARCHIVE: Final = ("serial", "files", *(f"file_{n}" for n in range(1, MOST_FILES + 1)))
VALUES: Final = (*OF_CASE, *OF_ARCHIVE)


def gathered(session: Session, cases: Sequence[Case]) -> list[Matter]:
    """Each case with what a table says of it, in their order."""
    sites = {
        one.site: one for one in session.execute(select(Site).where(Site.site.in_({c.site for c in cases}))).scalars()
    }
    return [_matter(session, case, sites.get(case.site)) for case in cases]


def _matter(session: Session, case: Case, site: Site | None) -> Matter:
    event = session.get_one(Event, case.event_id)
    violation = parse_data(parse_event(event.raw))
    if not isinstance(violation, Violation):
        raise TypeError(f"event {event.id} is no violation")
    second = _approval(session, case)
    return Matter(
        case=case,
        violation=violation,
        vehicle=showing.vehicle_of(session, case),
        profile=counted_by(case.jurisdiction),
        site=site,
        event_sha256=event.sha256,
        second_by=second.actor if second else None,
        approved_at=second.at if second else None,
        media=list(case.media),
        warning=warning.of(session, case),
    )


def _approval(session: Session, case: Case) -> CaseLog | None:
    """The line that approved it. It is asked of the history: the row names who decided last."""
    query = select(CaseLog).where(
        CaseLog.case_id == case.id, CaseLog.action == "approve", CaseLog.to_state == "APPROVED"
    )
    return session.execute(query.order_by(CaseLog.id.desc()).limit(1)).scalar_one_or_none()


__all__ = ["MOST_FILES", "OF_ARCHIVE", "OF_CASE", "VALUES", "Matter", "Value", "gathered"]
