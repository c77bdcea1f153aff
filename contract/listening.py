"""An MQTT 5 client whose time and memory for what it hears do not depend on who wrote it.

paho waits with select(), which cannot see a descriptor of 1,024 or more: a process that holds many connections would
connect, lose the connection, and connect again for ever. Here it waits with poll().

paho also reads properties in quadratic time: one lawful packet of 8 MB with 1.6 million empty user properties keeps its
thread busy for tens of minutes. It also refuses U+FEFF in a user property, which MQTT 5 (1.5.4) says must be let be,
and ends the connection over it. So properties are read here, and paho is given the packet without them.
"""

import contextlib
import logging
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode, _ConnectionState
from paho.mqtt.exception import MalformedPacket

log = logging.getLogger("sightline.mqtt")
#: Properties of a message that is read. An event has two, with a seal of some hundred bytes.
MAX_PROPERTIES = 20
MAX_PROPERTY_BYTES = 16_384
#: Messages that are not read are told of this often, not each. Seconds.
_TELL_S = 10.0
_USER_PROPERTY = 0x26
#: MQTT 5, 2.2.2.2: properties of a PUBLISH with a value of so many bytes, and those that begin with their length.
_FIXED = {0x01: 1, 0x02: 4, 0x23: 2}
_COUNTED = frozenset({0x03, 0x08, 0x09})
_SUBSCRIPTION = 0x0B


class TooManyPropertiesError(ValueError):
    """More than MAX_PROPERTIES: lawful, and nothing we listen to."""


class ListeningClient(Client):
    """A client that hears at QoS 0 and 1, and of properties gives `UserProperty` alone.

    A message with more properties than anybody needs is neither read nor handed on: it is acknowledged, so that the
    broker lets go of it, and given to `on_overlong` (without payload and properties, on paho's thread).
    """

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.on_overlong: Callable[[MQTTMessage], None] = lambda _message: None
        #: Of the packet at hand; None when they are too many.
        self._pairs: list[tuple[str, str]] | None = []
        self._told = -_TELL_S

    def _loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        """See paho: wait for at most `timeout` seconds, then read, write and look after the connection."""
        sock, waker = self._sock, self._sockpairR
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            readable, writable = self._ready(sock, waker, timeout)
        except (OSError, ValueError):  # closed by another thread in this very moment
            return self._lost()
        if readable and (code := self.loop_read()):
            return code
        if waker is not None and _drained(waker):
            writable = True  # publish() rings: there is something to write that was not there before the wait
        if writable and self._sock is not None and (code := self.loop_write()):
            return code
        return self.loop_misc() if self._sock is not None else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _ready(self, sock: Any, waker: socket.socket | None, timeout: float) -> tuple[bool, bool]:
        """Whether the broker's socket can be read and written."""
        # What TLS has decrypted already is not seen by poll().
        pending = hasattr(sock, "pending") and sock.pending() > 0
        poll = select.poll()
        poll.register(sock, select.POLLIN | (select.POLLOUT if self.want_write() else 0))
        if waker is not None:
            poll.register(waker, select.POLLIN)
        seen = dict(poll.poll(0 if pending else timeout * 1000)).get(sock.fileno(), 0)
        return pending or bool(seen & ~select.POLLOUT), bool(seen & select.POLLOUT)

    def _lost(self) -> MQTTErrorCode:
        if self._state not in (_ConnectionState.MQTT_CS_DISCONNECTING, _ConnectionState.MQTT_CS_DISCONNECTED):
            self._state = _ConnectionState.MQTT_CS_CONNECTION_LOST
        return MQTTErrorCode.MQTT_ERR_CONN_LOST

    def _handle_publish(self) -> MQTTErrorCode:
        """paho calls this with a whole packet in `_in_packet`. Raises MalformedPacket, which ends the connection."""
        packet = self._in_packet["packet"]
        qos = self._in_packet["command"] >> 1 & 3
        if qos > 1:
            raise MalformedPacket("more than the QoS 1 that was asked for")  # MQTT 5, 3.8.4-8
        begin = 2 + int.from_bytes(packet[:2]) + (2 if qos else 0)
        size, read = varint(packet, begin)
        end = begin + read + size
        if end > len(packet):
            raise MalformedPacket("properties are longer than the packet")
        try:
            self._pairs = user_properties(bytes(packet[begin + read : end])) if size <= MAX_PROPERTY_BYTES else None
        except TooManyPropertiesError:
            self._pairs = None
        packet[begin : len(packet) if self._pairs is None else end] = b"\0"
        return super()._handle_publish()

    def _handle_on_message(self, message: MQTTMessage) -> None:
        if self._pairs is None:
            self._pass_over(message)
            return
        if self._pairs:
            message.properties.UserProperty = self._pairs  # type: ignore[union-attr]
        super()._handle_on_message(message)

    def _pass_over(self, message: MQTTMessage) -> None:
        if time.monotonic() - self._told >= _TELL_S:
            self._told = time.monotonic()
            log.warning("a message with more than %d properties was not read", MAX_PROPERTIES)
        self.ack(message.mid, message.qos)  # without `manual_ack` this does nothing, and paho acknowledges
        self.on_overlong(message)


