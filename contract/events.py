"""Events: CloudEvents 1.0 JSON in structured mode (design section 4).

One matter is up to three sealed events that share `data.case_key`: the decision, at once and without media; the
evidence manifest with the hash of every still, clip and crop; and, for a stay, its end. Content of `data` follows
domain section B4. Times named `t_*` are stream seconds, `at_*` the same instants as RFC 3339 wall clock; boxes and
polygons are pixels of the camera's `frame`, x right, y down.
"""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import uuid_utils
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contract.continuity import Block, Deleted
from contract.dropped import Dropped
from contract.feedhealth import Cleared, Trouble
from contract.model import SCHEMA_VERSION
from contract.model import Chain as Chain  # noqa: PLC0414 - who reads events finds the link, the hash and the model here
from contract.model import Hex64 as Hex64  # noqa: PLC0414
from contract.model import Model as Model  # noqa: PLC0414
from contract.sensors import SensorAlarm, SensorClosed

#: An MQTT payload above this is refused unread (the broker's own limit is the same order).
MAX_EVENT_BYTES = 1_000_000
#: The value of a fact that nobody told.
UNKNOWN = "unknown"

Seconds = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[float, float]
Box = tuple[float, float, float, float]


class EventType(StrEnum):
    """What an event is about. The value is the CloudEvents `type`."""

    ILLEGAL_PARKING = "sightline.violation.illegal_parking"
    FAILURE_TO_YIELD = "sightline.violation.failure_to_yield"
    CLOSED = "sightline.violation.closed"
    MANIFEST = "sightline.evidence.manifest"
    FEED = "sightline.feed.state"
    GENESIS = "sightline.chain.genesis"
    GAP = "sightline.box.gap"
    DROPPED = "sightline.evidence.dropped"
    WATER_LEVEL = "sightline.sensor.water_level"
    SMOKE = "sightline.sensor.smoke"
    MANHOLE = "sightline.sensor.manhole"
    PARKING = "sightline.sensor.parking"
    SENSOR_SILENT = "sightline.sensor.silent"
    SENSOR_CLOSED = "sightline.sensor.closed"
    RECORDING_BLOCK = "sightline.recording.block"
    RECORDING_DELETED = "sightline.recording.deleted"
    TROUBLE = "sightline.feed.trouble"
    TROUBLE_CLEARED = "sightline.feed.cleared"


class Rule(StrEnum):
    """The rules of the road that a box judges."""

    ILLEGAL_PARKING = "illegal_parking"
    FAILURE_TO_YIELD = "failure_to_yield"


VIOLATION_TYPE = {
    Rule.ILLEGAL_PARKING: EventType.ILLEGAL_PARKING,
    Rule.FAILURE_TO_YIELD: EventType.FAILURE_TO_YIELD,
}


class Clock(Model):
    """How far the camera's clock is from true time, and how we know. `None` is an honest "unknown"."""

    offset_ms: float | None = None
    uncertainty_ms: float | None = None
    source: Literal["unknown", "rtcp", "onvif", "ntp", "file", "same_host"] = "unknown"


class ModelRef(Model):
    """The detector that saw it."""

    name: str
    version: str
    sha256: str


class Vehicle(Model):
    """The vehicle accused. What nobody could read stays None."""

    class_: str = Field(alias="class")
    color: str | None = None
    plate: str | None = None
    plate_type: str | None = None
    plate_color: str | None = None
    conf: float | None = Field(default=None, ge=0, le=1)
    per_char_conf: list[float] | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Unknown(Model):
    """A fact that no live source could tell, the sources that could, and the question for the reviewer."""

    fact: str
    question: str
    sources: list[str] = Field(default=[])


class FactSaid(Model):
    """A fact that a camera cannot tell: what a source told, or `unknown`, and whether the reviewer must answer it.

    `source`, `by` and `at` name who told it, also where that was not enough and the value stayed `unknown`.
    """

    value: str = Field(default=UNKNOWN, max_length=64)
    sources: list[str] = Field(default=[], description="the live sources that could tell it")
    ask: bool = False
    question: str = ""
    source: str | None = Field(default=None, max_length=40, description="which of the sources told it")
    by: str | None = Field(default=None, max_length=100, description="the person or device that said it")
    at: AwareDatetime | None = Field(default=None, description="from when on it was said to hold")


class TrackPoint(Model):
    """One sighting: stream time and box in pixels."""

    t: Seconds
    box: Box


