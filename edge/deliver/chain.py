"""The chain of a box: each event names its place and the SHA-256 of the bytes before it (design section 4).

Pure: states and events in, sealed bytes out. The outbox writes both in one transaction, so that a crash can neither
skip nor repeat a place.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import uuid_utils
from joserfc.jwk import OKPKey

from contract.events import MAX_EVENT_BYTES, Chain, CloudEvent, EventType, Genesis, as_json, new_event, serialise
from contract.sealing import GENESIS, sha256_hex, sign_detached, thumbprint

Reason = Literal["enrolled", "rotated", "disk_lost", "reset"]


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where the next event goes: `seq` is its place, `prev` the hash it must name, `kid` the key that signs."""

    id: str
    seq: int
    prev: str
    kid: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event as it is stored, sent and proved: its bytes and the detached JWS over them."""

    id: str
    link: Chain
    raw: bytes
    jws: str


def seal(event: CloudEvent, state: ChainState, key: OKPKey, camera_seq: int | None = None) -> tuple[Sealed, ChainState]:
    """Link and sign `event` as the next of the chain; the state after it comes back.

    Raises ValueError when the sealed event is larger than a peer would read.
    """
    link = Chain(id=state.id, seq=state.seq, prev=state.prev)
    data = {**event.data, "chain": as_json(link)}
    if camera_seq is not None:
        data["camera_seq"] = camera_seq
    raw = serialise(event.model_copy(update={"data": data}))
    if len(raw) > MAX_EVENT_BYTES:
        raise ValueError(f"event {event.id} has {len(raw)} bytes, the limit is {MAX_EVENT_BYTES}")
    after = ChainState(state.id, state.seq + 1, sha256_hex(raw), state.kid)
    return Sealed(event.id, link, raw, sign_detached(raw, key)), after


def begin(edge_id: str, key: OKPKey, reason: Reason, at: datetime) -> tuple[Sealed, ChainState]:
    """A new chain: its genesis event, sealed at place 0, and the state after it."""
    kid = thumbprint(key)
    state = ChainState(str(uuid_utils.uuid7()), 0, GENESIS, kid)
    genesis = new_event(EventType.GENESIS, f"/edge/{edge_id}", at, Genesis(edge_id=edge_id, kid=kid, reason=reason))
    return seal(genesis, state, key)


def why_begin(state: ChainState | None, kid: str, begun_before: bool) -> Reason | None:
    """Why a chain must begin now, None when the one there goes on."""
    if state is None:
        return "disk_lost" if begun_before else "enrolled"
    return None if state.kid == kid else "rotated"
