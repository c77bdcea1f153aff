"""Jurisdiction profiles: what a place's law and practice ask for is data (domain B6), one YAML file each.

A violation code is stored with its version and never tells the points (domain B3): those are facts of their own.
"""

from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from contract.errors import ConfigError
from contract.events import Model, Rule
from contract.site import PARKING_ZONES, Camera, Zone, ZoneType

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Code(Model):
    """The violation code of a rule, or of a rule in one type of zone, as of a version of the code list."""

    rule: Rule
    zone_type: ZoneType | None = None
    code: str
    meaning: str
    source: str


class Evidence(Model):
    """What an evidence pack must have."""

    images_min: int = Field(ge=1)
    min_gap_s: float = Field(ge=0, description="between two stills of a standing vehicle")
    frame_min: tuple[int, int] = Field(description="width and height in pixels of a still")
    video_min_s: Positive
    pre_roll_s: Positive
    post_roll_s: Positive


class Profile(Model):
    """One jurisdiction. `claims` says what the profile claims, `sources` where from."""

    id: str
    name: str
    version: str
    claims: str
    sources: list[str] = Field(min_length=1)
    language: str
    plate_schema: str
    codes_version: str
    codes: list[Code]
    permitted_wait_s: dict[ZoneType, Positive]
    evidence: Evidence

    def code_for(self, rule: str, zone: Zone) -> str | None:
        """The violation code for `rule` in `zone`: the zone's own, else the closest entry, else None."""
        if zone.violation_code:
            return zone.violation_code
        fitting = [code for code in self.codes if code.rule == rule and code.zone_type in {zone.type, None}]
        fitting.sort(key=lambda code: code.zone_type is None)
        return fitting[0].code if fitting else None

    def completed(self, camera: Camera) -> Camera:
        """The camera with the profile's permitted wait where a parking zone names none."""
        zones = [
            zone.model_copy(update={"permitted_wait_s": self.permitted_wait_s[zone.type]})
            if zone.type in PARKING_ZONES and zone.permitted_wait_s is None and zone.type in self.permitted_wait_s
            else zone
            for zone in camera.zones
        ]
        return camera.model_copy(update={"zones": zones})


def names() -> list[str]:
    """The profiles that come with the project."""
    folder = resources.files("configs") / "jurisdictions"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_profile(name: str) -> Profile:
    """The profile of that name. Raises ConfigError when there is none or it does not hold."""
    entry = resources.files("configs") / "jurisdictions" / f"{name}.yaml"
    if not entry.is_file():
        raise ConfigError(f"jurisdiction {name!r} has no profile - known are: {', '.join(names())}")
    data: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"configs/jurisdictions/{name}.yaml: {key}: {first['msg']}") from error
    if profile.id != name:
        raise ConfigError(f"configs/jurisdictions/{name}.yaml: id is {profile.id!r} - it must be the file's name")
    return profile
