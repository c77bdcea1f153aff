"""The folder store: whole or not there at all, one upload at a time, and a full disk is told."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import pytest

from central.media import partial
from central.media.folder import FolderStore
from central.media.store import Busy, Held, StoreFull, TooLarge, WrongHash, WrongOffset
from contract.sealing import sha256_hex

RAW = bytes(range(256)) * 4000
NAME = sha256_hex(RAW)


async def chunks(raw: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


async def broken(raw: bytes) -> AsyncIterator[bytes]:
    yield raw
    raise ConnectionError("the cable was pulled")


def store(at: Path) -> FolderStore:
    return FolderStore(at, len(RAW))


def receive(held: FolderStore, body: AsyncIterator[bytes], offset: int = 0, total: int = len(RAW)) -> Held:
    return asyncio.run(held.receive(NAME, "edge-01", offset, total, body))


def test_what_arrived_before_the_cable_was_pulled_is_kept(tmp_path: Path) -> None:
    held = store(tmp_path)
    with pytest.raises(ConnectionError):
        receive(held, broken(RAW[:300_000]))
    assert held.held(NAME, "edge-01") == Held(300_000, False)
    assert held.held(NAME, "edge-02") is None
    with pytest.raises(FileNotFoundError):
        held.path(NAME)
    assert receive(held, chunks(RAW[300_000:]), offset=300_000) == Held(len(RAW), True)
    assert held.path(NAME).read_bytes() == RAW


def test_another_process_goes_on_with_it(tmp_path: Path) -> None:
    with pytest.raises(WrongOffset):
        receive(store(tmp_path), chunks(RAW[:10]))
    assert receive(store(tmp_path), chunks(RAW[10:]), offset=10).complete


def test_a_wrong_beginning_is_found_at_the_end(tmp_path: Path) -> None:
    held = store(tmp_path)
    with pytest.raises(WrongOffset):
        receive(held, chunks(b"?" * 10))
    with pytest.raises(WrongHash):
        receive(held, chunks(RAW[10:]), offset=10)
    assert held.held(NAME, "edge-01") is None


def test_two_uploads_of_one_object_do_not_mix(tmp_path: Path) -> None:
    held = store(tmp_path)

    async def both() -> list[object]:
        going, go = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield RAW[:1000]
            going.set()
            await go.wait()
            yield RAW[1000:]

        first = asyncio.create_task(held.receive(NAME, "edge-01", 0, len(RAW), slow()))
        await going.wait()
        with pytest.raises(Busy):
            await held.receive(NAME, "edge-01", 1000, len(RAW), chunks(RAW[1000:]))
        go.set()
        return [await first]

    assert asyncio.run(both()) == [Held(len(RAW), True)]
    assert held.path(NAME).read_bytes() == RAW


def test_an_announced_length_that_was_wrong_does_not_block_the_next_attempt(tmp_path: Path) -> None:
    held = FolderStore(tmp_path, 10 * len(RAW))
    with pytest.raises(WrongOffset):
        receive(held, chunks(RAW + b"more"), total=len(RAW) + 100)
    with pytest.raises(WrongOffset) as caught:
        receive(held, chunks(RAW), offset=len(RAW) + 4)
    assert caught.value.have == 0
    assert receive(held, chunks(RAW)).complete


def test_too_large(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        receive(store(tmp_path), chunks(RAW), total=len(RAW) + 1)


def test_a_full_disk_is_told_and_what_fitted_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, write = store(tmp_path), partial._write
    room = 300_000

    def until_full(file: BinaryIO, digest: object, chunk: bytes) -> None:
        if os.fstat(file.fileno()).st_size + len(chunk) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, digest, chunk)

    monkeypatch.setattr(partial, "_write", until_full)
    with pytest.raises(StoreFull, match="no room"):
        receive(held, chunks(RAW))
    monkeypatch.undo()
    assert receive(held, chunks(RAW[room:]), offset=room).complete


def test_forgotten_uploads_are_swept(tmp_path: Path) -> None:
    held = store(tmp_path)
    with pytest.raises(WrongOffset):
        receive(held, chunks(RAW[:10]))
    assert held.sweep(3600) == 0
    assert held.sweep(-1) == 1
    assert held.held(NAME, "edge-01") is None


@pytest.mark.parametrize("name", ["", "..", "../" * 20, "a" * 63, "A" * 64, "a" * 64 + "\n", "/etc/passwd"])
def test_only_a_hash_is_a_name(tmp_path: Path, name: str) -> None:
    held = store(tmp_path)
    for ask in (lambda: held.path(name), lambda: held.held(name, "edge-01")):
        with pytest.raises(ValueError, match="64 lower-case hex"):
            ask()
    with pytest.raises(ValueError, match="edge id"):
        held.held(NAME, "../edge")
