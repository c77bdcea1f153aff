"""The work of the inference service: who is connected, whose picture is next, and what became of it.

Fair, bounded and aware of deadlines: `edge.detect.fair` says whose turn it is. A box that is too slow sheds by these
rules: a live look that would be answered after its deadline, or that a newer one of its camera overtook, is answered
`late` without being computed, and counted; a look without deadline (a replay) waits as long as it takes.

Pictures go to the network one by one, one thread each, as many side by side as there are cores. Batches were measured
and do not pay on CPUs (docs/models.md): the same cpu within 6 %, and every picture waits for the whole batch.
"""

import asyncio
import os
import resource
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from contract.errors import ModelError
from edge.detect import wire
from edge.detect.engine import Engine
from edge.detect.fair import FairQueue
from edge.detect.listening import listen, receive, send
from edge.detect.stats import CameraCount, Lateness, Stats
from edge.frames import Detections

log = structlog.get_logger("edge.detect")
SLOTS_PER_CLIENT = 2
#: A network that finishes nothing for this long, and for so many times its usual time, hangs.
STUCK_S, STUCK_TIMES = 5.0, 20.0


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


@dataclass(frozen=True, slots=True, eq=False)
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
        self._lateness = Lateness()
        self._told_slow = False
        self._per_look_s = 0.0
        self._moved = time.monotonic()
        self._counts: dict[str, CameraCount] = {}
        self._born = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises RunError when another service answers at the path."""
        self._loop = asyncio.get_running_loop()
        listener = listen(self._path)
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
            lanes=self._engine.lanes,
            instructions=self._engine.instructions,
            looks=self._looks,
            failed=self._failed,
            late=self._lateness.count,
            queued=len(self._queue),
            oldest_s=max((now - job.since for job in self._queue.all()), default=0.0),
            per_look_s=round(self._per_look_s, 5),
            shedding=self._lateness.cameras(now),
            cameras=self._counts,
        )

    def stuck(self) -> str | None:
        """Why this service is no longer worth waiting for; None while pictures go through, or none is asked for."""
        quiet = time.monotonic() - self._moved
        if self._running and quiet > max(STUCK_S, STUCK_TIMES * self._per_look_s):
            return f"{self._running} picture(s) are with the network, and none came back for {quiet:.1f} s"
        return None

    def tell(self) -> None:
        """Log, once each, that looks are passed over and that they no longer are."""
        now = time.monotonic()
        cameras, count = self._lateness.cameras(now), self._lateness.recent(now)
        if bool(cameras) != self._told_slow:
            self._told_slow = bool(cameras)
            if cameras:
                log.warning("this box is too slow, looks are passed over", cameras=cameras, late=count)
            else:
                log.info("the box keeps up again", late=self._lateness.count)

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
            first = await asyncio.wait_for(receive(reader), 5)
            if first.get("op") == "stats":
                await send(writer, self.stats())
                return
            client = await self._welcome(wire.Introduce.model_validate(first), peer, writer)
            while True:
                await self._look(client, wire.Look.model_validate(await receive(reader)))
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
        if reason is None:
            self._make_room(client)
            if not self._queue.put(client.key, _Job(client, look, time.monotonic()), client.urgent):
                reason = f"{SLOTS_PER_CLIENT} pictures of this camera wait already"
        if reason is not None:
            self._counts[client.camera_id].refused += 1
            await send(client.out, wire.Refused(id=look.id, reason=reason))
            return
        client.busy.add(look.slot)
        self._start()

    def _make_room(self, client: _Client) -> None:
        """The latest frame wins: live looks that wait are given up for one that comes. Replays wait their turn."""
        for job in self._queue.waiting(client.key):
            if job.look.before is not None:
                self._queue.withdraw(client.key, job)
                self._pass_over(job, "newer one waits")

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
        """Give the engine as much as it can run at once; what would come too late is passed over unlooked at."""
        while self._running < self._engine.lanes and (job := self._queue.take()) is not None:
            before = job.look.before
            if before is not None and time.monotonic() + self._per_look_s > before:
                self._pass_over(job, "too old")
                continue
            if self._running == 0:
                self._moved = time.monotonic()
            self._running += 1
            try:
                self._engine.submit(job.client.slots[job.look.slot], self._hand_back(job, time.monotonic()))
            except ModelError as error:
                self._finish(job, error)

    def _pass_over(self, job: _Job, why: Any) -> None:
        now = time.monotonic()
        job.client.busy.discard(job.look.slot)
        self._lateness.note(job.client.camera_id, now)
        self._counts[job.client.camera_id].late += 1
        self._answer(job.client, wire.Late(id=job.look.id, waited_s=round(now - job.since, 3), why=why))

    @staticmethod
    def _answer(client: _Client, message: wire.Message) -> None:
        if not client.out.is_closing():
            client.out.write(wire.pack(message))

    def _hand_back(self, job: _Job, began: float) -> Any:
        loop = self._loop
        assert loop is not None

        def done(answer: Detections | Exception) -> None:
            took = time.monotonic() - began
            loop.call_soon_threadsafe(self._finish, job, answer, took)

        return done

    def _finish(self, job: _Job, answer: Detections | Exception, took: float | None = None) -> None:
        self._running -= 1
        self._moved = time.monotonic()
        client, count = job.client, self._counts[job.client.camera_id]
        client.busy.discard(job.look.slot)
        count.waited_s += self._moved - job.since
        if isinstance(answer, Exception):
            self._failed += 1
            self._answer(client, wire.Refused(id=job.look.id, reason=str(answer)))
        else:
            self._looks += 1
            count.looks += 1
            if took is not None:
                self._per_look_s += (took - self._per_look_s) * (0.1 if self._looks > 10 else 0.5)
            self._answer(client, wire.seen_of(job.look.id, answer))
        self._start()


__all__ = ["SLOTS_PER_CLIENT", "STUCK_S", "Service"]
