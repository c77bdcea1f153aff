"""Which station a camera of a box belongs to: nobody watches one that no registered station has."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import FeedTrouble, RecordingLedger, Station
from central.sites import areas as sites
from contract.topics import IDENTIFIER


def site_of(session: Session, edge_id: str, camera_id: str, areas: Collection[str]) -> str | None:
    """The site of a camera, None where there is none in `areas`. A box is known by its ledger or a trouble it told."""
    if not (IDENTIFIER.fullmatch(edge_id) and IDENTIFIER.fullmatch(camera_id)):
        return None
    ledger = session.get(RecordingLedger, (edge_id, camera_id))
    site = ledger.site if ledger is not None else _by_trouble(session, edge_id, camera_id)
    station = session.get(Station, site) if site is not None else None
    if station is None or camera_id not in {str(one["id"]) for one in station.cameras}:
        return None
    return station.site if sites.holds(session, station.site, areas) else None


def _by_trouble(session: Session, edge_id: str, camera_id: str) -> str | None:
    query = select(FeedTrouble.site).where(FeedTrouble.edge_id == edge_id, FeedTrouble.camera_id == camera_id)
    return session.execute(query.order_by(FeedTrouble.id.desc()).limit(1)).scalar_one_or_none()


__all__ = ["site_of"]
