"""The virtual cameras of a benchmark: RTSP (RFC 2326) over TCP, many mounts over a few encoded streams, one thread.

    python -m sightline.bench.camera_server PLAN.json

The plan holds `port`, `epoch` (Unix s) and `mounts`: `path`, `folder` (of a composed stream), `offset` (frames). Every
mount has one programme for all who watch, as a camera has: at Unix second T it shows frame (T - epoch) * fps + offset
of its loop. A viewer who comes begins at the next keyframe. GStreamer's server takes a sixth of a two-core machine for
56 cameras, and what it takes the box that is measured cannot have; this one takes a fortieth.
"""

import heapq
import json
import re
import secrets
import selectors
import socket
import struct
import sys
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

from sightline.bench.reel import CLOCK, Reel

#: A viewer who leaves so many bytes lying is sent away.
MOST_WAITING = 16_000_000
#: Sender reports (RFC 3550): so often [s]; NTP counts seconds from 1900.
_REPORT_S, _NTP = 5.0, 2_208_988_800
_MOST_ASKED = 65_536
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
_BODY = re.compile(rb"\r\ncontent-length:\s*(\d{1,5})", re.IGNORECASE)


class Mount:
    """One camera."""

    def __init__(self, reel: Reel, epoch: float, offset: int) -> None:
        self.reel, self.epoch, self.offset = reel, epoch, offset

    def next_key(self, now: float) -> int:
        """The number of the next keyframe to be shown after Unix second `now`."""
        return self.reel.next_key(int((now - self.epoch) * self.reel.fps) + self.offset + 1)

    def due(self, number: int) -> float:
        """When frame `number` is taken, Unix s."""
        return self.epoch + (number - self.offset) / self.reel.fps