class Geometry(Model):
    """What is drawn over the stills: polygons and boxes in pixels of `frame`."""

    frame: tuple[int, int]
    zone: list[Point]
    lane: list[Point] | None = None
    stop_line: list[Point] | None = None
    carriageway: list[Point] | None = None
    boxes: dict[str, Box] = Field(default={}, description="vehicle box at first, trigger, last")
    pedestrians: dict[str, dict[str, Box]] = Field(default={}, description="track id -> moment -> box")
    track: list[TrackPoint] = Field(default=[])
    ground: Literal["calibrated", "estimated"] = "estimated"


class Violation(Model):
    """`data` of a decision. It is a candidate until an officer has approved it."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    rule: Rule
    rule_ver: str
    jurisdiction: str
    jurisdiction_ver: str | None = None
    violation_code: str | None = None
    code_ver: str | None = Field(default=None, description="of the code list that the code is of; tells no points")
    site: str
    site_version: str = Field(description="SHA-256 of the site file's bytes")
    edge_id: str
    camera_id: str
    zone_id: str
    lane_id: str | None = None
    track_id: int
    verdict: Literal["candidate", "needs_human"]
    unknown: list[Unknown] = Field(default=[])
    facts: dict[str, FactSaid] = Field(default={}, description="what the table of facts says of this case")
    suppression: list[str] = Field(default=[])
    vehicle: Vehicle
    pedestrian_ids: list[int] = Field(default=[])
    t_first: Seconds
    t_trigger: Seconds
    t_last: Seconds
    at_first: AwareDatetime
    at_trigger: AwareDatetime
    at_last: AwareDatetime
    clock: Clock
    geometry: Geometry
    numbers: dict[str, JsonValue] = Field(default={}, description="the figures that decided, as --explain prints")
    reason: str = ""
    scores: dict[str, float] = Field(default={})
    model: ModelRef | None = None
    replay: bool = False
    camera_seq: int | None = Field(default=None, ge=0, description="order within the camera, set by deliver")
    chain: Chain | None = None


class Image(Model):
    """One still. `role` says what it shows, `moment` which instant of the decision it is."""

    role: Literal["far", "mid", "near", "plate", "composite"]
    moment: Literal["first", "spacing", "trigger", "last"]
    t: Seconds
    at: AwareDatetime
    w: int = Field(gt=0)
    h: int = Field(gt=0)
    sha256: Hex64
    bytes: int = Field(gt=0)
    media_type: str = "image/jpeg"
    overlay: bool = False


class Video(Model):
    """The clip, cut from the camera's own packets and never re-encoded."""

    t0: Seconds
    t1: Seconds
    at0: AwareDatetime
    fps: float
    codec: str
    w: int = Field(gt=0)
    h: int = Field(gt=0)
    sha256: Hex64
    bytes: int = Field(gt=0)
    media_type: str = "video/mp4"


class Manifest(Model):
    """`data` of the evidence that follows a decision. What policy had to drop is named in `dropped`."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    edge_id: str
    camera_id: str
    images: list[Image]
    video: Video | None = None
    vehicle: Vehicle | None = Field(default=None, description="with the plate as a machine read it from these pictures")
    dropped: list[str] = Field(default=[])
    below_profile: list[str] = Field(default=[], description="what the profile asks for and this pack lacks")
    facts: dict[str, FactSaid] = Field(default={}, description="what is said of the plate read from these pictures")
    suppression: list[str] = Field(default=[], description="facts of that plate that keep the case from review")
    replay: bool = False
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


class Closed(Model):
    """`data` of the end of a stay."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    edge_id: str
    camera_id: str
    t_end: Seconds
    at_end: AwareDatetime
    dwell_s: Seconds
    proven_s: Seconds
    how: Literal["left", "lost", "stream_end"]
    replay: bool = False
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


class Genesis(Model):
    """`data` of the first event of a chain: which key signs from here on, and why a chain begins."""

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    kid: str = Field(description="RFC 7638 thumbprint of the signing key")
    reason: Literal["enrolled", "rotated", "disk_lost", "reset"]
    chain: Chain | None = None


class Feed(Model):
    """`data` of a change in a camera's feed."""

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    camera_id: str
    state: Literal["live", "lost"]
    cause: str = ""
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


