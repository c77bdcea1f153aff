"""The boxes of the benchmark of central in one process: `python -m sightline.bench.central_load PORT BOXES EVENTS`.

Every box has its own connection, name and password (a line of JSON on standard input: name to password) and behaves as
deliver does: QoS 1, a window of unacknowledged events, sent again after 3 s without central's acknowledgement (the very
`Window` of the box). All is sealed before anything is measured. It answers with lines of JSON: first the public keys,
then one result for each order `{"events": N, "window": W}` (as fast as central takes them, W unacknowledged a box) or
`{"events": N, "rate": R}` (R a second, each at its own time whatever became of those before; its delay counts from
that time, so that a queue in front of us cannot hide).
"""

import json
import selectors
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from contract.sealing import JWS_PROPERTY, public_jwk
from contract.topics import EdgeTopics
from edge.deliver.window import Window
from sightline.bench.central_events import Sealed, Voice

#: An event that nobody acknowledged this long after the last one was sent is lost; s.
LOST_S = 60.0
_LOOK_S = 0.5


@dataclass
class Result:
    """What became of the events of one order."""

    due: dict[str, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    again: int = 0
    decisions: int = 0
    begun: float = 0.0
    ended: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Rate in events a second from the first publish to the last acknowledgement, delays in s."""
        taken = self.ended - self.begun
        return {
            "events": len(self.delays),
            "decisions": self.decisions,
            "seconds": round(taken, 3),
            "rate": round(len(self.delays) / taken, 1) if taken > 0 else 0.0,
            "delays": [round(delay, 4) for delay in self.delays],
            "statuses": self.statuses,
            "sent_again": self.again,
            "lost": len(self.due),
        }


class Caller:
    """One box: its voice and its line to the broker."""

    def __init__(self, voice: Voice, events: int, port: int, password: str) -> None:
        self.topics = EdgeTopics(voice.edge_id)
        self.stock: deque[Sealed] = deque(islice(voice.speak(), events))
        self.window = Window(size=1)
        self.said: dict[str, Sealed] = {}
        self.result = Result()
        self.client = Client(CallbackAPIVersion.VERSION2, f"bench-{voice.edge_id}", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.username_pw_set(voice.edge_id, password)
        self.client.max_inflight_messages_set(60_000)
        self.client.on_connect = lambda client, *_: client.subscribe(self.topics.ack, qos=1)
        self.client.on_message = self._on_ack
        self.client.connect("127.0.0.1", port, keepalive=60)
        line = self.client.socket()
        assert isinstance(line, socket.socket)
        self.line = line

    def say(self, due: float) -> None:
        """Publish the next event, which was to be published at `due`."""
        one = self.stock.popleft()
        self.said[one.id] = one
        self.result.due[one.id] = due
        self.result.decisions += one.decision
        self._publish(one)

    def say_again(self) -> None:
        """What was not acknowledged in time."""
        for name in self.window.due(time.monotonic()):
            self.result.again += 1
            self._publish(self.said[name])

    def serve(self) -> None:
        """Read what came, write what waits, keep the connection."""
        self.client.loop_read()
        if self.client.want_write():
            self.client.loop_write()

    def _publish(self, one: Sealed) -> None:
        seal = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        seal.UserProperty = (JWS_PROPERTY, one.jws)
        self.window.sent(one.id, time.monotonic())
        self.client.publish(self.topics.event, one.raw, qos=1, properties=seal)

    def _on_ack(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        ack, moment = json.loads(message.payload), time.monotonic()
        due = self.result.due.pop(ack["id"], None)
        if due is None:
            return
        self.said.pop(ack["id"], None)
        self.window.acked(ack["id"], moment)
        self.result.ended = moment
        self.result.delays.append(moment - due)
        self.result.statuses[ack["status"]] = self.result.statuses.get(ack["status"], 0) + 1


class Street:
    """All boxes, served by one thread."""

    def __init__(self, callers: list[Caller]) -> None:
        self._callers = callers
        self._selector = selectors.DefaultSelector()
        for caller in callers:
            self._selector.register(caller.line, selectors.EVENT_READ, caller)
        self._kept = 0.0

    def fill(self, events: int, window: int) -> Result:
        """`events` in all, as fast as they are acknowledged, `window` unacknowledged a box."""
        result = self._fresh()
        left = events
        while (left or result.due) and not self._lost(result, left):
            for caller in self._callers:
                while left and len(caller.window) < window:
                    caller.say(time.monotonic())
                    left -= 1
            self._serve(0.05)
        return result

    def pace(self, events: int, rate: float) -> Result:
        """`events` in all, `rate` a second, in turn from each box."""
        result = self._fresh()
        sent = 0
        while (sent < events or result.due) and not self._lost(result, events - sent):
            while sent < events and (due := result.begun + sent / rate) <= time.monotonic():
                self._callers[sent % len(self._callers)].say(due)
                sent += 1
            self._serve(max(0.0, min(0.05, result.begun + sent / rate - time.monotonic())) if sent < events else 0.05)
        return result

    def idle(self, seconds: float) -> None:
        """Serve the connections and say nothing."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._serve(0.05)

    def _fresh(self) -> Result:
        result = Result(begun=time.monotonic())
        for caller in self._callers:
            caller.result = result
        return result

    def _lost(self, result: Result, left: int) -> bool:
        return not left and time.monotonic() - max(result.ended, result.begun) > LOST_S

    def _serve(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            key.data.serve()
        if time.monotonic() - self._kept > _LOOK_S:
            self._kept = time.monotonic()
            for caller in self._callers:
                caller.client.loop_misc()
                caller.say_again()


def main() -> None:
    """Seal, connect, answer orders until standard input ends."""
    port, boxes, events = (int(word) for word in sys.argv[1:4])
    passwords: dict[str, str] = json.loads(sys.stdin.readline())
    voices = [Voice(name) for name in sorted(passwords)][:boxes]
    callers = [Caller(voice, -(-events // boxes), port, passwords[voice.edge_id]) for voice in voices]
    street = Street(callers)
    street.idle(1.0)
    _tell({voice.edge_id: public_jwk(voice.key) for voice in voices})
    for line in sys.stdin:
        order = json.loads(line)
        done = (
            street.pace(order["events"], order["rate"])
            if "rate" in order
            else street.fill(order["events"], order["window"])
        )
        _tell(done.as_json())
        street.idle(0.2)


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
