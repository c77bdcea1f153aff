"""What a box is sent in a flood is kept within limits; what is lost comes again by itself, and nothing else is lost."""

import logging
import threading

import pytest
from paho.mqtt.client import MQTTMessage

from edge.config import Broker
from edge.deliver.acks import MAX_ACK_BYTES
from edge.deliver.complaints import MOST, MOST_OF_ONE, Complaints
from edge.deliver.link import Link
from edge.deliver.mailbox import MOST_EACH, MOST_HEARD, MOST_TOLD


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


def test_a_flood_of_one_sensor_costs_no_other_its_word() -> None:
    mail = Link(Broker(), "box-1", threading.Event()).mail
    mail.put("sightline/v1/box-1/sensor/quiet", b"first")
    for number in range(5 * MOST_TOLD):
        mail.put("sightline/v1/box-1/sensor/loud", b"%d" % number)
    mail.put("sightline/v1/box-1/sensor/late", b"last")
    assert (len(mail.readings), mail.lost) == (MOST_EACH + 2, 5 * MOST_TOLD - MOST_EACH)
    # In turn, what the loud one said last, and none of it twice.
    assert [(topic.rpartition("/")[2], raw) for topic, raw in mail.told(4)] == [
        ("quiet", b"first"),
        ("loud", b"%d" % (5 * MOST_TOLD - MOST_EACH)),
        ("late", b"last"),
        ("loud", b"%d" % (5 * MOST_TOLD - MOST_EACH + 1)),
    ]
    assert len(list(mail.told(MOST_TOLD))) == MOST_EACH - 2 and len(mail.readings) == 0


def test_a_crowd_of_made_up_sensors_takes_places_from_the_longest_queue_only() -> None:
    mail = Link(Broker(), "box-1", threading.Event()).mail
    for _ in range(MOST_EACH):
        mail.put("sightline/v1/box-1/sensor/loud", b"{}")
    for number in range(MOST_TOLD - MOST_EACH + 10):
        mail.put(f"sightline/v1/box-1/sensor/s{number}", b"{}")
    assert (len(mail.readings), mail.lost) == (MOST_TOLD, 10)
    heard = [topic.rpartition("/")[2] for topic, _ in mail.told(MOST_TOLD)]
    assert heard.count("loud") == MOST_EACH - 10 and len(set(heard)) == MOST_TOLD - MOST_EACH + 11


class Forward:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_ever_new_faults_of_one_sender_silence_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    clock = Forward()
    complaints = Complaints(clock)
    with caplog.at_level(logging.WARNING, "sightline.deliver"):
        for number in range(5000):
            complaints.say("a command", f"a command: fault {number}")
        assert len(caplog.messages) == MOST_OF_ONE
        complaints.say("s1", "sensor s1: is over 4096 bytes")
        clock.at += 59
        complaints.say("s1", "sensor s1: is over 4096 bytes")
        assert caplog.messages[MOST_OF_ONE:] == ["sensor s1: is over 4096 bytes"]
        for number in range(5000):
            complaints.say(f"s{number}", f"sensor s{number}: fault")
        assert len(caplog.messages) == MOST
        clock.at += 61
        complaints.say("a command", "a command: fault 1")
        assert len(caplog.messages) == MOST + 1
