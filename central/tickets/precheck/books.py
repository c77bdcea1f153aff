"""What central itself knows beside a case, asked anew whenever it is shown."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from central.db.cases import Case
from central.lists.known import Subject, look_up
from central.tickets.precheck.duplicates import of_duplicates
from central.tickets.precheck.places import known_places, of_place
from central.tickets.precheck.vehicles import of_lists, of_schema
from central.tickets.views import Check, MediaItem
from contract.events import Vehicle, Violation


def of_books(
    session: Session, row: Case, data: Violation, vehicle: Vehicle, media: Sequence[MediaItem]
) -> Iterator[Check]:
    """Files, place, plate, lists and other cases. `vehicle` is what stands on the case now."""
    yield of_files(row.manifest, media)
    yield from of_place(known_places(session, [data.site_version]), data)
    yield of_schema(vehicle, data.jurisdiction)
    found = None
    if vehicle.plate is not None:
        (found,) = look_up(session, [Subject(vehicle.plate, data.rule, row.site, data.at_trigger)])
    yield from of_lists(found)
    yield of_duplicates(session, row, vehicle.plate, data)


def of_files(named: bool, media: Sequence[MediaItem]) -> Check:
    """Whether each still and clip is here with the hash that the manifest names: no other is ever taken in."""
    here = sum(one.ready for one in media)
    if not named:
        return Check(name="hashes", ok=None, detail="the manifest has not arrived", form="none")
    figures = [str(here), str(len(media))]
    said = f"{here} of {len(media)} files are here, each with its hash"
    return Check(name="hashes", ok=True if here == len(media) else None, detail=said, figures=figures)


__all__ = ["of_books", "of_files"]
