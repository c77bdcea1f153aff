"""`python -m edge.sensors.process --config F`: hears a box's sensors, judges them, hands alarms over to deliver.

It may be killed at any instant: what is known of a sensor is on disk, and what was decided is there before it is handed
over. Exit status 0 after a signal, 2 for bad settings.
"""

import argparse
import logging
import sys
import threading
import time
from pathlib import Path

from contract.errors import ConfigError
from contract.sensors import Sensor
from contract.site import clash
from contract.sitefile import load_site
from contract.topics import SPARKPLUG
from edge import pulse
from edge.box import Folders
from edge.config import EdgeConfig, load_config
from edge.deliver.certificate import broker_of
from edge.deliver.spool import Spool
from edge.part import run_part, write_heartbeat
from edge.sensors.alarm import Post, removed
from edge.sensors.believing import Unbelieved, from_json, reading
from edge.sensors.gateway import DEATHS, Gateway, rebirth
from edge.sensors.intake import Intake, sender_of
from edge.sensors.kept import KeptFile, folder_of
from edge.sensors.listening import Listening
from edge.sensors.mailbox import Letter
from edge.sensors.watch import SensorWatch

log = logging.getLogger("sightline.sensors")
TURN_S = 0.2
HEARTBEAT_S = 2.0
#: How often a node is asked to be born again while it tells what cannot be understood. Seconds.
REBIRTH_S = 60.0


def posts(config: EdgeConfig) -> dict[str, Post]:
    """Every sensor of every site of the box by its id. Raises SiteError, ConfigError when two have one id or metric."""
    found: dict[str, Post] = {}
    told: dict[object, str] = {}
    lights: dict[str, Path] = {}
    for path in config.sites:
        site = load_site(path)
        lights |= dict.fromkeys(site.site.lights, path)
        for sensor in site.site.sensors:
            if sensor.id in found:
                other = found[sensor.id].site.path
                raise ConfigError(f"{path}: sensor {sensor.id!r} is in {other} as well - give each its own id")
            if sensor.sparkplug is not None and (twin := told.setdefault(sensor.sparkplug, sensor.id)) != sensor.id:
                raise ConfigError(f"{path}: sensors {twin} and {sensor.id} are told by one metric - give each its own")
            found[sensor.id] = Post(config.edge_id, site, sensor)
    for one in found.values():
        if one.sensor.id in lights:
            raise ConfigError(f"{lights[one.sensor.id]}: {clash(one.sensor.id)} (it is declared in {one.site.path})")
    return found


