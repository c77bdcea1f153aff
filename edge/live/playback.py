"""One camera played back to who watches it: out of the recording, at the pace that is asked for."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Final

from av.error import FFmpegError
from joserfc.jwk import OKPKey
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from contract.command import LiveOn
from contract.errors import SightlineError
from contract.livestream import LiveMessage
from edge.cameras.keyframe import KeyframeDecoder
from edge.config import EdgeConfig
from edge.live.cut import begun_us, why_cut
from edge.live.fragments import PLAYED, Fragments
from edge.live.line import opened
from edge.live.recorded import Recording
from edge.live.stills import still
from edge.polling.bare import NOTICED_US, Bare
from edge.record.tapped import Tapped

log = logging.getLogger("sightline.live")
#: Between two pictures of the recording nothing is waited for longer: a gap is passed over. Seconds.
_GAP_S: Final = 2.0
_NAP_S: Final = 0.2


class PlayBack:
    """Plays until its end, or until `until` (monotonic seconds), which may be put off."""

    def __init__(self, config: EdgeConfig, key: OKPKey, asked: LiveOn, folder: Path, cut: Path, bare: Bare) -> None:
        """`folder` is that of all recordings, `cut` the file that forbids the newest pictures, `bare` earlier ones."""
        self.until = 0.0
        self.stills = asked.quality == "stills"
        self.sent = 0
        self._config, self._key, self._asked = config, key, asked
        self._recording = Recording(folder, asked.camera_id, asked.from_us or 0)
        self._cut, self._bare = cut, bare
        self._stopped = threading.Event()
        self._begun: tuple[float, int] | None = None
        self._last_us = 0
        self._thread = threading.Thread(target=self._run, name=f"play-{asked.camera_id}", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it still plays."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End now."""
        self._stopped.set()

    @property
    def _watched(self) -> bool:
        return not self._stopped.is_set() and time.monotonic() < self.until

    def _run(self) -> None:
        try:
            with opened(self._config, self._key, self._asked.camera_id, self._asked.stream) as line:
                why = self._play(line)
                told = {"state": "ended"} if why is None else {"state": "cut", "reason": why}
                if self._watched:
                    line.send(json.dumps(told))
        except (OSError, WebSocketException, SightlineError, FFmpegError, ValueError) as error:
            log.warning("%s: is not played back (%s)", self._asked.camera_id, error)

    def _play(self, line: ClientConnection) -> str | None:
        """Send until nobody watches or there is no more; why nobody may see more, if that ended it."""
        fragments, decoder = Fragments(), KeyframeDecoder()
        for one in self._recording.pictures():
            if not self._watched:
                return None
            if one is None:
                continue
            self._wait(one)
            why = why_cut(self._cut)
            if why is not None and one.wall_us >= begun_us(self._cut) - NOTICED_US:
                return why
            if self._bare.holds(one.wall_us):
                fragments.restart()
                continue
            for message in self._messages(one, fragments, decoder):
                line.send(message.pack())
                self.sent += 1
        return None

    def _messages(self, one: Tapped, fragments: Fragments, decoder: KeyframeDecoder) -> list[LiveMessage]:
        if not self.stills and one.packet.info.codec in PLAYED:
            return fragments.add(one)
        shown = still(one, decoder) if one.packet.keyframe else None
        return [] if shown is None else [shown]

    def _wait(self, one: Tapped) -> None:
        """Until the picture is due. What was before `from_us` is needed to decode and goes at once."""
        asked_us = self._asked.from_us or 0
        if one.wall_us < asked_us:
            return
        if self._begun is None or one.wall_us - self._last_us > _GAP_S * 1e6:
            self._begun = time.monotonic(), one.wall_us
        self._last_us = one.wall_us
        begun, wall_us = self._begun
        due = begun + (one.wall_us - wall_us) / 1e6 / self._asked.pace
        while self._watched and (left := due - time.monotonic()) > 0:
            self._stopped.wait(min(left, _NAP_S))


__all__ = ["PlayBack"]
