"""The supervisor of a box: starts inference, workers and deliver, keeps them alive, and stops them in order.

It does no work of its own beside `/healthz`, `/metrics`, and putting on record when a part did not work and why. A part
that dies or hangs is started anew. A part that ends with status 2 was given something wrong: it has said so in one
line, starting it again would not help, and the box stops with that status.
"""

import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

from contract.errors import ConfigError, RunError
from edge.box import Folders, crossing, judged, places, shares
from edge.child import Child
from edge.config import EdgeConfig, Recordings
from edge.detect import isa
from edge.gaps import GapBook
from edge.health import Health, serve
from edge.judgement import Place
from edge.lifemark import LifeMark
from edge.masking.plan import painted

log = logging.getLogger("sightline.supervisor")
READY_S = 120.0
#: A part that shows no sign of life for this long, with no excuse (`edge.silence`), hangs: with what it takes to start
#: anew, its cameras are watched again within 10 s. A part that is well beats every 0.1 to 1 s. Seconds.
HUNG_S = 4.0
TURN_S = 0.25
#: For parts with many threads: an arena for each costs 3 MB a thread, and pictures of 3 MB that are given back to the
#: kernel after every look cost a sixth of a keyframe's decoding to take anew.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "67108864"}
WORKER_END_S, DELIVER_END_S, OTHER_END_S = 12.0, 8.0, 5.0
Tell = Callable[[str], None]


class Supervisor:
    """The parts of one box."""

    def __init__(
        self, config: EdgeConfig, settings: Path, package: Path | None, tell: Tell, plates: Path | None = None
    ) -> None:
        """`settings` is the file `config` came from; `package` the detector, `plates` the plate reader's weights.

        A box of polling stations alone judges nothing and needs no detector: `package` is None.

        Raises SiteError or ConfigError.
        """
        self._config = config
        self._tell = tell
        self._signals: list[int] = []
        self._folders = Folders(config.data_dir).make()
        known = places(config)
        cameras = [place.camera.id for place in known]
        roads = [place for place in known if judged(place)]
        if roads and package is None:
            raise ConfigError(f"camera {roads[0].camera.id} watches a road, which needs a detector")
        # Crossings by themselves: in one process with kerbs they would wait for one another.
        urgent = [place.camera.id for place in roads if crossing(place)]
        rest = [place.camera.id for place in roads if not crossing(place)]
        self.inference = None if package is None else _inference(config, self._folders, package)
        size = config.cameras_per_worker
        shared = dict(enumerate([*shares(urgent, size), *shares(rest, size)], start=1))
        cpu = isa.environment(config.detection.cpu)
        self.workers = [
            _worker(settings, self._folders, f"worker-{number}", names, plates, cpu) for number, names in shared.items()
        ]
        recorders = enumerate(_dealt(known, config.recording), start=1)
        parts = {f"recorder-{number}": names for number, names in recorders}
        self.recorders = [_recorder(settings, self._folders, name, names) for name, names in parts.items()]
        polling = [place.camera.id for place in known if place.site_file.site.polling is not None]
        # Also when the last polling station has left the box: what was wrong there is to be ended.
        left: list[list[str]] = [[]] if not polling and any((config.data_dir / "polling").glob("*.json")) else []
        looked_after = enumerate(shares(polling, config.feed_health.cameras_per_process) or left, start=1)
        self.healths = [_health(settings, self._folders, f"health-{number}", names) for number, names in looked_after]
        self.lives = [_live(settings, self._folders)] if polling else []
        asked = any(place.camera.id in polling and place.camera.onvif_url for place in known)
        self.ears = [_ears(settings, self._folders)] if asked else []
        arguments = ["-m", "edge.deliver.process", "--config", str(settings)]
        measured = any(place.site_file.site.sensors for place in known)
        # Also for sensors that a site had before: what they had begun is to be ended.
        had = any((config.data_dir / "sensors").glob("*.json"))
        self.sensors = [_sensors(settings, self._folders)] if measured or had else []
        self.deliver = Child("deliver", arguments, patience_s=HUNG_S)
        self._cameras = cameras
        watched = {f"worker-{number}": names for number, names in shared.items()}
        self.gaps = GapBook(
            config.edge_id, self._folders, {**watched, **parts, "inference": [*urgent, *rest], "box": cameras}
        )
        self._mark = LifeMark(self._folders.run / "box.json")
        self._absence = self._mark.before

    @property
    def parts(self) -> list[Child]:
        """All parts, in the order in which they start."""
        watchers = [*self._detector, *self.workers, *self.recorders, *self.healths, *self.lives, *self.ears]
        return [*watchers, *self.sensors, self.deliver]

    @property
    def _watching(self) -> list[Child]:
        """What must work so that the box does: of a box that only records, its recorders."""
        return [*self._detector, *self.workers] or self.recorders

    @property
    def _detector(self) -> list[Child]:
        return [] if self.inference is None else [self.inference]

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; the exit status. Called from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda seen, _frame: self._signals.append(seen))
        health = serve(Health(self.parts, self._folders, self.gaps), self._config.health_port)
        status: int | None = None
        try:
            status = self._started() or self._kept()
            return status
        finally:
            self._stop()
            if status is not None and self._absence is None:  # what ends in an error has not ended in order
                self._mark.end()
            if health is not None:
                health.close()

    def _started(self) -> int:
        """Start everything and wait for the detector; a status other than 0 when a part says that it cannot.

        Workers do not wait for it: a camera is captured from the first moment on.
        """
        begun = time.monotonic()
        if self.inference is not None:
            self._tell("starting the detector")
        for part in self.parts:
            part.start()
        while self.inference is not None and not self.inference.ready:
            if self._signals:
                return 0
            if (status := self._bad_input()) is not None:
                return status
            if time.monotonic() - begun > READY_S:
                raise RunError(f"the detector was not ready within {READY_S:.0f} s - see its lines above")
            self._tend()
            time.sleep(0.05)
        self._tell(f"watching {len(self._cameras)} camera(s) with {len(self.workers)} worker(s)")
        if self.inference is not None:
            self._tell(f"the detector was ready after {time.monotonic() - begun:.1f} s")
        return 0

    def _kept(self) -> int:
        while not self._signals:
            if (status := self._bad_input()) is not None:
                return status
            self._tend()
            time.sleep(TURN_S)
        return 0

    def _tend(self) -> None:
        for part in self.parts:
            part.tend()
            for gap in part.take_gaps():
                self.gaps.gap(gap)
        if self._absence is not None and all(part.works for part in self._watching):
            self.gaps.absent(self._absence)
            self._absence = None
        if self._absence is None:  # until then the box before is the last that worked
            self._mark.turn()
        self.gaps.turn()

    def _bad_input(self) -> int | None:
        """2 when a part ended because of what it was given."""
        return 2 if any(part.status == 2 for part in self.parts) else None

    def _stop(self) -> None:
        """Workers decide and hand over what is open, deliver sends what it can, then the rest."""
        if any(part.running for part in self.parts):
            self._tell("stopping")
        for group, patience in (
            ([*self.workers, *self.recorders, *self.healths, *self.lives, *self.ears, *self.sensors], WORKER_END_S),
            ([self.deliver], DELIVER_END_S),
            (self._detector, OTHER_END_S),
        ):
            for part in group:
                part.ask_to_end()
            until = time.monotonic() + patience
            for part in group:
                if not part.wait(max(0.1, until - time.monotonic())):
                    log.error("%s did not end within %.0f s and is killed", part.name, patience)
                    part.kill()
                    part.wait(5.0)


