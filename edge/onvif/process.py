"""`python -m edge.onvif.process --config F`: asks polling stations' cameras what they notice themselves.

Only cameras with an `onvif_url` are asked. It may be killed at any instant; a subscription that it leaves behind ends
by itself. Exit status 0 after a signal, 2 for bad settings.
"""

import argparse
import contextlib
import json
import logging
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from contract.errors import SightlineError
from contract.feedhealth import Check
from contract.site import ZoneType
from edge import pulse
from edge.beats import read_json
from edge.box import Folders, places
from edge.config import EdgeConfig, load_config
from edge.deliver.durable import write_durable
from edge.judgement import Place
from edge.onvif.device import Device
from edge.onvif.errors import NotThere
from edge.onvif.events import PullPoint
from edge.onvif.fitting import hides
from edge.onvif.masks import masks
from edge.onvif.pointing import Pointing, pointing
from edge.onvif.told import write_told
from edge.part import run_part, write_heartbeat

log = logging.getLogger("sightline.onvif")
TURN_S: Final = 2.0
#: After a camera could not be asked; longer each time. Seconds.
AGAIN_S, AGAIN_MOST_S = 5.0, 120.0
_END_S: Final = 8.0
#: How often a camera that masks its own pictures is asked for its masks. Seconds.
MASKS_S: Final = 30.0


class Ear:
    """Hears one camera in a thread of its own."""

    def __init__(self, place: Place, folder: Path, kept: Path) -> None:
        """`folder` takes what it says; `kept` (a folder) where its head pointed when it was first asked."""
        camera = place.camera
        self.camera, self.fault = camera.id, "was not reached yet"
        self._address, self._folder = camera.onvif_url or "", folder
        self._kept = kept / f"{camera.id}.pointing"
        self._frame, self._hidden = camera.frame, hidden_by_camera(place)
        self._masked: bool | None = None
        self._masks_at = 0.0
        self._states: dict[Check, bool] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"onvif-{camera}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask to end."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the end: the subscription is given back."""
        self._thread.join(_END_S)

    def _run(self) -> None:
        wait = AGAIN_S
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                device = Device(self._address)
                try:
                    self._hear(device)
                finally:
                    device.close()
            except (SightlineError, OSError) as error:
                said = str(error).splitlines()[0]
                if said != self.fault:
                    log.warning("%s: does not tell what it notices (%s)", self.camera, said)
                self.fault = said
            wait = AGAIN_S if time.monotonic() - begun > AGAIN_MOST_S else min(wait * 2, AGAIN_MOST_S)
            self._stop.wait(wait)

    def _hear(self, device: Device) -> None:
        device.connect()
        with contextlib.ExitStack() as stack:
            try:
                point = stack.enter_context(PullPoint(device))
            except NotThere:
                point = None  # its head may still be looked at
            if self.fault:
                log.info("%s: is asked what it notices%s", self.camera, "" if point else " (it tells no events)")
                self.fault = ""
            while not self._stop.is_set():
                for said in point.pull() if point else ():
                    if said.bad is not None:
                        self._states[said.check] = said.bad
                now = pointing(device)
                turned = None if now is None else self._turned(now)
                self._look_at_masks(device)
                write_told(self._folder, self.camera, self._states, turned, self._masked)
                self._stop.wait(TURN_S)

    def _look_at_masks(self, device: Device) -> None:
        """Every so often; a camera that has none by ONVIF is left to those who look at its picture."""
        if not self._hidden or time.monotonic() < self._masks_at:
            return
        self._masks_at = time.monotonic() + MASKS_S
        with contextlib.suppress(NotThere):
            drawn = [mask.corners for mask in masks(device) if mask.enabled]
            self._masked = hides(drawn, self._hidden, self._frame)

    def _turned(self, now: Pointing) -> float:
        """How far it points from where it did when it was first asked."""
        kept: dict[str, Any] = read_json(self._kept)
        try:
            first = Pointing(**kept)
        except TypeError:
            write_durable(self._kept, json.dumps(asdict(now)).encode(), 0o600)
            return 0.0
        return now.turned(first)


def hidden_by_camera(place: Place) -> list[tuple[tuple[float, float], ...]]:
    """The zones that the camera itself must hide (`masks: camera`), px of its `frame`."""
    polling = place.site_file.site.polling
    if polling is None or polling.masks != "camera":
        return []
    zones = [zone for zone in place.camera.zones if zone.type is ZoneType.PRIVACY_MASK]
    return [tuple((float(x), float(y)) for x, y in zone.polygon) for zone in zones]


class Ears:
    """The cameras of a box that are asked."""

    def __init__(self, config: EdgeConfig, name: str) -> None:
        """Raises SiteError, ConfigError or OSError."""
        folders = Folders(config.data_dir).make()
        self._heartbeat = folders.heartbeat(name)
        told, kept = folders.run / "onvif", config.data_dir / "polling"
        for folder in (told, kept):
            folder.mkdir(parents=True, exist_ok=True)
        self._ears = [
            Ear(place, told, kept)
            for place in places(config)
            if place.site_file.site.polling is not None and place.camera.onvif_url is not None
        ]

    def run(self, signals: list[int]) -> int:
        """Hear until a signal stands in `signals`; the exit status."""
        for ear in self._ears:
            ear.start()
        while not signals:
            pulse.beat()
            write_heartbeat(self._heartbeat, {"onvif": {ear.camera: {"fault": ear.fault} for ear in self._ears}}, log)
            time.sleep(0.5)
        for ear in self._ears:
            ear.stop()
        for ear in self._ears:
            pulse.beat()
            ear.join()
        return 0


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m edge.onvif.process", description="Hears what cameras notice.")
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--name", default="onvif", help="what its heartbeat file is called")
    options = parser.parse_args(arguments)
    return run_part(lambda signals: Ears(load_config(options.config), options.name).run(signals))


if __name__ == "__main__":
    sys.exit(main())
