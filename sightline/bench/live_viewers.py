"""The viewers of `sightline bench live` in one process: `python -m sightline.bench.live_viewers PORT PATH`.

Standard input: a line of JSON, a cookie for each viewer. Each opens a WebSocket as a browser does, takes every picture
at once and looks at its head alone: this process is to leave the processor to central. `ready` is written when every
one has its first picture; for each number of seconds that comes then, what came in them. They watch until the end.
"""

import base64
import json
import os
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contract.livestream import FRAGMENT, HEAD

#: Nobody's first picture comes later than this, s.
_PATIENCE_S = 60.0
_TEXT, _BINARY, _CLOSE = 1, 2, 8


@dataclass
class Viewer:
    """One line. `late`: how old each picture was when it came, s."""

    socket: socket.socket
    held: bytearray = field(default_factory=bytearray)
    begun: bool = False
    pictures: int = 0
    taken: int = 0
    late: list[float] = field(default_factory=list)
    said: str = ""

    def take(self, data: bytes) -> None:
        """What has come. Raises ConnectionError when central ends it."""
        self.held += data
        self.taken += len(data)
        if not self.begun:
            head, end, rest = bytes(self.held).partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.partition(b"\r\n")[0].decode())
            self.begun, self.held = True, bytearray(rest)
        at = 0
        while (end_of := self._end(at)) is not None:
            begin, until = end_of
            self._frame(self.held[at] & 15, begin, until)
            at = until
        del self.held[:at]

    def _end(self, at: int) -> tuple[int, int] | None:
        """Where the payload of the frame at `at` begins and ends (RFC 6455 5.2; a server does not mask)."""
        held = self.held
        if len(held) < at + 2:
            return None
        size, begin = held[at + 1] & 127, at + 2
        more = {126: 2, 127: 8}.get(size, 0)
        if len(held) < begin + more:
            return None
        if more:
            size, begin = int.from_bytes(held[begin : begin + more], "big"), begin + more
        return (begin, begin + size) if len(held) >= begin + size else None

    def _frame(self, kind: int, begin: int, end: int) -> None:
        if kind == _CLOSE:
            raise ConnectionError(f"central closed it: {self.said}")
        if kind == _TEXT:
            self.said = self.held[begin:end].decode()
        elif kind == _BINARY:
            what, _, wall_us = HEAD.unpack_from(self.held, begin)
            if what == FRAGMENT:
                self.pictures += 1
                self.late.append(time.time() - wall_us / 1e6)


def opened(port: int, path: str, cookie: str) -> Viewer:
    """A viewer who has said hello."""
    line = socket.create_connection(("127.0.0.1", port), 20)
    key = base64.b64encode(os.urandom(16)).decode()
    hello = (
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        f"Origin: http://127.0.0.1:{port}", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
        f"Cookie: {cookie}", "", "",
    )  # fmt: skip
    line.sendall("\r\n".join(hello).encode())
    line.setblocking(False)
    return Viewer(line)


class Crowd:
    """All viewers, who watch until the one that drives them goes."""

    def __init__(self, port: int, path: str, cookies: list[str]) -> None:
        self._every = [opened(port, path, cookie) for cookie in cookies]
        self._selector = selectors.DefaultSelector()
        for one in self._every:
            self._selector.register(one.socket, selectors.EVENT_READ, one)
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)

    def wait(self) -> None:
        """Until everybody has a picture. Raises ConnectionError."""
        end = time.monotonic() + _PATIENCE_S
        while not all(one.pictures for one in self._every):
            if time.monotonic() > end:
                raise ConnectionError(f"no picture came: {next(one.said for one in self._every if not one.pictures)}")
            self._turn()

    def ordered(self) -> float | None:
        """So many seconds are to be measured; None when nobody is there to tell us any more."""
        while not self._turn():
            pass
        line = sys.stdin.readline()
        return float(line) if line else None

    def measure(self, seconds: float) -> dict[str, Any]:
        """What came, and how late. Raises ConnectionError when central ends a line."""
        for one in self._every:
            one.pictures, one.taken, one.late = 0, 0, []
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            self._turn()
        took = time.monotonic() - begun
        late = np.percentile([one for viewer in self._every for one in viewer.late] or [0.0], [50, 95, 99])
        pictures = [one.pictures for one in self._every]
        return {
            "viewers": len(self._every),
            "seconds": round(took, 2),
            "pictures_a_second": {"least": round(min(pictures) / took, 2), "most": round(max(pictures) / took, 2)},
            "mbit_s": round(sum(one.taken for one in self._every) * 8 / took / 1e6, 1),
            "late_s": {name: round(float(value), 3) for name, value in zip(("p50", "p95", "p99"), late, strict=True)},
        }

    def _turn(self) -> bool:
        """Take what is there; whether somebody tells us something."""
        told = False
        for key, _ in self._selector.select(0.1):
            if key.data is None:
                told = True
                continue
            data = key.fileobj.recv(262_144)  # type: ignore[union-attr]
            if not data:
                raise ConnectionError(f"central hung up: {key.data.said}")
            key.data.take(data)
        return told


def main() -> int:
    """Watch. Exit status 1 when central ends a line, or somebody never has a picture."""
    try:
        crowd = Crowd(int(sys.argv[1]), sys.argv[2], json.loads(sys.stdin.readline()))
        crowd.wait()
        _told({"ready": True})
        while (seconds := crowd.ordered()) is not None:
            _told(crowd.measure(seconds))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _told(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
