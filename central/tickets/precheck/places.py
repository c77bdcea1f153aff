"""Was the camera allowed to judge there: the site file in force, its zone, and the inspection of the devices.

The law asks for a published place and a device that meets the standards and is maintained (程序规定 15, 16; 处罚法 41).
The version is found by the SHA-256 that the event was sealed with. What nobody told is *not known*, which is no fault
of the record and no proof of anything.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.sites import SiteSpan, SiteVersion
from central.tickets.views import Check
from contract.events import Violation


@dataclass(frozen=True, slots=True)
class Place:
    """A version of a site file as it is registered: its bytes, and when it was in force under which terms."""

    site: str
    raw: bytes
    spans: tuple[SiteSpan, ...]

    def on(self, day: date) -> SiteSpan | None:
        """The span that `day` lies in."""
        held = (
            one for one in self.spans if one.valid_from <= day and (one.valid_until is None or day <= one.valid_until)
        )
        return next(held, None)


def known_places(session: Session, versions: Collection[str]) -> dict[str, Place]:
    """The registered ones of `versions` (SHA-256), with two queries however many there are."""
    spans: dict[str, list[SiteSpan]] = {}
    told = select(SiteSpan).where(SiteSpan.sha256.in_(versions)).order_by(SiteSpan.valid_from)
    for span in session.execute(told).scalars():
        spans.setdefault(span.sha256, []).append(span)
    kept = select(SiteVersion).where(SiteVersion.sha256.in_(versions))
    return {
        one.sha256: Place(one.site, one.raw, tuple(spans.get(one.sha256, ())))
        for one in session.execute(kept).scalars()
    }


def of_place(places: Mapping[str, Place], data: Violation) -> Iterator[Check]:
    """Site, zone and device of a decision, on the day of the trigger as the site counts it."""
    place = places.get(data.site_version)
    if place is None:
        for name in ("site", "zone", "device"):
            yield Check(name=name, ok=None, detail="this version of the site file is not registered here")
        return
    day = data.at_trigger.astimezone(ZoneInfo(_layout(place.raw).timezone)).date()
    span = place.on(day)
    yield _site(place, span, data, day)
    yield _zone(place, data)
    yield _device(span, day)


def _site(place: Place, span: SiteSpan | None, data: Violation, day: date) -> Check:
    if place.site != data.site:
        said = f"the site file is that of {place.site}"
        return Check(name="site", ok=False, detail=said, figures=[place.site], form="other")
    if span is None:
        days = ", ".join(f"{one.valid_from} to {one.valid_until or '-'}" for one in place.spans)
        return Check(name="site", ok=False, detail=f"in force from {days}, not on {day}", figures=[days, str(day)])
    since, public = str(span.valid_from), span.published_on
    if public is None:
        said = f"in force since {since}, and nobody told when the place was made public"
        return Check(name="site", ok=None, detail=said, figures=[since], form="published")
    if day < public:
        said = f"the place was published on {public}, after {day}"
        return Check(name="site", ok=False, detail=said, figures=[str(public)], form="unpublished")
    said = f"in force since {since}, made public on {public}"
    return Check(name="site", ok=True, detail=said, figures=[since, str(public)])


def _zone(place: Place, data: Violation) -> Check:
    figures = [data.zone_id, data.camera_id]
    if data.zone_id in _layout(place.raw).zones.get(data.camera_id, ()):
        return Check(name="zone", ok=True, detail=f"{data.zone_id} of {data.camera_id} stands in it", figures=figures)
    return Check(name="zone", ok=False, detail=f"it has no {data.zone_id} of {data.camera_id}", figures=figures)


def _device(span: SiteSpan | None, day: date) -> Check:
    begun, until = (span.inspection_from, span.inspection_until) if span else (None, None)
    if until is None:
        return Check(
            name="device", ok=None, detail="no inspection of the devices is registered for that day", form="none"
        )
    if day > until:
        return Check(name="device", ok=False, detail=f"inspection ran out on {until}", figures=[str(until)])
    if begun is None:
        said = f"inspection valid until {until}, and nobody told from when on"
        return Check(name="device", ok=None, detail=said, figures=[str(until)], form="begun")
    if day < begun:
        return Check(name="device", ok=False, detail=f"inspected only on {begun}", figures=[str(begun)], form="begun")
    said = f"inspection valid from {begun} until {until}"
    return Check(name="device", ok=True, detail=said, figures=[str(begun), str(until)])


@dataclass(frozen=True, slots=True)
class _Layout:
    timezone: str
    zones: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1000)
def _layout(raw: bytes) -> _Layout:
    """Time zone, and camera -> its zones, of a site file that held when it was registered."""
    said = yaml.safe_load(raw)
    zones = {one["id"]: frozenset(zone["id"] for zone in one.get("zones") or ()) for one in said["cameras"]}
    return _Layout(said["timezone"], zones)


__all__ = ["Place", "known_places", "of_place"]
