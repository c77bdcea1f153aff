"""Quotas of boxes: exact, also for uploads side by side; refused before a byte is taken, and taken later."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from central_kit import Box, open_db
from fastapi.testclient import TestClient
from prometheus_client import generate_latest

from central.app import create_app
from central.db.database import Database
from central.media import quota, service
from central.media.folder import FolderStore
from central.media.guarded import GuardedStore
from central.media.quota import Quotas
from central.media.store import OverQuota, TooLarge, WrongHash, WrongOffset
from central.metrics import Metrics
from contract.sealing import sha256_hex
from edge.deliver.transfer import Transfer

UNIT = 100_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    for edge_id in ("edge-01", "edge-02"):
        Box(edge_id).enrol(made)
    yield made
    made.close()


def guarded(db: Database, folder: Path, default: int | None = 3 * UNIT, **of_edge: int) -> GuardedStore:
    quotas = Quotas(default, {name.replace("_", "-"): size for name, size in of_edge.items()})
    return GuardedStore(FolderStore(folder / "media", 50 * UNIT), db, quotas, Metrics(db))


def raw_of(seed: int, units: float = 1) -> bytes:
    return seed.to_bytes(4, "big") * int(units * UNIT / 4)


async def body(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


def receive(
    store: GuardedStore, raw: bytes, *, owner: str = "edge-01", sent: bytes | None = None, offset: int = 0
) -> None:
    rest = raw[offset:] if sent is None else sent
    asyncio.run(store.receive(sha256_hex(raw), owner, offset, len(raw), body(rest)))


def bring(db: Database, store: GuardedStore, raw: bytes, owner: str = "edge-01") -> None:
    receive(store, raw, owner=owner)
    service.enter(db, sha256_hex(raw), len(raw), owner)


def used(db: Database, edge_id: str = "edge-01") -> int:
    with db.read() as session:
        return quota.used(session, edge_id)


def test_a_box_gets_its_quota_and_not_a_byte_more(db: Database, tmp_path: Path) -> None:
    store = guarded(db, tmp_path, edge_02=UNIT // 2)
    for seed in (1, 2):
        bring(db, store, raw_of(seed))
    with pytest.raises(OverQuota, match=r"box edge-01 has 200000 of the 300000 bytes .* this object has 100004"):
        receive(store, raw_of(3) + b"more")
    bring(db, store, raw_of(3))
    assert used(db) == 3 * UNIT
    with pytest.raises(OverQuota):
        store.held(sha256_hex(raw_of(4)), "edge-01")
    with pytest.raises(OverQuota):
        receive(store, raw_of(4), owner="edge-02")
    held = store.held(sha256_hex(raw_of(1)), "edge-01")
    assert held is not None
    assert held.complete
    # What another box brought is that one's: naming it again costs nothing.
    receive(store, raw_of(1), owner="edge-02", sent=b"")


def test_uploads_side_by_side_do_not_share_the_last_room(db: Database, tmp_path: Path) -> None:
    store = guarded(db, tmp_path)
    said: list[str] = []
    start = threading.Barrier(6)

    def one(seed: int) -> None:
        start.wait()
        try:
            quota.reserve(db, Quotas(3 * UNIT), "edge-01", sha256_hex(raw_of(seed)), UNIT)
            said.append("room")
        except OverQuota:
            said.append("none")

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) == ["none"] * 3 + ["room"] * 3
    assert used(db) == 3 * UNIT
    store.sweep(-1)
    assert used(db) == 0


def test_room_is_kept_for_what_broke_and_given_back_for_what_was_wrong(db: Database, tmp_path: Path) -> None:
    store = guarded(db, tmp_path)
    raw = raw_of(1, 2)
    with pytest.raises(WrongOffset):
        receive(store, raw, sent=raw[:UNIT])
    assert used(db) == 2 * UNIT
    with pytest.raises(OverQuota):
        receive(store, raw_of(2, 2))
    receive(store, raw, offset=UNIT)
    service.enter(db, sha256_hex(raw), len(raw), "edge-01")
    assert used(db) == 2 * UNIT
    with pytest.raises(WrongHash):
        receive(store, raw_of(3), sent=raw_of(4))
    with pytest.raises(TooLarge):
        asyncio.run(guarded(db, tmp_path, None, edge_01=10**9).receive("a" * 64, "edge-01", 0, 51 * UNIT, body(b"")))
    assert used(db) == 2 * UNIT


def test_no_quota_is_no_limit(db: Database, tmp_path: Path) -> None:
    store = guarded(db, tmp_path, None)
    for seed in range(6):
        bring(db, store, raw_of(seed))
    assert used(db) == 6 * UNIT


def test_the_box_keeps_what_is_refused_and_brings_it_when_there_is_room(db: Database, tmp_path: Path) -> None:
    """The box's own transfer against central's own front."""
    box = Box("edge-03")
    box.enrol(db)
    metrics = Metrics(db)
    files = {sha256_hex(raw): raw for raw in (raw_of(7, 2), raw_of(8, 2))}
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    first, second = files

    def transfer(most: int) -> tuple[Transfer, httpx.Client]:
        store = GuardedStore(FolderStore(tmp_path / "media", 50 * UNIT), db, Quotas(most), metrics)
        client = TestClient(create_app(db, store, metrics))
        return Transfer(client, "http://testserver", box.edge_id, box.key), client  # type: ignore[arg-type, return-value]

    tight, _ = transfer(3 * UNIT)
    assert tight.send(tmp_path / first, first).state == "uploaded"
    refused = tight.send(tmp_path / second, second)
    assert (refused.state, refused.everyone) == ("later", True)
    assert (tmp_path / second).exists()
    assert 'media_refused_total{status="507"} 1.0' in generate_latest(metrics.registry).decode()
    wide, _ = transfer(4 * UNIT)
    assert wide.send(tmp_path / second, second).state == "uploaded"
    # Another's figures: one that counted slowly, on a busy machine, tells the same again for a while.
    told = generate_latest(Metrics(db).registry).decode()
    assert 'sightline_central_media_edge_bytes{edge="edge-03"} 400000.0' in told
    full, client = transfer(4 * UNIT)
    (tmp_path / "c").write_bytes(raw_of(9))
    assert full.send(tmp_path / "c", sha256_hex(raw_of(9))).everyone
    answer = client.head(f"/edge/v1/media/{sha256_hex(raw_of(9))}", headers={"Authorization": box.token()})
    assert answer.status_code == 507
