"""Who may come in: a message is judged before anything of it is believed.

Judged in this order: size, the topic's box, its key, the seal over the raw bytes, the envelope, and that topic,
source, data and key name one and the same box. What fails is refused with a sentence of ours: nothing a stranger sent
is repeated in it.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from central.edges.names import kid_of
from contract.errors import SealError
from contract.events import (
    MAX_EVENT_BYTES,
    Chain,
    CloudEvent,
    Data,
    Genesis,
    Violation,
    parse_data,
    parse_event,
    serialise,
)
from contract.sealing import import_public, verify_detached
from contract.sensors import SensorAlarm
from contract.topics import IDENTIFIER, edge_id_of

#: An event from before this system or far ahead of any clock is no evidence; its date may not even be storable.
_EARLIEST, _LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MAX_SEQ = 2**53
_MAX_NAME = 200
_UNFIT = re.compile("[\x00\ud800-\udfff]")
#: Bytes without any of these hold no number that is none and no text that is none: NaN, numbers that may be too large
#: for a float, escaped characters. Their data need not be walked through. A number stands behind one of these signs or
#: a space; a digest in hex, of which nearly every one has an e before digits, behind a quotation mark.
_DOUBTFUL = re.compile(rb"NaN|Infinity|[:,\[\s]-?[0-9][0-9.]*[eE]\+?[0-9]{3}|[0-9]{200}|\\u|\x00")
_ID = re.compile(rb'"id"\s*:\s*"([A-Za-z0-9._:-]{1,64})"')


class _Twice(Exception):  # noqa: N818
    """A JSON object has a name more than once (RFC 7493, 2.3)."""


class Refused(Exception):  # noqa: N818 - reads as a sentence
    """A message that is not let in. The text is ours and short; it goes into the quarantine and the Ack."""


class SealBroken(Refused):
    """The key is the box's and the seal does not hold: altered on the way or on the disk, or forged. An alarm."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker delivered: topic, raw bytes, and the user property `jws`."""

    topic: str
    raw: bytes
    jws: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a box. `public_jwk` is None when the box is enrolled and never had a key of that id."""

    kid: str
    public_jwk: dict[str, str] | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event whose seal holds and whose names agree."""

    event: CloudEvent
    data: Data | None
    edge_id: str
    camera_id: str | None
    case_key: str | None
    camera_seq: int | None
    chain: Chain
    kid: str


def judge(message: Message, key_of: Callable[[str, str], Key | None]) -> Admitted:
    """The admitted event. `key_of` gives a key by edge id and kid, None for a strange box. Raises Refused."""
    if len(message.raw) > MAX_EVENT_BYTES:
        raise Refused(f"the event has {len(message.raw)} bytes, over the limit of {MAX_EVENT_BYTES}")
    edge_id = edge_id_of(message.topic)
    if edge_id is None:
        raise Refused("the topic belongs to no box")
    key = _sealed(message, key_of(edge_id, kid_of(message.jws or "")))
    event, data = _parsed(message.raw)
    camera_id = _same_box(event, edge_id)
    _sane(event, data, message.raw)
    return Admitted(
        event=event,
        data=data,
        edge_id=edge_id,
        camera_id=camera_id,
        case_key=getattr(data, "case_key", None),
        camera_seq=getattr(data, "camera_seq", None),
        chain=_chain(event, key, data),
        kid=key.kid,
    )


def event_id(raw: bytes) -> str | None:
    """The id of an event that was not parsed, for its Ack: safe characters only, looked for at the beginning."""
    found = _ID.search(raw[:1000])
    return found.group(1).decode("ascii") if found else None


def _sealed(message: Message, key: Key | None) -> Key:
    if key is None:
        raise Refused("no box of that id is enrolled")
    if key.revoked:
        raise Refused("this box was shut out")
    if not message.jws:
        raise Refused("the event has no seal (user property jws)")
    if key.public_jwk is None:
        raise Refused("the seal was made by a key that is not enrolled for this box")
    try:
        verify_detached(message.raw, message.jws, _public(*key.public_jwk.items()))
    except SealError as error:
        raise SealBroken("the seal does not hold") from error
    return key


