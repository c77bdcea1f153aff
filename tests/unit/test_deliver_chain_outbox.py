"""Chain, outbox and spool on disk: linked in one transaction, taken once, nothing half-written."""

import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import RunError
from contract.events import EventType, Feed, new_event
from contract.sealing import GENESIS, new_key, sha256_hex, thumbprint, verify_detached
from edge.deliver.acks import parse_ack
from edge.deliver.chain import begin, seal, why_begin
from edge.deliver.outbox import Outbox
from edge.deliver.spool import Spool

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
KEY = new_key()


def event(camera: str = "cam-1", cause: str = ""):
    data = Feed(edge_id="box-1", camera_id=camera, state="lost", cause=cause)
    return new_event(EventType.FEED, f"/edge/box-1/camera/{camera}", AT, data)


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "outbox")
    box.admit_genesis(*begin("box-1", KEY, "enrolled", AT))
    yield box
    box.close()


@pytest.fixture
def spool(tmp_path) -> Spool:
    return Spool(tmp_path / "spool")


def admit(outbox: Outbox, spool: Spool, count: int = 100) -> None:
    assert outbox.admit(list(spool.take(count)), KEY) == []


def test_a_chain_begins_at_its_genesis_and_each_link_names_the_bytes_before() -> None:
    genesis, state = begin("box-1", KEY, "enrolled", AT)
    first, state = seal(event(), state, KEY, 0)
    second, state = seal(event(), state, KEY, 1)
    links = [json.loads(one.raw)["data"]["chain"] for one in (genesis, first, second)]
    assert [link["seq"] for link in links] == [0, 1, 2]
    assert [link["prev"] for link in links] == [GENESIS, sha256_hex(genesis.raw), sha256_hex(first.raw)]
    assert state.prev == sha256_hex(second.raw)
    verify_detached(second.raw, second.jws, KEY)
    assert json.loads(second.raw)["data"]["camera_seq"] == 1


def test_an_event_that_no_peer_would_read_is_not_sealed() -> None:
    _, state = begin("box-1", KEY, "enrolled", AT)
    with pytest.raises(ValueError, match="the limit is"):
        seal(event(cause="x" * 1_000_001), state, KEY, 0)


@pytest.mark.parametrize(
    ("had", "kid", "begun", "why"),
    [(False, "k", False, "enrolled"), (False, "k", True, "disk_lost"), (True, "k", True, None), (True, "z", True, "rotated")],
)  # fmt: skip
def test_why_a_chain_begins(had, kid, begun, why) -> None:
    _, state = begin("box-1", KEY, "enrolled", AT)
    own = thumbprint(KEY)
    assert why_begin(state if had else None, own if kid == "k" else kid, begun) == why


def test_rows_come_in_the_order_they_were_put_and_leave_by_acknowledgement(outbox, spool) -> None:
    ids = []
    for number in range(10):
        one = event(f"cam-{number % 2}", str(number))
        spool.put(one, {})
        ids.append(one.id)
    admit(outbox, spool)
    rows = outbox.pending(0, 100)
    assert [row.id for row in rows[1:]] == ids
    outbox.acked(ids[:3], [(ids[3], "no such box")])
    assert [row.id for row in outbox.pending(rows[0].n, 100)] == ids[4:]
    assert outbox.refused() == [(ids[3], "no such box")]
    outbox.acked(["never-heard-of"])
    assert outbox.counts().pending == 7


def test_an_item_is_taken_once_even_when_the_crash_came_before_its_file_went(outbox, spool) -> None:
    spool.put(event(), {})
    items = list(spool.take())
    outbox.admit(items, KEY)
    outbox.acked([row.id for row in outbox.pending(0, 10)])
    admit(outbox, spool)
    assert outbox.counts().pending == 0
    assert outbox.chain().seq == 2
    spool.done(outbox.taken())
    outbox.forget_taken([one.name for one in items])
    assert outbox.taken() == [] and list(spool.take()) == []


