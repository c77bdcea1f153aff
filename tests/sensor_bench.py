"""One sensor of a box on the bench: its watch, its file and a spool, and time that is told."""

from pathlib import Path
from typing import Any

from contract.events import CloudEvent, EventType
from contract.sensors import Sensor
from contract.sitefile import load_site
from edge.deliver.spool import Spool
from edge.rules.threshold import Reading
from edge.sensors.alarm import Post
from edge.sensors.kept import KeptFile
from edge.sensors.listening import Span
from edge.sensors.settling import SETTLE_S
from edge.sensors.watch import SensorWatch

SITE = Path(__file__).resolve().parents[1] / "configs" / "sites" / "underpass.yaml"
T = 1_790_000_000.0


def post(name: str = "water-01", **changes: Any) -> Post:
    site = load_site(SITE)
    sensor = next(one for one in site.site.sensors if one.id == name)
    return Post("box-1", site, Sensor(**(sensor.model_dump() | changes)))


class Bench:
    """A sensor with its file and a spool; time is told. `start` begins it anew, as after a crash.

    `since` is when the connection began on which it is heard, None while there is none.
    """

    def __init__(self, folder: Path, post: Post) -> None:
        self.spool, self.folder, self.post, self.now = Spool(folder / "spool"), folder, post, 100.0
        self.since: float | None = self.now
        self.start()

    def start(self) -> None:
        self.watch = SensorWatch(self.post, KeptFile(self.folder, self.post.sensor.id), self.now)

    def read(self, *readings: tuple[float, float]) -> None:
        for t, value in readings:
            self.watch.hear(Reading(T + t, value), self.now)

    def turn(self, at: float, listened_s: float = 0.0, send: bool = True) -> None:
        # What was read before is no part of what was listened since, as on the road: that is counted when it is read.
        begin = self.now
        self.now += listened_s + SETTLE_S
        self.watch.turn(T + at, self.now, Span(self.since, begin, begin + listened_s))
        if send:
            self.watch.send(self.spool, self.now)

    def events(self) -> list[CloudEvent]:
        return [taken.item.event for taken in self.spool.take()]


def kinds(bench: Bench) -> list[EventType]:
    return [EventType(one.type) for one in bench.events()]
