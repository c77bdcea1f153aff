"""Media in their order of urgency: newest stills first, clips last, a few at a time. An event never waits for them."""

import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from joserfc.jwk import OKPKey

from edge.config import EdgeConfig
from edge.deliver.media import MediaRow
from edge.deliver.outbox import Outbox
from edge.deliver.transfer import Outcome, Transfer

log = logging.getLogger("sightline.deliver")

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_SHORTEST_S, _LONGEST_S = 2.0, 60.0


class Uploader:
    """Keeps `at_once` transfers going. Called from the loop alone; its threads only move bytes."""

    def __init__(
        self, config: EdgeConfig, key: OKPKey, outbox: Outbox, folder: Path, wake: threading.Event, at_once: int = 2
    ) -> None:
        self.problem: str | None = None
        self.uploaded = 0
        self._outbox = outbox
        self._folder = folder
        self._limit_bytes = config.outbox.max_media_bytes
        self._at_once = at_once
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        self._transfer = Transfer(self._client, config.central.url, config.edge_id, key)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="upload")
        self._results: queue.SimpleQueue[tuple[MediaRow, Outcome]] = queue.SimpleQueue()
        self._wake = wake
        self._running: set[str] = set()
        self._waits: dict[str, tuple[int, float]] = {}
        self._pause: tuple[int, float] = (0, 0.0)

    def pump(self, now: float) -> None:
        """One turn at monotonic second `now`: note what came of transfers, keep to the size limit, start the next."""
        self._settle(now)
        self._keep_to_limit()
        free = self._at_once - len(self._running)
        if free <= 0 or now < self._pause[1]:
            return
        waiting = {sha256 for sha256, (_, at) in self._waits.items() if at > now}
        for row in self._outbox.next_media(free, frozenset(self._running | waiting)):
            self._running.add(row.sha256)
            self._pool.submit(self._one, row)

    def central_answers(self) -> None:
        """Central has just acknowledged something: what waits because it was away need not wait on."""
        self._pause = (0, 0.0)

    def stop(self) -> None:
        """Cut what is running; it goes on from its offset at the next start."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

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
            self._outbox.settle_media(row.sha256, outcome.state, outcome.reason)
            if outcome.state == "uploaded":
                self.uploaded += 1
                self.problem, self._pause = None, (0, 0.0)
                (self._folder / row.sha256).unlink(missing_ok=True)
            else:
                log.error("%s %s of event %s is lost: %s", row.kind, row.sha256, row.event, outcome.reason)

    def _later(self, row: MediaRow, outcome: Outcome, now: float) -> None:
        tries = self._waits.get(row.sha256, (0, 0.0))[0] + 1
        self._waits[row.sha256] = (tries, now + _delay(tries))
        if outcome.everyone:
            rounds = self._pause[0] + 1
            self._pause = (rounds, now + _delay(rounds))
            self._waits[row.sha256] = (tries, now)
        self.problem = outcome.reason

    def _keep_to_limit(self) -> None:
        for row in self._outbox.drop_media(self._limit_bytes):
            (self._folder / row.sha256).unlink(missing_ok=True)
            self._waits.pop(row.sha256, None)
            log.error(
                "outbox over max_media_bytes (%d): dropped %s %s (%d bytes) of event %s",
                self._limit_bytes, row.kind, row.sha256, row.size, row.event,
            )  # fmt: skip


def _delay(tries: int) -> float:
    return min(_SHORTEST_S * 2.0 ** (tries - 1), _LONGEST_S)
