"""The outbox of a running box: a disk that is full from the start, a backlog at its rate, and the command that shows it."""

import json
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from deliver_peers import Box, MediaReceiver, Subscriber, feed, manifest, until

from contract.events import EventType
from contract.sealing import sha256_hex
from edge.deliver.archive_check import check
from sightline.broker import EmbeddedBroker
from sightline.cli import main

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3"}
STILL, CLIP = b"still" * 2000, b"clip" * 20_000


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


@pytest.fixture
def receiver():
    one = MediaReceiver()
    yield one
    one.close()


@pytest.fixture
def box(tmp_path, port, receiver):
    one = Box(tmp_path / "box", port, USERS["box-1"], receiver.url, outbox={"max_events_per_s": 10.0})
    yield one
    one.kill()


def with_media(box: Box, folder: Path) -> None:
    folder.mkdir()
    for raw in (STILL, CLIP):
        (folder / sha256_hex(raw)).write_bytes(raw)
    named = {sha256_hex(raw): folder / sha256_hex(raw) for raw in (STILL, CLIP)}
    box.spool.put(manifest("box-1", "cam-1", STILL, CLIP), named)


@pytest.mark.parametrize("before", [pytest.param("new", marks=pytest.mark.long), "killed"])
def test_a_deliver_that_starts_on_a_full_disk_lives_on_says_so_and_recovers(box, central, before) -> None:
    if before == "killed":
        box.start()
        until(lambda: len(central.ids()) == 1, 60, "the genesis")
        box.kill()
        box.log.unlink()
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    box.start(file_bytes=3000)
    until(lambda: "free space on" in box.told(), 60, "it says why")
    pid = box.process.pid
    time.sleep(2.0)
    assert box.process.poll() is None, box.told()
    assert box.told().count("free space on") == 1, "once, not again and again"
    assert box.state() == {}, "what stood there is not true any more"
    assert "Traceback" not in box.told()
    box.room()
    until(lambda: len(central.ids()) == 2, 60, "what was handed over, once there is room")
    until(lambda: box.state().get("pending") == 0, 20)
    assert box.process.pid == pid and box.stop() == 0


def test_a_full_disk_is_emptied_by_bringing_what_is_there(box, central, receiver, tmp_path) -> None:
    receiver.refuse = 503, "not now"
    with_media(box, tmp_path / "files")
    box.start()
    until(lambda: box.state().get("pending") == 0 and receiver.offsets, 60, "only media wait")
    box.room(3000)
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    until(lambda: "the outbox cannot be written" in box.told(), 30)
    receiver.refuse = None
    until(lambda: len(receiver.done) == 2, 60, "media go although nothing can be written")
    until(lambda: not list(box.spool.media.iterdir()), 20, "and make room")
    box.room()
    until(lambda: box.state().get("media_pending") == 0 and box.state().get("pending") == 0, 60)
    assert box.state()["media_lost"] == box.state()["media_dropped"] == 0


def test_a_backlog_is_sent_at_its_rate(box, central) -> None:
    for number in range(60):
        box.spool.put(feed("box-1", f"cam-{number % 2}", str(number)), {})
    arrived: list[tuple[float, int]] = []
    box.start()
    while not arrived or arrived[-1][1] < 61:
        arrived.append((time.monotonic(), len(central.ids())))
        assert arrived[-1][0] - arrived[0][0] < 60
        time.sleep(0.02)
    first = next(at for at, count in arrived if count)
    assert arrived[-1][0] - first > 2.9, "61 at 10 a second, of which 3 s worth go at once"
    causes = [json.loads(raw)["data"].get("cause") for raw, _ in central.received]
    assert causes[1:] == [str(number) for number in range(60)]


def test_what_central_refuses_stays_and_is_sent_and_said_again_at_a_start(box, central) -> None:
    central.answer = "refused"
    box.start()
    until(lambda: box.state().get("refused") == 1, 60)
    assert box.stop() == 0
    box.log.unlink()
    box.start()
    until(lambda: "1 event(s) that central refuses are kept - see `sightline edge outbox`" in box.told(), 30)
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    until(lambda: box.state().get("refused") == 2, 30)
    assert len(central.received) == 3, "once at the start and not again"
    assert box.stop() == 0
    central.answer = "stored"
    box.start()
    until(lambda: box.state().get("refused") == box.state().get("pending") == 0, 30, "the cause is mended")
    assert len(central.received) == 5 and len(central.ids()) == 2


def command(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """`sightline edge outbox ...`: exit status, standard output, standard error."""
    before, sys.argv = sys.argv, ["sightline", "edge", "outbox", *map(str, words)]
    try:
        main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.argv = before
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_command_shows_and_exports_while_the_box_runs(box, central, receiver, tmp_path, capsys) -> None:
    central.answer = "refused"  # the events stay, and their media may go
    receiver.refuse = 507, "the quota of box-1 is used up"
    with_media(box, tmp_path / "files")
    box.start()
    until(lambda: box.state().get("refused") == 2 and box.state().get("media_problem"), 60)
    central.answer = None
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    until(lambda: len(central.ids()) == 3, 30)
    status, out, _ = command(capsys, "--config", box.config, "--json")
    found = json.loads(out)
    assert status == 0 and found["running"] and found["connected"]
    assert {one["kind"]: one["count"] for one in found["events"]} == {EventType.FEED: 1}
    assert [one["kind"] for one in found["refused"]] == [EventType.GENESIS, EventType.MANIFEST]
    assert {one["kind"]: one["bytes"] for one in found["media"]} == {"still": len(STILL), "clip": len(CLIP)}
    assert any("the quota of box-1 is used up" in line for line in found["why"])
    status, out, _ = command(capsys, "--config", box.config)
    assert status == 0 and "deliver connected" in out and "sightline.evidence.manifest" in out and "why: " in out
    stop = threading.Event()
    busy = threading.Thread(target=_keep_busy, args=(box, stop))
    busy.start()
    try:
        for number in range(3):
            path = tmp_path / f"held-{number}.zip"
            status, out, err = command(capsys, "export", path, "--config", box.config)
            assert status == 0, err
            held = check(path)
            assert held.media == 2 and held.events >= 2 and held.holes == 0
            status, out, err = command(capsys, "verify", path)
            assert status == 0 and "holds" in out, err
    finally:
        stop.set()
        busy.join()
    assert box.process.poll() is None
    _bend(path)
    status, _, err = command(capsys, "verify", path)
    assert status == 1 and err.startswith("sightline: events/") and "the signature does not hold" in err


def _keep_busy(box: Box, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        box.spool.put(feed("box-1", "cam-1", str(number)), {})
        number += 1
        time.sleep(0.01)


def _bend(path: Path) -> None:
    with zipfile.ZipFile(path) as held:
        files = {name: held.read(name) for name in held.namelist()}
    name = next(name for name in files if name.endswith("000001.json"))
    files[name] = files[name].replace(b"cam-1", b"cam-9")
    path.unlink()
    with zipfile.ZipFile(path, "w") as bent:
        for one, raw in files.items():
            bent.writestr(one, raw)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys) -> None:
    box = Box(tmp_path / "box", 1, "x")
    status, _, err = command(capsys, "--config", box.config)
    assert status == 1 and "there is no outbox yet" in err and err.count("\n") == 1
    assert command(capsys)[0] == 2
    status, _, err = command(capsys, "verify", tmp_path / "nothing.zip")
    assert status == 2 and "nothing.zip" in err and err.count("\n") == 1
