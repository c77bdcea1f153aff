"""Recordings that central asked for (`send_span`): the segments of a span, oldest first, behind all evidence.

Nothing is remembered but the command: what central has already it says at once, so that who was killed, or lost the
line in the midst of a segment, goes on where it was. While a span is being sent it is held from deletion.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import httpx
from joserfc.jwk import OKPKey

from contract.command import KeepSpan, ReleaseSpan, SendSpan
from edge.asked import Asked
from edge.config import EdgeConfig
from edge.deliver.asking import client
from edge.deliver.rate import Rate
from edge.deliver.transfer import Outcome, Transfer
from edge.record.index import Index, Segment

log = logging.getLogger("sightline.deliver")
_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_SHORTEST_S, _LONGEST_S, _SLOW_S = 2.0, 60.0, 300.0
#: So many seconds' worth of bytes may go at once after a quiet time.
_BURST_S: Final = 2.0
#: A span that ends now has its last segment closed after so long. Seconds.
_CLOSED_S: Final = 120.0


class SpanSender:
    """Sends one span at a time. Called from the loop alone; its thread only moves bytes."""

    def __init__(self, config: EdgeConfig, key: OKPKey, wake: threading.Event) -> None:
        """Raises ConfigError for certificates that cannot be used, OSError when the disk refuses the folders."""
        self.problem: str | None = None
        self.sent = 0
        folder = config.data_dir / "asked"
        self._asked = Asked(folder, "send_span")
        self._keep, self._release = Asked(folder, "keep_span"), Asked(folder, "release_span")
        self._recordings = config.recording.folder or config.data_dir / "recordings"
        self._per_s = config.outbox.max_media_bytes_per_s
        self._wake = wake
        self._client = client(config.central, _TIMEOUT)
        self._base, self._edge_id, self._key = config.central.url, config.edge_id, key
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="span")
        self._results: queue.SimpleQueue[tuple[SendSpan, Outcome]] = queue.SimpleQueue()
        self._running = False
        self._give_way = threading.Event()
        self._stopped = threading.Event()
        self._tries, self._at = 0, 0.0

    def pump(self, now: float, evidence_waits: Callable[[], bool]) -> None:
        """One turn at monotonic second `now`. Evidence goes first, also in the midst of a segment. Raises OSError."""
        self._settle(now)
        if self._running:
            if evidence_waits():
                self._give_way.set()
            return
        if now < self._at:
            return
        waiting = [one for one in self._asked.waiting() if isinstance(one, SendSpan)]
        if not waiting or evidence_waits():
            return
        self._begin(waiting[0])

    def stop(self) -> None:
        """Cut what is running; it goes on from its offset at the next start."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _begin(self, asked: SendSpan) -> None:
        self._hold(asked)
        self._give_way.clear()
        self._running = True
        self._pool.submit(self._one, asked)

    def _one(self, asked: SendSpan) -> None:
        try:
            outcome = self._send(asked)
        except sqlite3.Error as error:
            outcome = Outcome("later", f"{self._recordings}: the index cannot be read ({error})")
        except Exception as error:  # a thread of the pool would swallow it, and nobody would be sent anything
            log.exception("span %s failed", asked.id)
            outcome = Outcome("later", f"span {asked.id}: {error}", slow=True)
        self._results.put((asked, outcome))
        self._wake.set()

    def _send(self, asked: SendSpan) -> Outcome:
        """Every segment that overlaps the span and is there."""
        per_s = min(asked.most_bytes_per_s, self._per_s)
        rate, folder = Rate(per_s, per_s * _BURST_S), self._recordings / asked.camera_id
        transfer = Transfer(self._client, self._base, self._edge_id, self._key, lambda size: self._pace(rate, size))
        done: set[str] = set()
        while (segment := self._next(asked, done)) is not None:
            outcome = transfer.send(folder / segment.name, segment.sha256)
            if outcome.state == "later":
                return outcome
            if outcome.state == "lost":
                log.warning("%s: %s is not sent (%s)", asked.camera_id, segment.name, outcome.reason)
            done.add(segment.sha256)
            self.sent += outcome.state == "uploaded"
        if time.time() < asked.until_us / 1e6 + _CLOSED_S:
            return Outcome("later", "")  # the rest of it is not recorded yet
        return Outcome("uploaded")

    def _next(self, asked: SendSpan, done: set[str]) -> Segment | None:
        with closing(Index(self._recordings)) as index:
            rows = index.segments(asked.camera_id, asked.from_us, asked.until_us)
            return next((one for one in rows if one.sha256 not in done), None)

    def _pace(self, rate: Rate, size: int) -> None:
        """Wait until `size` bytes may go. Raises InterruptedError when evidence is to go first, or at the end."""
        until = time.monotonic() + rate.spend(size, time.monotonic())
        while (left := until - time.monotonic()) > 0 and not self._give_way.is_set():
            if self._stopped.wait(min(left, 0.2)):
                break
        if self._stopped.is_set() or self._give_way.is_set():
            raise InterruptedError

    def _settle(self, now: float) -> None:
        if self._results.empty():
            return
        asked, outcome = self._results.get()
        self._running = False
        if outcome.state == "uploaded":
            log.info("%s: the span that %s asked for is sent (%s)", asked.camera_id, asked.by, asked.id)
            self._asked.done(asked)
            release = ReleaseSpan(
                command="release_span", id=f"sent-{asked.id}", hold=_hold_of(asked), by="deliver", reason="it is sent"
            )
            self._release.put(release)
            self._tries, self.problem = 0, None
            return
        if self._give_way.is_set() and not self._stopped.is_set():
            return  # it goes on when evidence has gone
        self._tries += bool(outcome.reason)
        wait = _SLOW_S if outcome.slow else min(_SHORTEST_S * 2.0 ** max(0, self._tries - 1), _LONGEST_S)
        self._at, self.problem = now + wait, outcome.reason or None

    def _hold(self, asked: SendSpan) -> None:
        """Nothing of it is deleted until it is sent; asked again it stays one hold."""
        held = asked.model_dump(exclude={"most_bytes_per_s", "command", "id"})
        self._keep.put(KeepSpan(command="keep_span", id=_hold_of(asked), **held))


def _hold_of(asked: SendSpan) -> str:
    return f"send-{asked.id}"[:100]


__all__ = ["SpanSender"]
