"""What a box says of itself beside events: retained states of the box and of its cameras. Unsigned; proof is in events.

What a box of an older version does not tell is None, and means that nobody knows.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from contract.events import Clock
from contract.model import Model


class Disk(Model):
    """The room that a box has for recordings, bytes, by its own clock.

    `full_at`: when what may not be deleted (polling stations' days, holds) has no room left, at `pace`; None: never.
    """

    at: AwareDatetime
    budget_bytes: int = Field(ge=0, description="what recordings may take, by the box's settings")
    used_bytes: int = Field(ge=0, description="what they take")
    free_bytes: int = Field(ge=0, description="free on the disk, without what settings keep free")
    pace: int | None = Field(
        default=None, ge=0, description="bytes/s of its polling cameras in their busiest hour of a day; None: not known"
    )
    full_at: AwareDatetime | None = None


class Learned(Model):
    """Whether a box has learned what is usual in a camera's picture: since when it has, or since when it tries."""

    done: bool
    since: AwareDatetime | None = None


class Kept(Model):
    """How long a camera's recordings are kept, and when the oldest that is there began (whole hours, rounded up)."""

    days: float = Field(gt=0)
    oldest: AwareDatetime | None = None


class EdgeStatus(Model):
    """Retained state of a box, on `.../status`. A last will is written before it is true and so carries no time."""

    state: Literal["online", "offline"]
    at: AwareDatetime | None = None
    disk: Disk | None = None


class CameraStatus(Model):
    """Retained state of one camera, on `.../camera/{camera_id}/status`."""

    camera_id: str
    state: Literal["starting", "live", "lost"]
    since: AwareDatetime
    cause: str = ""
    shedding: bool = Field(default=False, description="the box is too slow: pictures of this camera are passed over")
    clock: Clock = Field(default=Clock())
    fps: float | None = None
    epoch: int = 0
    learned: Learned | None = None
    kept: Kept | None = None


__all__ = ["CameraStatus", "Disk", "EdgeStatus", "Kept", "Learned"]