class Viewer:
    """One connection: its requests, what it is shown, and what it has not yet taken."""

    def __init__(self, sock: socket.socket, mounts: dict[str, Mount]) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_000_000)
        self.socket = sock
        self.mount: Mount | None = None
        self.number = 0
        self.waiting: deque[memoryview] = deque()
        self._mounts = mounts
        self._asked = b""
        self._session = secrets.token_hex(8)
        self._sequence, self._ticks = secrets.randbelow(65_536), secrets.randbelow(1 << 32)
        self._first = 0
        self._packets = self._bytes = 0
        self._reported = 0.0

    def hear(self, data: bytes) -> bool:
        """Answer what has come; False when the viewer has gone. Receiver reports are passed over."""
        self._asked += data
        while self._asked:
            if self._asked[0] == 0x24:
                size = 4 + int.from_bytes(self._asked[2:4], "big")
                if len(self._asked) < max(size, 4):
                    break
                self._asked = self._asked[size:]
                continue
            head, end, rest = self._asked.partition(b"\r\n\r\n")
            body = int(found[1]) if (found := _BODY.search(head)) else 0
            if not end or len(rest) < body:
                break
            self._asked = rest[body:]
            if not self._answer(head.decode("utf-8", "replace")):
                return False
        return len(self._asked) < _MOST_ASKED

    def show(self) -> None:
        """Send the picture that is due, with a sender report now and then."""
        assert self.mount is not None
        reel, due = self.mount.reel, self.mount.due(self.number)
        ticks = (self._ticks + (self.number - self._first) * CLOCK // reel.fps) % (1 << 32)
        if due - self._reported >= _REPORT_S:
            self._reported = due
            self._send(self._report(due, ticks))
        unit = reel.framed(self.number)
        self._send(unit.stamped(self._sequence, ticks))
        self._sequence = (self._sequence + len(unit.at)) % 65_536
        self._packets += len(unit.at)
        self._bytes += len(unit.raw) - 16 * len(unit.at)
        self.number += 1

    def flush(self) -> None:
        """Give what waits to the connection, as much as it takes. Raises OSError when it is gone."""
        while self.waiting:
            try:
                sent = self.socket.send(self.waiting[0])
            except BlockingIOError:
                break
            if sent < len(self.waiting[0]):
                self.waiting[0] = self.waiting[0][sent:]
            else:
                self.waiting.popleft()
        if sum(map(len, self.waiting)) > MOST_WAITING:
            raise ConnectionError("it does not take what it asked for")

    def _send(self, data: bytes | bytearray) -> None:
        self.waiting.append(memoryview(data))
        self.flush()

    def _answer(self, head: str) -> bool:
        lines = head.split("\r\n")
        method, address = [*lines[0].split(" "), "", ""][:2]
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        sequence = fields.get("cseq", "0")
        mount = self._mounts.get(urlsplit(address).path.removesuffix("/").removesuffix("/video"))
        if method == "OPTIONS":
            self._reply(sequence, f"Public: {', '.join(_METHODS)}")
        elif method not in _METHODS:
            self._reply(sequence, status="501 Not Implemented")
        elif mount is None:
            self._reply(sequence, status="404 Not Found")
        elif method == "DESCRIBE":
            told = mount.reel.description(address)
            self._reply(sequence, f"Content-Base: {address}/", "Content-Type: application/sdp", body=told)
        elif method == "SETUP" and "TCP" not in fields.get("transport", ""):
            self._reply(sequence, status="461 Unsupported Transport")
        elif method == "SETUP":
            self._reply(sequence, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", self._named())
        elif method == "PLAY":
            self._reply(sequence, self._named(), "Range: npt=now-")
            self._begin(mount)
        else:
            self._reply(sequence, self._named())
        return method != "TEARDOWN"

    def _named(self) -> str:
        return f"Session: {self._session};timeout=60"

    def _begin(self, mount: Mount) -> None:
        if self.mount is None:
            self.mount = mount
            self._first = self.number = mount.next_key(time.time())

    def _reply(self, sequence: str, *fields: str, status: str = "200 OK", body: str = "") -> None:
        raw = body.encode("utf-8")
        lines = [f"RTSP/1.0 {status}", f"CSeq: {sequence}", *fields]
        lines += [f"Content-Length: {len(raw)}"] if raw else []
        self._send("\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + raw)

    def _report(self, due: float, ticks: int) -> bytes:
        assert self.mount is not None
        stamp = int(due) + _NTP, int(due % 1 * (1 << 32))
        words = [word % (1 << 32) for word in (self.mount.reel.ssrc, *stamp, ticks, self._packets, self._bytes)]
        report = struct.pack(">BBH6I", 0x80, 200, 6, *words)
        return struct.pack(">BBH", 0x24, 1, len(report)) + report


class Cameras:
    """All mounts behind one port of the loopback."""

    def __init__(self, port: int, mounts: dict[str, Mount]) -> None:
        """Raises OSError when the port is taken."""
        self._mounts = mounts
        self._door = socket.create_server(("127.0.0.1", port), backlog=128)
        self._door.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ, None)
        self._due: list[tuple[float, int, Viewer]] = []
        self._count = 0

    def run(self) -> None:
        """Until the process ends."""
        while True:
            left = self._due[0][0] - time.time() if self._due else None
            for key, events in self._selector.select(left if left is None else max(0.0, left)):
                if key.data is None:
                    self._open()
                else:
                    self._serve(key.data, events)
            while self._due and self._due[0][0] <= time.time():
                self._show(heapq.heappop(self._due)[2])

    def _open(self) -> None:
        try:
            sock, _ = self._door.accept()
        except OSError:
            return
        viewer = Viewer(sock, self._mounts)
        self._selector.register(sock, selectors.EVENT_READ, viewer)

    def _serve(self, viewer: Viewer, events: int) -> None:
        watched = viewer.mount
        try:
            if events & selectors.EVENT_READ:
                data = viewer.socket.recv(65_536)
                if not data or not viewer.hear(data):
                    self._close(viewer)
                    return
            viewer.flush()
        except OSError:
            self._close(viewer)
            return
        self._listen(viewer)
        if watched is None and viewer.mount is not None:
            self._next(viewer, viewer.mount)

    def _show(self, viewer: Viewer) -> None:
        if viewer.mount is None or viewer.socket.fileno() < 0:
            return
        try:
            viewer.show()
        except OSError:
            self._close(viewer)
            return
        self._listen(viewer)
        self._next(viewer, viewer.mount)

    def _next(self, viewer: Viewer, mount: Mount) -> None:
        self._count += 1
        heapq.heappush(self._due, (mount.due(viewer.number), self._count, viewer))

    def _listen(self, viewer: Viewer) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if viewer.waiting else 0)
        if self._selector.get_key(viewer.socket).events != events:
            self._selector.modify(viewer.socket, events, viewer)

    def _close(self, viewer: Viewer) -> None:
        self._selector.unregister(viewer.socket)
        viewer.socket.close()


def main() -> int:
    """Serve until killed; writes `listening` on standard output. Exit status 1 when the port is taken."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    reels: dict[str, Reel] = {}
    mounts: dict[str, Mount] = {}
    for one in plan["mounts"]:
        folder = str(one["folder"])
        if folder not in reels:
            reels[folder] = Reel(Path(folder), secrets.randbelow(1 << 32))
        mounts[str(one["path"])] = Mount(reels[folder], float(plan["epoch"]), int(one["offset"]))
    try:
        cameras = Cameras(int(plan["port"]), mounts)
    except OSError:
        sys.stderr.write(f"127.0.0.1:{plan['port']}: the cameras cannot listen there - free the port\n")
        return 1
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    cameras.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
