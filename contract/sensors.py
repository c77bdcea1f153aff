"""Sensors of a site (key `sensors` of the site file), what one publishes, and what a box seals when it gives alarm.

A reading comes on `sightline/v1/{edge_id}/sensor/{sensor_id}` as JSON (`Measurement`), or as a metric of Sparkplug B on
`spBv1.0/{edge_id}/...` (Eclipse Sparkplug 3.0, group id = the box's id). The box judges it (`edge.rules.threshold`) and
seals up to two events of one matter, which share `case_key`: the alarm, and its end.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, StrictFloat, StrictInt, model_validator

from contract.model import SCHEMA_VERSION, Chain, Hex64, Model
from contract.topics import check_identifier

#: A JSON reading above this is not read, in bytes.
MAX_MEASUREMENT_BYTES = 8192
#: A Sparkplug payload above this is not read: a gateway's birth with hundreds of metrics is a tenth of it. Bytes.
MAX_SPARKPLUG_BYTES = 65_536
#: What a state is worth as a number: no and yes.
OFF, ON = 0.0, 1.0

SensorId = Annotated[str, AfterValidator(lambda value: check_identifier(value, "id"))]
Unit = Literal["mm", "cm", "m", "ppm", "%/m", "dB/m", "deg", "°C", "uT", "V", "%"]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Duration = Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)]


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be printable text without blanks around it")
    return text


Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


def _topic_part(text: str) -> str:
    if not text.isprintable() or any(sign in text for sign in "+#/"):
        raise ValueError("must be one part of a topic: no '/', '+' or '#'")
    return text


TopicPart = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_topic_part)]


class SensorKind(StrEnum):
    """What a sensor looks after."""

    WATER_LEVEL = "water_level"
    SMOKE = "smoke"
    MANHOLE = "manhole"
    PARKING = "parking"


class SparkplugMetric(Model):
    """Where a gateway that speaks Sparkplug B tells the sensor's value. Its group id is the box's id."""

    node: TopicPart
    device: TopicPart | None = Field(default=None, description="absent: a metric of the node itself")
    metric: Annotated[str, Field(min_length=1, max_length=200)]


class Sensor(Model):
    """One sensor. With `unit` and both limits it measures, without them it tells a state (smoke, open, occupied).

    Lengths are converted (mm, cm, m); any other unit must be the declared one. `raise_at` above `clear_at` gives alarm
    when the value rises, below it when the value falls. Durations in seconds.
    """

    id: SensorId
    kind: SensorKind
    place: Words = Field(description="where it is, for who goes there")
    camera: SensorId | None = Field(default=None, description="a camera of this site that shows the place")
    unit: Unit | None = None
    raise_at: Number | None = None
    clear_at: Number | None = None
    for_s: Duration = Field(default=0.0, description="so long at or beyond raise_at before there is an alarm")
    clear_for_s: Duration = Field(default=0.0, description="so long at or beyond clear_at before it is over")
    silent_after_s: Annotated[float, Field(ge=1, le=7 * 86_400, allow_inf_nan=False)] = 900.0
    reports: Literal["interval", "change"] = Field(
        default="interval", description="change: a value holds until the next one, for silent_after_s at most"
    )
    call: Words | None = Field(default=None, description="who is called")
    sparkplug: SparkplugMetric | None = None

    @model_validator(mode="after")
    def _limits(self) -> Self:
        given = [self.unit is not None, self.raise_at is not None, self.clear_at is not None]
        if any(given) and not all(given):
            raise ValueError("unit, raise_at and clear_at belong together - give all of them, or none for a state")
        if self.raise_at is not None and self.raise_at == self.clear_at:
            raise ValueError("clear_at must not be raise_at: a value that trembles would raise and clear at every turn")
        if self.reports == "change" and max(self.for_s, self.clear_for_s) > self.silent_after_s:
            raise ValueError(
                "for_s and clear_for_s must not be over silent_after_s: nothing vouches for so long a wait"
            )
        return self


class Measurement(Model):
    """A sensor's reading on `.../sensor/{sensor_id}`.

    `value` is a number in `unit` (absent: the declared one), or for a state true or false (1 or 0). `at` is the
    instant of measuring; without it that of arrival counts, and a retained message then tells nothing.
    """

    value: StrictBool | StrictInt | StrictFloat
    unit: str | None = Field(default=None, max_length=16)
    at: AwareDatetime | None = None


class Unstable(Model):
    """Why a box calls a sensor unstable: it began at least `begun` alarms (or silences) within `within_s`.

    This one is over only after `calm_s` of calm (of silences: without another). Durations in seconds.
    """

    begun: Annotated[int, Field(ge=2, le=1000)]
    within_s: Duration
    calm_s: Duration


class SensorAlarm(Model):
    """`data` of an alarm: a value beyond its limit for long enough, or (`matter: silent`) a sensor that is not heard.

    A state is 0 or 1 and has no unit. Times are the readings' own where `dated` says so, else those of their arrival.
    """

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    matter: Literal["raised", "silent"]
    kind: SensorKind
    edge_id: str
    sensor_id: str = Field(max_length=64)
    site: str = Field(max_length=200)
    site_version: str = Field(max_length=64, description="SHA-256 of the site file's bytes")
    place: Words
    camera: str | None = Field(default=None, max_length=64, description="shows the place")
    call: Words | None = None
    unit: Unit | None = None
    value: Number | None = Field(default=None, description="the last reading; none was ever heard: absent")
    peak: Number | None = Field(default=None, description="the furthest beyond the limit so far")
    raise_at: Number
    clear_at: Number
    for_s: Duration
    silent_after_s: Duration
    at_first: AwareDatetime = Field(description="first reading beyond the limit; of silence: the last one heard")
    at_trigger: AwareDatetime
    dated: Literal["reading", "arrival"]
    refused: int = Field(default=0, ge=0, description="readings since then that were not believed")
    refused_why: str = Field(default="", max_length=300)
    unstable: Unstable | None = Field(default=None, description="absent: one of few")
    reason: str = Field(max_length=500)
    chain: Chain | None = None


class SensorClosed(Model):
    """`data` of the end of an alarm: the value came back (`cleared`), the sensor is heard again, or it was removed."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    edge_id: str
    sensor_id: str = Field(max_length=64)
    at_end: AwareDatetime
    lasted_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    value: Number | None = None
    peak: Number | None = None
    how: Literal["cleared", "heard", "removed"]
    reason: str = Field(max_length=500)
    chain: Chain | None = None


__all__ = [
    "MAX_MEASUREMENT_BYTES",
    "MAX_SPARKPLUG_BYTES",
    "OFF",
    "ON",
    "Measurement",
    "Number",
    "Sensor",
    "SensorAlarm",
    "SensorClosed",
    "SensorKind",
    "SparkplugMetric",
    "Unstable",
]
