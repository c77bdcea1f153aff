"""MQTT topics (design section 4): a path a person can guess.

An edge reaches only topics under its own id; the broker's ACL says so and central checks it again against the
key. Identifiers are therefore restricted to characters that mean nothing to MQTT.
"""

import re
from dataclasses import dataclass

ROOT = "sightline/v1"
#: Eclipse Sparkplug 3.0, section 4.1: the namespace of its version B.
SPARKPLUG = "spBv1.0"
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: What central subscribes to. Events go through the shared subscription (one replica gets each), the rest are plain.
ALL_EVENTS = f"{ROOT}/+/event"
SHARED_EVENTS = f"$share/central/{ALL_EVENTS}"
ALL_STATUS = f"{ROOT}/+/status"
ALL_CAMERA_STATUS = f"{ROOT}/+/camera/+/status"
ALL_REPLIES = f"{ROOT}/+/reply"


@dataclass(frozen=True, slots=True)
class EdgeTopics:
    """The topics of one box. Raises ValueError for an id that could reach another box's topics."""

    edge_id: str

    def __post_init__(self) -> None:
        check_identifier(self.edge_id, "edge id")

    @property
    def _base(self) -> str:
        return f"{ROOT}/{self.edge_id}"

    @property
    def event(self) -> str:
        """Sealed events, edge to central, QoS 1."""
        return f"{self._base}/event"

    @property
    def status(self) -> str:
        """Retained; its last will says `offline`."""
        return f"{self._base}/status"

    @property
    def ack(self) -> str:
        """Application acknowledgements, central to edge."""
        return f"{self._base}/ack"

    @property
    def command(self) -> str:
        """Central to edge."""
        return f"{self._base}/command"

    @property
    def reply(self) -> str:
        """Edge to central, to a command."""
        return f"{self._base}/reply"

    @property
    def ledger(self) -> str:
        """Heads of the recording ledger."""
        return f"{self._base}/ledger"

    def camera_status(self, camera_id: str) -> str:
        """Retained state of one camera."""
        return f"{self._base}/camera/{check_identifier(camera_id, 'camera id')}/status"

    def sensor(self, sensor_id: str) -> str:
        """What a device tells: readings (`contract.sensors.Measurement`) or facts (`contract.statement.Reading`)."""
        return f"{self._base}/sensor/{check_identifier(sensor_id, 'sensor id')}"

    @property
    def sensors(self) -> str:
        """What a box subscribes to, to hear every sensor of its own."""
        return f"{self._base}/sensor/+"

    def sparkplug(self, kind: str, node: str) -> str:
        """What a node of Sparkplug B publishes (or, NCMD, is told). The group is the box, so that the ACL holds."""
        return f"{SPARKPLUG}/{self.edge_id}/{kind}/{node}"

    def sensor_of(self, topic: str) -> str | None:
        """The id of the sensor that a topic of this box belongs to, None for any other topic."""
        prefix = f"{self._base}/sensor/"
        sensor_id = topic.removeprefix(prefix)
        return sensor_id if topic.startswith(prefix) and IDENTIFIER.fullmatch(sensor_id) else None


def check_identifier(value: str, what: str) -> str:
    """Return `value` when it is a safe identifier, else raise ValueError with a sentence."""
    if not IDENTIFIER.fullmatch(value):
        raise ValueError(f"{what} {value!r} must be 1-64 letters, digits, '.', '_' or '-', not beginning with a mark")
    return value


def edge_id_of(topic: str) -> str | None:
    """The id of the box that a topic under `sightline/v1` belongs to, or None for any other topic."""
    prefix = ROOT + "/"
    if not topic.startswith(prefix):
        return None
    edge_id = topic[len(prefix) :].partition("/")[0]
    return edge_id if IDENTIFIER.fullmatch(edge_id) else None
