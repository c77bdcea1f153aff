"""What somebody says of a fact that no camera can tell, and how a box is told it over MQTT (design section 4).

Two ways lead to a box, both under its own topics: central's `.../command`, on which a person speaks (the duty officer,
the control room), and `.../sensor/{sensor_id}`, on which a device does (a signal controller). Either names the fact,
its value, where it holds, from when until when, and who says so. Nothing lasts for ever: a box forgets what has ended.
"""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from contract.events import Model
from contract.facts import Name
from contract.site import Identifier

#: More than this is not read, in bytes.
MAX_STATEMENT_BYTES = 8192
#: Who says that something holds for longer says it again.
LONGEST = timedelta(days=7)


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be printable text without blanks around it")
    return text


Printable = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]


class _Saying(Model):
    """Fact and value, and what they are said of. Without a camera they are said of every camera of the box."""

    fact: Name
    value: Name
    camera_id: Identifier | None = None
    zone_id: Identifier | None = Field(default=None, description="a zone of that camera; absent: all of its zones")
    plate: Printable | None = Field(default=None, description="the vehicle meant, for facts about a vehicle")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _place(self) -> Self:
        if self.zone_id is not None and self.camera_id is None:
            raise ValueError("zone_id needs camera_id: zones of two cameras may have one name")
        return self


class Statement(_Saying):
    """A fact that holds from `from` to before `until`. One of the same `id` takes the place of an earlier one.

    `until` is absent for an instant alone, as a signal controller tells it second by second.
    """

    id: Printable
    by: Printable = Field(description="who says so: a person's account, or `sensor` and its id")
    valid_from: AwareDatetime = Field(alias="from")
    valid_until: AwareDatetime | None = Field(default=None, alias="until")

    @model_validator(mode="after")
    def _span(self) -> Self:
        if self.valid_until is not None and self.valid_until - self.valid_from > LONGEST:
            raise ValueError(f"holds for over {LONGEST.days} days - say it again when they are over")
        return self

    def holds(self, at: datetime) -> bool:
        """Whether it is said of the instant `at`."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def overlaps(self, first: datetime, last: datetime) -> bool:
        """Whether it is said of any part of `first` to `last`."""
        return self.valid_from <= last and (self.valid_until or self.valid_from) >= first


class Reading(_Saying):
    """A sensor's word on `.../sensor/{sensor_id}`: of the instant `at`, or from then to before `until`."""

    at: AwareDatetime
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _span(self) -> Self:
        if self.until is not None and self.until - self.at > LONGEST:
            raise ValueError(f"holds for over {LONGEST.days} days - say it again when they are over")
        return self

    def stated(self, sensor_id: str) -> Statement:
        """The same as a statement of that sensor. Said again with the same `at`, it replaces what was said before."""
        name = ("sensor", sensor_id, f"{self.at.timestamp():.3f}", self.fact, self.zone_id or "", self.plate or "")
        return Statement(
            **self.model_dump(exclude={"at", "until"}),
            id="|".join(name)[:100],
            by=f"sensor {sensor_id}",
            valid_from=self.at,
            valid_until=self.until,
        )


__all__ = ["LONGEST", "MAX_STATEMENT_BYTES", "Printable", "Reading", "Statement"]
