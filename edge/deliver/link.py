"""The connection to the broker: paho-mqtt, MQTT 5, reconnecting by itself, its state readable at any time.

A clean start without session expiry, on purpose: the outbox is the memory, not the broker. What an old session would
hand over, acknowledgements, central gives again for every event that is sent again. paho's thread only notes what it
hears; the deliver loop acts on it.
"""

import contextlib
import socket
import ssl
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contract.errors import BrokerError, ConfigError
from contract.events import now as clock
from contract.listening import ListeningClient
from contract.sealing import JWS_PROPERTY
from contract.states import Disk, EdgeStatus
from contract.topics import EdgeTopics
from edge.config import Broker
from edge.deliver.enduring import EnduringClient
from edge.deliver.mailbox import Mailbox

KEEPALIVE_S = 30
#: A broker that answers pings but no longer confirms what it took is left and met anew.
STUCK_S = 30.0


class Link:
    """One box's connection. `wake` is set whenever there is something for the loop to do."""

    def __init__(self, broker: Broker, edge_id: str, wake: threading.Event, client_id: str | None = None) -> None:
        self.topics = EdgeTopics(edge_id)
        self.mail = Mailbox(self.topics)
        #: Counts connections; the loop sees by it that a new one has begun.
        self.epoch = 0
        self.connected = False
        #: What keeps the connection away, as one line for a person; None while all is well.
        self.problem: str | None = None
        self._broker = broker
        self._wake = wake
        self._welcomed = False
        #: Whether the broker has answered a publish on this connection, and whether it has refused one.
        self._trusted = False
        self._denied = False
        self._context: ssl.SSLContext | None = None
        self._client = self._make(client_id or f"edge-{edge_id}")

    def start(self) -> None:
        """Connect in the background, with back-off of 1 to 15 s, for as long as it takes."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=True)
        self._client.loop_start()

    def stop(self) -> None:
        """Say `offline` and leave."""
        if self.connected:
            with contextlib.suppress(RuntimeError, ValueError):  # the connection went in this very moment
                self.publish_status("offline").wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def publish_event(self, raw: bytes, jws: str) -> mqtt.MQTTMessageInfo | None:
        """Send a sealed event at QoS 1; None when the connection is down."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = (JWS_PROPERTY, jws)
        properties.ContentType = "application/cloudevents+json"
        return self._publish(self.topics.event, raw, False, properties)

    def publish_camera(self, camera_id: str, raw: bytes) -> bool:
        """Publish a camera's state, retained. False when the connection is down."""
        return self._publish(self.topics.camera_status(camera_id), raw, True) is not None

    def publish_reply(self, raw: bytes) -> bool:
        """Answer a command. False when the connection is down; who asked asks again."""
        return self._publish(self.topics.reply, raw, False) is not None

    def publish_status(self, state: Literal["online", "offline"]) -> mqtt.MQTTMessageInfo:
        """Publish the box's own state, retained."""
        return self._client.publish(self.topics.status, _status(state, clock()), qos=1, retain=True)

    def publish_disk(self, disk: Disk) -> bool:
        """Publish that the box is there, and the room it has, retained. False when the connection is down."""
        return self._publish(self.topics.status, _status("online", clock(), disk), True) is not None

    def certificate_changed(self) -> None:
        """Show the certificate that stands in its file now, from the next connection on. Raises ConfigError."""
        if self._context is not None:
            _show(self._context, self._broker)

    def reconnect(self) -> None:
        """Drop the connection as a cut cable would; paho meets the broker anew."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _make(self, client_id: str) -> mqtt.Client:
        client = EnduringClient(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self._context = authenticate(client, self._broker)
        client.reconnect_delay_set(1, 15)
        client.max_inflight_messages_set(200)
        client.will_set(self.topics.status, _status("offline", None), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _publish(
        self, topic: str, raw: bytes, retain: bool, properties: Properties | None = None
    ) -> mqtt.MQTTMessageInfo | None:
        if not self.connected:
            return None
        info = self._client.publish(topic, raw, qos=1, retain=retain, properties=properties)
        return info if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    # -- paho's thread ----------------------------------------------------------------------------------------------

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _more: Properties | None
    ) -> None:
        self._welcomed = True
        if code.is_failure:
            self.problem = refusal(self._broker, str(code))
        else:
            topics = [self.topics.ack, self.topics.command, self.topics.sensors]
            client.subscribe([(topic, SubscribeOptions(qos=1, noLocal=True)) for topic in topics])
            self._denied = self._trusted = False
            self.epoch += 1
            self.connected = True
            self.publish_status("online")
        self._wake.set()

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        self.problem = unreachable(self._broker, sys.exc_info()[1])
        self._wake.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _more: Properties | None
    ) -> None:
        if not self._welcomed:
            self.problem = refusal(self._broker, "it hung up on the greeting")
        elif self.connected and not self._trusted:
            self.problem = self._denial("it hung up on the first message")
        elif self.connected and code.is_failure and not self._denied:
            self.problem = f"{address(self._broker)}: the connection was lost ({code}) - connecting again"
        self._welcomed = False
        self.connected = False
        self._wake.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.mail.put(message.topic, bytes(message.payload))
        self._wake.set()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, _mid: int, code: ReasonCode, _more: Properties | None
    ) -> None:
        self._trusted = True
        if code.is_failure:
            self._denied = True
            self.problem = self._denial(str(code))
            self._wake.set()
        elif not self._denied:
            self.problem = None

    def _denial(self, why: str) -> str:
        return (
            f"{address(self._broker)}: the broker refuses what this box publishes ({why}) - "
            f"its user must be named {self.topics.edge_id!r}, as the broker's ACL asks"
        )


def authenticate(client: mqtt.Client, broker: Broker) -> ssl.SSLContext | None:
    """Give `client` its user, password and certificates; the TLS settings it then has, None without TLS.

    Raises ConfigError naming the file that is wrong.
    """
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker.password_file))
    if broker.tls_ca is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _show(context, broker)
    client.tls_set_context(context)
    return context


def _show(context: ssl.SSLContext, broker: Broker) -> None:
    """Whom the connection trusts, and by what it is known itself."""
    try:
        context.load_verify_locations(str(broker.tls_ca))
        if broker.tls_cert is not None:
            context.load_cert_chain(str(broker.tls_cert), str(broker.tls_key))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{broker.tls_ca}: broker.tls_ca, tls_cert and tls_key cannot be used ({error}) - mend the files"
        ) from error


def check_broker(broker: Broker, edge_id: str, timeout_s: float = 5.0) -> str | None:
    """Try the broker once, before anything is started.

    Raises BrokerError when it refuses this box, ConfigError when password file or certificates are wrong. A broker
    that cannot be reached is no reason not to start: the sentence that says so is returned, None when all is well.
    """
    wake = threading.Event()
    answer: list[ReasonCode | None] = []
    # A name of its own: the check must not throw out a deliver process that is connected.
    client = ListeningClient(CallbackAPIVersion.VERSION2, client_id=f"check-{edge_id}", protocol=mqtt.MQTTv5)
    authenticate(client, broker)

    def heard(code: ReasonCode | None) -> None:
        answer.append(code)
        wake.set()

    client.on_connect = lambda _client, _data, _flags, code, _more: heard(code)
    client.on_disconnect = lambda _client, _data, _flags, _code, _more: heard(None)
    client.connect_timeout = timeout_s
    try:
        client.connect(broker.host, broker.port, keepalive=KEEPALIVE_S)
    except (OSError, ValueError) as error:
        return unreachable(broker, error)
    client.loop_start()
    wake.wait(timeout_s)
    client.disconnect()
    client.loop_stop()
    if not answer:
        return f"{address(broker)}: the broker took the connection and says nothing - is this an MQTT port?"
    if answer[0] is None or answer[0].is_failure:
        raise BrokerError(refusal(broker, str(answer[0] or "it hung up on the greeting")))
    return None


def address(broker: Broker) -> str:
    """The broker's address for a message."""
    return f"{broker.host}:{broker.port}"


