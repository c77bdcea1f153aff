"""What a bundle of evidence says of itself: its signed index, and the proofs it carries.

A bundle is one archive (`contract.bundle_archive`): the sealed events of a case as they were received, its stills and
clip, copies of them, the part of the box's chain around the events, and for each of these, and for every decision and
every look, the entry in central's ledger with the proof that it is there.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from contract.events import Hex64, Model

FORMAT: Literal["sightline.bundle/1"] = "sightline.bundle/1"
INDEX, SEAL, OFFICE_KEY = "bundle.json", "bundle.jws", "keys/office.jwk"
ENTRIES, PUBLISHED = "ledger/entries.json", "ledger/published.json"
HEAD, HEAD_SEAL, HEAD_STAMP = "ledger/head.json", "ledger/head.jws", "ledger/head.tsr"
AUTHORITY, VIEWERS = "keys/timestamp-authority.pem", "viewer-log.csv"
#: The certificates behind the C2PA manifests: the one that signed them first, each followed by its issuer's.
C2PA_CHAIN = "keys/c2pa.pem"
#: The action of the case's history under which an export is entered.
EXPORTED = "exported"

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4"}
_TYPES = {ending: kind for kind, ending in _ENDINGS.items()}


class BundleFile(Model):
    """One file of the bundle. `of` is the SHA-256 of the original that a copy, or a C2PA manifest, was made for."""

    name: str = Field(max_length=200)
    what: Literal["event", "seal", "original", "overlay", "redacted", "c2pa", "proof", "key", "log", "report"]
    sha256: Hex64
    bytes: int = Field(ge=0)
    of: Hex64 | None = None


class Missing(Model):
    """A still or clip that the manifest names and central does not hold, and why."""

    sha256: Hex64
    why: str = Field(max_length=200)


class Index(Model):
    """`bundle.json`, signed by the office in `bundle.jws`: every other file of the bundle, by its hash."""

    format: Literal["sightline.bundle/1"] = FORMAT
    case: str = Field(max_length=20)
    case_key: Hex64
    edge: str = Field(max_length=64)
    office: str = Field(max_length=64, description="RFC 7638 thumbprint of the office's key")
    by: str = Field(max_length=64, description="the account for which it was exported")
    made_at: AwareDatetime
    export: int = Field(ge=0, description="place of the export's own entry in the ledger")
    files: list[BundleFile] = Field(max_length=20_000)
    missing: list[Missing]
    notes: list[str]


class Proven(Model):
    """An entry of the ledger: its place, its line, and the path that proves it is there (RFC 9162, 2.1.3)."""

    place: int = Field(ge=0)
    line: str = Field(max_length=200_000)
    path: list[Hex64] = Field(max_length=64)


class Entries(Model):
    """`ledger/entries.json`."""

    entries: list[Proven] = Field(max_length=100_000)


class Published(Model):
    """`ledger/published.json`: a head that was published, and the proof that the bundle's head goes on from it."""

    head: str = Field(max_length=2000)
    jws: str = Field(max_length=4096)
    path: list[Hex64] = Field(max_length=128)


class Exported(Model):
    """What the export's own entry in the ledger says the bundle holds: nothing of it can be left out unnoticed."""

    events: list[Hex64]
    originals: list[Hex64]
    chain: list[tuple[str, int, int]] = Field(description="stretches of the chain: its id, first and last seq")
    pending: list[tuple[str, int]] = Field(default=[], description="places of those whose event has not arrived")
    lines: int = Field(ge=0, description="lines of the case's history before this one")
    views: int = Field(ge=0)
    c2pa: Hex64 | None = Field(default=None, description="SHA-256 of the certificate (DER) that signs C2PA manifests")


def event_name(number: int, kind: str) -> str:
    """Where event `number` of a bundle stands, counted from 0 in the order of its chain."""
    return f"events/{number:02d}-{kind.rpartition('.')[2].replace('_', '-')}.json"


def seal_name(event: str) -> str:
    """Where the seal of the event in the file `event` stands."""
    return event.removesuffix(".json") + ".jws"


def original_name(position: int, role: str | None, moment: str | None, media_type: str) -> str:
    """Where the still or clip stands that the manifest names at `position` (the clip behind the stills)."""
    stem = "-".join(part for part in (f"{position:02d}", role or "clip", moment) if part)
    return f"originals/{stem}.{_ENDINGS.get(media_type, 'bin')}"


def manifest_name(original: str) -> str:
    """Where the C2PA manifest of the original in the file `original` stands: beside it, for it is not touched."""
    return original.rpartition(".")[0] + ".c2pa"


def media_type(name: str) -> str | None:
    """The media type of a still or clip by its file's name, None for what no C2PA manifest is made for."""
    return _TYPES.get(name.rpartition(".")[2])


def viewer_log(views: Sequence[Mapping[str, Any]]) -> bytes:
    """`viewer-log.csv` of the ledger's entries of looks, in their order: when, who, and at what."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("at", "by", "looked_at"))
    for view in views:
        stills = " ".join(view.get("media") or ())
        page = f"case page ({view['why']}): {stills}" if "why" in view else "case page"
        table.writerow((view["at"], view["by"], view["sha256"] or page.removesuffix(": ")))
    return out.getvalue().encode()


__all__ = [
    "AUTHORITY",
    "C2PA_CHAIN",
    "ENTRIES",
    "EXPORTED",
    "FORMAT",
    "HEAD",
    "HEAD_SEAL",
    "HEAD_STAMP",
    "INDEX",
    "OFFICE_KEY",
    "PUBLISHED",
    "SEAL",
    "VIEWERS",
    "BundleFile",
    "Entries",
    "Exported",
    "Index",
    "Missing",
    "Proven",
    "Published",
    "event_name",
    "manifest_name",
    "media_type",
    "original_name",
    "seal_name",
    "viewer_log",
]
