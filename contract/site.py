"""The site file (design section 5): a site is data.

Polygons are pixels of the camera's `frame`, unless all values of the polygon are in 0..1, and then they are shares
of it; after loading everything is in pixels. Metres are on the road plane. `hours` is OpenStreetMap opening-hours
syntax, and outside it the zone sleeps.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import opening_hours
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.polling import Polling
from contract.secretref import references
from contract.sensors import Sensor
from contract.shapes import Line, Point, Polygon, scaled
from contract.topics import IDENTIFIER, check_identifier

Identifier = Annotated[str, AfterValidator(lambda value: check_identifier(value, "id"))]


class ZoneType(StrEnum):
    """What a zone is for."""

    NO_STOPPING = "no_stopping"
    NO_PARKING = "no_parking"
    BUS_STOP = "bus_stop"
    LOADING_BAY = "loading_bay"
    PARKING_BAY = "parking_bay"
    QUEUE_AREA = "queue_area"
    CROSSWALK = "crosswalk"
    PRIVACY_MASK = "privacy_mask"
    IGNORE = "ignore"
    COUNT = "count"


class Marking(StrEnum):
    """How a zone is marked or signed, where a jurisdiction's law hangs on it."""

    BUS_LANE = "bus_lane"
    RED_ROUTE = "red_route"
    SCHOOL_KEEP_CLEAR = "school_keep_clear"
    YELLOW_LINE = "yellow_line"


#: Zones in which a stay can be an offence.
PARKING_ZONES = frozenset({ZoneType.NO_STOPPING, ZoneType.NO_PARKING, ZoneType.BUS_STOP, ZoneType.LOADING_BAY})
#: Zones in which a vehicle can be accused of anything.
JUDGED_ZONES = PARKING_ZONES | {ZoneType.CROSSWALK}
#: All that may be drawn at a polling station.
POLLING_ZONES = frozenset({ZoneType.PRIVACY_MASK, ZoneType.IGNORE, ZoneType.COUNT})
#: Domain D1: the wait a zone permits where neither the site nor the profile names one, in seconds.
DEFAULT_WAIT_S = {
    ZoneType.NO_STOPPING: 180.0,
    ZoneType.NO_PARKING: 300.0,
    ZoneType.BUS_STOP: 180.0,
    ZoneType.LOADING_BAY: 1800.0,
}


