"""Hands out what a recorder takes: other parts of the box see a camera's packets without a connection of their own.

A socket a camera below `run/taps`. Who connects says in one line what it wants (`all`, or `keyframes`) and is sent the
pictures since the last keyframe, then each as it comes. Recording never waits for anybody: who does not read fast
enough loses pictures up to the next keyframe. What goes in here is what is recorded, so privacy masks are painted.
"""

import contextlib
import json
import logging
import os
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge.cameras.packets import CameraPacket, Origin, StreamInfo

log = logging.getLogger("sightline.recorder")
#: kind, flags, length of what follows; then of a picture t, dts, duration (s) and its wall clock (Unix us).
HEAD: Final = struct.Struct(">BBI")
PICTURE: Final = struct.Struct(">dddq")
INFO, PACKET, ORIGIN = 1, 2, 3
KEYFRAME, DISPOSABLE = 1, 2
#: A reader may be behind by so much; more is dropped up to the next keyframe. Bytes.
BEHIND: Final = 4_000_000
#: Pictures since the last keyframe are kept for who comes late, up to this. Bytes.
KEPT: Final = 1_500_000
_WANTS = {b"all\n": False, b"keyframes\n": True}


class _Reader:
    """One connection. Written by cameras' threads under the tap's lock, emptied by the tap's thread."""

    def __init__(self, sock: socket.socket, camera: str) -> None:
        self.sock = sock
        self.camera = camera
        self.keyframes: bool | None = None
        self.waiting: deque[bytes] = deque()
        self.bytes = 0
        self.epoch = -1
        self.starved = True

    def offer(self, info: bytes, epoch: int, message: bytes, *, keyframe: bool) -> None:
        """Queue one picture, with what it needs before it, unless the reader is behind."""
        if self.keyframes and not keyframe:
            return
        if self.bytes + len(message) > BEHIND:
            self.starved = True
        if self.starved and not (keyframe and self.bytes + len(message) <= BEHIND):
            return
        self.starved = False
        if epoch != self.epoch:
            self.epoch = epoch
            self._put(info)
        self._put(message)

    def _put(self, message: bytes) -> None:
        self.waiting.append(message)
        self.bytes += len(message)


class _Camera:
    """What is kept of one camera for who comes late."""

    def __init__(self) -> None:
        self.info = b""
        self.epoch = -1
        self.group: list[tuple[bytes, bool]] = []
        self.bytes = 0

    def keep(self, packet: CameraPacket, message: bytes) -> None:
        """Keep the pictures since the last keyframe; of a group that is too large its keyframe alone."""
        if packet.info.epoch != self.epoch or not self.info:
            self.info, self.epoch = info_message(packet.info), packet.info.epoch
            self.group, self.bytes = [], 0
        if packet.keyframe:
            self.group, self.bytes = [(message, True)], len(message)
        elif self.group and self.bytes <= KEPT:
            self.group.append((message, False))
            self.bytes += len(message)
            if self.bytes > KEPT:
                del self.group[1:]