def refusal(broker: Broker, why: str) -> str:
    """What to say when the broker does not let this box in."""
    if broker.username is None and broker.tls_cert is not None:
        return (
            f"{address(broker)}: the broker refuses {broker.tls_cert} ({why}) - "
            "is it of the CA it trusts, was this box shut out?"
        )
    file = broker.password_file or "broker.password_file (not set)"
    return (
        f"{address(broker)}: the broker refuses user {broker.username!r} ({why}) - "
        f"check the user's name and the password in {file}"
    )


def unreachable(broker: Broker, error: BaseException | None) -> str:
    """What to say when the broker cannot be reached."""
    why = str(error) or type(error).__name__ if error else "no answer"
    return f"{address(broker)}: the broker cannot be reached ({why}) - is it running, are host and port right?"


def _password(path: Path | None) -> str:
    if path is None:
        raise ConfigError("broker.password_file: is missing beside broker.username - name a file with the password")
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the broker's password cannot be read - write it there, mode 0600") from error
    if mode & 0o077:
        raise ConfigError(f"{path}: others can read the broker's password - `chmod 600` it")
    if not text:
        raise ConfigError(f"{path}: holds no password - write the broker's password into it")
    return text


def _status(state: Literal["online", "offline"], at: datetime | None, disk: Disk | None = None) -> bytes:
    return EdgeStatus(state=state, at=at, disk=disk).model_dump_json(exclude_none=True).encode()
