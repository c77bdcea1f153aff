"""The inference service: one process looks for all cameras of a box.

    python -m edge.detect.service --socket /run/sightline/detect.sock --model PACKAGE [--backend openvino]
                                  [--threads N] [--lanes N] [--exit-with-parent]

Standard output carries one line, `ready`, when looks are answered. SIGTERM and SIGINT end it cleanly. A client that
dies takes its memory and its waiting looks with it; see `edge.detect.wire` for who owns what.
"""

import argparse
import asyncio
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contract.errors import ModelError, RunError, SightlineError
from contract.events import ModelRef
from edge.detect import wire
from edge.detect.engine import Engine
from edge.detect.fair import FairQueue
from edge.frames import Detections

log = structlog.get_logger("edge.detect")
SLOTS_PER_CLIENT = 2


class CameraCount(BaseModel):
    """What one camera had of the service since it started."""

    model_config = ConfigDict(extra="forbid")

    looks: int = 0
    refused: int = 0
    waited_s: float = 0.0


class Stats(BaseModel):
    """Figures for `/metrics`: counts since the start, queue and its oldest look now, cpu seconds of the process."""

    model_config = ConfigDict(extra="forbid")

    model: ModelRef
    pid: int
    up_s: float
    cpu_s: float
    clients: int
    looks: int
    failed: int
    queued: int
    oldest_s: float
    cameras: dict[str, CameraCount]


@dataclass(slots=True, eq=False)
class _Client:
    """One connection: the owner of its slots."""

    key: str
    camera_id: str
    urgent: bool
    generation: int
    slots: wire.Slots
    out: asyncio.StreamWriter
    busy: set[int]


@dataclass(frozen=True, slots=True)
class _Job:
    client: _Client
    look: wire.Look
    since: float


