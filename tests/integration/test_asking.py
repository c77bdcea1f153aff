"""Asking a box: sent by whichever replica is quicker, again while it does not answer, never after it has."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from central.config import Broker
from central.db.polling import BoxCommand
from central.ingest.statuses import Statuses
from central.polling import asking
from central.polling.asking import Asker, ask, new_id, waiting
from contract.command import COMMAND, KeepSpan, LiveOn
from contract.events import now
from contract.topics import EdgeTopics
from sightline.broker import EmbeddedBroker
from tests.after_kit import Desk
from tests.central_kit import Box

EDGE = Box.edge_id
TOPICS = EdgeTopics(EDGE)


def keep(name: str) -> KeepSpan:
    return KeepSpan(command="keep_span", id=name, camera_id="hall-1", from_us=1, until_us=2, by="li", reason="bookmark")


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Broker]:
    (tmp_path / "password").write_text("c-secret-74a1")
    with EmbeddedBroker(tmp_path / "broker", free_port, {"central": "c-secret-74a1", EDGE: "b-secret-51c0"}):
        yield Broker(port=free_port, username="central", password_file=tmp_path / "password")


class Ear:
    """A box's ear: what it is asked, and an answer from the `deaf_to` + 1st time on."""

    def __init__(self, port: int, deaf_to: int = 0) -> None:
        self.heard: list[bytes] = []
        self.deaf_to = deaf_to
        self._client = Client(CallbackAPIVersion.VERSION2, EDGE, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(EDGE, "b-secret-51c0")
        self._client.on_message = self._on_message
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(TOPICS.command, qos=1)
        self._client.loop_start()
        assert ready.wait(10)

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append(message.payload)
        if len(self.heard) > self.deaf_to:
            name = json.loads(message.payload)["id"]
            client.publish(TOPICS.reply, json.dumps({"id": name, "status": "done"}).encode(), qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def test_a_box_is_asked_until_it_answers_and_no_more(
    desk: Desk, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_WAITS", {1: 0.5, 2: 0.5})
    parts = [Asker(desk.db, broker), Asker(desk.db, broker), Statuses(desk.db, broker)]
    ear = Ear(broker.port, deaf_to=1)
    for one in parts:
        one.start()
    try:
        with desk.db.write() as session:
            ask(session, EDGE, keep("k-1"), "li")

        def answered() -> bool:
            with desk.db.read() as session:
                return session.get_one(BoxCommand, "k-1").status == "done"

        until(answered)
        assert [COMMAND.validate_json(raw) for raw in ear.heard] == [keep("k-1")] * 2
        time.sleep(2.5)
        assert len(ear.heard) == 2
    finally:
        for one in parts:
            one.stop()
        ear.close()


def test_what_is_rolled_back_is_not_asked_and_live_needs_no_row(plain: Desk, broker: Broker) -> None:
    asker = Asker(plain.db, broker)
    ear = Ear(broker.port)
    live = LiveOn(command="live_on", id=new_id(), camera_id="hall-1")
    assert not asker.say(EDGE, live), "the broker does not have us yet"
    asker.start()
    try:
        with pytest.raises(RuntimeError), plain.db.write() as session:
            ask(session, EDGE, keep("k-2"), "li")
            raise RuntimeError
        until(lambda: asker.say(EDGE, live))
        until(lambda: bool(ear.heard))
        time.sleep(1.5)
        assert [COMMAND.validate_json(raw) for raw in ear.heard] == [live]
    finally:
        asker.stop()
        ear.close()


def test_a_box_that_never_answers_is_asked_ever_less_often_and_for_ever(plain: Desk) -> None:
    with plain.db.write() as session:
        ask(session, EDGE, keep("k-3"), "li")
    at, sent = now(), []
    for second in range(1800):
        moment = at + timedelta(seconds=second)
        with plain.db.write() as session:
            for row in waiting(session, moment, 10):
                row.sent_at, row.tries = moment, row.tries + 1
                sent.append(second)
    apart = [after - before for before, after in pairwise(sent)]
    assert apart == sorted(apart) and apart[0] <= 6 and 100 <= apart[-1] <= 122
