"""`python -m edge.live.process --config F`: shows cameras of polling stations to central while somebody watches.

It has no connection to a camera and nothing listens: it reads what recorders hand out, and calls central. Exit
status 0 after a signal, 2 for bad settings.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

from contract.command import LiveOn
from contract.errors import SightlineError
from edge import pulse
from edge.asked import Asked
from edge.box import Folders, places
from edge.config import EdgeConfig, load_config
from edge.deliver.keys import KeyRing
from edge.live.playback import PlayBack
from edge.live.stream import LiveStream
from edge.part import run_part, write_heartbeat
from edge.polling.bare import Bare

log = logging.getLogger("sightline.live")
TURN_S, HEARTBEAT_S = 0.1, 2.0
#: Play backs at once: they read the disk that is recorded to.
MOST_PLAYED = 4


class Live:
    """The live views of one box, and their turn."""

    def __init__(self, config: EdgeConfig, name: str) -> None:
        """Raises SiteError, ConfigError or OSError."""
        self._config = config
        folders = Folders(config.data_dir).make()
        self._asked = Asked(folders.asked, "live_on")
        self._ring = KeyRing(config.data_dir / "keys")
        self._heartbeat = folders.heartbeat(name)
        self._cameras = {place.camera.id for place in places(config) if place.site_file.site.polling is not None}
        self._recordings = config.recording.folder or folders.recordings
        self._cut = folders.run / "cut"
        self._streams: dict[tuple[str, str | None], LiveStream | PlayBack] = {}
        self._beat_at = 0.0

    def run(self, signals: list[int]) -> int:
        """Show what is asked for until a signal stands in `signals`; the exit status."""
        for old in self._asked.waiting():  # whoever asked before this process began asks again if they still look
            self._asked.done(old)
        while not signals:
            pulse.beat()
            self._turn()
            time.sleep(TURN_S)
        for stream in self._streams.values():
            stream.stop()
        return 0

    def _turn(self) -> None:
        for command in self._asked.waiting():
            if isinstance(command, LiveOn):
                self._show(command)
            self._asked.done(command)
        for place in [place for place, stream in self._streams.items() if not stream.running]:
            del self._streams[place]
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + HEARTBEAT_S
            figures = {"/".join(filter(None, place)): {"sent": stream.sent} for place, stream in self._streams.items()}
            write_heartbeat(self._heartbeat, {"live": figures}, log)

    def _show(self, command: LiveOn) -> None:
        camera = command.camera_id
        if camera not in self._cameras:
            log.warning("%s: no polling station of this box has that camera, nothing is shown", camera)
            return
        stream = self._streams.get((camera, command.stream))
        if stream is None or not stream.running:
            try:
                stream = self._made(command)
            except SightlineError as error:
                log.warning("%s: no live view (%s)", camera, error)
                return
            if stream is None:
                log.warning("%s: %d play backs go on already, no other is begun", camera, MOST_PLAYED)
                return
            self._streams[camera, command.stream] = stream
        stream.until = time.monotonic() + command.seconds
        stream.stills = command.quality == "stills"
        if not stream.running:
            stream.start()

    def _made(self, command: LiveOn) -> LiveStream | PlayBack | None:
        """What shows it, not begun; None where too much is played back already."""
        key = self._ring.load()
        if command.from_us is None:
            return LiveStream(self._config, key, command.camera_id, command.stream)
        if sum(isinstance(one, PlayBack) for one in self._streams.values()) >= MOST_PLAYED:
            return None
        bare = Bare(self._config.data_dir / "polling", command.camera_id)
        return PlayBack(self._config, key, command, self._recordings, self._cut / command.camera_id, bare)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m edge.live.process", description="Live view of polling stations.")
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--name", default="live", help="what its heartbeat file is called")
    options = parser.parse_args(arguments)
    return run_part(lambda signals: Live(load_config(options.config), options.name).run(signals))


if __name__ == "__main__":
    sys.exit(main())
