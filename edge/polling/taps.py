"""Hears the keyframes of many cameras in one thread, each from its recorder's tap (`edge.record.tap`)."""

import contextlib
import logging
import selectors
import socket
from collections.abc import Callable
from pathlib import Path

from edge.cameras.packets import CameraPacket, StreamInfo
from edge.record.tap import DISPOSABLE, HEAD, INFO, KEYFRAME, PACKET, PICTURE, short_path
from edge.record.tapped import Tapped, info_of

log = logging.getLogger("sightline.health")
#: More than this is no picture of a recorder's. Bytes.
_MOST = 64_000_000
#: A recorder that is not there is asked again so often. Seconds.
AGAIN_S = 1.0
_CHUNK = 1 << 18


class _Ear:
    """One connection: bytes in, keyframes out."""

    def __init__(self, camera: str, sock: socket.socket) -> None:
        self.camera = camera
        self.sock = sock
        self._bytes = bytearray()
        self._info: StreamInfo | None = None

    def hear(self, raw: bytes) -> list[Tapped]:
        """The pictures that `raw` completes. Raises OSError for what is no recorder's."""
        self._bytes += raw
        found = []
        while len(self._bytes) >= HEAD.size:
            kind, flags, length = HEAD.unpack_from(self._bytes)
            if length > _MOST:
                raise OSError(f"a message of {length} bytes is none of a recorder's")
            if len(self._bytes) < HEAD.size + length:
                break
            body = bytes(self._bytes[HEAD.size : HEAD.size + length])
            del self._bytes[: HEAD.size + length]
            if kind == INFO:
                self._info = info_of(body)
            elif kind == PACKET and self._info is not None:
                t, dts, duration, wall_us = PICTURE.unpack_from(body)
                keyframe, disposable = bool(flags & KEYFRAME), bool(flags & DISPOSABLE)
                packet = CameraPacket(t, dts, duration, body[PICTURE.size :], keyframe, disposable, self._info)
                found.append(Tapped(packet, wall_us))
        return found


class Taps:
    """The taps of some cameras. `connected` is called when a connection is there."""

    def __init__(self, folder: Path, cameras: list[str], connected: Callable[[str], None]) -> None:
        self._folder = folder
        self._connected = connected
        self._selector = selectors.DefaultSelector()
        self._again = dict.fromkeys(cameras, 0.0)

    def turn(self, now: float, wait_s: float) -> list[tuple[str, Tapped]]:
        """Connect where it is due (`now`: monotonic seconds) and return the keyframes that come within `wait_s`."""
        for camera, due in list(self._again.items()):
            if now >= due:
                self._connect(camera, now)
        found: list[tuple[str, Tapped]] = []
        for key, _ in self._selector.select(wait_s):
            ear: _Ear = key.data
            found += [(ear.camera, one) for one in self._read(ear, now) if one.packet.keyframe]
        return found

    def close(self) -> None:
        """Let go of all."""
        for key in list(self._selector.get_map().values()):
            key.data.sock.close()
        self._selector.close()

    def _connect(self, camera: str, now: float) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(1.0)
            with short_path(self._folder) as short:
                sock.connect(str(short / f"{camera}.sock"))
            sock.sendall(b"keyframes\n")
            sock.setblocking(False)
        except OSError:
            sock.close()
            self._again[camera] = now + AGAIN_S
            return
        del self._again[camera]
        self._selector.register(sock, selectors.EVENT_READ, _Ear(camera, sock))
        self._connected(camera)

    def _read(self, ear: _Ear, now: float) -> list[Tapped]:
        try:
            raw = ear.sock.recv(_CHUNK)
            if not raw:
                raise OSError("the recorder ended")
            return ear.hear(raw)
        except BlockingIOError:
            return []
        except (OSError, ValueError) as error:
            log.info("%s: its recorder is gone (%s)", ear.camera, error)
            self._selector.unregister(ear.sock)
            with contextlib.suppress(OSError):
                ear.sock.close()
            self._again[ear.camera] = now + AGAIN_S
            return []


__all__ = ["AGAIN_S", "Taps"]
