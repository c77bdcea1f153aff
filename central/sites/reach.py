"""Where that lies which an address names by its number: so that nobody with areas reaches beyond them.

By the part of the address before the number. A room that is not here is closed to who has areas, until somebody has
said where its numbers lie.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from central.db.alarms import Alarm
from central.db.cases import Case
from central.db.exports import Export, ExportCase
from central.db.notices import Notice
from central.db.recordings import RecordingExport
from central.sites import areas as sites

#: No number of ours is longer.
_LONGEST: Final = 40
#: What a camera said in shadow opened no case: it is for who sees all areas (docs/learning.md).
CLOSED: Final = frozenset({"shadow"})
#: The sites that something lies at, and the column with its number.
ROOMS: Final[Mapping[str, tuple[Select[Any], Any]]] = {
    "cases": (select(Case.site), Case.number),
    "alarms": (select(Alarm.site), Alarm.number),
    "notices": (select(Case.site).join(Notice, Notice.case_id == Case.id), Notice.number),
    "exports": (
        select(Case.site)
        .join(ExportCase, ExportCase.case_id == Case.id)
        .join(Export, Export.id == ExportCase.export_id)
        .distinct(),
        Export.number,
    ),
    "recordings": (select(RecordingExport.site), RecordingExport.request),
}


def within_reach(session: Session, room: str, number: str, areas: Collection[str]) -> bool:
    """Whether all of it lies in `areas`. What there is none of is out of reach as well."""
    if room not in ROOMS or "\0" in number or len(number) > _LONGEST:
        return False
    query, column = ROOMS[room]
    found = list(session.execute(query.where(column == number)).scalars())
    return bool(found) and all(sites.holds(session, site, areas) for site in found)


__all__ = ["CLOSED", "ROOMS", "within_reach"]
