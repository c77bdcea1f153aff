"""The broker that comes with `pip install`: iotcore (rumqttd) as a process of its own, for the demo and for tests.

It listens on loopback alone, asks every client for a name and a password, and takes payloads up to 8 MB. It keeps
nothing on disk and has no access list: what it drops, the edge's outbox sends again, but a county runs Mosquitto with
`configs/mosquitto`. A wrong password is answered by hanging up without a CONNACK.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from iotcore import Broker

from contract.errors import BrokerError, ConfigError
from contract.topics import check_identifier

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 33554432
max_segment_count = 10

[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {max_payload}
max_inflight_count = 200
dynamic_filters = true

[v5.1.connections.auth]
"""


def broker_toml(port: int, users: Mapping[str, str]) -> str:
    """rumqttd's settings: MQTT 5 on 127.0.0.1:`port`, one password a user. Raises ConfigError without users."""
    if not users:
        raise ConfigError("embedded broker: no users given - it never runs without passwords")
    lines = [_CONFIG.format(port=port, max_payload=MAX_PAYLOAD_BYTES)]
    for name, password in users.items():
        if not password or not password.isascii() or not password.isprintable():
            raise ConfigError(f"embedded broker: the password of {name!r} must be printable ASCII and not empty")
        lines.append(f"{json.dumps(check_identifier(name, 'user'))} = {json.dumps(password)}\n")
    return "".join(lines)


class EmbeddedBroker:
    """A real MQTT 5 broker in a child process; it goes when `stop` is called or this process ends.

    `folder` receives `broker.toml` (mode 0600: it holds the passwords). Use it as a context manager.
    """

    def __init__(self, folder: Path, port: int, users: Mapping[str, str]) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self._config = folder / "broker.toml"
        _write_private(self._config, broker_toml(port, users))
        self._broker: Broker | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running broker, None while it is down."""
        process = self._broker._process if self._broker else None
        return process.pid if process and process.poll() is None else None

    def start(self, timeout_s: float = 20.0) -> "EmbeddedBroker":
        """Start it and wait until it listens. Raises BrokerError when the port is taken or it does not come up."""
        broker = Broker(port=self.port, listen=self.host, config_path=str(self._config))
        try:
            broker.start(timeout=timeout_s)
        except OSError as error:
            raise BrokerError(
                f"{self.host}:{self.port}: the broker's port is in use - free it or choose another"
            ) from error
        except RuntimeError as error:
            raise BrokerError(f"{self.host}:{self.port}: the embedded broker did not start ({error})") from error
        self._broker = broker
        return self

    def stop(self) -> None:
        """End the process and wait for it. Safe to call twice."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None

    def __enter__(self) -> "EmbeddedBroker":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
