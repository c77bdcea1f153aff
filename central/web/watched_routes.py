"""The page of who watched a station: for those who check on the office. Thin."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from fastapi import APIRouter, Request, Response

from central.accounts.permissions import Permission
from central.db.database import Database
from central.db.polling import Station
from central.live import watched
from central.live.watched import Watched
from central.marks import needs
from central.sites import areas as sites
from central.tickets.errors import CaseMissing
from central.web import words
from central.web.duty import zone_of
from central.web.front import language_of, render, user_asking
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class Line:
    """One watching in words."""

    who: str
    camera: str
    begin: str
    until: str
    what: str
    pictures: str


def add(pages: APIRouter, db: Database) -> None:
    """Add /stations/{site}/watched to `pages`."""

    @pages.get("/stations/{site}/watched", dependencies=[needs(Permission.REPORTS_PEOPLE)])
    def who_watched(request: Request, site: str) -> Response:
        """Raises CaseMissing for a station that is not there, or not in their areas."""
        user, say = user_asking(request), language_of(request)
        with db.read() as session:
            station = session.get(Station, site.replace("\0", ""))
            if station is None or not sites.holds(session, station.site, user.areas):
                raise CaseMissing("there is no such station", "station.none")
            zone, names = zone_of([station]), {str(one["id"]): str(one["name"]) for one in station.cameras}
            lines = [_line(one, names, zone, say) for one in watched.of_station(session, station.site)]
        return render(request, "watched.html", user, section="stations", station=station, lines=lines)


def _line(one: Watched, names: dict[str, str], zone: tzinfo, say: Language) -> Line:
    what = say(f"watched.{one.quality}")
    if one.from_us is not None:
        begin = words.stamp(datetime.fromtimestamp(one.from_us / 1e6, UTC).astimezone(zone))
        what = say("watched.back", at=begin, pace=one.pace)
    until = words.stamp(one.ended.astimezone(zone)) if one.ended is not None else say("watched.open")
    pictures = f"{one.pictures:,}" if one.pictures is not None else ""
    camera = names.get(one.camera_id, one.camera_id)
    return Line(one.who, camera, words.stamp(one.begun.astimezone(zone)), until, what, pictures)


__all__ = ["add"]
