"""Media in their order of urgency: newest stills first, clips last, a few at a time. An event never waits for them;
they wait until central has answered for the event that names them.

What cannot be brought, because the outbox is over its limit or the file is gone, is given up with a sealed event that
names it, and never without.
"""

import logging
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from joserfc.jwk import OKPKey

from contract.events import now as clock
from edge.config import EdgeConfig
from edge.deliver.asking import client
from edge.deliver.media import MediaRow, dropped_event
from edge.deliver.outbox import Outbox
from edge.deliver.rate import Rate
from edge.deliver.transfer import Outcome, Transfer

log = logging.getLogger("sightline.deliver")

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_SHORTEST_S, _LONGEST_S = 2.0, 60.0
#: Where central has no room for this box, or not for this file, a person must act first.
_SLOW_S = 300.0
#: So many seconds' worth of bytes may go at once after a quiet time.
_BURST_S = 2.0


class Uploader:
    """Keeps `at_once` transfers going. Called from the loop alone; its threads only move bytes."""

    def __init__(
        self, config: EdgeConfig, key: OKPKey, outbox: Outbox, folder: Path, wake: threading.Event, at_once: int = 2
    ) -> None:
        self.problem: str | None = None
        self.uploaded = 0
        self._outbox = outbox
        self._folder = folder
        self._edge_id, self._key = config.edge_id, key
        self._limit_bytes = config.outbox.max_media_bytes
        per_s = config.outbox.max_media_bytes_per_s
        self._pace = _Pace(Rate(per_s, per_s * _BURST_S))
        self._at_once = at_once
        self._client = client(config.central, _TIMEOUT)
        self._transfer = Transfer(self._client, config.central.url, config.edge_id, key, self._pace)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="upload")
        self._results: queue.SimpleQueue[tuple[MediaRow, Outcome]] = queue.SimpleQueue()
        self._wake = wake
        self._running: set[str] = set()
        self._waits: dict[str, tuple[int, float]] = {}
        self._pause: tuple[int, float] = (0, 0.0)
        #: Central has no room for this box until a person acts; that it answers otherwise changes nothing.
        self._no_room_until = 0.0

    def pump(self, now: float) -> None:
        """One turn at monotonic second `now`: note what came of transfers, keep to the size limit, start the next."""
        self._settle(now)
        self._begin(now)
        self._keep_to_limit()

    def waits(self) -> bool:
        """Whether evidence is being sent, or could be now."""
        return bool(self._running) or bool(self._outbox.media.next(1, frozenset(self._waits)))

    def central_answers(self) -> None:
        """Central has just acknowledged something: what waits because it was away need not wait on."""
        self._pause = (0, 0.0)

    def stop(self) -> None:
        """Cut what is running; it goes on from its offset at the next start."""
        self._pace.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _begin(self, now: float) -> None:
        free = self._at_once - len(self._running)
        if free <= 0 or now < max(self._pause[1], self._no_room_until):
            return
        waiting = {sha256 for sha256, (_, at) in self._waits.items() if at > now}
        for row in self._outbox.media.next(free, frozenset(self._running | waiting)):
            self._running.add(row.sha256)
            self._pool.submit(self._one, row)

    def _one(self, row: MediaRow) -> None:
        try:
            outcome = self._transfer.send(self._folder / row.sha256, row.sha256)
        except Exception as error:  # a thread of the pool would swallow it, and the file would never be tried again
            log.exception("upload of %s failed", row.sha256)
            outcome = Outcome("later", f"{row.sha256}: {error}")
        self._results.put((row, outcome))
        self._wake.set()

    def _settle(self, now: float) -> None:
        for _ in range(self._results.qsize()):
            row, outcome = self._results.get_nowait()
            self._running.discard(row.sha256)
            if outcome.state == "later":
                self._later(row, outcome, now)
                continue
            self._waits.pop(row.sha256, None)
            if outcome.state == "uploaded":
                self._uploaded(row)
            else:
                said = dropped_event(self._edge_id, [row], outcome.cause, outcome.reason, clock())
                self._outbox.give_up([row], "lost", said, self._key)
                log.error("%s %s of event %s is lost: %s", row.kind, row.sha256, row.event, outcome.reason)

    def _uploaded(self, row: MediaRow) -> None:
        """Central has it. The file goes first: on a full disk that is what makes room for the row's change."""
        (self._folder / row.sha256).unlink(missing_ok=True)
        self._outbox.uploaded(row.sha256)
        self.uploaded += 1
        self.problem, self._pause = None, (0, 0.0)

    def _later(self, row: MediaRow, outcome: Outcome, now: float) -> None:
        tries = self._waits.get(row.sha256, (0, 0.0))[0] + 1
        self._waits[row.sha256] = (tries, now + _delay(tries))
        if outcome.everyone:
            rounds = self._pause[0] + 1
            self._pause = (rounds, now + _delay(rounds))
            self._waits[row.sha256] = (tries, now)
        if outcome.slow and outcome.everyone:
            self._no_room_until = now + _SLOW_S
        elif outcome.slow:
            self._waits[row.sha256] = (tries, now + _SLOW_S)
        self.problem = outcome.reason

    def _keep_to_limit(self) -> None:
        """Over the limit the oldest clips go, then the oldest stills; never an event. What is being sent stays."""
        while rows := self._outbox.media.over(self._limit_bytes, frozenset(self._running)):
            why = f"outbox over max_media_bytes ({self._limit_bytes})"
            said = dropped_event(self._edge_id, rows, "outbox_full", why, clock())
            self._outbox.give_up(rows, "dropped", said, self._key)
            for row in rows:
                (self._folder / row.sha256).unlink(missing_ok=True)
                self._waits.pop(row.sha256, None)
                log.error("%s: dropped %s %s (%d bytes) of event %s", why, row.kind, row.sha256, row.size, row.event)


class _Pace:
    """Holds the threads of an uploader to a rate, all together."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def __call__(self, size: int) -> None:
        """Wait until `size` bytes may go. Raises InterruptedError after `stop`."""
        with self._lock:
            wait = self._rate.spend(size, time.monotonic())
        if self._stopped.wait(wait):
            raise InterruptedError

    def stop(self) -> None:
        """Nobody waits any more."""
        self._stopped.set()


def _delay(tries: int) -> float:
    return min(_SHORTEST_S * 2.0 ** (tries - 1), _LONGEST_S)
