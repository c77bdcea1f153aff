"""What a box cannot bring any more is said by a sealed event in the very transaction that gives it up."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from contract.dropped import MAX_DROPPED
from contract.events import EventType, Image, Manifest, Video, new_event, parse_data, parse_event
from contract.sealing import new_key, sha256_hex, verify_detached
from edge.deliver.chain import begin
from edge.deliver.media import dropped_event
from edge.deliver.outbox import Outbox
from edge.deliver.spool import MediaGone, Spool
from edge.evidence.manifest import without
from edge.evidence.pack import Pack

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
KEY = new_key()


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "outbox")
    box.admit_genesis(*begin("box-1", KEY, "enrolled", AT))
    yield box
    box.close()


@pytest.fixture
def spool(tmp_path) -> Spool:
    return Spool(tmp_path / "spool")


def image(raw: bytes, role: str = "far") -> Image:
    return Image(role=role, moment="trigger", t=1.0, at=AT, w=64, h=48, sha256=sha256_hex(raw), bytes=len(raw))


def video(raw: bytes) -> Video:
    return Video(t0=0.0, t1=2.0, at0=AT, fps=25, codec="h264", w=64, h=48, sha256=sha256_hex(raw), bytes=len(raw))


def put(outbox: Outbox, spool: Spool, folder, number: int, still: int = 100, clip: int = 1000) -> tuple[str, str, str]:
    """Spool and admit a manifest; its id, and the names of its still and its clip."""
    raws = [bytes([number]) * still, bytes([number, 255]) * (clip // 2)]
    data = Manifest(
        case_key="a" * 64, edge_id="box-1", camera_id="cam-1", images=[image(raws[0])], video=video(raws[1])
    )
    event = new_event(EventType.MANIFEST, "/edge/box-1/camera/cam-1", AT, data)
    files = {}
    for raw in raws:
        files[sha256_hex(raw)] = folder / sha256_hex(raw)
        files[sha256_hex(raw)].write_bytes(raw)
    spool.put(event, files)
    items = list(spool.take())
    assert outbox.admit(items, KEY) == []
    spool.done([one.name for one in items])
    return event.id, sha256_hex(raws[0]), sha256_hex(raws[1])


def give_up(outbox: Outbox, limit: int, skip: frozenset[str] = frozenset()) -> list[str]:
    rows = outbox.media.over(limit, skip)
    if rows:
        outbox.give_up(rows, "dropped", dropped_event("box-1", rows, "outbox_full", "over the limit", AT), KEY)
    return [one.sha256 for one in rows]


def test_the_oldest_clips_go_first_then_the_oldest_stills(outbox, spool, tmp_path) -> None:
    names = [put(outbox, spool, tmp_path, number) for number in range(3)]
    assert give_up(outbox, 3300) == []
    assert give_up(outbox, 3299) == [names[0][2]]
    assert give_up(outbox, 1300) == [names[1][2]]
    assert give_up(outbox, 150) == [names[2][2], names[0][1], names[1][1]]
    assert outbox.media.waiting() == {names[2][1]} and outbox.media.bytes() == 100


def test_media_go_once_central_has_answered_for_their_event(outbox, spool, tmp_path, monkeypatch) -> None:
    stored, refused, silent = (put(outbox, spool, tmp_path, number) for number in range(3))
    assert outbox.media.next(10) == []
    outbox.acked([stored[0]])
    assert [one.sha256 for one in outbox.media.next(10)] == [*stored[1:]]

    def no_disk(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox, "_transaction", no_disk)
    with pytest.raises(sqlite3.OperationalError):
        outbox.acked([], [(refused[0], "why")])
    assert outbox.row(refused[0]) is not None, "nothing could be written, and yet its media go and make room"
    assert [one.sha256 for one in outbox.media.next(10)] == [refused[1], stored[1], refused[2], stored[2]]
    monkeypatch.undo()
    outbox.acked([], [(refused[0], "why")])
    assert outbox.media.next(10)[0].sha256 == refused[1] and outbox.media.answered == set()
    assert outbox.row(refused[0]) is None and outbox.row(silent[0]) is not None
    outbox.ask_again()
    assert outbox.row(refused[0]) is not None and outbox.refused() == []
    assert [one.sha256 for one in outbox.media.next(10)] == [*stored[1:]]


def test_what_is_just_being_sent_is_not_dropped(outbox, spool, tmp_path) -> None:
    names = [put(outbox, spool, tmp_path, number) for number in range(2)]
    assert give_up(outbox, 2000, frozenset({names[0][2]})) == [names[1][2]]


def test_the_event_that_says_so_is_sealed_linked_and_names_every_file(outbox, spool, tmp_path) -> None:
    event, _, clip = put(outbox, spool, tmp_path, 1)
    give_up(outbox, 500)
    *_, manifest, row = outbox.pending(0, 100)
    verify_detached(row.raw, row.jws, KEY)
    said = parse_data(parse_event(row.raw))
    assert said.cause == "outbox_full" and said.reason == "over the limit" and said.edge_id == "box-1"
    assert [(one.sha256, one.bytes, one.kind, one.event) for one in said.media] == [(clip, 1000, "clip", event)]
    assert said.chain.prev == sha256_hex(manifest.raw)
    assert outbox.chain().prev == sha256_hex(row.raw)


def test_no_limit_ever_drops_an_event(outbox, spool, tmp_path) -> None:
    for number in range(5):
        put(outbox, spool, tmp_path, number)
    before = [row.id for row in outbox.pending(0, 100)]
    while give_up(outbox, 0):
        pass
    after = [row.id for row in outbox.pending(0, 100)]
    assert after[: len(before)] == before and len(after) > len(before)
    assert outbox.counts().media_pending == 0 and outbox.counts().media_dropped == 10


@pytest.mark.parametrize("where", ["_set_chain", "_insert"])
def test_a_disk_that_refuses_the_event_keeps_the_media(outbox, spool, tmp_path, monkeypatch, where) -> None:
    put(outbox, spool, tmp_path, 1)
    before, waiting = outbox.chain(), outbox.media.waiting()

    def no_disk(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox, where, no_disk)
    with pytest.raises(sqlite3.OperationalError):
        give_up(outbox, 0)
    monkeypatch.undo()
    assert outbox.chain() == before and outbox.media.waiting() == waiting and outbox.counts().media_dropped == 0


def test_one_event_names_no_more_than_a_peer_reads(outbox) -> None:
    many = MAX_DROPPED + 20
    outbox._db.executemany(
        "INSERT INTO media (sha256, size, event, rank, n) VALUES (?, 10, 'e', 0, ?)",
        [(f"{number:064x}", number) for number in range(many)],
    )
    assert len(give_up(outbox, 0)) == MAX_DROPPED
    assert len(give_up(outbox, 0)) == 20
    assert len(json.loads(outbox.pending(0, 9)[1].raw)["data"]["media"]) == MAX_DROPPED


def test_a_file_that_vanished_is_told_from_a_disk_that_refuses(spool, tmp_path, monkeypatch) -> None:
    gone = tmp_path / "gone.jpg"
    data = Manifest(case_key="a" * 64, edge_id="box-1", camera_id="cam-1", images=[image(b"x")])
    event = new_event(EventType.MANIFEST, "/edge/box-1/camera/cam-1", AT, data)
    with pytest.raises(MediaGone, match=r"gone\.jpg: cannot be read") as told:
        spool.put(event, {sha256_hex(b"x"): gone})
    assert told.value.sha256 == sha256_hex(b"x") and list(spool.take()) == []

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    gone.write_bytes(b"x")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space") as refused:
        spool.put(event, {sha256_hex(b"x"): gone})
    assert not isinstance(refused.value, MediaGone)


def test_a_file_that_an_earlier_try_brought_is_not_missed(spool, tmp_path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"x")
    data = Manifest(case_key="a" * 64, edge_id="box-1", camera_id="cam-1", images=[image(b"x")])
    spool.put(new_event(EventType.MANIFEST, "/edge/box-1/camera/cam-1", AT, data), {sha256_hex(b"x"): path})
    path.unlink()
    again = new_event(EventType.MANIFEST, "/edge/box-1/camera/cam-1", AT, data)
    spool.put(again, {sha256_hex(b"x"): path})
    assert again.id in [one.item.event.id for one in spool.take()]


def test_a_manifest_without_a_file_says_what_it_lacks(tmp_path) -> None:
    far, near, clip = image(b"far"), image(b"near", "near"), video(b"clip")
    files = {one.sha256: tmp_path / one.sha256 for one in (far, near, clip)}
    pack = Pack("p", "a" * 64, AT, [far, near], clip, ["video: short"], [], files)
    left = without(without(pack, far.sha256, "cannot be read"), clip.sha256, "cannot be read")
    assert left.images == [near] and left.video is None and set(left.files) == {near.sha256}
    assert left.dropped == [
        "video: short",
        "far of trigger: the box lost the file (cannot be read)",
        "video: the box lost the file (cannot be read)",
    ]
    assert pack.images == [far, near] and pack.video == clip
