"""`python -m edge.polling.process --config F --cameras a,b`: looks after the pictures of polling stations' cameras.

It has no connection to a camera: what it sees are the keyframes that recorders hand out. It may be killed at any
instant: what it learned and what it told is on disk. Exit status 0 after a signal, 2 for bad settings.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import cv2

from contract.errors import ConfigError
from contract.events import now as wall_now
from edge import pulse
from edge.box import Folders, places
from edge.config import EdgeConfig, load_config
from edge.deliver.spool import Spool
from edge.part import run_part, write_heartbeat
from edge.polling.kept import KeptCamera, Told, folder_of
from edge.polling.matters import Ended
from edge.polling.post import Post
from edge.polling.stream import recorded
from edge.polling.taps import Taps
from edge.polling.telling import Teller

log = logging.getLogger("sightline.health")
WAIT_S, TURN_S, HEARTBEAT_S = 0.25, 1.0, 2.0


class FeedHealth:
    """The cameras of one process, and their turn."""

    def __init__(self, config: EdgeConfig, names: list[str], name: str) -> None:
        """Raises SiteError, ConfigError for a camera that is no polling station's, OSError."""
        known = {place.camera.id: place for place in places(config)}
        polling = {camera for camera, place in known.items() if place.site_file.site.polling is not None}
        if strangers := [camera for camera in names if camera not in polling]:
            raise ConfigError(f"--cameras {','.join(strangers)}: no polling station of this box has it")
        self._folders = Folders(config.data_dir).make()
        self._folders.taps.mkdir(parents=True, exist_ok=True)
        self._heartbeat = self._folders.heartbeat(name)
        self._spool = Spool(self._folders.spool)
        folder = folder_of(config.data_dir)
        look_s, now = config.feed_health.look_s, time.monotonic()
        self._posts = {
            camera: Post(known[camera], self._folders, KeptCamera(folder, camera), look_s, now) for camera in names
        }
        retire(polling, config.edge_id, folder, self._spool)
        self._taps = Taps(self._folders.taps, names, lambda camera: self._posts[camera].connected())
        self._turn_at = self._beat_at = now

    def run(self, signals: list[int]) -> int:
        """Look until a signal stands in `signals`; the exit status."""
        while not signals:
            pulse.beat()
            for camera, one in self._taps.turn(time.monotonic(), WAIT_S):
                self._posts[camera].keyframe(one, time.monotonic(), time.time())
                pulse.beat()
            if time.monotonic() >= self._turn_at:
                self._turn()
        self._taps.close()
        for post in self._posts.values():
            post.keep()
            pulse.beat()
        self._figures()
        return 0

    def _turn(self) -> None:
        self._turn_at = time.monotonic() + TURN_S
        said = recorded(self._folders.run)
        for camera, post in self._posts.items():
            post.turn(said.get(camera), self._spool, time.monotonic(), time.time())
            pulse.beat()
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + HEARTBEAT_S
            self._figures()

    def _figures(self) -> None:
        figures = {camera: post.measure() for camera, post in self._posts.items()}
        write_heartbeat(self._heartbeat, {"feed_health": figures}, log)


def retire(polling: set[str], edge_id: str, folder: Path, spool: Spool) -> None:
    """End what was open of cameras that no polling station has any more."""
    for path in sorted(folder.glob("*.json")):
        if path.stem in polling:
            continue
        kept = KeptCamera(folder, path.stem)
        teller = Teller(edge_id, "", path.stem, f"/edge/{edge_id}/camera/{path.stem}")
        at = wall_now().timestamp()
        for key, one in kept.open().items():
            ended = Ended(key, one.check, one.begun, max(at, one.begun))
            kept.unsent.append(Told(event=teller.ended(ended, removed=True)))
        kept.send(spool, {})
        if not kept.unsent:
            kept.remove()
            log.info("camera %s is no polling station's any more, what was open of it is ended", path.stem)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.polling.process", description="Looks after the pictures of polling stations."
    )
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--cameras", required=True, help="ids of its cameras, with commas between")
    parser.add_argument("--name", default="health-1", help="what its heartbeat file is called")
    options = parser.parse_args(arguments)
    names = [name for name in options.cameras.split(",") if name]
    cv2.setNumThreads(1)  # pictures are small: threads cost more than they bring
    return run_part(lambda signals: FeedHealth(load_config(options.config), names, options.name).run(signals))


if __name__ == "__main__":
    sys.exit(main())
