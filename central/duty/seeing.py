"""What is wrong now at every station, as matters: the wall's states, troubles of pictures one by one, late messages."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from central.db.polling import FeedTrouble, Station
from central.duty.escalation import Severity
from central.duty.matters import Seen
from central.polling import messages, wall
from central.polling.states import State, Word
from central.polling.wall import CameraTile, Tile
from central.sites import boxes

#: States of a tile that somebody is told of; open troubles are read for themselves. A gap is over or goes with a loss.
_SEVERITY: Final[dict[Word, Severity]] = {
    Word.FAULT: "alarm",
    Word.LOST: "alarm",
    Word.LATE: "alarm",
    Word.TROUBLE: "alarm",
    Word.GAP: "warning",
}
#: No matter of its own: a trouble, and a camera that was begun a moment ago.
_PASSED: Final = frozenset({"trouble", "starting"})


def any_station(session: Session) -> bool:
    """Whether there is anything to look at."""
    return bool(session.execute(select(exists(select(Station.site)))).scalar())


def seen(session: Session, now: datetime) -> list[Seen]:
    """Everything that is wrong, alarms before warnings, each in the order of its beginning."""
    found = [*_states(session, now), *_troubles(session), *_messages(session, now)]
    return sorted(found, key=lambda one: (one.severity != "alarm", one.begun, one.key))


def _messages(session: Session, now: datetime) -> Iterator[Seen]:
    """A message that nobody at its station has acknowledged in time."""
    for site, one in messages.waiting(session, now).items():
        if now - one.at > messages.LATE:
            yield Seen(f"message:{one.id}", site, "message", "message", "warning", one.at + messages.LATE)


def _states(session: Session, now: datetime) -> Iterator[Seen]:
    for tile in wall.tiles(session, now, shares=False):
        for camera in tile.cameras:
            for state in camera.states:
                if state.word in _SEVERITY and state.key not in _PASSED:
                    yield _matter(tile, camera, state, now)


def _matter(tile: Tile, camera: CameraTile, state: State, now: datetime) -> Seen:
    site, word = tile.station.site, state.word
    # One box that is off the line is one matter of its cameras, however it is said of each.
    key = f"{word}:{site}:{camera.id}"
    if word is Word.FAULT:
        key += f":{state.values.get('number', '')}"
    # A box's clock is as wrong as a camera's, and told by the same name.
    what = "time" if state.key == "ahead" else str(word)
    return Seen(key, site, str(word), what, _SEVERITY[word], state.since or now, camera.id)


def _troubles(session: Session) -> Iterator[Seen]:
    """Open troubles whose site is a station."""
    query = (
        select(FeedTrouble)
        .join(Station, Station.site == FeedTrouble.site)
        .where(FeedTrouble.at_end.is_(None), boxes.speaks(FeedTrouble.site, FeedTrouble.edge_id))
    )
    for one in session.execute(query).scalars():
        severity: Severity = "alarm" if one.severity == "alarm" else "warning"
        yield Seen(
            f"trouble:{one.edge_id}:{one.case_key}", one.site, "trouble", one.kind, severity, one.at_first,
            one.camera_id, one.id, one.taken_by,
        )  # fmt: skip


__all__ = ["any_station", "seen"]
