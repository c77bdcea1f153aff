"""The plan of the site as plain values: an SVG drawing's numbers, and the sentence that says the same."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from central.db.sites import Site
from central.sites.plan import Plan, plan_of
from central.tickets.precheck.places import known_places
from central.tickets.views import CaseView
from central.web.language import Language

#: Units of the drawing to a metre, and metres kept free around what is drawn.
_UNIT, _ROOM = 10.0, 2.0
_BARS_M = (1, 2, 5, 10, 20, 50, 100)
#: Drawn with a fill and a name; the others are lines of the road.
_NAMED = frozenset({"lane", "stop_line"})


@dataclass(frozen=True, slots=True)
class Outline:
    """A shape: its class in the drawing, its corners, and where its name stands (None: it has none)."""

    kind: str
    points: str
    name: str | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template draws; `says` tells it in words, `where` are the degrees, if anybody registered them."""

    width: float
    height: float
    outlines: list[Outline]
    vehicle: tuple[float, float] | None
    bar: float
    bar_m: int
    says: str
    where: str | None


def drawing(session: Session, view: CaseView, say: Language) -> Drawing | None:
    """The plan of the case's site; None where its site file is not registered here or has no ground points."""
    place = known_places(session, {view.violation.site_version}).get(view.violation.site_version)
    plan = plan_of(place.raw, view.violation) if place else None
    if plan is None:
        return None
    site = session.get(Site, view.site)
    degrees = site is not None and site.lat is not None and site.lon is not None
    where = f"{site.lat:.5f}, {site.lon:.5f} (WGS 84)" if site is not None and degrees else None
    return _drawn(plan, view, say, where)


def _drawn(plan: Plan, view: CaseView, say: Language, where: str | None) -> Drawing:
    left, low, right, high = plan.extent

    def at(x: float, y: float) -> tuple[float, float]:
        return round((x - left + _ROOM) * _UNIT, 1), round((high - y + _ROOM) * _UNIT, 1)

    outlines = []
    for shape in plan.shapes:
        corners = [at(x, y) for x, y in shape.points]
        middle = [sum(axis) / len(corners) for axis in zip(*corners, strict=True)]
        name = None if shape.kind in _NAMED else shape.name
        outlines.append(
            Outline(
                shape.kind, " ".join(f"{x},{y}" for x, y in corners), name, round(middle[0], 1), round(middle[1], 1)
            )
        )
    width, height = (right - left + 2 * _ROOM) * _UNIT, (high - low + 2 * _ROOM) * _UNIT
    bar_m = max((one for one in _BARS_M if one * _UNIT <= width / 2), default=_BARS_M[0])
    key = "plan.says.vehicle" if plan.vehicle else "plan.says"
    return Drawing(
        width=round(width, 1),
        height=round(height, 1),
        outlines=outlines,
        vehicle=at(*plan.vehicle) if plan.vehicle else None,
        bar=bar_m * _UNIT,
        bar_m=bar_m,
        says=say(key, zone=view.zone_id, wide=f"{right - left:.0f}", deep=f"{high - low:.0f}"),
        where=where,
    )


__all__ = ["Drawing", "Outline", "drawing"]
