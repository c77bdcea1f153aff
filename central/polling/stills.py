"""Stills of phases: the picture of a camera that a box sent when somebody marked that a phase has begun."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from central.accounts.sessions import SignedInUser
from central.db.marks import PhaseMarker, PhaseStill
from central.db.polling import RecordingLedger
from central.polling import acts
from central.sites import areas as sites
from central.sites import boxes
from central.tickets.errors import CaseMissing
from contract.livestream import LiveMessage
from contract.sealing import sha256_hex

#: A marker of a moment that is longer ago gets no still: it would show another moment.
FRESH: Final = timedelta(minutes=1)
#: Cameras of a station whose stills are taken.
MOST: Final = 4
_JPEG: Final = b"\xff\xd8\xff"


def places(session: Session, site: str) -> list[tuple[str, str]]:
    """Box and camera of a station's cameras, as far as boxes have told of them."""
    query = select(RecordingLedger.edge_id, RecordingLedger.camera_id).where(
        RecordingLedger.site == site, boxes.speaks(RecordingLedger.site, RecordingLedger.edge_id)
    )
    found = session.execute(query.order_by(RecordingLedger.camera_id).limit(MOST))
    return [(edge_id, camera_id) for edge_id, camera_id in found]


def keep(session: Session, user: SignedInUser, marker_id: int, place: tuple[str, str], still: LiveMessage) -> None:
    """It belongs to the marker from now on. What is no JPEG is left alone."""
    marker = session.get_one(PhaseMarker, marker_id)
    if not still.body.startswith(_JPEG):
        return
    edge_id, camera_id = place
    row = PhaseStill(
        marker_id=marker.id, edge_id=edge_id, camera_id=camera_id, wall_us=still.wall_us,
        sha256=sha256_hex(still.body), image=still.body,
    )  # fmt: skip
    session.add(row)
    session.flush()
    said = {"edge": edge_id, "camera": camera_id, "at_us": still.wall_us, "sha256": row.sha256}
    acts.note(session, marker.site, user, "phase still", marker.made_at, marker=marker.id, still=row.id, **said)


def of_markers(session: Session, markers: Collection[int]) -> Mapping[int, list[PhaseStill]]:
    """The stills of each, without their pictures."""
    found: dict[int, list[PhaseStill]] = {}
    query = select(PhaseStill).where(PhaseStill.marker_id.in_(markers)).options(defer(PhaseStill.image))
    for one in session.execute(query.order_by(PhaseStill.id)).scalars():
        found.setdefault(one.marker_id, []).append(one)
    return found


def seen(session: Session, user: SignedInUser, site: str, still_id: int, now: datetime) -> bytes:
    """The picture for somebody who looks at it, which is put on record. Raises CaseMissing."""
    row = session.get(PhaseStill, still_id)
    marker = session.get(PhaseMarker, row.marker_id) if row is not None else None
    if row is None or marker is None or marker.site != site or not sites.holds(session, marker.site, user.areas):
        raise CaseMissing("there is no such still", "phase.no_still")
    acts.note(session, marker.site, user, "still seen", now, still=row.id, marker=marker.id)
    return bytes(row.image)


__all__ = ["FRESH", "keep", "of_markers", "places", "seen"]
