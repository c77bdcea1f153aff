"""Media from the spool to a receiver over real HTTP: resumed, in order of urgency, dropped loudly, never in the way."""

import hashlib
import json
import threading
from pathlib import Path

import pytest
from deliver_peers import AT, Box, MediaReceiver, Subscriber, feed, manifest, until
from joserfc import jwt

from contract.events import EventType, parse_data, parse_event
from contract.sealing import sha256_hex, thumbprint, verify_detached
from edge.config import load_config
from edge.deliver.chain import begin
from edge.deliver.outbox import Outbox
from edge.deliver.transfer import token
from edge.deliver.upload import Uploader
from sightline.broker import EmbeddedBroker

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3"}


@pytest.fixture
def port(tmp_path, free_port):
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        yield free_port


@pytest.fixture
def central(port):
    peer = Subscriber(port, USERS["central"])
    until(peer.ready.is_set, 20)
    yield peer
    peer.close()


def files(folder: Path, *contents: bytes) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    named = {sha256_hex(raw): raw for raw in contents}
    for sha256, raw in named.items():
        (folder / sha256).write_bytes(raw)
    return {sha256: folder / sha256 for sha256 in named}


def spool(box: Box, folder: Path, number: int, clip_bytes: int = 300_000) -> tuple[str, str]:
    still, clip = f"still {number}".encode() * 2000, hashlib.sha256(bytes([number])).digest() * (clip_bytes // 32)
    box.spool.put(manifest("box-1", "cam-1", still, clip), files(folder, still, clip))
    return sha256_hex(still), sha256_hex(clip)


def test_newest_stills_first_clips_last_and_a_cut_transfer_goes_on(tmp_path, port, central) -> None:
    receiver = MediaReceiver(cut_after=150_000)
    box = Box(tmp_path / "box", port, USERS["box-1"])
    named = [spool(box, tmp_path / "files", number) for number in range(4)]
    box.start()
    try:
        # Media go when central has answered for their events: here for all of them before the first can go.
        until(lambda: len(central.ids()) == 5 and box.state().get("pending") == 0, 60)
        box.kill()
        box.config.write_text(box.config.read_text().replace("http://127.0.0.1:9", receiver.url))
        box.start()
        until(lambda: len(receiver.done) == 8, 90, "all media")
        until(lambda: box.state().get("media_pending") == 0, 20, "settled")
    finally:
        box.kill()
        receiver.close()
    assert set(receiver.order[:4]) == {still for still, _ in named}
    assert receiver.order[0] in {named[3][0], named[2][0]}
    resumed = {name for name, offset in receiver.offsets if offset == 150_000}
    assert resumed == {clip for _, clip in named}
    assert not list(box.spool.media.iterdir())
    claims = jwt.decode(receiver.tokens[0], box.ring.load(), algorithms=["EdDSA"])
    assert claims.claims["iss"] == "box-1" and claims.claims["aud"] == "sightline-central"
    assert claims.claims["exp"] - claims.claims["iat"] <= 300
    assert claims.header["kid"] == thumbprint(box.ring.load())


def test_events_do_not_wait_for_media_and_media_wait_for_central(tmp_path, port, central) -> None:
    box = Box(tmp_path / "box", port, USERS["box-1"])
    spool(box, tmp_path / "files", 1)
    box.start()
    try:
        until(lambda: len(central.ids()) == 2, 60, "genesis and manifest, with no HTTP anywhere")
        until(lambda: "cannot be reached for media" in box.told(), 30)
        assert box.state()["media_pending"] == 2
        box.kill()
        receiver = MediaReceiver()
        box.config.write_text(box.config.read_text().replace("http://127.0.0.1:9", receiver.url))
        box.start()
        until(lambda: len(receiver.done) == 2, 60)
        receiver.close()
    finally:
        box.kill()


def test_an_acknowledgement_ends_the_wait_for_a_central_that_was_away(tmp_path, port) -> None:
    box = Box(tmp_path / "box", port, USERS["box-1"])
    key, folder = box.ring.load(), box.spool.media
    config, outbox = load_config(box.config), Outbox(box.data / "outbox")
    outbox.admit_genesis(*begin("box-1", key, "enrolled", AT))
    spool(box, tmp_path / "files", 1)
    outbox.admit(list(box.spool.take()), key)
    wake = threading.Event()
    uploader = Uploader(config, key, outbox, folder, wake, at_once=1)
    try:
        uploader.pump(0.0)
        assert not wake.wait(0.5), "central has not answered for the event yet"
        outbox.acked([row.id for row in outbox.pending(0, 9)])
        uploader.pump(0.0)
        assert wake.wait(30)
        uploader.pump(1.0)
        assert uploader.problem is not None and "cannot be reached" in uploader.problem
        wake.clear()
        uploader.pump(1.5)
        assert not wake.wait(1.0), "it was told that central is away and waits"
        uploader.central_answers()
        uploader.pump(1.6)
        assert wake.wait(30)
    finally:
        uploader.stop()
        outbox.close()


def test_over_the_limit_the_oldest_clips_go_first_and_it_is_said(tmp_path, port, central) -> None:
    box = Box(tmp_path / "box", port, USERS["box-1"], outbox={"max_media_bytes": 1_100_000})
    named = [spool(box, tmp_path / "files", number, 480_000) for number in range(3)]
    box.start()
    try:
        until(lambda: box.state().get("media_dropped") == 1, 60)
        until(lambda: len(central.ids()) == 5, 60, "no event is dropped, and one says what was")
    finally:
        box.kill()
    assert f"dropped clip {named[0][1]}" in box.told()
    raw, jws = next(one for one in central.received if json.loads(one[0])["type"] == EventType.DROPPED)
    verify_detached(raw, jws, box.ring.load())
    said = parse_data(parse_event(raw))
    assert said.cause == "outbox_full" and "max_media_bytes (1100000)" in said.reason
    manifests = [json.loads(one) for one, _ in central.received if json.loads(one)["type"] == EventType.MANIFEST]
    first = next(one["id"] for one in manifests if one["data"]["video"]["sha256"] == named[0][1])
    assert [(one.sha256, one.bytes, one.kind, one.event) for one in said.media] == [
        (named[0][1], 480_000, "clip", first)
    ]
    kept = {path.name for path in box.spool.media.iterdir()}
    assert kept == {name for pair in named for name in pair} - {named[0][1]}


def test_a_file_altered_on_disk_is_lost_loudly_and_never_admitted(tmp_path, port, central) -> None:
    receiver = MediaReceiver()
    box = Box(tmp_path / "box", port, USERS["box-1"], receiver.url)
    still, clip = spool(box, tmp_path / "files", 1)
    altered = box.spool.media / still
    altered.chmod(0o600)
    altered.write_bytes(b"another picture")
    box.start()
    try:
        until(lambda: box.state().get("media_lost") == 1 and clip in receiver.done, 60)
    finally:
        box.kill()
        receiver.close()
    assert still not in receiver.done
    assert "altered on this box" in box.told()
    said = parse_data(parse_event(next(raw for raw, _ in central.received if b"evidence.dropped" in raw)))
    assert said.cause == "altered" and [one.sha256 for one in said.media] == [still]


def test_a_file_that_vanished_before_it_was_brought_is_told_and_keeps_nothing_waiting(tmp_path, port, central) -> None:
    receiver = MediaReceiver()
    box = Box(tmp_path / "box", port, USERS["box-1"], receiver.url)
    still, clip = spool(box, tmp_path / "files", 1)
    (box.spool.media / still).unlink()
    box.start()
    try:
        until(lambda: clip in receiver.done and any(b"evidence.dropped" in raw for raw, _ in central.received), 60)
        box.spool.put(feed("box-1", "cam-1", "behind"), {})
        until(lambda: len(central.ids()) == 4, 30, "what the camera says next")
        until(lambda: box.state().get("media_pending") == 0, 20)
    finally:
        box.kill()
        receiver.close()
    said = parse_data(parse_event(next(raw for raw, _ in central.received if b"evidence.dropped" in raw)))
    assert said.cause == "gone" and [one.sha256 for one in said.media] == [still]


@pytest.mark.parametrize(("status", "behind_waits"), [(413, False), (507, True)])
def test_a_central_without_room_is_told_and_the_file_is_kept(tmp_path, status, behind_waits) -> None:
    receiver = MediaReceiver()
    receiver.refuse = status, "the quota of this box is used up"
    box = Box(tmp_path / "box", 1, "x", receiver.url)
    key, folder = box.ring.load(), box.spool.media
    outbox, wake = Outbox(box.data / "outbox"), threading.Event()
    outbox.admit_genesis(*begin("box-1", key, "enrolled", AT))
    spool(box, tmp_path / "files", 1)
    outbox.admit(list(box.spool.take()), key)
    outbox.acked([row.id for row in outbox.pending(0, 9)])
    uploader = Uploader(load_config(box.config), key, outbox, folder, wake, at_once=1)

    def turn(now: float) -> int:
        """How many PUTs this turn led to."""
        before = len(receiver.offsets)
        wake.clear()
        uploader.pump(now)
        if wake.wait(0.7):
            uploader._settle(now)
        return len(receiver.offsets) - before

    try:
        assert turn(0.0) == 1
        assert "(the quota of this box is used up)" in uploader.problem and str(status) in uploader.problem
        uploader.central_answers()
        assert turn(100.0) == (0 if behind_waits else 1), "the clip has its own try, unless no file has room"
        assert turn(200.0) == 0
        receiver.refuse = None
        assert turn(401.0) == 1
        assert turn(402.0) == 1
        assert outbox.counts().media_lost == 0 and outbox.counts().media_pending == 0
    finally:
        uploader.stop()
        outbox.close()
        receiver.close()


def test_a_token_of_another_key_is_another_token(tmp_path) -> None:
    box = Box(tmp_path / "box", 1, "x")
    stranger = Box(tmp_path / "stranger", 1, "x")
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(token(box.ring.load(), "box-1"), stranger.ring.load(), algorithms=["EdDSA"])