class Service:
    """Answers looks of many clients with one engine."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine, self._path = engine, path
        self._queue: FairQueue[_Job] = FairQueue(SLOTS_PER_CLIENT)
        self._clients: dict[str, _Client] = {}
        self._generation = 0
        self._running = 0
        self._looks = self._failed = 0
        self._counts: dict[str, CameraCount] = {}
        self._born = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises RunError when another service answers at the path."""
        self._loop = asyncio.get_running_loop()
        listener = _listen(self._path)
        identity = self._path.stat().st_ino
        accepting = asyncio.create_task(self._accept(listener))
        print("ready", flush=True)  # noqa: T201  the supervisor waits for this line
        log.info("looking", model=self._engine.model.name, sha256=self._engine.model.sha256, socket=str(self._path))
        try:
            await stop.wait()
        finally:
            accepting.cancel()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(accepting, *self._tasks, return_exceptions=True)
            listener.close()
            if self._path.exists() and self._path.stat().st_ino == identity:
                self._path.unlink()

    def stats(self) -> Stats:
        """Figures as of now."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        now = time.monotonic()
        return Stats(
            model=self._engine.model,
            pid=os.getpid(),
            up_s=now - self._born,
            cpu_s=usage.ru_utime + usage.ru_stime,
            clients=len(self._clients),
            looks=self._looks,
            failed=self._failed,
            queued=len(self._queue),
            oldest_s=max((now - job.since for job in self._queue.all()), default=0.0),
            cameras=self._counts,
        )

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(listener)
            task = loop.create_task(self._serve(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: socket.socket) -> None:
        """One connection from its first message to its end."""
        reader, writer = await asyncio.open_connection(sock=peer)
        client: _Client | None = None
        try:
            first = await asyncio.wait_for(_receive(reader), 5)
            if first.get("op") == "stats":
                await _send(writer, self.stats())
                return
            client = await self._welcome(wire.Introduce.model_validate(first), peer, writer)
            while True:
                await self._look(client, wire.Look.model_validate(await _receive(reader)))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the other end went away; what it owned goes with it below
        except (ValueError, ValidationError) as error:
            log.warning("client speaks out of turn", error=str(error).splitlines()[0])
        finally:
            if client is not None:
                self._part(client)
            writer.close()

    async def _welcome(self, who: wire.Introduce, peer: socket.socket, writer: asyncio.StreamWriter) -> _Client:
        self._generation += 1
        size, count = self._engine.size, SLOTS_PER_CLIENT
        memory = wire.make_memory(count, size)
        try:
            slots = wire.Slots(memory, count, size)
            hello = wire.Hello(model=self._engine.model, size=size, slots=count, generation=self._generation)
            socket.send_fds(peer, [wire.pack(hello)], [memory])
        finally:
            os.close(memory)
        key = f"{who.camera_id}#{self._generation}"
        client = _Client(key, who.camera_id, who.urgent, self._generation, slots, writer, set())
        self._clients[key] = client
        self._counts.setdefault(who.camera_id, CameraCount())
        return client

    def _part(self, client: _Client) -> None:
        self._queue.drop(client.key)
        self._clients.pop(client.key, None)
        client.slots.close()

    async def _look(self, client: _Client, look: wire.Look) -> None:
        reason = self._objection(client, look)
        if reason is None and not self._queue.put(client.key, _Job(client, look, time.monotonic()), client.urgent):
            reason = f"{SLOTS_PER_CLIENT} pictures of this camera wait already"
        if reason is not None:
            self._counts[client.camera_id].refused += 1
            await _send(client.out, wire.Refused(id=look.id, reason=reason))
            return
        client.busy.add(look.slot)
        self._start()

    @staticmethod
    def _objection(client: _Client, look: wire.Look) -> str | None:
        if look.generation != client.generation:
            return f"generation {look.generation} is stale, this connection is {client.generation}"
        if look.slot >= SLOTS_PER_CLIENT:
            return f"slot {look.slot} is not one of {SLOTS_PER_CLIENT}"
        if look.slot in client.busy:
            return f"slot {look.slot} is being looked at"
        return None

    def _start(self) -> None:
        """Give the engine as much as it can run at once."""
        while self._running < self._engine.lanes and (job := self._queue.take()) is not None:
            self._running += 1
            try:
                self._engine.submit(job.client.slots[job.look.slot], self._hand_back(job))
            except ModelError as error:
                self._finish(job, error)

    def _hand_back(self, job: _Job) -> Any:
        loop = self._loop
        assert loop is not None

        def done(answer: Detections | Exception) -> None:
            loop.call_soon_threadsafe(self._finish, job, answer)

        return done

    def _finish(self, job: _Job, answer: Detections | Exception) -> None:
        self._running -= 1
        client, count = job.client, self._counts[job.client.camera_id]
        client.busy.discard(job.look.slot)
        count.waited_s += time.monotonic() - job.since
        if isinstance(answer, Exception):
            self._failed += 1
            reply: wire.Message = wire.Refused(id=job.look.id, reason=str(answer))
        else:
            self._looks += 1
            count.looks += 1
            reply = wire.seen_of(job.look.id, answer)
        if not client.out.is_closing():
            client.out.write(wire.pack(reply))
        self._start()


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    length = wire.body_length(await reader.readexactly(wire.HEAD.size))
    return wire.parse(await reader.readexactly(length))


async def _send(writer: asyncio.StreamWriter, message: BaseModel) -> None:
    raw = message.model_dump_json().encode()
    writer.write(wire.HEAD.pack(len(raw)) + raw)
    await writer.drain()


def _listen(path: Path) -> socket.socket:
    """A listening socket only this user may open; a socket left by a killed service is taken over."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(1)
                if probe.connect_ex(str(path)) == 0:
                    raise RunError(f"{path}: another inference service answers there - stop it first")
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise RunError(f"{path}: cannot listen there ({error}) - give another --socket") from error
    except RunError:
        listener.close()
        raise
    return listener


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m edge.detect.service", description=__doc__.splitlines()[0])
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to answer at")
    parser.add_argument("--model", type=Path, required=True, help="model package, see `sightline models list`")
    parser.add_argument("--backend", choices=("openvino", "ultralytics"), default="openvino")
    parser.add_argument("--threads", type=int, default=0, help="0: let the backend choose")
    parser.add_argument("--lanes", type=int, default=2, help="pictures looked at side by side")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the process that started it ends")
    return parser.parse_args(argv)


async def _serve(service: Service, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(service.run(stop))
    while not running.done():
        await asyncio.wait([running], timeout=1.0)
        if parent is not None and os.getppid() != parent:
            stop.set()
    await running


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service; the exit status is 2 for a bad package and 1 when it cannot serve."""
    from edge.detect.open import open_engine

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    options = _arguments(argv)
    parent = os.getppid() if options.exit_with_parent else None
    try:
        engine = open_engine(options.model, options.backend, options.threads, max(1, options.lanes))
        try:
            asyncio.run(_serve(Service(engine, options.socket), parent))
        finally:
            engine.close()
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
