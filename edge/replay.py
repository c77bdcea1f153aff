"""Recorded video, or a file of boxes, through the very analysis that runs live - in stream time, as fast as it can.

Standard output gets one whole CloudEvent of a violation a line, the moment it is decided, unsealed and marked
`"replay": true` (central refuses such); everything else goes elsewhere. Formats are fixed in design section 6.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import TextIO

from contract.errors import InputError
from contract.events import Clock, EventType, serialise
from contract.sitefile import load_site
from edge.analysis import Analysis, Judged, Output
from edge.explain import Explanation
from edge.fitting import require_fit
from edge.judgement import Place, law_of
from edge.objects import ObjectTracker, read_objects

#: The box that a replay speaks as; no box of a county may be enrolled under it.
REPLAY_EDGE = "replay"
DEFAULT_START = "2026-01-05T10:00:00+08:00"
#: Years a replay may begin in: what is added to it must still be a date.
_YEARS = range(1970, 2200)
_PRINTED = frozenset({EventType.ILLEGAL_PARKING, EventType.FAILURE_TO_YIELD})

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Start:
    """Wall clock of stream second 0: replay's clock is what the caller says it is."""

    at: datetime

    def wall(self, t: float) -> datetime:
        """Wall clock of stream second `t`."""
        return self.at + timedelta(seconds=t)

    def clock(self) -> Clock:
        """Nobody measured the clock of a file."""
        return Clock(source="file")


def parse_start(text: str, zone: tzinfo) -> Start:
    """`--start` as ISO 8601, of the site's time zone where it names no offset. Raises InputError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--start {text!r} is not ISO 8601 - for example {DEFAULT_START}") from error
    if moment.year not in _YEARS:
        raise InputError(f"--start {text!r} is not of the years {_YEARS[0]} to {_YEARS[-1]} - give the recording's own")
    if moment.tzinfo is not None:
        return Start(moment)
    here = moment.replace(tzinfo=zone)
    if here.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != moment.replace(fold=0):
        raise InputError(f"--start {text!r} is in the hour that summer time leaves out there - name an offset")
    # A fixed offset: seconds added to a local reading would not leap with the clock on the wall.
    return Start(moment.replace(tzinfo=timezone(here.utcoffset() or timedelta())))


def place_of(site: Path, camera_id: str | None) -> Place:
    """The camera of a site file that a replay is about. Raises SiteError, ConfigError or InputError."""
    site_file = load_site(site)
    try:
        camera = site_file.site.camera(camera_id)
    except KeyError as error:
        raise InputError(f"{site}: {error.args[0]}") from error
    if site_file.site.polling is not None:
        raise InputError(
            f"{site}: a polling station is judged by no rule - its recorder alone shows what it saw, masked"
        )
    place = Place(REPLAY_EDGE, site_file, camera, law_of(site_file))
    require_fit(place)
    return place


class Sink:
    """Where a replay's outputs go: violations to `out`, every decision to `explain` where it is wanted."""

    def __init__(self, out: TextIO, explain: TextIO | None) -> None:
        """Both streams stay the caller's to close."""
        self._out = out
        self._explain = Explanation(explain) if explain else None
        self.violations = 0
        self.decisions = 0

    def take(self, outputs: list[Output]) -> None:
        """Write what was decided, at once."""
        for output in outputs:
            if isinstance(output, Judged):
                self._judged(output)

    def _judged(self, judged: Judged) -> None:
        self.decisions += 1
        if self._explain:
            self._explain.write(judged)
        if judged.event is not None and judged.event.type in _PRINTED:
            self.violations += 1
            self._out.write(serialise(judged.event).decode() + "\n")
            self._out.flush()


def replay_objects(place: Place, path: Path, start: Start, sink: Sink, warn: Tell) -> None:
    """Judge a file of boxes; needs no model, network, key or camera. Raises ObjectsError for a bad line."""
    analysis = Analysis(place, start.wall, start.clock, replay=True)
    tracker = ObjectTracker()
    for frame in read_objects(path, warn):
        sink.take(analysis.take(frame.t, tracker.update(frame), frame.signals))
    sink.take(analysis.finish())


@contextmanager
def whole_or_nothing(path: Path | None) -> Iterator[TextIO | None]:
    """A text file that appears under its name only when everything went well."""
    if path is None:
        yield None
        return
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe, a terminal: never put a file in its place
        with path.open("w", encoding="utf-8") as stream:
            yield stream
        return
    if path.is_dir():  # said before hours of video are looked at, not after
        raise InputError(f"{path}: is a folder - give the name of a file")
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}) - choose another place") from error
    finally:
        part.unlink(missing_ok=True)