def run(config: EdgeConfig, settings: Path, package: Path, tell: Tell, plates: Path | None = None) -> int:
    """Run a box until it is told to stop; the exit status."""
    return Supervisor(config, settings, package, tell, plates).run()


def _dealt(known: list[Place], settings: Recordings) -> list[list[str]]:
    """Recorded cameras dealt out to recorders: those whose masks are painted first, so that each has its share."""
    recorded = [place for place in known if place.camera.recording is not None]
    dear = [place.camera.id for place in recorded if painted(place)]
    names = [*dear, *(place.camera.id for place in recorded if place.camera.id not in dear)]
    count = max(-(-len(dear) // settings.masked_per_recorder), -(-len(names) // settings.cameras_per_recorder))
    return [names[number::count] for number in range(count)]


def _inference(config: EdgeConfig, folders: Folders, package: Path) -> Child:
    detection = config.detection
    arguments = ["-m", "edge.detect.service", "--socket", str(folders.socket), "--model", str(package)]
    arguments += ["--backend", detection.backend, "--threads", str(detection.threads), "--cpu", detection.cpu]
    return Child("inference", [*arguments, "--exit-with-parent"], says_ready=True, patience_s=HUNG_S)


def _worker(
    settings: Path, folders: Folders, name: str, cameras: list[str], plates: Path | None, environment: dict[str, str]
) -> Child:
    arguments = ["-m", "edge.worker", "--config", str(settings), "--cameras", ",".join(cameras), "--name", name]
    if plates is not None:
        arguments += ["--plates", str(plates)]
    heartbeat = folders.heartbeat(name)
    return Child(name, arguments, heartbeat=heartbeat, patience_s=HUNG_S, environment={**MEMORY, **environment})


def _recorder(settings: Path, folders: Folders, name: str, cameras: list[str]) -> Child:
    arguments = ["-m", "edge.record.process", "--config", str(settings), "--cameras", ",".join(cameras), "--name", name]
    return Child(
        name,
        arguments,
        heartbeat=folders.heartbeat(name),
        patience_s=HUNG_S,
        environment=MEMORY,
    )


def _health(settings: Path, folders: Folders, name: str, cameras: list[str]) -> Child:
    arguments = ["-m", "edge.polling.process", "--config", str(settings), "--cameras", ",".join(cameras)]
    heartbeat = folders.heartbeat(name)
    return Child(name, [*arguments, "--name", name], heartbeat=heartbeat, patience_s=HUNG_S, environment=MEMORY)


def _live(settings: Path, folders: Folders) -> Child:
    arguments = ["-m", "edge.live.process", "--config", str(settings), "--name", "live"]
    return Child("live", arguments, heartbeat=folders.heartbeat("live"), patience_s=HUNG_S, environment=MEMORY)


def _ears(settings: Path, folders: Folders) -> Child:
    arguments = ["-m", "edge.onvif.process", "--config", str(settings), "--name", "onvif"]
    return Child("onvif", arguments, heartbeat=folders.heartbeat("onvif"), patience_s=HUNG_S, environment=MEMORY)


def _sensors(settings: Path, folders: Folders) -> Child:
    arguments = ["-m", "edge.sensors.process", "--config", str(settings), "--name", "sensors"]
    return Child("sensors", arguments, heartbeat=folders.heartbeat("sensors"), patience_s=HUNG_S)


__all__ = ["Supervisor", "run"]
