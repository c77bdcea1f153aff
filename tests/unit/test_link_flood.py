"""What a box is sent in a flood is kept within limits; what is lost comes again by itself."""

import threading

from paho.mqtt.client import MQTTMessage

from edge.config import Broker
from edge.deliver.acks import MAX_ACK_BYTES
from edge.deliver.link import MOST_HEARD, MOST_TOLD, Link


def test_a_flood_of_answers_and_commands_is_kept_within_limits() -> None:
    link = Link(Broker(), "box-1", threading.Event())
    for topic, count in (("ack", MOST_HEARD), ("command", MOST_TOLD)):
        message = MQTTMessage(1, f"sightline/v1/box-1/{topic}".encode())
        message.payload = b"x" * 1_000_000
        for _ in range(count + 50):
            link._on_message(link._client, None, message)
    assert (link.heard.qsize(), link.told.qsize()) == (MOST_HEARD, MOST_TOLD)
    assert len(link.heard.get_nowait()) == MAX_ACK_BYTES + 1
