"""Deliver as a process against both brokers: sealed events in order, acknowledgement, states, refusals."""

import json
import resource
import time
from collections.abc import Iterator

import pytest
from deliver_peers import AT, ONE_OF_TWO, Box, Mosquitto, Subscriber, feed, publish_as, until

from contract.errors import BrokerError
from contract.events import parse_event
from contract.sealing import GENESIS, sha256_hex, verify_detached
from contract.states import CameraStatus, Disk, EdgeStatus
from contract.topics import EdgeTopics
from edge.config import load_config
from edge.deliver.link import check_broker
from sightline.broker import EmbeddedBroker

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3", "box-2": "d-secret-11c2"}


@pytest.fixture(params=["embedded", "mosquitto"])
def broker_port(request, tmp_path, free_port) -> Iterator[int]:
    if request.param == "embedded":
        with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
            yield free_port
        return
    broker = Mosquitto(tmp_path / "broker", free_port, USERS)
    broker.start()
    yield free_port
    broker.kill()


@pytest.fixture
def central(broker_port) -> Iterator[Subscriber]:
    peer = Subscriber(broker_port, USERS["central"])
    until(peer.ready.is_set, 20, "the subscriber is subscribed")
    yield peer
    peer.close()


@pytest.fixture
def box(tmp_path, broker_port) -> Iterator[Box]:
    one = Box(tmp_path / "box", broker_port, USERS["box-1"])
    yield one
    one.kill()


def test_events_arrive_sealed_linked_and_leave_only_on_acknowledgement(box, central) -> None:
    for number in range(12):
        box.spool.put(feed("box-1", f"cam-{number % 3}", f"cause {number}"), {})
    box.start()
    until(lambda: len(central.ids()) == 13, 60, "12 events and a genesis")
    public = box.ring.load()
    events = {}
    for raw, jws in central.received:
        verify_detached(raw, jws, public)
        events[json.loads(raw)["data"]["chain"]["seq"]] = raw
    assert sorted(events) == list(range(13))
    assert parse_event(events[0]).type == "sightline.chain.genesis"
    previous = GENESIS
    for seq in range(13):
        assert json.loads(events[seq])["data"]["chain"]["prev"] == previous
        previous = sha256_hex(events[seq])
    for camera in range(3):
        mine = [json.loads(events[s])["data"] for s in range(1, 13)]
        mine = [data for data in mine if data["camera_id"] == f"cam-{camera}"]
        assert [data["camera_seq"] for data in mine] == [0, 1, 2, 3]
        assert [int(data["cause"].split()[1]) for data in mine] == [camera, camera + 3, camera + 6, camera + 9]
    until(lambda: box.state().get("pending") == 0, 20, "the outbox is empty")
    assert box.stop() == 0


@pytest.mark.parametrize("broker_port", ONE_OF_TWO, indirect=True)
def test_without_acknowledgement_the_event_stays_and_comes_again(box, central) -> None:
    central.answer = None
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    box.start()
    until(lambda: len(central.received) >= 4, 60, "genesis and event, each again")
    assert len(central.ids()) == 2
    box.stop()
    assert box.state()["pending"] == 2
    central.answer = "duplicate"
    box.start()
    until(lambda: box.state().get("pending") == 0, 60, "acknowledged after a restart")


def test_a_refused_event_is_kept_and_told_and_not_sent_again(box, central) -> None:
    central.answer = "refused"
    box.start()
    until(lambda: box.state().get("refused") == 1, 60, "the refusal is noted")
    assert "as the test says" in box.told()
    seen = len(central.received)
    central.answer = "stored"
    box.spool.put(feed("box-1", "cam-1", "x"), {})
    until(lambda: len(central.received) == seen + 1, 60, "the next event")
    assert len(central.ids()) == 2


def test_states_are_retained_and_the_will_says_offline(box, central) -> None:
    folder = box.data / "status"
    folder.mkdir(parents=True)
    status = CameraStatus(camera_id="cam-1", state="live", since=AT)
    (folder / "cam-1.json").write_text(status.model_dump_json())
    (folder / "cam-2.json").write_text("{torn")
    box.start()
    topics = EdgeTopics("box-1")
    until(lambda: topics.camera_status("cam-1") in central.states, 60, "the camera's state")
    assert json.loads(central.states[topics.camera_status("cam-1")])["state"] == "live"
    until(lambda: json.loads(central.states.get(topics.status, b"{}")).get("state") == "online", 20, "online")
    disk = Disk(at=AT, budget_bytes=200, used_bytes=100, free_bytes=50, pace=3, full_at=AT)
    note = box.data / "run" / "disk.json"
    note.parent.mkdir(exist_ok=True)
    for raw in ('{"torn', disk.model_dump_json()):
        note.write_text(raw)
        time.sleep(0.5)
    until(lambda: EdgeStatus.model_validate_json(central.states[topics.status]).disk == disk, 20, "the disk")
    (folder / "cam-1.json").write_text(status.model_copy(update={"state": "lost"}).model_dump_json())
    until(lambda: b"lost" in central.states[topics.camera_status("cam-1")], 20, "the change")
    box.kill()
    until(lambda: json.loads(central.states[topics.status])["state"] == "offline", 60, "the last will")
    assert topics.camera_status("cam-2") not in central.states


