"""A polling station in its site file: where it belongs, and the hours in which every second must be on record.

A site with `polling` watches no traffic: its cameras are recorded, looked at for tampering and shown to monitors, and
no rule of the road judges what they see. Zones there are privacy masks, parts to be ignored, and areas in which
people are counted, as sums that tell of nobody.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

#: What a planned window is for (domain E2.2).
Phase = Literal["rehearsal", "voting", "transport", "count", "other"]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class Window(BaseModel):
    """A planned window: every second from `from` to before `until` is recorded, or a gap with its cause."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    phase: Phase
    begin: AwareDatetime = Field(alias="from")
    until: AwareDatetime

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.until <= self.begin:
            raise ValueError("`until` is not after `from` - a window has a length")
        if (self.until - self.begin).days >= 31:
            raise ValueError("is over 31 days long - give each day of the election its own window")
        return self


class Polling(BaseModel):
    """What makes a site a polling station. `station` is its number as the election office writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    station: Words
    township: Words
    village: Words
    windows: list[Window] = Field(min_length=1, max_length=60)
    masks: Literal["edge", "camera"] = Field(
        default="edge",
        description="who hides the privacy masks: the box, before anything is recorded or shown, or the camera itself",
    )
    max_height: Annotated[int, Field(ge=240, le=2160)] = Field(
        default=1080, description="px; a stream with more is refused, as marks on ballots could be read"
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        known = sorted(self.windows, key=lambda one: one.begin)
        for before, after in pairwise(known):
            if after.begin < before.until:
                raise ValueError(f"windows {before.phase} and {after.phase} overlap - give each second one phase")
        return self


__all__ = ["Phase", "Polling", "Window"]
