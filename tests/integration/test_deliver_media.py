"""Media from the spool to a receiver over real HTTP: resumed, in order of urgency, dropped loudly, never in the way."""

import hashlib
import threading
from pathlib import Path

import pytest
from deliver_peers import AT, Box, MediaReceiver, Subscriber, manifest, until
from joserfc import jwt

from contract.sealing import sha256_hex, thumbprint
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
    box = Box(tmp_path / "box", port, USERS["box-1"], receiver.url)
    named = [spool(box, tmp_path / "files", number) for number in range(4)]
    box.start()
    try:
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
        until(lambda: len(central.ids()) == 4, 60, "no event is dropped")
    finally:
        box.kill()
    assert f"dropped clip {named[0][1]}" in box.told()
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


def test_a_token_of_another_key_is_another_token(tmp_path) -> None:
    box = Box(tmp_path / "box", 1, "x")
    stranger = Box(tmp_path / "stranger", 1, "x")
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(token(box.ring.load(), "box-1"), stranger.ring.load(), algorithms=["EdDSA"])
