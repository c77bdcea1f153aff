"""The ledger's own words: the line that stands for one entry, and the signed head that vouches for all of them.

An entry is one line of canonical JSON (keys sorted, no blanks, UTF-8; moments RFC 3339 in UTC with microseconds); its
leaf hash is what the tree holds. A head says how many entries there are and what their root is; central signs it as
a box signs an event: a detached JWS over the raw bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from joserfc.jwk import OKPKey
from pydantic import AwareDatetime, Field, ValidationError

from contract.errors import SealError
from contract.model import Hex64, Model
from contract.sealing import sign_detached, thumbprint, verify_detached

#: Where heads are published, retained. No box can have an id that begins with a mark, so none reaches it.
HEAD_TOPIC = "sightline/v1/_central/ledger"


class Head(Model):
    """The state of the ledger: `size` entries with Merkle root `root`, as the office whose key is `office` had it."""

    type: Literal["sightline.ledger.head"] = "sightline.ledger.head"
    office: str = Field(max_length=64, description="RFC 7638 thumbprint of the office's key")
    size: int = Field(ge=0)
    root: Hex64
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it is kept and published: its bytes and the detached JWS over them."""

    head: Head
    raw: bytes
    jws: str

    def as_line(self) -> str:
        """One line of the file of published heads, and the payload on the topic."""
        return json.dumps({"head": self.raw.decode(), "jws": self.jws}, ensure_ascii=False)


def sign_head(size: int, root: bytes, at: datetime, key: OKPKey) -> SignedHead:
    """A new head, signed by the office."""
    head = Head(office=thumbprint(key), size=size, root=root.hex(), at=at)
    raw = head.model_dump_json().encode()
    return SignedHead(head, raw, sign_detached(raw, key))


def read_head(raw: bytes, jws: str, key: OKPKey) -> SignedHead:
    """A head from bytes, its signature checked. Raises SealError."""
    verify_detached(raw, jws, key)
    try:
        head = Head.model_validate_json(raw)
    except ValidationError as error:
        raise SealError("what was signed is no head of a ledger") from error
    if head.office != thumbprint(key):
        raise SealError("the head names another office than the key that signed it")
    return SignedHead(head, raw, jws)


def read_line(line: str, key: OKPKey) -> SignedHead:
    """A head from a line of the published file. Raises SealError."""
    try:
        given = json.loads(line)
        raw, jws = given["head"].encode(), str(given["jws"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SealError("the line holds no head of a ledger") from error
    return read_head(raw, jws, key)


def read_entry(line: str) -> dict[str, Any]:
    """An entry from its line. Raises ValueError for one that is not as entries are written."""
    try:
        entry = json.loads(line)
    except RecursionError as error:
        raise ValueError("no entry") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str) or canonical(entry).decode() != line:
        raise ValueError("no entry")
    return entry


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The one line of bytes that stands for an entry. Raises ValueError for numbers that are none."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def moment(at: datetime) -> str:
    """A moment as entries print it: always UTC, always microseconds, so that every database prints it alike."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


__all__ = [
    "HEAD_TOPIC",
    "Head",
    "SignedHead",
    "canonical",
    "moment",
    "read_entry",
    "read_head",
    "read_line",
    "sign_head",
]
