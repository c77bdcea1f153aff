"""What a box is sent in a flood is kept within limits; what is lost comes again by itself, and nothing else is lost."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from paho.mqtt.client import MQTTMessage

from edge.config import Broker
from edge.deliver.acks import MAX_ACK_BYTES
from edge.deliver.complaints import MOST, MOST_OF_ONE, Complaints
from edge.deliver.link import Link
from edge.deliver.mailbox import MOST_HEARD, MOST_TOLD


def test_a_flood_of_answers_and_commands_is_kept_within_limits() -> None:
    link = Link(Broker(), "box-1", threading.Event())
    for topic, count in (("ack", MOST_HEARD), ("command", MOST_TOLD)):
        message = MQTTMessage(1, f"sightline/v1/box-1/{topic}".encode())
        message.payload = b"x" * 1_000_000
        for _ in range(count + 50):
            link._on_message(link._client, None, message)
    assert (link.mail.acks.qsize(), link.mail.commands.qsize(), link.mail.lost) == (MOST_HEARD, MOST_TOLD, 100)
    assert len(link.mail.acks.get_nowait()) == MAX_ACK_BYTES + 1


def test_a_flood_of_commands_holds_up_no_reading() -> None:
    mail = Link(Broker(), "box-1", threading.Event()).mail
    for _ in range(2 * MOST_TOLD):
        mail.put("sightline/v1/box-1/command", b"{}")
    mail.put("sightline/v1/box-1/sensor/s1", b"a reading")
    turn = list(mail.told(50))
    assert len(turn) == 51
    assert turn[-1] == ("sightline/v1/box-1/sensor/s1", b"a reading")


def test_ever_new_faults_of_one_sender_silence_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    complaints, now = Complaints(), datetime(2026, 1, 5, tzinfo=UTC)
    with caplog.at_level(logging.WARNING, "sightline.deliver"):
        for number in range(5000):
            complaints.say("a command", f"a command: fault {number}", now)
        assert len(caplog.messages) == MOST_OF_ONE
        complaints.say("s1", "sensor s1: is over 4096 bytes", now)
        complaints.say("s1", "sensor s1: is over 4096 bytes", now + timedelta(seconds=59))
        assert caplog.messages[MOST_OF_ONE:] == ["sensor s1: is over 4096 bytes"]
        for number in range(5000):
            complaints.say(f"s{number}", f"sensor s{number}: fault", now)
        assert len(caplog.messages) == MOST
        complaints.say("a command", "a command: fault 1", now + timedelta(seconds=61))
        assert len(caplog.messages) == MOST + 1
