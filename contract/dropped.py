"""Evidence that will not come: the stills and clips that a box had to give up, said by a sealed event."""

from typing import Literal

from pydantic import Field

from contract.model import SCHEMA_VERSION, Chain, Hex64, Model

#: Most files that one event names; more are several events.
MAX_DROPPED = 500


class DroppedMedia(Model):
    """A still or clip that will not come, and the event (mostly a manifest) that named it."""

    sha256: Hex64
    bytes: int = Field(ge=0)
    kind: Literal["still", "clip"]
    event: str = Field(min_length=1, max_length=64, description="id of the event that names the file")


class Dropped(Model):
    """`data` of media that a box cannot bring any more although an event names them: which, and why.

    `outbox_full`: policy, `outbox.max_media_bytes` was passed; `gone` and `altered`: the box's disk lost it.
    """

    schema_ver: str = SCHEMA_VERSION
    edge_id: str
    cause: Literal["outbox_full", "gone", "altered"]
    reason: str = Field(max_length=300)
    media: list[DroppedMedia] = Field(min_length=1, max_length=MAX_DROPPED)
    chain: Chain | None = None


__all__ = ["MAX_DROPPED", "Dropped", "DroppedMedia"]
