"""Which polling stations there are: what the registered site files say, kept so that a wall of 500 opens at once."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import Station
from central.sites.areas import EVERYWHERE, within
from contract.site import Camera, ZoneType
from contract.site import Site as SiteFile


def keep(session: Session, said: SiteFile, sha256: str) -> None:
    """A site file was registered: it is a station, or it no longer is one. The row of its site is locked."""
    station = session.get(Station, said.site)
    if said.polling is None:
        if station is not None:
            session.delete(station)
        return
    if station is None:
        station = Station(site=said.site)
        session.add(station)
    polling = said.polling
    station.station, station.township, station.village = polling.station, polling.township, polling.village
    station.name, station.sha256 = said.name, sha256
    station.windows = [one.model_dump(mode="json", by_alias=True) for one in polling.windows]
    station.cameras = [
        {"id": one.id, "name": one.name or one.id, "masks": _masks(one), "masked_by": polling.masks}
        for one in said.cameras
    ]


def _masks(camera: Camera) -> int:
    return sum(zone.type is ZoneType.PRIVACY_MASK for zone in camera.zones)


def known(session: Session, areas: Collection[str] = EVERYWHERE) -> Sequence[Station]:
    """The stations in `areas`, by township, village and number."""
    query = select(Station).where(*within(Station.site, areas))
    query = query.order_by(Station.township, Station.village, Station.station)
    return session.execute(query).scalars().all()


__all__ = ["keep", "known"]