class SiteModel(BaseModel):
    """Unknown keys are errors; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ground(SiteModel):
    """Points of the road plane seen in the image: pixels and metres, at least four pairs."""

    image: Annotated[list[Point], Field(min_length=4, max_length=100)]
    metres: Annotated[list[Point], Field(min_length=4, max_length=100)]

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.image) != len(self.metres):
            raise ValueError(f"image has {len(self.image)} points and metres {len(self.metres)} - give pairs")
        return self


class Lane(SiteModel):
    """A running lane. `towards` is a point that its traffic drives to."""

    id: Identifier
    polygon: Polygon
    towards: Point
    stop_line: Line | None = None


class Signal(SiteModel):
    """Where the state of the traffic light comes from."""

    source: Literal["mqtt", "lamp_roi", "onvif"]
    topic: str | None = Field(
        default=None, description="mqtt: the sensor that tells it, by its id or whole topic; absent: any of the box's"
    )
    roi: Polygon | None = None


class Zone(SiteModel):
    """One polygon with a meaning."""

    id: Identifier
    type: ZoneType
    polygon: Polygon
    permitted_wait_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None
    grace_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] | None = Field(
        default=None, description="after the end of permitted parking; default: the jurisdiction's"
    )
    hours: str | None = None
    marking: Marking | None = None
    violation_code: str | None = None
    policy: Literal["same_lane", "half_lane", "adjacent", "half_road"] = "half_lane"
    carriageway: Polygon | None = Field(default=None, description="between the kerbs; default: the lanes together")
    centre: Literal["paint", "barrier", "island"] = "paint"
    centre_line: Line | None = None
    refuge: Polygon | None = None
    signal: Literal["none"] | Signal = "none"
    max_pet_s: Annotated[float, Field(gt=0, le=60)] | None = None
    lanes: list[Lane] = []

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        if value is not None and not opening_hours.validate(value):
            raise ValueError(f"{value!r} is not OpenStreetMap opening-hours syntax - for example 'Mo-Fr 07:00-19:00'")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type is ZoneType.CROSSWALK:
            if not self.lanes:
                raise ValueError("a crosswalk needs at least one lane under `lanes` - draw the lanes that cross it")
        elif self.lanes:
            raise ValueError(f"a {self.type} zone has no `lanes` - put running lanes under the camera")
        return self

    @property
    def wait_s(self) -> float:
        """Seconds of standing from which on it is a matter: the wait this zone permits and the grace after it.

        Domain D1 where site and jurisdiction are silent. The grace of a bay counts from the end of its hours instead.
        """
        permitted = self.permitted_wait_s
        return (DEFAULT_WAIT_S.get(self.type, 300.0) if permitted is None else permitted) + (self.grace_s or 0.0)


class Recording(SiteModel):
    """That a camera is recorded, in segments that begin with a keyframe."""

    keep_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] = Field(
        default=30.0, description="days after which a segment is deleted, unless a hold keeps it"
    )
    segment_s: Annotated[float, Field(ge=2, le=60, allow_inf_nan=False)] = 10.0


class Camera(SiteModel):
    """A camera and what it looks at. `frame` is width and height in pixels."""

    id: Identifier
    url: str
    sub_url: str | None = None
    onvif_url: str | None = Field(
        default=None, description="http://user:password@host[:port][/path] of its ONVIF device service"
    )
    name: str | None = None
    direction: str | None = None
    code: str | None = Field(default=None, description="GB/T 28181 code, 20 digits", pattern=r"^\d{20}$")
    gps: Point | None = Field(default=None, description="longitude, latitude, WGS-84")
    frame: tuple[Annotated[int, Field(ge=64, le=16_384)], Annotated[int, Field(ge=64, le=16_384)]]
    ground: Ground | None = None
    lanes: list[Lane] = []
    zones: list[Zone] = []
    detect: Literal["picture", "zones"] = Field(
        default="picture",
        description="zones: the detector is shown the part with kerbs and lanes alone, for cars narrow in the picture",
    )
    recording: Recording | None = Field(default=None, description="`recording: {}` records it; default: not recorded")

    @field_validator("url", "sub_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return value if value is None else _checked(value, ("rtsp", "rtsps", "file"), "an rtsp:// or file:// address")

    @field_validator("onvif_url")
    @classmethod
    def _onvif(cls, value: str | None) -> str | None:
        if value is None:
            return value
        said = "an http:// or https:// address of a camera"
        if not urlsplit(_checked(value, ("http", "https"), said)).hostname:
            raise ValueError(f"{_without_password(value)!r} is not {said}")
        return value

    @property
    def addresses(self) -> dict[str, str]:
        """Every address of it by its key, in the order of the file: each may hold a reference to a secret."""
        named = {"url": self.url, "sub_url": self.sub_url, "onvif_url": self.onvif_url}
        return {key: address for key, address in named.items() if address is not None}

    @model_validator(mode="before")
    @classmethod
    def _shares_to_pixels(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("frame"), list | tuple) and len(value["frame"]) == 2:
            width, height = value["frame"]
            if isinstance(width, int) and isinstance(height, int):
                return scaled(value, width, height)
        return value

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _unique([zone.id for zone in self.zones], "zone")
        _unique([lane.id for lane in self.lanes], "lane")
        for zone in self.zones:
            _unique([lane.id for lane in zone.lanes], f"lane of {zone.id}")
        return self

    @model_validator(mode="after")
    def _shows_what_rules_need(self) -> Self:
        if self.detect == "zones":
            if any(zone.type is ZoneType.CROSSWALK for zone in self.zones):
                raise ValueError(
                    "detect: zones hides who drives up to a crosswalk - leave it out, or give the zebra a camera"
                )
            if not self.lanes:
                raise ValueError(
                    "detect: zones hides a jam beside the kerb - draw the running `lanes`, they are shown as well"
                )
        return self


class Site(SiteModel):
    """A place with cameras, a time zone and the jurisdiction whose profile applies."""

    site: Identifier
    name: str = Field(min_length=1, max_length=200)
    timezone: str
    jurisdiction: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    enforcing_since: date | None = Field(default=None, description="first day of enforcement, for warning periods")
    exempt_lists: dict[str, str] = Field(
        default={}, description="fact of configs/facts.yaml -> file of plates, relative to the site file"
    )
    cameras: list[Camera] = Field(min_length=1)
    sensors: list[Sensor] = Field(default=[], max_length=500, description="what a gateway measures here")
    polling: Polling | None = Field(default=None, description="this site is a polling station: no rule judges it")

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone of the IANA list - for example Asia/Shanghai")
        return value

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _unique([camera.id for camera in self.cameras], "camera")
        _unique([sensor.id for sensor in self.sensors], "sensor")
        known = [camera.id for camera in self.cameras]
        for sensor in self.sensors:
            if sensor.camera is not None and sensor.camera not in known:
                raise ValueError(f"sensor {sensor.id}: camera {sensor.camera!r} is none of: {', '.join(known)}")
            if sensor.id in self.lights:
                raise ValueError(clash(sensor.id))
        return self

    @model_validator(mode="after")
    def _watches_voters_only_so(self) -> Self:
        if self.polling is None:
            return self
        for camera in self.cameras:
            if camera.recording is None:
                raise ValueError(f"camera {camera.id}: a polling station is recorded - add `recording: {{}}`")
            if camera.lanes or (strange := [zone.id for zone in camera.zones if zone.type not in POLLING_ZONES]):
                named = "lanes" if camera.lanes else f"zone {strange[0]}"
                raise ValueError(f"camera {camera.id}: a polling station has no {named} - remove it")
        return self

    @property
    def lights(self) -> frozenset[str]:
        """Ids of the devices that tell a traffic light over MQTT, as the zones name them: by id or by whole topic."""
        signals = [zone.signal for camera in self.cameras for zone in camera.zones]
        topics = [one.topic for one in signals if one != "none" and one.source == "mqtt"]
        return frozenset(topic.rpartition("/")[2] for topic in topics if topic is not None)

    @property
    def zone_info(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)

    def camera(self, camera_id: str | None) -> Camera:
        """The camera of that id, or the only one. Raises KeyError with a sentence."""
        if camera_id is None:
            if len(self.cameras) > 1:
                names = ", ".join(camera.id for camera in self.cameras)
                raise KeyError(f"site {self.site} has {len(self.cameras)} cameras ({names}) - choose one with --camera")
            return self.cameras[0]
        for camera in self.cameras:
            if camera.id == camera_id:
                return camera
        raise KeyError(f"site {self.site} has no camera {camera_id!r}")


def clash(sensor_id: str) -> str:
    """What to say when one topic is both a sensor's and a traffic light's: its readings would take the signal away."""
    return f"sensor {sensor_id}: a zone's `signal.topic` names it as well - give the sensor an id of its own"


def _unique(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} id {name!r} is used twice - give each its own")


def _checked(value: str, schemes: tuple[str, ...], what: str) -> str:
    references(value)
    parts = urlsplit(value)
    if parts.scheme not in schemes:
        raise ValueError(f"{_without_password(value)!r} is not {what}")
    try:
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        said = "names no port from 0 to 65535 - in a password write / as %2F, @ as %40 and # as %23"
        raise ValueError(f"{_without_password(value)!r} {said}") from error
    return value


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else url


__all__ = [
    "DEFAULT_WAIT_S",
    "IDENTIFIER",
    "JUDGED_ZONES",
    "PARKING_ZONES",
    "POLLING_ZONES",
    "Camera",
    "Ground",
    "Lane",
    "Line",
    "Marking",
    "Point",
    "Polygon",
    "Recording",
    "Signal",
    "Site",
    "Zone",
    "ZoneType",
    "clash",
]
