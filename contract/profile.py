"""What one jurisdiction asks for, as a model (domain B6): every number that a place's law or practice fixes.

A profile accuses nobody; it says which zones may be judged, how long a wait is permitted, what a pack of evidence
must hold and how long what is kept. A violation code is stored with its version and never tells the points (domain
B3): those are facts of their own, with their source, or absent.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from contract.events import Model, Rule
from contract.site import PARKING_ZONES, Camera, Marking, Zone, ZoneType

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=0, le=36_500)]
Role = Literal["far", "mid", "near", "plate", "composite"]


class OverlayField(StrEnum):
    """What may be printed under an overlay copy. The time always carries milliseconds and the offset."""

    DATE = "date"
    TIME = "time"
    PLACE = "place"
    DIRECTION = "direction"
    DEVICE = "device"
    SEQUENCE = "sequence"
    RULE = "rule"
    CODE = "code"
    HOURS = "hours"
    HASH = "hash"


class UnknownFact(StrEnum):
    """What a fact does that nobody told: it is shown, it is asked (`needs_human`), or it blocks the accusation."""

    SHOWN = "shown"
    ASKS = "asks"
    BLOCKS = "blocks"


class Code(Model):
    """The violation code of a rule, or of a rule in zones of one type or marking."""

    rule: Rule
    zone_type: ZoneType | None = None
    marking: Marking | None = None
    code: str
    meaning: str
    source: str = Field(min_length=1)

    def fits(self, rule: str, zone: Zone) -> bool:
        """Whether it is a code for `rule` in `zone`."""
        return self.rule == rule and self.zone_type in {zone.type, None} and self.marking in {zone.marking, None}


class Points(Model):
    """Penalty points of a rule: a fact of their own, never read off the code."""

    rule: Rule
    points: int = Field(ge=0, le=100)
    source: str = Field(min_length=1)


class Fine(Model):
    """What the law says of the money, in its own words."""

    rule: Rule
    text: str
    source: str = Field(min_length=1)


class AllowedZone(Model):
    """A type of zone in which a camera may judge; with `marking`, only where the road is marked or signed so."""

    type: ZoneType
    marking: Marking | None = None


class Evidence(Model):
    """What an evidence pack must have. Seconds, pixels, bytes."""

    images_min: dict[Rule, Annotated[int, Field(ge=1, le=20)]] = Field(
        description="whole pictures at different times; one number stands for every rule"
    )
    roles: list[Role] = Field(
        default=["far"], description="a `plate` is shown by a near picture where no crop of it is"
    )
    min_gap_s: NotNegative = Field(description="between the first and the last whole picture of a standing vehicle")
    gap_over_wait: bool = Field(default=False, description="two of them lie further apart than the permitted wait")
    frame_min: tuple[int, int] = Field(description="width and height of a whole picture")
    jpeg_max_bytes: int = Field(default=1_000_000, gt=0)
    clock_max_ms: Positive = Field(default=1000.0, description="clock offset with its uncertainty")
    video_min_s: Positive
    fps_min: Positive | None = None
    pre_roll_s: Positive
    post_roll_s: Positive
    overlay_fields: list[OverlayField] = Field(default=list(OverlayField), min_length=1)
    mask_driver: bool = Field(default=False, description="copies that leave the system must not show the driver")

    @field_validator("images_min", mode="before")
    @classmethod
    def _for_every_rule(cls, value: Any) -> Any:
        return dict.fromkeys(Rule, value) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _whole(self) -> "Evidence":
        missing = [rule.value for rule in Rule if rule not in self.images_min]
        if missing:
            raise ValueError(f"images_min says nothing of {', '.join(missing)} - give one number, or one for each rule")
        return self


#: Decisions of one plate, site and code within so many seconds are taken for one matter (domain B4).
MERGE_S: Final = {Rule.ILLEGAL_PARKING: 3600.0, Rule.FAILURE_TO_YIELD: 10.0}


class ReviewDays(Model):
    """Days within which each step must be done; None where no source fixes one.

    The first three count from the capture, `handled` from the notice, `answer` from the objection and `reversal` from
    the verification of its ground. `extended`: so many more, once, behind the end of `handled`; None: no extension.
    """

    first: Days | None = None
    second: Days | None = None
    entered: Days | None = None
    handled: Days | None = None
    extended: Days | None = None
    answer: Days | None = None
    reversal: Days | None = None


class Retention(Model):
    """How long what is kept. `approved_days` count from `approved_from`, and never end before a final resolution."""

    video_days: Days
    rejected_days: Days
    approved_days: Days
    approved_from: Literal["handled", "notified"]
    audit_days: Days


class Profile(Model):
    """One jurisdiction. `claims` says what the profile claims, `sources` where from."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    claims: str = Field(min_length=1)
    sources: list[str] = Field(min_length=1)
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="ISO 3166: public holidays of `hours`")
    timezone: str | None = Field(default=None, description="IANA; limits end at its midnight. None: the event's offset")
    language: str
    plate_schema: str
    codes_version: str
    codes: list[Code]
    points: list[Points] = Field(default=[])
    fines: list[Fine] = Field(default=[])
    allowed_zone_types: list[AllowedZone] | None = Field(default=None, description="absent: every type")
    permitted_wait_s: dict[ZoneType, Positive]
    grace_s: dict[ZoneType, NotNegative] = Field(default={}, description="at the end of permitted parking only")
    merge_s: dict[Rule, Positive] = Field(
        default={}, description="seconds within which decisions of one plate, site and code are one matter"
    )
    evidence: Evidence
    facts: dict[str, UnknownFact] = Field(default={}, description="where this place departs from configs/facts.yaml")
    warning_days: Days | None = Field(
        default=None, description="from the first day of enforcement only warnings go out"
    )
    warning_until: date | None = Field(default=None, description="last day of it, where the place has set one")
    two_person: Literal[True] = Field(description="a second person confirms before a case is approved: always, so far")
    review_days: ReviewDays
    notice_days: Days | None = Field(default=None, description="within which the owner is told; None: no source")
    retention: Retention
    signage_required: bool

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone of the IANA list - for example Asia/Shanghai")
        return value

    @property
    def zone_info(self) -> ZoneInfo | None:
        """The place's clock over the year; None where the profile names none."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def merges_within(self, rule: Rule) -> float:
        """Seconds within which two decisions of one plate, site and code may be one matter."""
        return self.merge_s.get(rule, MERGE_S[rule])

    def code_for(self, rule: str, zone: Zone) -> str | None:
        """The violation code for `rule` in `zone`: the zone's own, else the closest entry, else None."""
        if zone.violation_code:
            return zone.violation_code
        entry = self.entry_for(rule, zone)
        return entry.code if entry else None

    def entry_for(self, rule: str, zone: Zone) -> Code | None:
        """The entry of the code list that fits best: by marking, then by type, then by rule alone."""
        fitting = [code for code in self.codes if code.fits(rule, zone)]
        return min(fitting, key=lambda code: (code.marking is None, code.zone_type is None), default=None)

    def points_for(self, rule: str) -> Points | None:
        """The points of `rule` with their source; None where the profile has no source for any."""
        return next((points for points in self.points if points.rule == rule), None)

    def allows(self, zone: Zone) -> bool:
        """Whether a camera may judge in `zone` under this profile."""
        if self.allowed_zone_types is None:
            return True
        return any(one.type == zone.type and one.marking in {zone.marking, None} for one in self.allowed_zone_types)

    def completed(self, camera: Camera) -> Camera:
        """The camera with the profile's permitted wait and grace where a zone names none of its own."""
        return camera.model_copy(update={"zones": [self._completed(zone) for zone in camera.zones]})

    def warns_until(self, enforcing_since: date | None) -> date | None:
        """The last day on which only warnings go out; None where there is no such time or nobody told its beginning."""
        if self.warning_until is not None or self.warning_days is None or enforcing_since is None:
            return self.warning_until
        return enforcing_since + timedelta(days=self.warning_days - 1)

    def _completed(self, zone: Zone) -> Zone:
        found: dict[str, float] = {}
        if zone.type in PARKING_ZONES and zone.permitted_wait_s is None and zone.type in self.permitted_wait_s:
            found["permitted_wait_s"] = self.permitted_wait_s[zone.type]
        if zone.grace_s is None and zone.type in self.grace_s:
            found["grace_s"] = self.grace_s[zone.type]
        return zone.model_copy(update=found) if found else zone


__all__ = [
    "AllowedZone",
    "Code",
    "Evidence",
    "Fine",
    "OverlayField",
    "Points",
    "Profile",
    "Retention",
    "ReviewDays",
    "Role",
    "UnknownFact",
]
