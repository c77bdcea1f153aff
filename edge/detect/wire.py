"""What client and inference service say to each other over a Unix socket, and the memory they share.

One message is four bytes of length (big-endian) and JSON; pictures never travel in it. On connecting the service sends
`Hello` together with a file descriptor of memory that belongs to this connection alone: the owner of a slot is its
connection, so a client that dies or lags behind can never write into another's picture, and the kernel takes the
memory back with the last descriptor, even after `kill -9` of both. Every request names the connection's generation;
one that is not its own is refused.
"""

import json
import mmap
import os
import struct
import tempfile
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from contract.events import ModelRef
from edge.detect.protocol import Picture
from edge.frames import Detections

HEAD = struct.Struct(">I")
#: 300 boxes are about 30 kB; anything above is not ours.
MAX_MESSAGE = 1_000_000


class Message(BaseModel):
    """Unknown keys are errors: both ends are one version, started by one supervisor."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(Message):
    """Service to client, with the descriptor of the slots: what runs, and the client's own memory."""

    op: Literal["hello"] = "hello"
    model: ModelRef
    size: tuple[int, int] = Field(description="height, width of a slot's picture, px")
    slots: int = Field(ge=1, le=64)
    generation: int


class Introduce(Message):
    """Client to service, first of all: who it is and whether its cameras go before others."""

    op: Literal["introduce"] = "introduce"
    camera_id: str = Field(min_length=1, max_length=64)
    urgent: bool = False


class Look(Message):
    """Client to service: look at the picture in `slot`.

    `before` makes it a live look: it is worth nothing after that instant of CLOCK_MONOTONIC (seconds, the same in all
    processes of a machine), nor once a newer one of its camera waits. A look without it is never passed over.
    """

    op: Literal["look"] = "look"
    id: int
    slot: int = Field(ge=0)
    generation: int
    before: float | None = Field(default=None, allow_inf_nan=False)


class Seen(Message):
    """Service to client: boxes in input px, best first."""

    op: Literal["seen"] = "seen"
    id: int
    boxes: list[tuple[float, float, float, float]]
    scores: list[float]
    classes: list[int]


class Refused(Message):
    """Service to client: why nothing was seen."""

    op: Literal["refused"] = "refused"
    id: int
    reason: str


class Late(Message):
    """Service to client: nobody looked, because the box is too slow. It says nothing of what the picture shows."""

    op: Literal["late"] = "late"
    id: int
    waited_s: float
    why: Literal["too old", "newer one waits"]


class StatsPlease(Message):
    """Client to service, instead of `Introduce`: how are you?"""

    op: Literal["stats"] = "stats"


def pack(message: Message) -> bytes:
    """The bytes of a message."""
    raw = message.model_dump_json().encode()
    return HEAD.pack(len(raw)) + raw


def body_length(head: bytes) -> int:
    """Length of the body that follows. Raises ValueError above MAX_MESSAGE."""
    (length,) = HEAD.unpack(head)
    if length > MAX_MESSAGE:
        raise ValueError(f"a message of {length} bytes is over the limit of {MAX_MESSAGE}")
    return int(length)


def parse(raw: bytes) -> dict[str, Any]:
    """A message's JSON object. Raises ValueError when it is not one."""
    data = json.loads(raw)
    if not isinstance(data, dict):
        raise ValueError("a message is a JSON object")
    return data


def seen_of(request: int, found: Detections) -> Seen:
    """Detections as a message."""
    return Seen(
        id=request,
        boxes=[(box[0], box[1], box[2], box[3]) for box in found.boxes.tolist()],
        scores=found.scores.tolist(),
        classes=found.classes.tolist(),
    )


def detections_of(seen: Seen) -> Detections:
    """A message as Detections."""
    boxes = np.array(seen.boxes, np.float32).reshape(-1, 4)
    return Detections(boxes, np.array(seen.scores, np.float32), np.array(seen.classes, np.int8))


class Slots:
    """Pictures in memory shared with one other process: `slots[i]` is (h, w, 3) uint8."""

    def __init__(self, descriptor: int, count: int, size: tuple[int, int]) -> None:
        """Map `descriptor`, which stays the caller's to close. Raises ValueError when it is too small."""
        shape = (count, *size, 3)
        self._bytes = mmap.mmap(descriptor, int(np.prod(shape)))
        self._pictures: Picture | None = np.frombuffer(self._bytes, np.uint8).reshape(shape)

    def __getitem__(self, index: int) -> Picture:
        if self._pictures is None:
            raise ValueError("the slots were given back")
        return np.asarray(self._pictures[index], np.uint8)

    def close(self) -> None:
        """Unmap; the memory goes when the other side has done so too."""
        self._pictures = None
        try:
            self._bytes.close()
        except BufferError:
            return  # a view still lives: the map goes with it


def make_memory(count: int, size: tuple[int, int]) -> int:
    """A descriptor of nameless memory for `count` pictures; the caller closes it."""
    length = count * size[0] * size[1] * 3
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("sightline-slots", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as handle:
            descriptor = os.dup(handle.fileno())
    os.ftruncate(descriptor, length)
    return descriptor