class Tap:
    """The sockets of one recorder's cameras. `give` is called by their threads and never waits."""

    def __init__(self, folder: Path, cameras: list[str]) -> None:
        """Raises OSError when the sockets cannot be made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._cameras = {name: _Camera() for name in cameras}
        self._readers: dict[str, list[_Reader]] = {name: [] for name in cameras}
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_r, selectors.EVENT_READ, None)
        self._doors: list[socket.socket] = []
        with short_path(folder) as short:
            for name in cameras:
                self._open(short / f"{name}.sock", name)
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)

    def start(self) -> None:
        """Start its thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything; who reads sees the end."""
        self._ended = True
        self._wake()
        self._thread.join(2.0)

    def give(self, camera: str, packet: CameraPacket, wall_us: int) -> None:
        """One picture of `camera`, shown at `wall_us` (Unix microseconds)."""
        known = self._cameras[camera]
        message = picture_message(packet, wall_us)
        with self._lock:
            known.keep(packet, message)
            readers = self._readers[camera]
            for reader in readers:
                if reader.keyframes is not None:
                    reader.offer(known.info, known.epoch, message, keyframe=packet.keyframe)
            some = any(reader.waiting for reader in readers)
        if some:
            self._wake()

    def watched(self, camera: str) -> bool:
        """Whether somebody reads every picture of `camera`, and not its keyframes alone."""
        return any(reader.keyframes is False for reader in self._readers[camera])

    # -- the tap's own thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select(1.0):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_r, 4096)
                elif isinstance(key.data, str):
                    self._accept(key.fileobj, key.data)
                else:
                    self._asked(key.data)
            for readers in list(self._readers.values()):
                for reader in [one for one in readers if one.waiting]:
                    self._send(reader)
        for door in self._doors:
            door.close()
        for readers in self._readers.values():
            for reader in readers:
                reader.sock.close()
        self._selector.close()

    def _accept(self, door: object, camera: str) -> None:
        assert isinstance(door, socket.socket)
        try:
            sock, _ = door.accept()
        except OSError as error:
            log.warning("%s: a reader could not be let in (%s)", camera, error.strerror)
            return
        sock.setblocking(False)
        reader = _Reader(sock, camera)
        with self._lock:
            self._readers[camera].append(reader)
        self._selector.register(sock, selectors.EVENT_READ, reader)

    def _asked(self, reader: _Reader) -> None:
        """The reader says what it wants, or goes."""
        try:
            said = reader.sock.recv(64)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if reader.keyframes is not None or said not in _WANTS:
            self._let_go(reader)
            return
        known = self._cameras[reader.camera]
        with self._lock:
            reader.keyframes = _WANTS[said]
            for message, keyframe in known.group:
                reader.offer(known.info, known.epoch, message, keyframe=keyframe)

    def _send(self, reader: _Reader) -> None:
        try:
            while reader.waiting:
                sent = reader.sock.send(reader.waiting[0])
                with self._lock:
                    head = reader.waiting.popleft()
                    reader.bytes -= sent
                    if sent < len(head):
                        reader.waiting.appendleft(head[sent:])
                if sent < len(head):
                    break
        except BlockingIOError:
            pass
        except OSError:
            self._let_go(reader)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if reader.waiting else 0)
        if self._selector.get_key(reader.sock).events != wanted:
            self._selector.modify(reader.sock, wanted, reader)

    def _let_go(self, reader: _Reader) -> None:
        with self._lock:
            self._readers[reader.camera].remove(reader)
        self._selector.unregister(reader.sock)
        reader.sock.close()

    def _open(self, path: Path, camera: str) -> None:
        path.unlink(missing_ok=True)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._doors.append(door)
        door.setblocking(False)
        door.bind(str(path))
        door.listen(8)
        self._selector.register(door, selectors.EVENT_READ, camera)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_w, b"x")


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[Path]:
    """Another name of `folder`: a socket's path may have 107 bytes only (unix(7)), a data_dir's may have more."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def info_message(info: StreamInfo) -> bytes:
    """What a decoder must know, as a message."""
    said = {
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "extradata": info.extradata.hex() if info.extradata is not None else None,
        "rate": info.rate,
        "reorder": info.reorder,
        "epoch": info.epoch,
        "masked": info.masked,
    }
    body = json.dumps(said).encode()
    return HEAD.pack(INFO, 0, len(body)) + body


def picture_message(packet: CameraPacket, wall_us: int) -> bytes:
    """One picture as a message."""
    flags = (KEYFRAME if packet.keyframe else 0) | (DISPOSABLE if packet.disposable else 0)
    head = HEAD.pack(PACKET, flags, PICTURE.size + len(packet.data))
    before = () if packet.origin is None else (_origin_message(packet.origin),)
    return b"".join((*before, head, PICTURE.pack(packet.t, packet.dts, packet.duration, wall_us), packet.data))


def _origin_message(origin: Origin) -> bytes:
    """What the next picture was before it was encoded again: digest and sample."""
    return HEAD.pack(ORIGIN, 0, len(origin.digest) + len(origin.sample)) + origin.digest + origin.sample


__all__ = [
    "DISPOSABLE",
    "HEAD",
    "INFO",
    "KEYFRAME",
    "ORIGIN",
    "PACKET",
    "PICTURE",
    "Tap",
    "info_message",
    "picture_message",
    "short_path",
]
