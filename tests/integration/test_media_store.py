"""Every media store keeps to the one protocol: a folder, and a real bucket of S3 with Object Lock."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.media.bucket import Bucket, Denied
from central.media.cache import Cache
from central.media.folder import FolderStore
from central.media.s3 import S3Store
from central.media.store import (
    Busy,
    Held,
    Locked,
    MediaStore,
    StoreAway,
    TooLarge,
    UploadError,
    WrongHash,
    WrongOffset,
)
from contract.errors import ConfigError
from contract.events import now
from contract.sealing import sha256_hex
from tests.s3_peer import S3

MOST = 4_000_000
BOX = "edge-01"


@pytest.fixture(scope="module")
def bucket(s3: S3) -> Bucket:
    return s3.bucket("evidence")


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "media", MOST)
    return s3_store(request.getfixturevalue("bucket"), tmp_path)


def s3_store(bucket: Bucket, folder: Path) -> S3Store:
    return S3Store(bucket, f"{uuid4().hex}/", folder / "media", MOST, 10_000_000)


def fresh(size: int = 300_000) -> bytes:
    return uuid4().bytes * (size // 16)


async def chunks(raw: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


async def broken(raw: bytes) -> AsyncIterator[bytes]:
    async for chunk in chunks(raw):
        yield chunk
    raise ConnectionError("the cable was pulled")


def receive(store: MediaStore, raw: bytes, *, offset: int = 0, owner: str = BOX, body: object = None) -> Held:
    rest = chunks(raw[offset:]) if body is None else body
    return asyncio.run(store.receive(sha256_hex(raw), owner, offset, len(raw), rest))


def test_whole_or_not_there_at_all(store: MediaStore) -> None:
    raw = fresh()
    name = sha256_hex(raw)
    assert (store.held(name, BOX), store.size(name)) == (None, None)
    with pytest.raises(FileNotFoundError):
        store.path(name)
    with pytest.raises(ConnectionError):
        receive(store, raw, body=broken(raw[:140_000]))
    assert store.held(name, BOX) == Held(140_000, False)
    assert (store.held(name, "edge-02"), store.size(name), list(store.objects(name[:2]))) == (None, None, [])
    assert receive(store, raw, offset=140_000) == Held(len(raw), True)
    assert store.held(name, "edge-02") == Held(len(raw), True)
    assert store.path(name).read_bytes() == raw
    (listed,) = store.objects(name[:2])
    assert (listed.name, listed.size, abs(listed.at - now()) < timedelta(minutes=1)) == (name, len(raw), True)
    assert receive(store, raw, owner="edge-02", body=broken(b"?")) == Held(len(raw), True)


def test_wrong_bytes_are_thrown_away_and_do_not_spoil_another_box(store: MediaStore) -> None:
    raw = fresh()
    with pytest.raises(WrongOffset):
        receive(store, raw, owner="edge-02", body=chunks(b"garbage"))
    with pytest.raises(WrongHash):
        receive(store, raw, body=chunks(raw[:-1] + b"?"))
    assert store.held(sha256_hex(raw), BOX) is None
    assert receive(store, raw).complete
    assert store.path(sha256_hex(raw)).read_bytes() == raw


def test_more_than_was_announced_or_allowed_is_refused(store: MediaStore) -> None:
    raw = fresh()
    with pytest.raises(TooLarge):
        asyncio.run(store.receive(sha256_hex(raw), BOX, 0, MOST + 1, chunks(raw)))
    with pytest.raises(TooLarge):
        asyncio.run(store.receive(sha256_hex(raw), BOX, 0, len(raw) - 1, chunks(raw)))
    assert store.size(sha256_hex(raw)) is None


def test_two_uploads_of_one_box_do_not_mix(store: MediaStore) -> None:
    raw = fresh()

    async def both() -> Held:
        going, go = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield raw[:1000]
            going.set()
            await go.wait()
            yield raw[1000:]

        first = asyncio.create_task(store.receive(sha256_hex(raw), BOX, 0, len(raw), slow()))
        await going.wait()
        with pytest.raises(Busy):
            await store.receive(sha256_hex(raw), BOX, 1000, len(raw), chunks(raw[1000:]))
        go.set()
        return await first

    assert asyncio.run(both()).complete
    assert store.path(sha256_hex(raw)).read_bytes() == raw


TRIES = st.lists(st.tuples(st.integers(-3, 8), st.integers(0, 6), st.booleans()), max_size=8)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=TRIES)
def test_any_offsets_and_breaks_end_in_the_right_bytes(store: MediaStore, tries: list[tuple[int, int, bool]]) -> None:
    """A box that asks, and one that is wrong about where to go on: only what fits is ever appended."""
    raw = fresh(80_000)
    name, unit, have = sha256_hex(raw), len(raw) // 8, 0
    for skew, units, asks in tries:
        offset = have if asks else max(0, have + skew * 777)
        piece = raw[offset : offset + units * unit]
        if have == len(raw):
            break
        if offset != have:
            with pytest.raises(WrongOffset) as caught:
                receive(store, raw, offset=offset, body=chunks(piece))
            assert caught.value.have == have
            continue
        if have + len(piece) == len(raw):
            assert receive(store, raw, offset=offset, body=chunks(piece)).complete
        else:
            with pytest.raises(WrongOffset):
                receive(store, raw, offset=offset, body=chunks(piece))
        have += len(piece)
        assert store.held(name, BOX) == Held(have, have == len(raw))
    assert receive(store, raw, offset=min(have, len(raw))).complete
    assert store.path(name).read_bytes() == raw


def test_what_is_removed_is_gone_and_can_come_again(store: MediaStore) -> None:
    raw = fresh()
    receive(store, raw)
    store.path(sha256_hex(raw))
    for _ in range(2):
        store.remove(sha256_hex(raw))
        assert (store.size(sha256_hex(raw)), list(store.objects(sha256_hex(raw)[:2]))) == (None, [])
        with pytest.raises(FileNotFoundError):
            store.path(sha256_hex(raw))
    assert receive(store, raw).complete
    assert store.path(sha256_hex(raw)).read_bytes() == raw


def test_what_is_under_hold_cannot_be_removed(store: MediaStore) -> None:
    raw = fresh()
    name = sha256_hex(raw)
    with pytest.raises(FileNotFoundError):
        store.hold(name, True)
    assert not store.on_hold(name)
    receive(store, raw)
    for _ in range(2):
        store.hold(name, True)
    assert store.on_hold(name)
    with pytest.raises(Locked):
        store.remove(name)
    assert store.path(name).read_bytes() == raw
    for _ in range(2):
        store.hold(name, False)
    assert not store.on_hold(name)
    store.remove(name)
    assert store.size(name) is None


def test_forgotten_uploads_are_swept_and_objects_are_not(store: MediaStore) -> None:
    whole, part = fresh(), fresh()
    receive(store, whole)
    with pytest.raises(WrongOffset):
        receive(store, part, body=chunks(part[:10]))
    assert (store.sweep(3600), store.sweep(-1)) == (0, 1)
    assert store.held(sha256_hex(part), BOX) is None
    assert store.size(sha256_hex(whole)) == len(whole)


@pytest.mark.parametrize("name", ["", "..", "../" * 20, "a" * 63, "A" * 64, "a" * 64 + "\n", "/etc/passwd"])
def test_only_a_hash_is_a_name(store: MediaStore, name: str) -> None:
    for ask in (store.path, store.size, store.remove, store.on_hold, lambda name: store.held(name, BOX)):
        with pytest.raises(ValueError, match="64 lower-case hex"):
            ask(name)
    for prefix in ("", "..", "a", "zz", "AB"):
        with pytest.raises(ValueError, match="first two hex digits"):
            list(store.objects(prefix))
    with pytest.raises(ValueError, match="edge id"):
        store.held("a" * 64, "../edge")


def test_retention_keeps_an_object_from_us_and_hiding_it_does_not_lose_it(
    s3: S3, bucket: Bucket, tmp_path: Path
) -> None:
    kept = S3Store(Bucket(s3.place("evidence", retention_days=1)), "kept/", tmp_path / "a", MOST, MOST)
    raw = fresh()
    receive(kept, raw)
    with pytest.raises(Locked):
        kept.remove(sha256_hex(raw))
    bucket._client.delete_object(Bucket="evidence", Key=f"kept/{sha256_hex(raw)}")
    bucket._client.put_object(Bucket="evidence", Key=f"kept/{sha256_hex(raw)}", Body=b"forged")
    elsewhere = S3Store(bucket, "kept/", tmp_path / "b", MOST, MOST)
    assert elsewhere.path(sha256_hex(raw)).read_bytes() == raw


def test_altered_bytes_are_never_shown(bucket: Bucket, tmp_path: Path) -> None:
    store, raw = S3Store(bucket, "x/", tmp_path, MOST, MOST), fresh()
    bucket._client.put_object(Bucket="evidence", Key=f"x/{sha256_hex(raw)}", Body=raw[:-1] + b"?")
    with pytest.raises(FileNotFoundError):
        store.path(sha256_hex(raw))


def test_a_bucket_that_cannot_do_what_is_asked_is_told(s3: S3, bucket: Bucket, tmp_path: Path) -> None:
    bucket.check()
    s3.bucket("unlocked", locks=False).check()
    with pytest.raises(ConfigError, match="no Object Lock"):
        Bucket(s3.place("unlocked", retention_days=1)).check()
    with pytest.raises(ConfigError, match="is not there"):
        Bucket(s3.place("no-such-bucket")).check()
    wrong = tmp_path / "wrong"
    wrong.write_text("[default]\naws_access_key_id = central-of-a-test\naws_secret_access_key = no\n")
    with pytest.raises(ConfigError, match="not ours"):
        Bucket(s3.place("evidence").__class__("evidence", endpoint=s3.url, credentials=wrong)).check()
    for text in ("[default]\naws_access_key_id = a", "secret-in-a-strange-file"):
        wrong.write_text(text)
        with pytest.raises(ConfigError, match="aws_secret_access_key") as caught:
            Bucket(s3.place("evidence").__class__("evidence", endpoint=s3.url, credentials=wrong))
        assert "secret-in" not in str(caught.value)


def test_without_object_lock_removal_works_and_a_hold_is_no_error(s3: S3, tmp_path: Path) -> None:
    store, raw = s3_store(s3.bucket("plain", locks=False), tmp_path), fresh()
    receive(store, raw)
    store.hold(sha256_hex(raw), True)
    assert not store.on_hold(sha256_hex(raw))
    store.remove(sha256_hex(raw))
    assert store.size(sha256_hex(raw)) is None


def test_a_bucket_that_is_away_keeps_the_upload_for_the_next_attempt(s3: S3, bucket: Bucket, tmp_path: Path) -> None:
    raw, prefix = fresh(), f"{uuid4().hex}/"
    away = S3Store(
        Bucket(s3.place("evidence").__class__("evidence", endpoint="http://127.0.0.1:9")), prefix, tmp_path, MOST, MOST
    )
    with pytest.raises(StoreAway):
        away.held(sha256_hex(raw), BOX)

    class GoesAway(Bucket):
        def put(self, key: str, file: Path, sha256: str) -> None:
            raise Denied("a right was taken from central's key")

    with pytest.raises(UploadError):
        receive(S3Store(GoesAway(s3.place("evidence")), prefix, tmp_path, MOST, MOST), raw)
    back = S3Store(bucket, prefix, tmp_path, MOST, MOST)
    assert back.held(sha256_hex(raw), BOX) == Held(len(raw), False)
    assert receive(back, raw, offset=len(raw)).complete
    assert back.path(sha256_hex(raw)).read_bytes() == raw


def test_copies_on_disk_are_bounded_and_the_least_used_go(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 350_000)
    raws = [fresh(100_000) for _ in range(4)]
    for age, raw in zip((4000, 3000, 2000), raws[:3], strict=True):
        held = cache.fill(sha256_hex(raw), [raw])
        assert held is not None
        os.utime(held, (time.time() - age,) * 2)
    used = cache.path(sha256_hex(raws[0]))
    assert cache.fill(sha256_hex(raws[3]), [raws[3][:50_000], raws[3][50_000:]]) is not None
    assert used is not None
    assert used.read_bytes() == raws[0]
    assert [cache.path(sha256_hex(raw)) is not None for raw in raws] == [True, False, True, True]
    assert cache.fill(sha256_hex(b"other"), [b"altered"]) is None
    assert cache.path(sha256_hex(b"other")) is None
