"""The wall as plain values in the reader's language: what templates print and nothing they must compute."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from central.clock import office_now
from central.db.duty import WallLayout
from central.polling import phases
from central.polling.phases import Marker
from central.polling.states import PROBLEMS, State
from central.polling.wall import Tile, by_place, worst_first
from central.web import words
from central.web.language import Language
from contract.polling import Window

#: How many tiles at once; the first is what somebody sees who has chosen nothing.
LAYOUTS: Final = (9, 1, 4, 16)


@dataclass(frozen=True, slots=True)
class Said:
    """A state for people: `word` names class and shape, `name` is its word, `why` its sentence."""

    word: str
    name: str
    why: str
    since: str | None


@dataclass(frozen=True, slots=True)
class CameraLine:
    """One camera in a tile; `live` is where its pictures come from, once a box has told of it."""

    id: str
    name: str
    said: Said
    live: str | None


@dataclass(frozen=True, slots=True)
class TileView:
    """One station on the wall."""

    site: str
    href: str
    name: str
    place: str
    said: Said
    share: str
    cameras: tuple[CameraLine, ...]
    #: The station's clock: so many minutes east of Greenwich.
    offset: int


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A township or a village in the list beside the tiles."""

    name: str
    href: str
    level: int
    count: int
    problems: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the wall is to be seen. An address holds all of it, so that a layout can be kept as a bookmark."""

    tiles: int = LAYOUTS[0]
    township: str = ""
    village: str = ""
    page: int = 1
    show: str = ""
    order: str = ""

    def address(self, **other: object) -> str:
        """The wall with something else chosen."""
        said = asdict(self) | other
        given = {name: value for name, value in said.items() if value != _PLAIN[name]}
        return f"/stations?{urlencode(given)}" if given else "/stations"

    @property
    def query(self) -> str:
        """All of it but the page, as an address has it: what a saved layout keeps."""
        return self.address(page=1).partition("?")[2]


_PLAIN: Final[Mapping[str, object]] = asdict(Asked())
#: What is shown, and in which order; the first is what somebody sees who has chosen nothing.
SHOW: Final = ("", "problems")
ORDER: Final = ("", "place")


def asked_of(tiles: int, township: str, village: str, page: int, show: str, order: str) -> Asked:
    """What an address or a form asks for; what is not known is as if nothing had been chosen."""
    return Asked(
        tiles if tiles in LAYOUTS else LAYOUTS[0],
        township.replace("\0", "")[:200],
        village.replace("\0", "")[:200],
        max(1, page),
        show if show in SHOW else "",
        order if order in ORDER else "",
    )


def asked_in(query: str) -> Asked:
    """The same from the query of an address."""
    said = dict(parse_qsl(query[:1000], max_num_fields=20))
    tiles = said.get("tiles", "")
    number = int(tiles) if tiles.isascii() and tiles.isdigit() and len(tiles) < 4 else LAYOUTS[0]
    township, village, show, order = (said.get(name, "") for name in ("township", "village", "show", "order"))
    return asked_of(number, township, village, 1, show, order)


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved layout: where it leads, whether it is the reader's own, everybody's, and what is seen now."""

    id: int
    name: str
    href: str
    own: bool
    shared: bool
    chosen: bool


def saved(one: WallLayout, reader: int, asked: Asked) -> Saved:
    """A saved layout for the reader who sees `asked`."""
    href = asked_in(one.query).address(page=1)
    return Saved(one.id, one.name, href, one.user_id == reader, one.shared, one.query == asked.query)


