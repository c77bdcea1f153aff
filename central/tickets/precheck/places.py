"""Was the camera allowed to judge there: the site file in force, its zone, and the inspection of the devices.

The law asks for a published place and a device that meets the standards and is maintained (程序规定 15, 16; 处罚法 41).
The version is found by the SHA-256 that the event was sealed with. What nobody registered is *not known*, which is no
fault of the record and no proof of anything.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import yaml
from sqlalchemy.orm import Session

from central.db.sites import SiteVersion
from central.tickets.views import Check
from contract.events import Violation


def of_place(session: Session, data: Violation) -> Iterator[Check]:
    """Site, zone and device of a decision, on the day of the trigger as the site counts it."""
    version = session.get(SiteVersion, data.site_version)
    if version is None:
        for name in ("site", "zone", "device"):
            yield Check(name=name, ok=None, detail="this version of the site file is not registered here")
        return
    day = data.at_trigger.date()
    yield _site(version, data, day)
    yield _zone(version, data)
    yield _device(version, day)


def _site(version: SiteVersion, data: Violation, day: date) -> Check:
    if version.site != data.site:
        said = f"the site file is that of {version.site}"
        return Check(name="site", ok=False, detail=said, figures=[version.site], form="other")
    until = version.valid_until
    if day < version.valid_from or (until is not None and day > until):
        span = f"{version.valid_from} to {until or '-'}"
        return Check(name="site", ok=False, detail=f"in force from {span}, not on {day}", figures=[span, str(day)])
    if version.published_on is not None and day < version.published_on:
        said = f"the place was published on {version.published_on}, after {day}"
        return Check(name="site", ok=False, detail=said, figures=[str(version.published_on)], form="unpublished")
    since = str(version.valid_from)
    return Check(name="site", ok=True, detail=f"in force since {since}", figures=[since])


def _zone(version: SiteVersion, data: Violation) -> Check:
    figures = [data.zone_id, data.camera_id]
    if data.zone_id in _zones(version.raw).get(data.camera_id, ()):
        return Check(name="zone", ok=True, detail=f"{data.zone_id} of {data.camera_id} stands in it", figures=figures)
    return Check(name="zone", ok=False, detail=f"it has no {data.zone_id} of {data.camera_id}", figures=figures)


def _device(version: SiteVersion, day: date) -> Check:
    until = version.inspection_until
    if until is None:
        return Check(name="device", ok=None, detail="no inspection of the devices is registered here", form="none")
    said = f"inspection {'valid until' if day <= until else 'ran out on'} {until}"
    return Check(name="device", ok=day <= until, detail=said, figures=[str(until)])


@lru_cache(maxsize=1000)
def _zones(raw: bytes) -> dict[str, frozenset[str]]:
    """Camera -> its zones, of a site file that held when it was registered."""
    said = yaml.safe_load(raw)
    return {one["id"]: frozenset(zone["id"] for zone in one.get("zones") or ()) for one in said["cameras"]}


__all__ = ["of_place"]