class Sensors:
    """The sensors of one box, and their turn."""

    def __init__(self, config: EdgeConfig, name: str) -> None:
        """`name` is what the heartbeat is called. Raises SiteError, ConfigError, OSError."""
        known = posts(config)
        folders = Folders(config.data_dir).make()
        self._heartbeat = folders.heartbeat(name)
        self._spool = Spool(folders.spool)
        folder = folder_of(config.data_dir)
        self._wake = threading.Event()
        now = time.monotonic()
        self._watches = {one: SensorWatch(post, KeptFile(folder, one), now) for one, post in known.items()}
        self._gateways = _gateways([post.sensor for post in known.values()])
        self._intake = Intake(broker_of(config), config.edge_id, (post.sensor for post in known.values()), self._wake)
        self._retire(config.edge_id, folder)
        self._asked: dict[str, float] = {}
        self._epoch = 0
        self._listening = Listening(now)
        self._beat = 0.0
        self._problem: str | None = None

    def run(self, signals: list[int]) -> int:
        """Run until a signal stands in `signals`; the exit status."""
        if self._watches:
            self._intake.start()
        try:
            while not signals:
                self._wake.clear()
                pulse.beat()
                self.turn()
                self._wake.wait(TURN_S)
        finally:
            self._intake.stop()
            now = time.monotonic()
            self._read()
            for watch in self._watches.values():
                watch.end(self._spool, now)
            self._figures()
        return 0

    def turn(self) -> None:
        """One round: read what came, judge it, hand over what was decided."""
        at, now = time.time(), time.monotonic()
        span = self._listening.turn(self._intake.line, now)
        self._intake.turn()
        self._read()
        for watch in self._watches.values():
            watch.turn(at, now, span)
            watch.send(self._spool, now)
        self._ask(at, now)
        self._say(self._intake.problem)
        if now >= self._beat:
            self._beat = now + HEARTBEAT_S
            self._figures()

    def _read(self) -> None:
        for sender, letter in self._intake.mailbox.take():
            if sender.startswith(f"{SPARKPLUG}/"):
                self._heard_node(sender.partition("/")[2], letter)
            else:
                self._heard(self._watches[sender], letter)

    def _heard(self, watch: SensorWatch, letter: Letter) -> None:
        try:
            one = from_json(watch.post.sensor, letter.raw, letter.at, retained=letter.retained)
        except Unbelieved as why:
            watch.doubt(why, letter.came)
        else:
            watch.hear(one, letter.came)

    def _heard_node(self, node: str, letter: Letter) -> None:
        """A message of a gateway: `spBv1.0/{group}/{kind}/{node}[/{device}]`."""
        _, _, kind, _, *device = letter.topic.split("/")
        gateway = self._gateways[node]
        if kind in DEATHS:
            self._lost(node, device[0] if device and kind == "DDEATH" else None, letter.came)
        try:
            told = gateway.hear(kind, device[0] if device else None, letter.raw)
        except Unbelieved as why:
            for watch, _ in self._told_by(node):
                watch.doubt(why, letter.came)
            return
        for one in told:
            watch = self._watches[one.sensor_id]
            if one.value is None:
                watch.doubt(one.fault, letter.came)
                continue
            try:
                said = reading(watch.post.sensor, one.value, None, one.at, letter.at, retained=letter.retained)
            except Unbelieved as why:
                watch.doubt(why, letter.came)
            else:
                watch.hear(said, letter.came)

    def _told_by(self, node: str) -> list[tuple[SensorWatch, str | None]]:
        """The sensors of a node, and the device of each."""
        told = [(watch, watch.post.sensor.sparkplug) for watch in self._watches.values()]
        return [(watch, metric.device) for watch, metric in told if metric is not None and metric.node == node]

    def _lost(self, node: str, device: str | None, now: float) -> None:
        """A node, or one device of it, is gone: nobody vouches for the values that it told last."""
        for watch, own in self._told_by(node):
            if device is None or own == device:
                watch.lose(now)

    def _ask(self, at: float, now: float) -> None:
        """Ask for the births that were missed, after each connection and while something is not understood."""
        if self._intake.epoch != self._epoch:
            self._epoch, self._asked = self._intake.epoch, {}
            for gateway in self._gateways.values():
                gateway.wants_rebirth = True
        for node, gateway in self._gateways.items():
            due = now - self._asked.get(node, -REBIRTH_S) >= REBIRTH_S
            if gateway.wants_rebirth and due and self._intake.listening:
                self._asked[node] = now
                self._intake.ask(node, rebirth(at))

    def _retire(self, edge_id: str, folder: Path) -> None:
        """End what sensors had begun that no site file names any more."""
        for path in sorted(folder.glob("*.json")):
            if path.stem in self._watches:
                continue
            file = KeptFile(folder, path.stem)
            kept = file.read()
            if file.unreadable:
                continue
            ends = removed(edge_id, path.stem, kept.state)
            for event in [*kept.anew(), *ends]:
                self._spool.put(event, {})
            file.remove()
            log.info("sensor %s is no longer in a site file, %d alarm(s) of it are ended", path.stem, len(ends))

    def _figures(self) -> None:
        figures = {
            one: watch.measure() | {"dropped": self._intake.mailbox.dropped[sender_of(watch.post.sensor)]}
            for one, watch in self._watches.items()
        }
        write_heartbeat(self._heartbeat, {"sensors": figures, "listening": self._intake.listening}, log)

    def _say(self, problem: str | None) -> None:
        if problem != self._problem:
            if problem is not None:
                log.error("%s", problem)
            else:
                log.info("sensors are heard")
        self._problem = problem


def _gateways(sensors: list[Sensor]) -> dict[str, Gateway]:
    nodes = {one.sparkplug.node for one in sensors if one.sparkplug is not None}
    return {
        node: Gateway([one for one in sensors if one.sparkplug is not None and one.sparkplug.node == node])
        for node in sorted(nodes)
    }


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m edge.sensors.process", description="Judges a box's sensors.")
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--name", default="sensors", help="what its heartbeat file is called")
    options = parser.parse_args(arguments)
    return run_part(lambda signals: Sensors(load_config(options.config), options.name).run(signals))


if __name__ == "__main__":
    sys.exit(main())