def test_a_transaction_that_fails_moves_neither_chain_nor_row(outbox, spool, monkeypatch) -> None:
    spool.put(event(cause="1"), {})
    spool.put(event(cause="2"), {})
    before, items = outbox.chain(), list(spool.take())

    def no_disk(state) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox, "_set_chain", no_disk)
    with pytest.raises(sqlite3.OperationalError):
        outbox.admit(items, KEY)
    monkeypatch.undo()
    assert outbox.chain() == before and outbox.counts().pending == 1
    admit(outbox, spool)
    assert outbox.chain().seq == 3


def test_one_process_owns_an_outbox(outbox, tmp_path) -> None:
    with pytest.raises(RunError, match="another deliver process"):
        Outbox(tmp_path / "outbox")


def test_the_database_is_durable(outbox, tmp_path) -> None:
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_spool_file_that_cannot_be_read_goes_aside_and_blocks_nobody(outbox, spool) -> None:
    (spool.new / f"{1:020d}-1-0.json").write_text("{torn")
    (spool.new / f"{2:020d}-1-0.json").write_bytes(b"\xff\xfe" * 10)
    bent = event().model_copy(update={"data": {"edge_id": "box-1"}})
    spool.put(bent, {})
    good = event()
    spool.put(good, {})
    assert [one.item.event.id for one in spool.take()] == [good.id]
    assert len(spool.refused()) == 3
    assert all((spool.bad / f"{name}.why").read_text().strip() for name in spool.refused())


def test_a_file_that_is_not_what_its_name_says_is_not_spooled(spool, tmp_path) -> None:
    picture = tmp_path / "x.jpg"
    picture.write_bytes(b"one")
    with pytest.raises(ValueError, match="changed after it was named"):
        spool.put(event(), {sha256_hex(b"two"): picture})
    assert list(spool.take()) == [] and list(spool.media.iterdir()) == []


def test_names_rise_though_the_clock_is_set_back(spool, monkeypatch) -> None:
    ids = []
    for instant in (2_000_000_000_000_000_000, 1_000, 5):
        monkeypatch.setattr("time.time_ns", lambda instant=instant: instant)
        one = event()
        (spool if instant != 5 else Spool(spool.folder)).put(one, {})
        ids.append(one.id)
    assert [one.item.event.id for one in spool.take()] == ids


def test_a_disk_that_refuses_leaves_nothing_half_written(spool, monkeypatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.put(event(), {})
    assert list(spool.new.iterdir()) == []


def test_the_sweep_takes_only_old_files_that_nobody_names(spool, tmp_path) -> None:
    def stored(raw: bytes) -> Path:
        path = spool.media / sha256_hex(raw)
        path.write_bytes(raw)
        os.utime(path, (1, 1))
        return path

    pending, orphan = stored(b"pending"), stored(b"orphan")
    source = tmp_path / "y"
    source.write_bytes(b"spooled")
    spool.put(event(), {sha256_hex(b"spooled"): source})
    os.utime(spool.media / sha256_hex(b"spooled"), (1, 1))
    (spool.media / "young").write_bytes(b"")
    assert spool.sweep(frozenset({pending.name})) == [orphan.name]


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_payload_breaks_the_reader_of_acknowledgements(raw) -> None:
    ack = parse_ack(raw)
    assert ack is None or ack.status in {"stored", "duplicate", "refused"}


@given(
    st.dictionaries(
        st.sampled_from(["id", "status", "reason", "more"]),
        st.one_of(st.text(max_size=80), st.integers(), st.none(), st.lists(st.integers(), max_size=3),
                  st.sampled_from(["stored", "duplicate", "refused"])),
    )
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_only_a_whole_acknowledgement_is_one(said) -> None:
    ack = parse_ack(json.dumps(said).encode())
    whole = (
        set(said) <= {"id", "status", "reason"}
        and isinstance(said.get("id"), str)
        and 1 <= len(said["id"]) <= 64
        and said.get("status") in ("stored", "duplicate", "refused")
        and isinstance(said.get("reason", ""), str)
    )
    assert (ack is not None) == whole


def test_deep_and_long_acknowledgements_are_not_read() -> None:
    assert parse_ack(b"[" * 4000) is None
    assert parse_ack(b'{"id":"a","status":"stored","reason":"' + b"x" * 5000 + b'"}') is None
    assert parse_ack(b'{"id":"a","status":"stored"}') is not None
