"""A camera's events and packs go out in order, whatever the disk does to them."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from contract.events import EventType, Feed, Image, Video, new_event, parse_data
from contract.sealing import sha256_hex
from edge.deliver.spool import Spool
from edge.evidence.pack import Pack
from edge.outgoing import Outgoing

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
#: All that a manifest takes of a place.
PLACE = SimpleNamespace(edge_id="box-1", camera=SimpleNamespace(id="cam-1"), source="/edge/box-1/camera/cam-1")


@dataclass
class Tally:
    events: int = 0
    packs: int = 0


@dataclass
class Way:
    spool: Spool
    outgoing: Outgoing
    tally: Tally
    done: list[Pack]
    told: list[str]

    def arrived(self) -> list:
        return [(one.item.event, parse_data(one.item.event), one.item.media) for one in self.spool.take()]


@pytest.fixture
def way(tmp_path: Path) -> Way:
    spool, tally, done, told = Spool(tmp_path / "spool"), Tally(), [], []
    return Way(spool, Outgoing(spool, PLACE, tally, done.append, told.append), tally, done, told)


def feed(cause: str):
    data = Feed(edge_id="box-1", camera_id="cam-1", state="lost", cause=cause)
    return new_event(EventType.FEED, PLACE.source, AT, data)


def pack(folder: Path) -> Pack:
    raws = {"far": b"far picture", "near": b"near picture", "clip": b"the clip"}
    names = {what: sha256_hex(raw) for what, raw in raws.items()}
    files = {}
    for what, raw in raws.items():
        files[names[what]] = folder / what
        files[names[what]].write_bytes(raw)
    images = [
        Image(role=role, moment="trigger", t=1.0, at=AT, w=64, h=48, sha256=names[role], bytes=len(raws[role]))
        for role in ("far", "near")
    ]
    video = Video(t0=0, t1=2, at0=AT, fps=25, codec="h264", w=64, h=48, sha256=names["clip"], bytes=8)
    return Pack("passage", "a" * 64, AT, images, video, [], [], files)


def test_a_pack_goes_whole_and_is_done(way: Way, tmp_path: Path) -> None:
    whole = pack(tmp_path)
    way.outgoing.add(feed("before"))
    way.outgoing.add_pack(whole)
    way.outgoing.send()
    (_, first, _), (_, manifest, media) = way.arrived()
    assert first.cause == "before" and len(manifest.images) == 2 and manifest.video and manifest.dropped == []
    assert {one.sha256 for one in media} == set(whole.files)
    assert way.done == [whole] and way.tally == Tally(2, 1) and way.told == []


@pytest.mark.parametrize("lost", [["far"], ["clip"], ["far", "near", "clip"]])
@pytest.mark.parametrize("how", ["vanished", "altered"])
def test_a_pack_whose_file_is_gone_goes_without_it_and_blocks_nobody(
    way: Way, tmp_path: Path, lost: list[str], how: str
) -> None:
    broken = pack(tmp_path)
    for what in lost:
        if how == "vanished":
            (tmp_path / what).unlink()
        else:
            (tmp_path / what).write_bytes(b"something else")
    way.outgoing.add_pack(broken)
    way.outgoing.add(feed("behind"))
    way.outgoing.send()
    assert len(way.outgoing) == 0
    (_, manifest, media), (_, behind, _) = way.arrived()
    assert behind.cause == "behind"
    kept = {"far", "near", "clip"} - set(lost)
    assert {image.role for image in manifest.images} == kept - {"clip"}
    assert (manifest.video is not None) == ("clip" in kept)
    assert {one.sha256 for one in media} == {sha256_hex((tmp_path / what).read_bytes()) for what in kept}
    assert len(manifest.dropped) == len(lost) == len(way.told)
    assert all("the box lost the file" in line for line in manifest.dropped)
    assert way.done[0].passage == "passage", "its folder goes"


def test_a_disk_that_refuses_keeps_the_order_and_is_told_once(way: Way, tmp_path: Path, monkeypatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    way.outgoing.add_pack(pack(tmp_path))
    way.outgoing.add(feed("behind"))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for _ in range(3):
            way.outgoing.send()
    assert len(way.outgoing) == 2 and len(way.told) == 1 and "No space left" in way.told[0]
    assert way.arrived() == [] and way.done == []
    way.outgoing.send()
    assert [event.type for event, _, _ in way.arrived()] == [EventType.MANIFEST, EventType.FEED]
    assert way.arrived()[0][1].dropped == [], "what the disk refused for a while is not lost"


def test_an_event_counts_as_handed_over_when_the_disk_has_it(tmp_path: Path, monkeypatch) -> None:
    handed: list[datetime] = []
    spool = Spool(tmp_path / "spool")
    outgoing = Outgoing(spool, PLACE, Tally(), lambda _: None, lambda _: None, handed.append)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "put", full)
        outgoing.add(feed("first"), AT)
        outgoing.send()
        assert not handed
    outgoing.add(feed("not decided by a picture"))
    outgoing.send()
    assert handed == [AT]


def test_two_threads_that_send_lose_and_double_nothing_and_leave_nothing_behind(way: Way) -> None:
    """Analysis hands over events while packs go out beside it: each event of a thread comes once, in its order."""

    def hand_over(name: str) -> None:
        for number in range(40):
            way.outgoing.add(feed(f"{name} {number}"))
            way.outgoing.send()

    threads = [threading.Thread(target=hand_over, args=(name,)) for name in ("analysis", "evidence")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(way.outgoing) == 0
    causes = [data.cause for _, data, _ in way.arrived()]
    assert way.tally.events == len(causes) == 80
    for name in ("analysis", "evidence"):
        assert [one for one in causes if one.startswith(name)] == [f"{name} {number}" for number in range(40)]