def _drained(waker: socket.socket) -> bool:
    """Whether somebody rang; what he rang with is thrown away."""
    with contextlib.suppress(BlockingIOError):
        return bool(waker.recv(10_000))
    return False


def user_properties(raw: bytes) -> list[tuple[str, str]]:
    """(name, value) of each user property among the properties of a PUBLISH, in linear time.

    Raises TooManyPropertiesError, or MalformedPacket for what MQTT 5 does not allow.
    """
    pairs: list[tuple[str, str]] = []
    at = count = 0
    while at < len(raw):
        count += 1
        if count > MAX_PROPERTIES:
            raise TooManyPropertiesError
        kind, at = raw[at], at + 1
        if kind == _USER_PROPERTY:
            name, at = _text(raw, at)
            value, at = _text(raw, at)
            pairs.append((name, value))
        else:
            at = _after(raw, at, kind)
    return pairs


def varint(raw: bytes | bytearray, at: int) -> tuple[int, int]:
    """Value and length of the variable byte integer at `at` (MQTT 5, 1.5.5). Raises MalformedPacket."""
    value = 0
    for place, digit in enumerate(raw[at : at + 4]):
        value |= (digit & 127) << 7 * place
        if digit < 128:
            return value, place + 1
    raise MalformedPacket("a length without end")


def _after(raw: bytes, at: int, kind: int) -> int:
    """Where the property of that kind ends whose value begins at `at`."""
    if kind in _FIXED:
        end = at + _FIXED[kind]
    elif kind in _COUNTED:
        end = at + 2 + int.from_bytes(raw[at : at + 2])
    elif kind == _SUBSCRIPTION:
        end = at + varint(raw, at)[1]
    else:
        raise MalformedPacket("a property of no kind")
    if end > len(raw):
        raise MalformedPacket("a property is cut short")
    return end


def _text(raw: bytes, at: int) -> tuple[str, int]:
    """The string at `at` and where it ends (MQTT 5, 1.5.4): UTF-8 without U+0000; U+FEFF is as any other."""
    begin = at + 2
    end = begin + int.from_bytes(raw[at:begin])
    if begin > len(raw) or end > len(raw):
        raise MalformedPacket("a property is cut short")
    try:
        text = raw[begin:end].decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedPacket("a property is no UTF-8") from error
    if "\0" in text:
        raise MalformedPacket("U+0000 in a property")
    return text, end


__all__ = [
    "MAX_PROPERTIES",
    "MAX_PROPERTY_BYTES",
    "ListeningClient",
    "TooManyPropertiesError",
    "user_properties",
    "varint",
]