def test_a_wrong_password_is_told_in_one_line_and_tried_again(box, central, broker_port) -> None:
    box.password_file.write_text("not-the-password")
    config = load_config(box.config)
    with pytest.raises(BrokerError) as said:
        check_broker(config.broker, "box-1")
    line = str(said.value)
    assert f"127.0.0.1:{broker_port}" in line and str(box.password_file) in line and "\n" not in line
    box.start()
    until(lambda: "refuses user 'box-1'" in box.told(), 30, "deliver says so")
    assert box.process is not None and box.process.poll() is None
    assert "not-the-password" not in box.told()
    box.kill()
    box.password_file.write_text(USERS["box-1"])
    assert check_broker(config.broker, "box-1") is None
    box.start()
    until(lambda: len(central.ids()) == 1, 60, "the genesis arrives")


@pytest.mark.parametrize("broker_port", ONE_OF_TWO, indirect=True)
def test_garbage_on_the_ack_topic_changes_nothing(box, central) -> None:
    central.answer = None
    box.start()
    until(lambda: box.state().get("connected"), 60, "connected")
    for payload in (b"", b"{", b"[]", b'{"id": 5}', b"\xff" * 100, b"{" * 5000, b'{"id":"x","status":"stored","a":1}'):
        central.send(EdgeTopics("box-1").ack, payload)
    until(lambda: box.told().count("cannot be read") == 7, 30, "each is told")
    assert box.state()["pending"] == 1
    central.answer = "stored"
    until(lambda: box.state().get("pending") == 0, 60, "the outbox is empty")


def test_mosquitto_confines_a_box_to_its_own_topics(tmp_path, free_port) -> None:
    broker = Mosquitto(tmp_path / "broker", free_port, USERS)
    broker.start()
    try:
        own, other = EdgeTopics("box-1"), EdgeTopics("box-2")
        tried = {
            topic: publish_as(free_port, "box-1", USERS["box-1"], topic, b"x")
            for topic in (own.event, own.status, own.sensor("s-1"), other.event, other.status, other.ack, own.ack)
        }
    finally:
        broker.kill()
    allowed = {topic for topic, answer in tried.items() if "authorized" not in answer.lower()}
    assert allowed == {own.event, own.status, own.sensor("s-1")}


def test_an_edge_under_another_users_name_is_told_about_the_acl(tmp_path, free_port) -> None:
    broker = Mosquitto(tmp_path / "broker", free_port, USERS)
    broker.start()
    box = Box(tmp_path / "box", free_port, USERS["box-2"])
    box.config.write_text(box.config.read_text().replace("username: box-1", "username: box-2"))
    try:
        box.start()
        until(lambda: "refuses what this box publishes" in box.told(), 30, "the ACL is named")
    finally:
        box.kill()
        broker.kill()


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, free_port) -> None:
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Subscriber(free_port, USERS["central"])
        until(central.ready.is_set, 20)
        box = Box(tmp_path / "box", free_port, USERS["box-1"])
        box.start()
        try:
            until(lambda: box.state().get("pending") == 0, 60)
            # No file of deliver may grow any more: its database fails as it does on a full disk.
            _, hard = resource.prlimit(box.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(box.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
            events = [feed("box-1", "cam-1", str(number)) for number in range(5)]
            for event in events:
                box.spool.put(event, {})
            until(lambda: "the outbox cannot be written" in box.told(), 30)
            assert len(central.ids()) == 1 and box.process.poll() is None
            resource.prlimit(box.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            until(lambda: len(central.ids()) == 6, 60, "all arrive once there is room")
            assert box.stop() == 0
        finally:
            box.kill()
            central.close()


def test_a_signal_sends_what_is_there_and_leaves(box, central) -> None:
    box.start()
    until(lambda: box.state().get("connected"), 60)
    for number in range(40):
        box.spool.put(feed("box-1", "cam-1", str(number)), {})
    assert box.stop() == 0
    until(lambda: json.loads(central.states[EdgeTopics("box-1").status])["state"] == "offline", 20)
    box.start()
    until(lambda: len(central.ids()) == 41, 60)


def test_a_box_without_a_key_does_not_start(box, broker_port) -> None:
    box.ring.path.unlink()
    box.start()
    assert box.process.wait(60) == 2
    assert "sightline edge enrol CODE" in box.told() and "Traceback" not in box.told()