class Gap(Model):
    """`data` of a time in which a part of a box did not work, or of a step of its clock: what it missed, and why."""

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    part: str = Field(max_length=40, description="inference, worker-N, recorder-N, sensors, deliver, clock, or box")
    cameras: list[str] = Field(default=[], description="the cameras that were not watched meanwhile")
    cause: str = Field(max_length=300)
    at_from: AwareDatetime
    at_until: AwareDatetime
    gap_s: Seconds = Field(ge=0, description="by a clock that nobody sets")
    step_s: Seconds | None = Field(default=None, description="by how much the clock was set, for part `clock`")
    chain: Chain | None = None


class Ack(Model):
    """Central's application acknowledgement, on `.../ack`, after its commit.

    `stored` and `duplicate` let the row leave the outbox; `refused` stops it being sent again and is shown loudly.
    """

    id: str = Field(min_length=1, max_length=64)
    status: Literal["stored", "duplicate", "refused"]
    reason: str = ""


class CloudEvent(Model):
    """The envelope. `data` is kept as plain JSON here; `parse_data` gives the model that belongs to `type`."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, max_length=64)
    source: str = Field(pattern=r"^/edge/[A-Za-z0-9._-]+(/(camera|sensor)/[A-Za-z0-9._-]+)?$")
    type: str = Field(min_length=1, max_length=100)
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, JsonValue]


Data = (
    Violation
    | Manifest
    | Closed
    | Genesis
    | Feed
    | Gap
    | Dropped
    | SensorAlarm
    | SensorClosed
    | Block
    | Deleted
    | Trouble
    | Cleared
)
DATA_MODEL: dict[str, type[Data]] = {
    EventType.ILLEGAL_PARKING: Violation,
    EventType.FAILURE_TO_YIELD: Violation,
    EventType.MANIFEST: Manifest,
    EventType.CLOSED: Closed,
    EventType.GENESIS: Genesis,
    EventType.FEED: Feed,
    EventType.GAP: Gap,
    EventType.DROPPED: Dropped,
    EventType.WATER_LEVEL: SensorAlarm,
    EventType.SMOKE: SensorAlarm,
    EventType.MANHOLE: SensorAlarm,
    EventType.PARKING: SensorAlarm,
    EventType.SENSOR_SILENT: SensorAlarm,
    EventType.SENSOR_CLOSED: SensorClosed,
    EventType.RECORDING_BLOCK: Block,
    EventType.RECORDING_DELETED: Deleted,
    EventType.TROUBLE: Trouble,
    EventType.TROUBLE_CLEARED: Cleared,
}


def new_event(kind: EventType, source: str, time: datetime, data: BaseModel) -> CloudEvent:
    """An envelope with a fresh UUIDv7 around `data`."""
    return CloudEvent(
        id=str(uuid_utils.uuid7()),
        source=source,
        type=kind,
        time=time,
        data=data.model_dump(mode="json", by_alias=True, exclude_none=True),
    )


def serialise(event: CloudEvent) -> bytes:
    """The bytes that are hashed, signed, sent and stored: one line of UTF-8 JSON."""
    return event.model_dump_json(by_alias=True).encode()


def parse_event(raw: bytes) -> CloudEvent:
    """An envelope from bytes received. Raises ValueError (pydantic's) when it is not one of ours."""
    if len(raw) > MAX_EVENT_BYTES:
        raise ValueError(f"event of {len(raw)} bytes is over the limit of {MAX_EVENT_BYTES}")
    return CloudEvent.model_validate_json(raw)


def parse_data(event: CloudEvent) -> Data | None:
    """The typed `data`, None for a type that this version does not know. Raises ValueError when it does not fit."""
    model = DATA_MODEL.get(event.type)
    return model.model_validate(event.data) if model else None


def case_key(edge_id: str, camera_id: str, rule: str, zone_id: str, passage: str) -> str:
    """The name of one matter: the same however often a box restarts or sends again.

    `passage` is what the rule calls this one passage or stay (deterministic from the stream, never random).
    """
    parts = "\x1f".join((edge_id, camera_id, rule, zone_id, passage))
    return hashlib.sha256(parts.encode()).hexdigest()


def rfc3339(moment: datetime) -> str:
    """RFC 3339 with milliseconds and offset, as `at_*` are printed."""
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset cannot be evidence")
    return moment.isoformat(timespec="milliseconds")


def now() -> datetime:
    """This machine's clock, with an offset."""
    return datetime.now(UTC)


def as_json(data: BaseModel) -> dict[str, Any]:
    """Plain JSON of a model, by its published names."""
    return data.model_dump(mode="json", by_alias=True, exclude_none=True)
