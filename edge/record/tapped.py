"""Reads a camera's packets from its recorder (`edge.record.tap`): pictures as they are recorded, masks painted."""

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.cameras.packets import DIGEST, CameraPacket, Origin, StreamInfo
from edge.record.tap import DISPOSABLE, HEAD, INFO, KEYFRAME, ORIGIN, PACKET, PICTURE, short_path

#: More than this is no picture of ours. Bytes.
_MOST = 64_000_000


@dataclass(frozen=True, slots=True)
class Tapped:
    """One picture and the wall clock (Unix microseconds) at which it is shown."""

    packet: CameraPacket
    wall_us: int


class TapReader:
    """One connection to a camera's tap. A recorder that ends or is not there raises OSError; connect again then."""

    def __init__(self, folder: Path, camera: str, want: Literal["all", "keyframes"], timeout_s: float = 10.0) -> None:
        """`timeout_s`: silence after which `TimeoutError` (an OSError) is raised. Raises OSError."""
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._sock.settimeout(timeout_s)
            with short_path(folder) as short:
                self._sock.connect(str(short / f"{camera}.sock"))
            self._sock.sendall(f"{want}\n".encode())
        except OSError:
            self._sock.close()
            raise
        self._file = self._sock.makefile("rb", buffering=1 << 16)
        self._info: StreamInfo | None = None
        self._origin: Origin | None = None

    def pictures(self) -> Iterator[Tapped]:
        """Pictures as they come, from a keyframe on; a new `info` begins with a keyframe. Raises OSError at the end."""
        while True:
            kind, flags, length = HEAD.unpack(self._exactly(HEAD.size))
            if length > _MOST:
                raise OSError(f"a message of {length} bytes is none of a recorder's")
            body = self._exactly(length)
            if kind == INFO:
                self._info = info_of(body)
            elif kind == ORIGIN:
                self._origin = Origin(body[:DIGEST], body[DIGEST:])
            elif kind == PACKET and self._info is not None:
                t, dts, duration, wall_us = PICTURE.unpack_from(body)
                keyframe, disposable = bool(flags & KEYFRAME), bool(flags & DISPOSABLE)
                data, origin = body[PICTURE.size :], self._origin
                self._origin = None
                packet = CameraPacket(t, dts, duration, data, keyframe, disposable, self._info, origin)
                yield Tapped(packet, wall_us)

    def close(self) -> None:
        """Let go; also from another thread, which ends a `pictures` that waits."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _exactly(self, length: int) -> bytes:
        data: bytes = self._file.read(length)
        if len(data) < length:
            raise OSError("the recorder ended")
        return data


def info_of(body: bytes) -> StreamInfo:
    """What `edge.record.tap.info_message` wrote. Raises ValueError or TypeError for anything else."""
    said = json.loads(body)
    extradata = bytes.fromhex(said.pop("extradata")) if said.get("extradata") is not None else said.pop("extradata")
    return StreamInfo(extradata=extradata, **said)


__all__ = ["TapReader", "Tapped", "info_of"]
