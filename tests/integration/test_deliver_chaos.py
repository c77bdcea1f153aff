"""Deliver and broker are killed with -9 at random while three cameras hand over events: nothing lost, nothing doubled.

Seeded: SIGHTLINE_CHAOS_SEED repeats a run, SIGHTLINE_CHAOS_EVENTS makes it longer. "Nothing doubled" is about
what was sealed: an event may arrive more than once, always with the very same bytes.
"""

import json
import os
import random
import threading
import time

import pytest
from deliver_peers import ONE_OF_TWO, Box, Mosquitto, Subscriber, feed, until

from contract.sealing import GENESIS, sha256_hex, verify_detached
from sightline.broker import EmbeddedBroker

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3"}
CAMERAS = ("cam-1", "cam-2", "cam-3")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ONE_OF_TWO)  # test_deliver_central.py kills the embedded one
def test_kill_9_loses_and_doubles_nothing(kind, tmp_path, free_port) -> None:
    seed = int(os.environ.get("SIGHTLINE_CHAOS_SEED", "20260105"))
    total = int(os.environ.get("SIGHTLINE_CHAOS_EVENTS", "300"))
    print(f"SIGHTLINE_CHAOS_SEED={seed}")
    dice = random.Random(seed)
    broker = _broker(kind, tmp_path / "broker", free_port)
    central = Subscriber(free_port, USERS["central"])
    box = Box(tmp_path / "box", free_port, USERS["box-1"])
    put: list[str] = []
    hands = threading.Thread(target=_hand_over, args=(box, total, put, dice.random()))
    hands.start()
    box.start()
    try:
        for _ in range(max(6, total // 50)):
            time.sleep(dice.uniform(0.05, 2.0))
            if dice.random() < 0.7:
                box.kill()
                time.sleep(dice.uniform(0, 0.3))
                box.start()
            else:
                broker = _killed(kind, broker, tmp_path / "broker", free_port)
        hands.join(300)
        until(lambda: len(central.ids()) == total + 1, 180, "every event")
        until(lambda: box.state().get("pending") == 0, 120, "every acknowledgement")
    finally:
        box.kill()
        central.close()
        (broker.stop if isinstance(broker, EmbeddedBroker) else broker.kill)()
    _judge(central.received, put, box)


def _hand_over(box: Box, total: int, put: list[str], seed: float) -> None:
    dice = random.Random(seed)
    for number in range(total):
        event = feed("box-1", CAMERAS[number % len(CAMERAS)], str(number))
        box.spool.put(event, {})
        put.append(event.id)
        time.sleep(dice.uniform(0, 0.04))


def _judge(received: list[tuple[bytes, str | None]], put: list[str], box: Box) -> None:
    key = box.ring.load()
    by_id: dict[str, bytes] = {}
    for raw, jws in received:
        assert jws is not None
        verify_detached(raw, jws, key)
        name = json.loads(raw)["id"]
        assert by_id.setdefault(name, raw) == raw, f"{name} was sealed twice"
    events = sorted((json.loads(raw)["data"]["chain"]["seq"], raw) for raw in by_id.values())
    assert [seq for seq, _ in events] == list(range(len(put) + 1))
    previous = GENESIS
    for _, raw in events:
        assert json.loads(raw)["data"]["chain"]["prev"] == previous
        previous = sha256_hex(raw)
    assert [json.loads(raw)["id"] for _, raw in events[1:]] == put
    for camera in CAMERAS:
        mine = [json.loads(raw)["data"] for _, raw in events if json.loads(raw)["data"].get("camera_id") == camera]
        assert [data["camera_seq"] for data in mine] == list(range(len(mine)))
        assert [int(data["cause"]) for data in mine] == sorted(int(data["cause"]) for data in mine)


def _broker(kind, folder, port):
    if kind == "embedded":
        return EmbeddedBroker(folder, port, USERS).start()
    broker = Mosquitto(folder, port, USERS)
    broker.start()
    return broker


def _killed(kind, broker, folder, port):
    if kind == "embedded":
        os.kill(broker.pid, 9)
        broker.stop()
        return _broker(kind, folder, port)
    broker.kill()
    broker.start()
    return broker
