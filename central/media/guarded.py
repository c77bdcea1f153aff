"""A media store under the rules of central: no box takes more than its quota, what is under hold is held at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from central.db.database import Database
from central.media import holds, quota
from central.media.quota import Quotas
from central.media.store import Held, MediaStore, OverQuota, Stored, UploadError
from central.metrics import Metrics


class GuardedStore:
    """The `MediaStore` `inner`, as boxes may use it."""

    def __init__(self, inner: MediaStore, db: Database, quotas: Quotas, metrics: Metrics) -> None:
        self._inner = inner
        self._db = db
        self._quotas = quotas
        self._metrics = metrics

    def held(self, name: str, owner: str) -> Held | None:
        """See MediaStore. Raises OverQuota for what is not here whole, so that a box need not send it to be told."""
        held = self._inner.held(name, owner)
        if held is None or not held.complete:
            try:
                quota.check(self._db, self._quotas, owner, name)
            except OverQuota as refusal:
                self._metrics.media_refused.labels(str(refusal.status)).inc()
                raise
        return held

    async def receive(self, name: str, owner: str, offset: int, total: int, body: AsyncIterator[bytes]) -> Held:
        """See MediaStore. Raises OverQuota before anything of `body` is read."""
        whole = await asyncio.to_thread(self._inner.size, name)
        if whole is not None:
            return Held(whole, True)
        await asyncio.to_thread(quota.reserve, self._db, self._quotas, owner, name, total)
        try:
            held = await self._inner.receive(name, owner, offset, total, body)
        except UploadError:
            await asyncio.to_thread(self._give_back, name, owner)
            raise
        await asyncio.to_thread(holds.keep, self._db, self._inner, name)
        return held

    def size(self, name: str) -> int | None:
        """See MediaStore."""
        return self._inner.size(name)

    def path(self, name: str) -> Path:
        """See MediaStore."""
        return self._inner.path(name)

    def sweep(self, older_than_s: float) -> int:
        """See MediaStore. The room that was set aside for them is given back too."""
        swept = self._inner.sweep(older_than_s)
        quota.sweep(self._db, older_than_s)
        return swept

    def objects(self, prefix: str) -> Iterator[Stored]:
        """See MediaStore."""
        return self._inner.objects(prefix)

    def hold(self, name: str, on: bool) -> None:
        """See MediaStore."""
        self._inner.hold(name, on)

    def on_hold(self, name: str) -> bool:
        """See MediaStore."""
        return self._inner.on_hold(name)

    def remove(self, name: str) -> None:
        """See MediaStore."""
        self._inner.remove(name)

    def _give_back(self, name: str, owner: str) -> None:
        """The room of an upload of which nothing was kept."""
        if self._inner.held(name, owner) is None:
            quota.release(self._db, owner, name)


__all__ = ["GuardedStore"]
