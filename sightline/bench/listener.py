"""Hears every event of the box at the broker, as a second subscriber beside central, and notes when it came."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from contract.topics import ALL_EVENTS

#: The listener's user at the broker.
USER = "bench"
_PREFIX = "sightline.violation."
_CLOSED = "sightline.violation.closed"


@dataclass(frozen=True, slots=True)
class Heard:
    """A decision: who, where, and when its pictures were taken and when it came (Unix s)."""

    camera_id: str
    rule: str
    zone_id: str
    verdict: str
    case_key: str
    at_trigger: float
    at_last: float
    received: float


class Listener:
    """Notes decisions by their case, the first time that each is heard (the outbox may send again)."""

    def __init__(self, port: int, password: str) -> None:
        self.events = 0
        self.manifests = 0
        self._heard: dict[str, Heard] = {}
        self._ready = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sightline-bench", protocol=mqtt.MQTTv5)
        client.username_pw_set(USER, password)
        client.on_connect = lambda c, *_: c.subscribe(ALL_EVENTS, qos=1)
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._on_message
        client.connect("127.0.0.1", port, keepalive=60)
        client.loop_start()
        self._client = client

    def ready(self, timeout_s: float = 20.0) -> bool:
        """Whether it listens now."""
        return self._ready.wait(timeout_s)

    def heard(self) -> list[Heard]:
        """All decisions so far."""
        return list(self._heard.values())

    def close(self) -> None:
        """Stop listening."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        received = time.time()
        event = json.loads(message.payload)
        self.events += 1
        kind = str(event.get("type", ""))
        self.manifests += kind == "sightline.evidence.manifest"
        if not kind.startswith(_PREFIX) or kind == _CLOSED:
            return
        data = event["data"]
        self._heard.setdefault(
            data["case_key"],
            Heard(
                data["camera_id"],
                data["rule"],
                data["zone_id"],
                data["verdict"],
                data["case_key"],
                _unix(data["at_trigger"]),
                _unix(data["at_last"]),
                received,
            ),
        )


def _unix(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
