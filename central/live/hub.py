"""All streams of one process: who brings each, who watches it, and what is asked of boxes for it.

Everything here happens on the loop of the HTTP front; nothing waits.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from central.live.place import Place
from central.live.stream import ASKING, AWAY, CUT, ENDED, LIVE, Stream
from central.live.viewer import Viewer
from central.polling.asking import new_id
from contract.command import LiveOn

#: How long a box is asked to show at a time, and how often it is asked again. Seconds.
ASKED_S: Final = 30.0
ASK_EVERY_S: Final = 8.0
#: The broker did not take what was asked; seconds.
_AGAIN_S: Final = 1.0
#: After so long without a picture a viewer is told that none comes. Seconds.
AWAY_S: Final = 10.0
#: Streams that one box brings at once, and streams that one account watches at once.
MOST_OF_BOX: Final = 32
MOST_OF_PERSON: Final = 64


class Source(Protocol):
    """Whoever brings a stream: a box's connection, or another replica's. `connection` names that of the box."""

    connection: str

    def close(self, reason: str) -> None:
        """It is to end: it brings nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What a box is asked to bring. `from_us`: a play back, from there (Unix microseconds)."""

    quality: str = "main"
    from_us: int | None = None
    pace: int = 1

    def command(self, place: Place, seen_us: int = 0) -> LiveOn:
        """As it is said to the box; `seen_us`: of a play back everything before this was seen."""
        from_us = None if self.from_us is None else max(self.from_us, seen_us)
        return LiveOn.model_validate(
            {
                "id": new_id(), "command": "live_on", "camera_id": place.camera_id, "stream": place.stream,
                "quality": self.quality, "from_us": from_us, "pace": self.pace, "seconds": ASKED_S,
            }
        )  # fmt: skip


@dataclass(eq=False, slots=True)
class Watching:
    """Somebody who watches here. `close` ends the line after the last word."""

    user_id: int
    name: str
    session: str
    site: str
    place: Place
    viewer: Viewer
    close: Callable[[], None]
    ended: str = "left"
    watch: str = ""

    def end(self, state: str, reason: str) -> None:
        """He may not go on, or there is nothing more; he is told which."""
        self.ended = reason
        self.viewer.tell(state, reason)
        self.close()


@dataclass(frozen=True, slots=True)
class Fetching:
    """Another replica that fetches a stream from here for its viewers."""

    place: Place
    viewer: Viewer
    close: Callable[[], None]


@dataclass(slots=True)
class _Asked:
    wish: Wish
    due: float = 0.0


class Hub:
    """The streams. `tend` is what keeps them going while there are any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.streams: dict[Place, Stream] = {}
        self.sources: dict[Place, Source] = {}
        self.watching: set[Watching] = set()
        self.fetching: set[Fetching] = set()
        self.tend: Callable[[], Coroutine[Any, Any, None]] | None = None
        #: Something came or went that cannot wait for the next round.
        self.news = asyncio.Event()
        self._asked: dict[Place, _Asked] = {}
        self._clock = clock
        self._tending: asyncio.Task[None] | None = None

    def brings(self, place: Place, source: Source) -> bool:
        """`source` brings the stream from now on, in place of whoever did. False when its box brings too many."""
        before = self.sources.get(place)
        if before is None and sum(one.edge_id == place.edge_id for one in self.sources) >= MOST_OF_BOX:
            return False
        self.sources[place] = source
        stream = self._stream(place)
        if before is not None:
            before.close("another connection took its place")
            stream.lose(self._clock())
        return True

    def take(self, place: Place, source: Source, raw: bytes) -> None:
        """A message of whoever brings the stream. Raises ValueError for what is none."""
        if self.sources.get(place) is source:
            self.streams[place].take(raw, self._clock())

    def told(self, place: Place, source: Source, state: str, reason: str) -> None:
        """Whoever brings the stream says why nothing more comes."""
        if self.sources.get(place) is not source or state not in ((CUT,) if place.live else (CUT, ENDED)):
            return
        stream = self.streams[place]
        stream.lose(self._clock())
        stream.tell(state, reason)
        if state == ENDED:
            for one in self.watchers(place):
                one.end(ENDED, reason)

    def gone(self, place: Place, source: Source) -> None:
        """`source` has ended."""
        if self.sources.get(place) is not source:
            return
        del self.sources[place]
        stream = self.streams[place]
        stream.lose(self._clock())
        if stream.state == LIVE:
            stream.tell(ASKING)
        for one in [one for one in self.fetching if one.place == place]:
            one.close()
        self._asked_soon(place)
        self._tidy(place)

    def join(self, watching: Watching, wish: Wish) -> None:
        """Somebody watches: what there is goes to him at once, and the box is asked for more."""
        place = watching.place
        self.watching.add(watching)
        known = self._asked.setdefault(place, _Asked(wish))
        stream = self._stream(place)
        if stream.idle and place not in self.sources:
            known.due = 0.0
            stream.heard_at = self._clock()
            stream.state, stream.reason = ASKING, ""
        stream.join(watching.viewer, self._clock())
        self._wake()

    def leave(self, watching: Watching) -> None:
        """He watches no more."""
        self.watching.discard(watching)
        stream = self.streams.get(watching.place)
        if stream is not None:
            stream.leave(watching.viewer, self._clock())
            self._tidy(watching.place)

    def fetch(self, fetching: Fetching) -> bool:
        """Another replica wants the stream. False when no box brings it here."""
        if fetching.place not in self.sources:
            return False
        self.fetching.add(fetching)
        self.streams[fetching.place].join(fetching.viewer, self._clock(), relay=True)
        return True

    def fetched(self, fetching: Fetching) -> None:
        """It wants no more."""
        self.fetching.discard(fetching)
        stream = self.streams.get(fetching.place)
        if stream is not None:
            stream.leave(fetching.viewer, self._clock())
            self._tidy(fetching.place)

    @property
    def missing(self) -> list[Place]:
        """What is watched here and brought by nobody."""
        return [place for place in self._asked if place not in self.sources]

    def watchers(self, place: Place) -> list[Watching]:
        """Who watches a stream here."""
        return [one for one in self.watching if one.place == place]

    def due(self) -> list[tuple[Place, LiveOn]]:
        """What boxes are to be asked now; it counts as asked."""
        now, found = self._clock(), []
        for place, asked in self._asked.items():
            if now >= asked.due:
                asked.due = now + ASK_EVERY_S
                # A play back that broke off goes on where it was, and not from its beginning.
                seen = 0 if place in self.sources else self.streams[place].wall_us
                found.append((place, asked.wish.command(place, seen)))
        return found

    def unsaid(self, place: Place) -> None:
        """The broker did not take it: soon again."""
        if place in self._asked:
            self._asked[place].due = self._clock() + _AGAIN_S

    def silence(self) -> None:
        """Tell who waits in vain, and end what is brought to nobody: a box ends it by itself a little before."""
        for place, source in list(self.sources.items()):
            stream = self.streams[place]
            if stream.idle and self._clock() - stream.left_at > ASKED_S + AWAY_S:
                source.close("nobody watches")
        for place in self._asked:
            stream = self.streams[place]
            if stream.state != AWAY and self._clock() - stream.heard_at > AWAY_S:
                brought = place in self.sources
                stream.tell(AWAY, "the box brings no pictures" if brought else "the box does not answer")

    def _stream(self, place: Place) -> Stream:
        if place not in self.streams:
            self.streams[place] = Stream(place, self._clock())
        self._wake()
        return self.streams[place]

    def _asked_soon(self, place: Place) -> None:
        if place in self._asked:
            self._asked[place].due = min(self._asked[place].due, self._clock() + 2 * _AGAIN_S)

    def _tidy(self, place: Place) -> None:
        stream = self.streams[place]
        if not stream.viewers:
            self._asked.pop(place, None)
        if stream.idle and place not in self.sources:
            del self.streams[place]

    def _wake(self) -> None:
        if self.tend is not None and (self._tending is None or self._tending.done()):
            self.news = asyncio.Event()
            self._tending = asyncio.get_running_loop().create_task(self.tend(), name="live")
        self.news.set()


__all__ = ["ASKED_S", "ASK_EVERY_S", "AWAY_S", "MOST_OF_BOX", "MOST_OF_PERSON", "Hub", "Source", "Watching", "Wish"]
