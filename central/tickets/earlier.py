"""What became of the same plate at the same site before: the latest few, newest first."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.cases import Case, plain_plate

#: So many are told; an officer who needs more asks the queue of the site.
MOST: Final = 5


def of_plate(session: Session, row: Case, plate: str | None) -> list[Case]:
    """The latest cases of `plate` at the site of `row`, without itself, up to MOST. None for a plate nobody read.

    Sought by the index on plates: how long it takes depends on the cases of that plate alone.
    """
    same = plain_plate(plate)
    if same is None:
        return []
    query = select(Case).where(Case.plate_plain == same, Case.site == row.site, Case.id != row.id)
    return list(session.execute(query.order_by(Case.at_trigger.desc(), Case.id.desc()).limit(MOST)).scalars())


__all__ = ["MOST", "of_plate"]
