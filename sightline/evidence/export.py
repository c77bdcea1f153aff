"""`sightline evidence export`: one archive of everything that proves a case, and the entry that says who took it."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from joserfc.jwk import OKPKey

from central.db.cases import CaseMedia
from central.db.database import Database
from central.ledger.authority import Authority
from central.ledger.proving import Proofs, prove
from central.media.store import MediaStore
from central.tickets import service
from contract import bundle, bundle_archive
from contract.errors import InputError, MediaError, RunError
from contract.events import EventType, Manifest, Violation, now, parse_data, parse_event
from contract.sealing import sign_detached, thumbprint
from sightline.evidence import copies, report
from sightline.evidence.gather import Gathered, gather
from sightline.evidence.item import Item, What

if TYPE_CHECKING:
    from central.credentials.signer import ContentSigner
    from central.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class Office:
    """Central as an export needs it. What is made without a `redactor` or a `signer` of C2PA manifests says so."""

    db: Database
    store: MediaStore
    key: OKPKey
    authority: Authority | None = None
    redactor: "Redactor | None" = None
    signer: "ContentSigner | None" = None


def export(office: Office, number: str, by: str, target: Path) -> bundle.Index:
    """Write the bundle of case `number` to `target`, whole or not at all, for the account `by`.

    The export is entered in the case's history and in the ledger before anything is written. Raises InputError (no
    such case or account, a file in the way), RunError (the ledger lacks something, a picture was lost).
    """
    if target.exists():
        raise InputError(f"{target}: is there already - choose another name, nothing is written over")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent}: is no folder - make it first")
    certificate = office.signer.fingerprint if office.signer is not None else None
    with office.db.write() as session:
        gathered = gather(session, number, by, certificate)
    proofs = prove(office.db, office.key, office.authority, gathered.refs, gathered.export)
    with tempfile.TemporaryDirectory(prefix="sightline-") as scratch:
        items, index = _bundle(office, gathered, proofs, by, target.name, Path(scratch))
        raw = index.model_dump_json(indent=1).encode()
        seal = sign_detached(raw, office.key).encode()
        files = [(bundle.INDEX, raw), (bundle.SEAL, seal), *((item.name, item.source) for item in items)]
        with _whole(target) as file:
            bundle_archive.write(file, files)
    return index


def _bundle(
    office: Office, gathered: Gathered, proofs: Proofs, by: str, name: str, scratch: Path
) -> tuple[list[Item], bundle.Index]:
    made, notes = now(), list[str]()
    originals = list(_originals(office.store, gathered))
    items = [*_events(gathered), *(item for _, item in originals)]
    items += _copies(office, gathered, originals, scratch, notes)
    items, told = _with_manifests(office, gathered, proofs, made, items, scratch)
    notes += told
    if office.authority is not None and proofs.stamped is None:
        notes.append("the timestamp authority gave no stamp when this was exported")
    missing = list(_missing(gathered))
    items += [Item(file, _kind(file), raw) for file, raw in proofs.files.items()]
    items.append(Item(bundle.VIEWERS, "log", bundle.viewer_log(proofs.views)))
    items += _reports(office, gathered, proofs, _Told(by, made, name, originals, items, missing, notes))
    index = bundle.Index(
        case=gathered.case.number,
        case_key=gathered.case.case_key,
        edge=gathered.case.edge_id,
        office=thumbprint(office.key),
        by=by,
        made_at=made,
        export=proofs.export,
        files=[item.filed() for item in items],
        missing=missing,
        notes=notes,
    )
    return items, index


def _events(gathered: Gathered) -> Iterator[Item]:
    for number, row in enumerate(gathered.events):
        name = bundle.event_name(number, row.type)
        yield Item(name, "event", bytes(row.raw))
        yield Item(bundle.seal_name(name), "seal", row.jws.encode())


def _originals(store: MediaStore, gathered: Gathered) -> Iterator[tuple[CaseMedia, Item]]:
    seen: set[str] = set()
    for one in gathered.media:
        if one.sha256 not in gathered.there or one.sha256 in seen:
            continue
        seen.add(one.sha256)
        try:
            source = store.path(one.sha256)
        except FileNotFoundError as error:
            raise RunError(f"media {one.sha256}: the store has lost it - restore it from its backup") from error
        name = bundle.original_name(one.position, one.role, one.moment, one.media_type)
        yield one, Item(name, "original", source)


def _with_manifests(
    office: Office, gathered: Gathered, proofs: Proofs, made: datetime, items: list[Item], scratch: Path
) -> tuple[list[Item], list[str]]:
    """The items with C2PA manifests, and what is to be noted of them."""
    if office.signer is None:
        return items, ["no C2PA manifests were made: exported without them"]
    from sightline.evidence.attaching import Making, attached

    # An authority that gave the head no stamp just now is not asked again for each picture.
    authority = office.authority if proofs.stamped is not None else None
    notes: list[str] = []
    making = Making(office.signer, authority, thumbprint(office.key), made)
    return attached(making, gathered, items, scratch, notes), notes


def _missing(gathered: Gathered) -> Iterator[bundle.Missing]:
    """What the box named and central does not hold: on its way, or given up by the box (then the case waits not)."""
    _, manifest = _said(gathered)
    if manifest is None:
        return
    named = [image.sha256 for image in manifest.images] + ([manifest.video.sha256] if manifest.video else [])
    awaited = {one.sha256 for one in gathered.media}
    for name in dict.fromkeys(named):
        if name not in gathered.there:
            why = "it had not arrived when this was exported" if name in awaited else "the box could not bring it"
            yield bundle.Missing(sha256=name, why=why)


def _copies(
    office: Office,
    gathered: Gathered,
    originals: Sequence[tuple[CaseMedia, Item]],
    scratch: Path,
    notes: list[str],
) -> Iterator[Item]:
    """Drawn and blurred copies. What cannot be decoded gets none, and the bundle says so."""
    violation, manifest = _said(gathered)
    plate = gathered.case.corrected.get("plate") or gathered.case.plate
    if office.redactor is None:
        notes.append("no redacted copies were made: exported without them")
    for one, item in originals:
        stem = item.name.partition("/")[2].rpartition(".")[0]
        source = Path(str(item.source))
        try:
            done = [copies.drawn(one, source, violation, scratch, stem)]
            if office.redactor is not None and manifest is not None:
                done.append(copies.redacted(one, source, violation, manifest, office.redactor, plate, scratch, stem))
        except MediaError:
            notes.append(f"no copy could be made of {item.name}: it cannot be decoded")
            continue
        for copy in done:
            if copy is not None:
                yield Item(copy.name, "overlay" if copy.what == "overlay" else "redacted", copy.path, copy.of)


@dataclass(frozen=True, slots=True)
class _Told:
    by: str
    made: datetime
    name: str
    originals: Sequence[tuple[CaseMedia, Item]]
    items: Sequence[Item]
    missing: Sequence[bundle.Missing]
    notes: Sequence[str]


def _reports(office: Office, gathered: Gathered, proofs: Proofs, told: _Told) -> Iterator[Item]:
    drawn = {item.of: item.name for item in told.items if item.what == "overlay"}
    shown = [
        report.Shown(one.sha256, one.kind, drawn.get(one.sha256, item.name), one.moment or "", one.at)
        for one, item in told.originals
    ]
    facts = report.Facts(
        name=told.name,
        by=told.by,
        made=told.made,
        office=thumbprint(office.key),
        size=proofs.size,
        stamped=proofs.stamped,
        shown=shown,
        missing=told.missing,
        views=proofs.views,
        notes=told.notes,
    )
    with office.db.read() as session:
        view = service.case(session, gathered.case.number, None)
    for tag in report.LANGUAGES:
        yield Item(f"report.{tag}.html", "report", report.report(view, facts, tag))


def _said(gathered: Gathered) -> tuple[Violation, Manifest | None]:
    said = {row.type: parse_data(parse_event(bytes(row.raw))) for row in gathered.events}
    violation = next((data for data in said.values() if isinstance(data, Violation)), None)
    manifest = said.get(EventType.MANIFEST)
    if violation is None:
        raise RunError(
            f"case {gathered.case.number}: its decision is not in the database - run `sightline evidence audit`"
        )
    return violation, manifest if isinstance(manifest, Manifest) else None


def _kind(name: str) -> What:
    return "key" if name.startswith("keys/") else "proof"


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target`, for its owner alone, that takes its name on disk when the block has ended well."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}) - choose another place") from error
    finally:
        part.unlink(missing_ok=True)


__all__ = ["Office", "export"]
