"""What a box hears: forged acknowledgements, fuzzed commands and readings. No row of its outbox may go by them.

The real deliver process behind Mosquitto with the shipped access list. `central`'s own account is the intruder's here:
the worst that a stolen password of the broker can do is asked for too.
"""

import json
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import yaml
from deliver_peers import Box, Mosquitto, Subscriber, feed, publish_as
from paho.mqtt.enums import CallbackAPIVersion

from contract.events import now
from contract.topics import EdgeTopics
from tests.bench.intruder_insider import odd
from tests.bench.intruder_office import Tally, until
from tests.ports import open_port

USERS = {"central": "c-5a1e", "box-1": "b-90c3", "box-2": "b-77d0", "s1": "s-20c8"}
_ACL = "\nuser s1\ntopic write sightline/v1/box-1/sensor/s1\n"
SITE = {
    "site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
    "cameras": [{"id": "cam-1", "url": "rtsp://127.0.0.1:9/", "frame": [320, 192],
                 "zones": [{"id": "kerb", "type": "no_parking", "polygon": [[0, 0], [9, 0], [9, 9]]}]}],
}  # fmt: skip
_HELD = 6
#: What deliver may hold more after the flood than before, MB.
GROWTH_MB = 40
_TOPICS = EdgeTopics("box-1")


def attack(folder: Path, tally: Tally, count: int, seed: int) -> None:
    """`count` messages on each of the topics that box-1 hears."""
    port = open_port()
    broker = Mosquitto(folder / "broker", port, USERS)
    with (folder / "broker" / "acl").open("a") as acl:
        acl.write(_ACL)
    broker.start()
    box = Box(folder / "box-1", port, USERS["box-1"])
    (folder / "box-1" / "site.yaml").write_text(yaml.safe_dump(SITE))
    central = Subscriber(port, USERS["central"], answer=None)  # type: ignore[arg-type]
    central.answer = None
    try:
        for number in range(_HELD - 1):
            box.spool.put(feed("box-1", "cam-1", f"number {number}"), {})
        box.start()
        until(
            lambda: box.state().get("pending") == _HELD and len(central.ids()) == _HELD, "everything is in the outbox"
        )
        _other_boxes(port, central, tally)
        _flooded(box, port, tally, count, random.Random(seed))
        _goes_on(box, central, tally)
    finally:
        central.close()
        box.kill()
        broker.kill()


def _other_boxes(port: int, central: Subscriber, tally: Tally) -> None:
    """The access list: box-2 says nothing to box-1, and nothing in its name."""
    ack = json.dumps({"id": sorted(central.ids())[0], "status": "stored"}).encode()
    for name in ("ack", "command", "sensor/s1", "event", "status", "ledger", "reply", "camera/cam-1/status"):
        said = publish_as(port, "box-2", USERS["box-2"], f"sightline/v1/box-1/{name}", ack)
        tally.told(
            f"access list: box-2 writes box-1's {name.split('/')[0]}",
            said,
            None if said == "Not authorized" else f"the broker says {said}",
        )


def _flooded(box: Box, port: int, tally: Tally, count: int, rng: random.Random) -> None:
    assert box.process is not None
    status = Path(f"/proc/{box.process.pid}/status")
    before = _rss(status)
    for user, topic, raws in (
        ("central", _TOPICS.ack, acks(rng, count)),
        ("central", _TOPICS.command, commands(rng, count)),
        ("s1", _TOPICS.sensor("s1"), readings(rng, count)),
    ):
        tally.tried[f"box hears: {topic.removeprefix('sightline/v1/box-1/')}"] += _published(port, user, topic, raws)
    time.sleep(2.0)
    after = _rss(status)
    tally.notes.append(f"RSS of deliver: {before:.0f} MB before, {after:.0f} MB after {3 * count} messages to it")
    if after - before > GROWTH_MB:
        tally.faults.append(f"deliver's memory grows: {before:.0f} -> {after:.0f} MB")


