"""One camera while somebody watches: read from the recorder's tap, sent to central on one outbound WebSocket."""

import json
import logging
import threading
import time
from typing import Final

from av.error import FFmpegError
from joserfc.jwk import OKPKey
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from contract.errors import SightlineError
from contract.livestream import LiveMessage
from edge.box import Folders
from edge.cameras.keyframe import KeyframeDecoder
from edge.config import EdgeConfig
from edge.live.backlog import Backlog
from edge.live.cut import why_cut
from edge.live.fragments import PLAYED, Fragments
from edge.live.line import opened
from edge.live.stills import still
from edge.record.tapped import Tapped, TapReader

log = logging.getLogger("sightline.live")
#: After a connection or a recorder was lost; seconds.
AGAIN_S: Final = 1.0


class LiveStream:
    """Streams `camera` until `until` (monotonic seconds), which may be put off, or until it is cut or stopped.

    `stream` is what central calls it; None for the camera's own.
    """

    def __init__(
        self, config: EdgeConfig, key: OKPKey, camera: str, stream: str | None = None, *, stills: bool = False
    ) -> None:
        self.until = 0.0
        self.stills = stills
        self.sent = 0
        self._config, self._key, self._camera, self._name = config, key, camera, stream
        folders = Folders(config.data_dir)
        self._taps, self._cut = folders.taps, folders.run / "cut" / camera
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"live-{camera}", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it still streams or tries to."""
        return self._thread.is_alive()

    @property
    def cut(self) -> str | None:
        """Why nobody may look at the camera now."""
        return why_cut(self._cut)

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
        while self._watched:
            try:
                with opened(self._config, self._key, self._camera, self._name) as line:
                    if (why := self.cut) is None:
                        self._stream(line)
                        why = self.cut
                    if why is not None:
                        line.send(json.dumps({"state": "cut", "reason": why}))
                        return
            except (OSError, WebSocketException, SightlineError, ValueError) as error:
                log.warning("%s: no live view (%s)", self._camera, error)
            self._stopped.wait(AGAIN_S)

    def _stream(self, line: ClientConnection) -> None:
        """Send until nobody watches, the camera is cut, or an end of it fails. Raises OSError, WebSocketException."""
        backlog = Backlog()
        reader = TapReader(self._taps, self._camera, "all")
        over = threading.Event()
        filler = threading.Thread(target=self._fill, args=(reader, backlog, over), daemon=True)
        filler.start()
        try:
            while self._watched and self.cut is None and not over.is_set():
                message = backlog.take(0.25)
                # Looked at again after the wait: no picture goes out once a mask has failed.
                if message is not None and self.cut is None:
                    line.send(message.pack())
                    self.sent += 1
        finally:
            reader.close()
            filler.join(2.0)

    def _fill(self, reader: TapReader, backlog: Backlog, over: threading.Event) -> None:
        fragments, decoder = Fragments(), KeyframeDecoder()
        try:
            for one in reader.pictures():
                for message in self._messages(one, fragments, decoder, thin=backlog.thin):
                    backlog.put(message, time.monotonic())
        except (FFmpegError, ValueError, SightlineError) as error:
            log.warning("%s: a picture cannot be shown live (%s)", self._camera, error)
        except OSError:
            pass  # the recorder ended, or the reader was closed
        finally:  # whatever it was: a stream that nobody fills must end, not fall silent
            over.set()
            backlog.end()

    def _messages(
        self, one: Tapped, fragments: Fragments, decoder: KeyframeDecoder, *, thin: bool
    ) -> list[LiveMessage]:
        if not (thin or self.stills or one.packet.info.codec not in PLAYED):
            return fragments.add(one)
        fragments.restart()
        shown = still(one, decoder) if one.packet.keyframe else None
        return [] if shown is None else [shown]


__all__ = ["AGAIN_S", "LiveStream"]
