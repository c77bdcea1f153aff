"""What central asks of a box, on `.../command`, and the box's answer on `.../reply`.

`id` comes back in the reply; without one, ask again: every command may be given twice and is done once. Only the
broker's ACL keeps others from that topic, so a command can make a box keep, send or show more, and never delete,
unmask or stop recording.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from contract.continuity import Micros
from contract.model import Model
from contract.site import Identifier
from contract.statement import Printable, Statement

#: Longest span of one command: a day of an election with room on both sides. Microseconds.
LONGEST_SPAN_US = 48 * 3600 * 1_000_000


class _Asked(Model):
    id: Printable


class TellFact(_Asked):
    """Something that no camera can tell."""

    command: Literal["tell_fact"]
    statement: Statement


class _Span(_Asked):
    """Recordings of one camera from `from_us` to before `until_us` (Unix microseconds), asked for by `by`."""

    camera_id: Identifier
    from_us: Micros
    until_us: Micros
    by: Printable
    reason: Printable

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.from_us < self.until_us <= self.from_us + LONGEST_SPAN_US:
            raise ValueError("`until_us` must be after `from_us`, by 48 h at most - ask for several spans")
        return self


class KeepSpan(_Span):
    """Keep a span from deletion until it is released (legal hold)."""

    command: Literal["keep_span"]


class ReleaseSpan(_Asked):
    """Let a hold go: `hold` is the id of the command that asked for it."""

    command: Literal["release_span"]
    hold: Printable
    by: Printable
    reason: Printable


class SendSpan(_Span):
    """Bring the segments of a span to central, resumable, at `most_bytes_per_s` at most."""

    command: Literal["send_span"]
    most_bytes_per_s: Annotated[int, Field(ge=16_000, le=1_000_000_000)] = 1_000_000


class LiveOn(_Asked):
    """Somebody watches: open a stream to central for `seconds`, longer when asked again.

    A camera's live stream of quality `main` has no `stream`, those of the others are called as their quality: a
    viewer on a thin link takes nothing from the rest. With `from_us` it is played back from there, out of the
    recording, `pace` times as fast as it was; each play back has a `stream` of its own.
    """

    command: Literal["live_on"]
    camera_id: Identifier
    quality: Literal["main", "sub", "stills"] = "main"
    seconds: Annotated[float, Field(gt=0, le=120, allow_inf_nan=False)] = 30.0
    stream: Identifier | None = None
    from_us: Micros | None = None
    pace: Annotated[int, Field(ge=1, le=8)] = 1

    @model_validator(mode="after")
    def _played(self) -> Self:
        live = self.stream is None or self.stream == self.quality
        if self.from_us is None and not live:
            raise ValueError(
                "`stream` of a live view is its quality's name - a play back has one of its own, and `from_us`"
            )
        if self.from_us is not None and (self.stream is None or self.stream in ("main", "sub", "stills")):
            raise ValueError("`from_us` wants a `stream` of its own, which is no quality's name")
        return self


AnyCommand = TellFact | KeepSpan | ReleaseSpan | SendSpan | LiveOn
#: Reads one: the word in `command` says which.
COMMAND: TypeAdapter[AnyCommand] = TypeAdapter(Annotated[AnyCommand, Field(discriminator="command")])


class Reply(Model):
    """The box's answer on `.../reply`: `done` once it is on disk, `refused` with what to mend."""

    id: str
    status: Literal["done", "refused"]
    reason: str = ""


__all__ = [
    "COMMAND",
    "LONGEST_SPAN_US",
    "AnyCommand",
    "KeepSpan",
    "LiveOn",
    "ReleaseSpan",
    "Reply",
    "SendSpan",
    "TellFact",
]
