"""C2PA manifests for a bundle: inside of copies, beside originals.

The box's originals are named by their hash everywhere - in its seal, in the ledger, in the media store - so they stay
as they are, byte for byte, and their manifest stands beside them under the same name. Copies are the office's own, and
are what is passed on alone: they carry theirs inside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from central.credentials.signer import ContentSigner
from central.credentials.signing import Signing
from central.ledger.authority import Authority
from contract import bundle
from contract.errors import MediaError, RunError
from contract.events import EventType, Manifest, parse_data, parse_event
from contract.provenance import Provenance, Sealed, provenance
from sightline.evidence.gather import Gathered
from sightline.evidence.item import Item


@dataclass(frozen=True, slots=True)
class Making:
    """What the manifests of one export have in common: who signs and stamps them, the office's thumbprint, when."""

    signer: ContentSigner
    authority: Authority | None
    office: str
    at: datetime


def attached(making: Making, gathered: Gathered, items: Sequence[Item], scratch: Path, notes: list[str]) -> list[Item]:
    """The same items with manifests inside of the copies, the originals' beside them, and the signer's certificates.

    What can carry no manifest is named in `notes`. Raises RunError when one cannot be made.
    """
    sealed = _sealed(gathered)
    done: list[Item] = []
    with Signing(making.signer, making.authority, making.at) as signing:
        for item in items:
            said = _said(sealed, gathered.case.number, making.office, item)
            try:
                done += _attached(signing, said, item, scratch) if said is not None else [item]
            except MediaError as error:
                if item.what != "original":  # we have just encoded it ourselves
                    raise RunError(str(error)) from error
                notes.append(str(error))
                done.append(item)
        if signing.unstamped:
            notes.append("the timestamp authority gave no stamp for C2PA manifests")
    return [*done, Item(bundle.C2PA_CHAIN, "key", making.signer.pem)]


def _attached(signing: Signing, said: Provenance, item: Item, scratch: Path) -> Iterator[Item]:
    kind, source = bundle.media_type(item.name), item.source
    if kind is None or isinstance(source, bytes):
        yield item
        return
    target = scratch / f"c2pa-{item.name.replace('/', '-')}"
    if item.what == "original":
        raw = signing.beside(said, item.name, kind, source, target)
        target.unlink()
        yield item
        yield Item(bundle.manifest_name(item.name), "c2pa", raw, said.original)
        return
    signing.embed(said, item.name, kind, source, target)
    yield Item(item.name, item.what, target, item.of)


def _sealed(gathered: Gathered) -> Sealed | None:
    """The box's event that names stills and clip."""
    row = next((row for row in gathered.events if row.type == EventType.MANIFEST), None)
    if row is None:
        return None
    event = parse_event(bytes(row.raw))
    data = parse_data(event)
    return Sealed(event=row.sha256, sealed_at=event.time, manifest=data) if isinstance(data, Manifest) else None


def _said(sealed: Sealed | None, case: str, office: str, item: Item) -> Provenance | None:
    """What is to be said of a still or clip; None for every other file."""
    if sealed is None or item.what not in {"original", "overlay", "redacted"}:
        return None
    of = item.of or item.filed().sha256
    return provenance(sealed, case, office, item.what, of)


__all__ = ["Making", "attached"]