class Wall:
    """Tiles of one page, problems first, and the places they are in."""

    def __init__(self, found: Sequence[Tile], asked: Asked, say: Language) -> None:
        chosen = [one for one in found if _in(one, asked)]
        last = max(1, -(-len(chosen) // asked.tiles))
        page = min(max(1, asked.page), last)
        first = (page - 1) * asked.tiles
        shown = (chosen if asked.order == "place" else worst_first(chosen))[first : first + asked.tiles]
        self.all, self.problems = len(found), _problems(found)
        self.tiles = [tile(one, say) for one in shown]
        self.zones = {one.station.site: zone_of(one) or UTC for one in shown}
        self.places = _places(found, asked)
        self.layout = asked.tiles
        self.layouts = [(n, asked.address(tiles=n, page=1), n == asked.tiles) for n in sorted(LAYOUTS)]
        self.showing = [(one or "all", asked.address(show=one, page=1), one == asked.show) for one in SHOW]
        self.ordered = [(one or "worst", asked.address(order=one, page=1), one == asked.order) for one in ORDER]
        self.query = asked.query
        self.everywhere = asked.address(township="", village="", page=1)
        self.narrowed = bool(asked.township)
        self.before = asked.address(page=page - 1) if page > 1 else None
        self.after = asked.address(page=page + 1) if page < last else None
        self.range = say("stations.page", first=first + 1, last=first + len(shown), all=len(chosen)) if shown else ""


def tile(one: Tile, say: Language) -> TileView:
    """One station in words."""
    zone = zone_of(one)
    station = one.station
    share = say("stations.no_share")
    if one.share is not None and one.when.running is not None:
        share = say("stations.share", share=percent(one.share), phase=phase(one.when.running, say))
    cameras = tuple(
        CameraLine(
            camera.id,
            camera.name,
            said(camera.state, zone, say),
            f"{quote(camera.edge_id, safe='')}/{quote(camera.id, safe='')}" if camera.edge_id else None,
        )
        for camera in one.cameras
    )
    place = f"{station.township} · {station.village} · {station.station}"
    href = f"/stations/{quote(station.site, safe='')}"
    east = round((office_now().astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)
    return TileView(station.site, href, station.name, place, said(one.state, zone, say), share, cameras, east)


def phases_now(markers: Mapping[str, Sequence[Marker]], now: datetime, say: Language) -> dict[str, str]:
    """The phase that each station is at, in a word, where one is marked."""
    at = {site: phases.current(some, now) for site, some in markers.items()}
    return {site: say(f"phase_mark.{one.phase}") for site, one in at.items() if one is not None}


def said(state: State, zone: tzinfo | None, say: Language) -> Said:
    """A state in words, its times in the station's own clock."""
    values = dict(state.values)
    if "kind" in values:
        values["kind"] = say.known(f"check.kind.{values['kind']}", values["kind"])
    if state.key == "gap":
        values["cause"] = say.known(f"cause.{values['cause']}", values["cause"])
    if "begin" in values:
        values["begin"] = words.stamp(datetime.fromisoformat(values["begin"]).astimezone(zone))
    if "phase" in values:
        values["phase"] = say(f"phase.{values['phase']}")
    since = None
    if state.since is not None:
        since = say("stations.since", at=words.stamp(state.since.astimezone(zone)))
    word = str(state.word)
    return Said(word, say(f"tile.word.{word}"), say(f"tile.why.{state.key}", **values), since)


def zone_of(one: Tile) -> tzinfo | None:
    """The station's own clock: that of its planned hours."""
    window = one.when.running or one.when.next
    if window is not None:
        return window.begin.tzinfo
    ends = [datetime.fromisoformat(str(said["until"])) for said in one.station.windows]
    return max(ends).tzinfo if ends else None


def phase(window: Window, say: Language) -> str:
    """The name of what a window is for."""
    return say(f"phase.{window.phase}")


def percent(share: float) -> str:
    """A share of 0..1, never rounded up: 99.9 % is a promise that is kept or not."""
    return f"{int(share * 1e4) / 100:.2f} %"


def _in(one: Tile, asked: Asked) -> bool:
    station = one.station
    here = asked.township in ("", station.township) and asked.village in ("", station.village)
    return here and (asked.show != "problems" or one.state.word in PROBLEMS)


def _problems(found: Sequence[Tile]) -> int:
    return sum(one.state.word in PROBLEMS for one in found)


def _places(found: Sequence[Tile], asked: Asked) -> list[PlaceLine]:
    """Every township; the villages of the one that is chosen."""
    lines = []
    for township, villages in by_place(found).items():
        inside = [one for each in villages.values() for one in each]
        here = township == asked.township
        address = asked.address(township=township, village="", page=1)
        chosen = here and not asked.village
        lines.append(PlaceLine(township, address, 1, len(inside), _problems(inside), chosen))
        for village, each in villages.items() if here else ():
            address = asked.address(village=village, page=1)
            lines.append(PlaceLine(village, address, 2, len(each), _problems(each), village == asked.village))
    return lines


__all__ = ["LAYOUTS", "Asked", "Said", "TileView", "Wall", "percent", "phase", "phases_now", "said", "tile", "zone_of"]
