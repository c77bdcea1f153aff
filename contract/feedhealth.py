"""What is wrong with a camera's picture, begun and ended (domain E2.4): one matter is one `case_key`.

`sightline.feed.trouble` begins it the moment it is certain, `sightline.feed.cleared` ends it. Figures are what was
measured against the camera's own baseline, so that whoever is woken can judge. Nothing here names or counts people.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from contract.model import SCHEMA_VERSION, Chain, Hex64, Model

#: What can be wrong. `replaced`: codec, size, GOP or serial changed; `mask`: a privacy mask is gone or moved.
Check = Literal[
    "lost", "frozen", "looped", "dark", "bright", "covered", "defocused", "moved", "scene", "time", "replaced", "mask"
]
#: `alarm` wants a person now, `warning` before the day is over.
Severity = Literal["warning", "alarm"]
Figure = Annotated[float, Field(allow_inf_nan=False)]


class Still(Model):
    """What the camera shows when it is certain: a JPEG with the masks painted, sent like any evidence."""

    sha256: Hex64
    bytes: int = Field(gt=0)
    w: int = Field(gt=0)
    h: int = Field(gt=0)
    at: AwareDatetime


class Trouble(Model):
    """`data` of the beginning: seen since `at_first`, certain at `at_trigger`."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    edge_id: str
    camera_id: str
    site: str = Field(max_length=200)
    check: Check
    severity: Severity
    at_first: AwareDatetime
    at_trigger: AwareDatetime
    reason: str = Field(max_length=300, description="a sentence with the figures")
    figures: dict[str, Figure] = Field(default={}, max_length=20)
    source: Literal["picture", "stream", "clock", "onvif"] = "picture"
    still: Still | None = None
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


class Cleared(Model):
    """`data` of the end: well again since `at_end`, or nobody looks any more (`removed`)."""

    schema_ver: str = SCHEMA_VERSION
    case_key: Hex64
    edge_id: str
    camera_id: str
    check: Check
    at_end: AwareDatetime
    lasted_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    how: Literal["well", "removed"]
    camera_seq: int | None = Field(default=None, ge=0)
    chain: Chain | None = None


__all__ = ["Check", "Cleared", "Severity", "Still", "Trouble"]