def _published(port: int, user: str, topic: str, raws: Iterator[bytes]) -> int:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(user, USERS[user])
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [client.publish(topic, raw, qos=1) for raw in raws]
    until(lambda: all(one.is_published() for one in sent), "the broker takes the flood")
    client.disconnect()
    client.loop_stop()
    return len(sent)


def _goes_on(box: Box, central: Subscriber, tally: Tally) -> None:
    """It runs, holds every row, has said what it refused; a true answer still counts."""
    assert box.process is not None
    if box.process.poll() is not None:
        tally.faults.append(f"deliver has ended: {box.told()[-500:]}")
        return
    if box.state().get("pending") != _HELD:
        tally.faults.append(
            f"{box.state().get('pending')} of {_HELD} rows are left in the outbox by forged acknowledgements"
        )
    said = box.told()
    if "Traceback" in said:
        tally.faults.append(f"a trace in deliver's log: {said[said.index('Traceback') :][:300]}")
    for words in ("acknowledgement that cannot be read", "a command: ", "sensor s1: "):
        tally.told(
            f"log of the box: {words.strip()}",
            "told",
            None if words in said else f"no line says {words!r} in {said[-1500:]}",
        )
    central.answer = "stored"
    for name in central.ids():
        central.send(_TOPICS.ack, json.dumps({"id": name, "status": "stored"}).encode())
    until(lambda: box.state().get("pending") == 0, "true answers empty the outbox")


def _rss(status: Path) -> float:
    line = next(one for one in status.read_text(encoding="ascii").splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


# -- what is said to it -----------------------------------------------------------------------------------------------


def acks(rng: random.Random, count: int) -> Iterator[bytes]:
    """Acknowledgements of events it never had, and what is none."""
    for number in range(count):
        tree: Any = {
            "id": f"01a202fb-0000-7000-8000-{number:012x}",
            "status": rng.choice(["stored", "duplicate", "refused"]),
        }
        yield _spoiled(rng, tree) if rng.random() < 0.8 else json.dumps(tree).encode()


def commands(rng: random.Random, count: int) -> Iterator[bytes]:
    """Commands that are true, odd, or none."""
    for number in range(count):
        moment = now()
        said = {"id": f"s{number}", "fact": "officer_directing", "value": "yes", "by": "duty", "camera_id": "cam-9",
                "from": moment.isoformat(), "until": (moment + timedelta(minutes=1)).isoformat()}  # fmt: skip
        yield _spoiled(rng, {"id": f"c{number}", "command": "tell_fact", "statement": said})


def readings(rng: random.Random, count: int) -> Iterator[bytes]:
    """A sensor's word, the same way."""
    for _ in range(count):
        moment = now()
        yield _spoiled(
            rng,
            {
                "fact": "signal_state",
                "value": "vehicle_green",
                "at": moment.isoformat(),
                "camera_id": "cam-1",
                "zone_id": "zebra",
            },
        )


def _spoiled(rng: random.Random, tree: dict[str, Any]) -> bytes:
    way = rng.randrange(6)
    if way == 0:
        return rng.randbytes(rng.choice([0, 1, 40, 5000]))
    if way == 1:
        return rng.choice([b"[" * 4000, b'{"id":' * 600, b"null", b"[]", b'"x"', b"\xff\xfe", b'{"id":"\\ud800","status":"stored"}',
                           b'{"id":"a","id":"b","status":"stored","status":"refused"}', b'{"id":NaN}', b"9" * 4000, b"{" + b" " * 9000 + b"}"])  # fmt: skip
    holder = tree.get("statement", tree) if rng.random() < 0.7 else tree
    for _ in range(rng.randint(1, 2)):
        if way == 2 and len(holder) > 1:
            del holder[rng.choice(list(holder))]
        else:
            holder[rng.choice([*holder, "x", "plate", ""])] = odd(rng)
    raw = bytearray(json.dumps(tree).encode("utf-8", "surrogatepass"))
    if way == 3:
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


__all__ = ["acks", "attack", "commands", "readings"]
