"""The network of the fault campaign: TCP lines that can be cut, stalled, delayed, torn, doubled and played again.

TCP itself neither loses, doubles nor reorders bytes within a connection, so none of that is made up here. What a
network does to TCP is done: no bytes for a while, late bytes, a reset between any two bytes. Doubles come from those
who send again, so they are made where a client or a box in the middle would make them: a whole MQTT PUBLISH goes twice
(at once, or an earlier one once more), and a whole connection's bytes are sent again over a new one.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.chaos_mqtt import Packets, carries_message, sent_again

_CHUNK = 65_536
#: So much of the beginning of a connection is kept to be played again, of so many connections.
_RECORDED_BYTES, _RECORDED = 300_000, 4
#: A connection that is played again is read from for so long; s.
_PLAY_S = 1.0
#: One message in so many is an earlier one once more, among those that are doubled.
_LATE_SHARE, _RECENT = 0.3, 64


class Proxy:
    """All lines, in one thread of their own. `counted` says what was done to them."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.counted: Counter[str] = Counter()
        self._lines: list[Line] = []
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def line(self, name: str, upstreams: list[int], *, mqtt: bool = False) -> "Line":
        """A port of 127.0.0.1 that leads to the first of the ports `upstreams` that takes the connection."""
        made = Line(name, upstreams, mqtt, self.counted, self.loop)
        asyncio.run_coroutine_threadsafe(made.listen(), self.loop).result(10)
        self._lines.append(made)
        return made

    def close(self) -> None:
        """End all of them."""

        async def end() -> None:
            for line in self._lines:
                line.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=5)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@dataclass(eq=False)
class _Connection:
    """One connection through a line: both its ends, and what its client has sent."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    sent: bytearray = field(default_factory=bytearray)

    def reset(self) -> None:
        """As a machine does that knows nothing of the connection (RST)."""
        for writer in (self.client, self.server):
            line = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Line:
    """One line. Every fault may be set from any thread; `name` is what the schedule calls it."""

    def __init__(
        self, name: str, upstreams: list[int], mqtt: bool, counted: Counter[str], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.name, self.mqtt, self.port = name, mqtt, 0
        self._upstreams, self._counted, self._loop = upstreams, counted, loop
        self._turn = 0
        self._connections: set[_Connection] = set()
        self._recorded: deque[bytes] = deque(maxlen=_RECORDED)
        self._open = asyncio.Event()
        self._open.set()
        self._is_cut = self._tear = False
        self._delay = self._doubled = 0.0
        self._dice = random.Random(name)
        self._playing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    # -- what a fault does -------------------------------------------------------------------------------------------

    def cut(self, on: bool) -> None:
        """Every connection is reset, and none comes about, while it is on."""

        def do() -> None:
            self._is_cut = on
            for one in list(self._connections) if on else []:
                self._counted["connections cut"] += 1
                one.reset()

        self._soon(do)

    def stall(self, on: bool) -> None:
        """Nothing passes while it is on, and nobody is told."""
        self._soon(self._open.clear if on else self._open.set)

    def delay(self, seconds: float) -> None:
        """What passes takes up to so long."""
        self._soon(lambda: setattr(self, "_delay", seconds))

    def tear(self) -> None:
        """The next bytes pass by half, then the connection is reset."""
        self._soon(lambda: setattr(self, "_tear", True))

    def double(self, share: float) -> None:
        """Of the MQTT messages that pass in either direction such a share goes twice."""
        self._soon(lambda: setattr(self, "_doubled", share))

    def play_again(self) -> None:
        """What a client sent over a connection is sent once more, over a new one."""

        def do() -> None:
            records = [*self._recorded, *(bytes(one.sent) for one in self._connections if one.sent)]
            if records:
                task = self._loop.create_task(self._play(self._dice.choice(records)))
                self._playing.add(task)
                task.add_done_callback(self._playing.discard)

        self._soon(do)

    # -- the proxy's thread ------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take connections at `port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no more, and reset those that are there."""
        self._open.set()
        if self._server is not None:
            self._server.close()
        for one in list(self._connections):
            one.reset()

    def _soon(self, do: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(do)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = None if self._is_cut else await self._reach()
        if far is None:
            writer.transport.abort()
            return
        connection = _Connection(writer, far[1])
        self._connections.add(connection)
        ways = [
            self._loop.create_task(self._pass(connection, reader, far[1], upward=True)),
            self._loop.create_task(self._pass(connection, far[0], writer, upward=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._connections.discard(connection)
            if connection.sent:
                self._recorded.append(bytes(connection.sent))
            writer.close()
            far[1].close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next upstream that takes one, in turn, as a load balancer does."""
        for _ in self._upstreams:
            self._turn += 1
            port = self._upstreams[self._turn % len(self._upstreams)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pass(
        self, connection: _Connection, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, upward: bool
    ) -> None:
        packets = Packets() if self.mqtt else None
        recent: deque[bytes] = deque(maxlen=_RECENT)
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if self._delay:
                    await asyncio.sleep(self._dice.uniform(0, self._delay))
                await self._open.wait()
                if upward and len(connection.sent) < _RECORDED_BYTES:
                    connection.sent += data
                pieces = packets.feed(data) if packets else [data]
                if self._tear and pieces:
                    await self._torn(connection, target, b"".join(pieces))
                    return
                for piece in pieces:
                    target.write(piece)
                    if packets and carries_message(piece):
                        self._doubles(target, piece, recent)
                await target.drain()

    async def _torn(self, connection: _Connection, target: asyncio.StreamWriter, data: bytes) -> None:
        self._tear = False
        self._counted["connections torn"] += 1
        target.write(data[: self._dice.randrange(len(data))])
        await target.drain()
        connection.reset()

    def _doubles(self, target: asyncio.StreamWriter, packet: bytes, recent: deque[bytes]) -> None:
        recent.append(packet)
        if self._dice.random() < self._doubled:
            self._counted["MQTT messages doubled"] += 1
            target.write(sent_again(packet))
            if self._dice.random() < _LATE_SHARE:
                target.write(sent_again(self._dice.choice(recent)))

    async def _play(self, record: bytes) -> None:
        far = await self._reach()
        if far is None:
            return
        self._counted["connections played again"] += 1
        with contextlib.suppress(OSError, TimeoutError):
            far[1].write(record)
            async with asyncio.timeout(_PLAY_S):
                while await far[0].read(_CHUNK):
                    pass
        far[1].close()
