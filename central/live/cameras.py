"""Which station a camera of a box belongs to: nobody watches one that no registered station has."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import FeedTrouble, RecordingLedger, Station
from central.sites import areas as sites
from central.sites import boxes
from contract.topics import IDENTIFIER


def site_of(session: Session, edge_id: str, camera_id: str, areas: Collection[str]) -> str | None:
    """The site of a camera, None where there is none in `areas`. A box is known by its ledger or a trouble it told."""
    if not (IDENTIFIER.fullmatch(edge_id) and IDENTIFIER.fullmatch(camera_id)):
        return None
    site = _said(session, RecordingLedger, edge_id, camera_id) or _said(session, FeedTrouble, edge_id, camera_id)
    station = session.get(Station, site) if site is not None else None
    if station is None or camera_id not in {str(one["id"]) for one in station.cameras}:
        return None
    return station.site if sites.holds(session, station.site, areas) else None


def _said(
    session: Session, table: type[RecordingLedger] | type[FeedTrouble], edge_id: str, camera_id: str
) -> str | None:
    """The site that a box says its camera is at, where it may speak for that site."""
    query = select(table.site).where(table.edge_id == edge_id, table.camera_id == camera_id)
    query = query.where(boxes.speaks(table.site, table.edge_id))
    newest = table.heard_at if table is RecordingLedger else FeedTrouble.id
    return session.execute(query.order_by(newest.desc()).limit(1)).scalar_one_or_none()


__all__ = ["site_of"]
