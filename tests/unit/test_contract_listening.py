"""Properties of a PUBLISH, read in linear time and as MQTT 5 has them."""

import pytest
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from contract.listening import MAX_PROPERTIES, TooManyPropertiesError, user_properties, varint

PAIR = b"\x26\x00\x01a\x00\x01b"


def test_whatever_paho_packs_is_read() -> None:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("jws", "a..b"), ("jws", "道路"), ("", "")]
    properties.PayloadFormatIndicator, properties.MessageExpiryInterval, properties.TopicAlias = 1, 70_000, 3
    properties.ContentType, properties.ResponseTopic, properties.CorrelationData = "text/plain", "a/b", b"\x00\xff"
    properties.SubscriptionIdentifier = [300, 268_435_455]
    raw = properties.pack()
    size, read = varint(raw, 0)
    assert size == len(raw) - read
    assert user_properties(raw[read:]) == [("jws", "a..b"), ("jws", "道路"), ("", "")]


def test_a_mark_of_byte_order_is_a_character_as_any_other() -> None:
    said = "\ufeffjws".encode()
    assert user_properties(b"\x26" + bytes([0, len(said)]) + said + b"\x00\x00") == [("\ufeffjws", "")]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x26\x00\x50jws", id="cut short"),
        pytest.param(b"\x26\x00\x01a\x00", id="no length"),
        pytest.param(b"\x26\x00\x01a", id="no value"),
        pytest.param(b"\x02\x00\x00\x00", id="short number"),
        pytest.param(b"\x09\x00\x05ab", id="short bytes"),
        pytest.param(b"\x0b\xff\xff\xff\xff\x01", id="number without end"),
        pytest.param(b"\x7f\x00", id="of no kind"),
        pytest.param(b"\x11\x00\x00\x00\x00", id="of another packet"),
        pytest.param(b"\x26\x00\x01\xff\x00\x00", id="no UTF-8"),
        pytest.param(b"\x26\x00\x03\xed\xa0\x80\x00\x00", id="half of a pair"),
        pytest.param(b"\x26\x00\x01\x00\x00\x00", id="NUL"),
    ],
)
def test_what_mqtt_does_not_allow_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedPacket):
        user_properties(PAIR + raw)


def test_too_many_are_not_read() -> None:
    assert len(user_properties(PAIR * MAX_PROPERTIES)) == MAX_PROPERTIES
    with pytest.raises(TooManyPropertiesError):
        user_properties(PAIR * (MAX_PROPERTIES + 1))
