"""Which cases of a state are asked for: by rule, site, camera, verdict, area and colour, within the asker's areas."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from central.clock import office_now
from central.db.cases import Case
from central.sites.areas import EVERYWHERE, within
from central.tickets.errors import Unfit
from central.tickets.words import is_text

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Among:
    """Which cases of a state: of this rule, site, camera or area, with this verdict or deadline colour; None for any.

    `areas` are those of who asks, none for all: no other case is counted, listed or led to.
    """

    rule: str | None = None
    site: str | None = None
    camera: str | None = None
    verdict: str | None = None
    area: str | None = None
    colour: str | None = None
    areas: frozenset[str] = EVERYWHERE

    @property
    def narrowed(self) -> bool:
        """Whether only some sites are asked for by the areas that they lie in."""
        return bool(self.areas or self.area)

    @property
    def by_site(self) -> bool:
        """Whether one site is asked for by its name."""
        return bool(self.site)

    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions on `cases`. Raises Unfit for what cannot be the name of anything."""
        chosen = {self.area} if self.area else EVERYWHERE
        return [*within(Case.site, self.areas), *within(Case.site, chosen), *self.own()]

    def on(self, area: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
        """Those of areas, as conditions on the column with the area of a site."""
        given: tuple[Collection[str], ...] = (self.areas, {self.area} if self.area else EVERYWHERE)
        return [area.in_(sorted(one)) for one in given if one]

    def own(self) -> list[ColumnElement[bool]]:
        """All others, as conditions on `cases`. Raises as `conditions` does."""
        given = (
            (Case.rule, self.rule),
            (Case.site, self.site),
            (Case.camera_id, self.camera),
            (Case.verdict, self.verdict),
        )
        if self.area and (len(self.area) > _LONGEST or not self.area.isalnum()):
            raise Unfit("the queue cannot be narrowed to that - choose an area of the list", "queue.area")
        for _, value in given:
            if value is not None and (len(value) > _LONGEST or not is_text(value)):
                raise Unfit("the queue cannot be narrowed to that - choose a rule, a site or a camera", "queue.narrow")
        return [*self._coloured(), *(column == value for column, value in given if value)]

    def _coloured(self) -> list[ColumnElement[bool]]:
        moment = office_now()
        colours = {
            "red": [Case.red_at <= moment],
            "yellow": [Case.yellow_at <= moment, Case.red_at > moment],
            "blue": [Case.yellow_at > moment],
        }
        return colours.get(self.colour or "", [])


ALL = Among()

__all__ = ["ALL", "Among"]