@lru_cache(maxsize=4096)
def _public(*members: tuple[str, str]) -> OKPKey:
    return import_public(dict(members))


def _parsed(raw: bytes) -> tuple[CloudEvent, Data | None]:
    try:
        event = parse_event(raw)
        # What a box of ours writes comes out of its reading as it went in, and then no name stands twice. Anything
        # else is looked at: of two values of one name another reader, a court's expert, may take the other.
        if serialise(event) != raw:
            json.loads(raw, object_pairs_hook=_once)
        return event, parse_data(event)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        known = where if re.fullmatch(r"[A-Za-z0-9_.]{1,80}", where) else "its JSON"
        raise Refused(f"the event does not fit its schema at {known}") from error
    except _Twice as error:
        raise Refused("a name stands twice in the event, and which of the two counts nobody can say") from error
    except (ValueError, RecursionError) as error:
        raise Refused("the event cannot be read as JSON") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


def _same_box(event: CloudEvent, edge_id: str) -> str | None:
    """The camera of the event, after checking that topic, source and data agree."""
    parts = event.source.split("/")
    camera_id = parts[4] if len(parts) == 5 and parts[3] == "camera" else None
    sensor_id = parts[4] if len(parts) == 5 and parts[3] == "sensor" else None
    if parts[2] != edge_id:
        raise Refused("the source names another box than the topic")
    if event.data.get("edge_id", edge_id) != edge_id:
        raise Refused("the data names another box than the topic")
    if event.data.get("camera_id", camera_id) != camera_id:
        raise Refused("the data names another camera than the source")
    if event.data.get("sensor_id", sensor_id) != sensor_id:
        raise Refused("the data names another sensor than the source")
    if camera_id is not None and not IDENTIFIER.fullmatch(camera_id):
        raise Refused("the camera id is not an identifier")
    return camera_id


def _sane(event: CloudEvent, data: Data | None, raw: bytes) -> None:
    """What the schema leaves open and a database or a court would choke on."""
    if event.data.get("replay"):
        raise Refused("a replay is never evidence")
    if not IDENTIFIER.fullmatch(event.id):
        raise Refused("the event id is not an identifier")
    if _DOUBTFUL.search(raw) and not _storable({"type": event.type, "data": event.data}):
        raise Refused("the event holds a number that is none, or text that is none")
    moments = [event.time]
    if isinstance(data, Violation):
        moments += [data.at_first, data.at_trigger, data.at_last]
        names = (data.site, data.zone_id, data.lane_id or "", *(one.fact for one in data.unknown))
        short = (data.vehicle.class_, data.vehicle.plate or "")
        if any(len(name) > _MAX_NAME for name in names) or any(len(name) > 40 for name in short):
            raise Refused("a name in the data is too long")
        if any(len(one.fact) > 80 for one in data.unknown):
            raise Refused("a fact in the data has a name that is too long")
    if isinstance(data, SensorAlarm):
        moments += [data.at_first, data.at_trigger]
    at_end = getattr(data, "at_end", None)
    if not all(_EARLIEST <= moment <= _LATEST for moment in [*moments, *([at_end] if at_end else [])]):
        raise Refused("a time in the event cannot be right")
    seq = getattr(data, "camera_seq", None)
    if seq is not None and seq >= _MAX_SEQ:
        raise Refused("camera_seq is out of range")


def _chain(event: CloudEvent, key: Key, data: Data | None) -> Chain:
    try:
        chain = Chain.model_validate(event.data.get("chain"))
    except ValidationError as error:
        raise Refused("the event has no link of the chain of its box") from error
    if chain.seq >= _MAX_SEQ or not IDENTIFIER.fullmatch(chain.id):
        raise Refused("the link of the chain is out of range")
    if isinstance(data, Genesis) and data.kid != key.kid:
        raise Refused("the chain begins with another key than the one enrolled")
    return chain


def _storable(value: Any) -> bool:
    """No NaN, no infinity, no NUL, no half of a surrogate pair, anywhere."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack.extend(one.keys())
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
        elif (isinstance(one, float) and not math.isfinite(one)) or (isinstance(one, str) and _UNFIT.search(one)):
            return False
    return True
