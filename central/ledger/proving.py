"""The ledger's files of a bundle: a head signed for this export, its way from the published one, and every entry."""

import json
from dataclasses import dataclass
from datetime import datetime

from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.ledger import LedgerHead
from central.ledger import entries, heads, tree
from central.ledger.authority import Authority
from central.ledger.entries import Ref
from central.ledger.keeper import catch_up
from contract import bundle, stamp
from contract.errors import RunError
from contract.merkle import consistency_proof, inclusion_proof
from contract.sealing import public_jwk


@dataclass(frozen=True, slots=True)
class Proofs:
    """Files by name, the place of the export's own entry, the head's size, the looks, and the time of the stamp."""

    files: dict[str, bytes]
    export: int
    size: int
    views: list[dict[str, str]]
    stamped: datetime | None


def prove(db: Database, key: OKPKey, authority: Authority | None, refs: tuple[Ref, ...], export: Ref) -> Proofs:
    """Enter everything, sign a head over it, and prove every entry of `refs` against it. Raises RunError."""
    catch_up(db)
    with db.write() as session:
        if heads.of_today(session, key) is None:
            raise RunError("the ledger is empty - is this the database that central writes to?")
        row = heads.make(session, key)
    if authority is not None:
        heads.stamp(db, row, authority)
    with db.read() as session:
        return _proofs(session, row, key, authority, refs, export)


def _proofs(
    session: Session, row: LedgerHead, key: OKPKey, authority: Authority | None, refs: tuple[Ref, ...], export: Ref
) -> Proofs:
    nodes = tree.nodes_of(session)
    places, lines = tree.places(session, list(refs)), entries.lines(session, list(refs))
    if lost := next((ref for ref in refs if ref not in places or ref not in lines), None):
        raise RunError(f"ledger: has no entry of {lost[0]} {lost[1]} - run `sightline evidence audit`")
    proven = [
        bundle.Proven(
            place=places[ref],
            line=lines[ref].decode(),
            path=[step.hex() for step in inclusion_proof(places[ref], row.size, nodes)],
        )
        for ref in sorted(set(refs), key=places.__getitem__)
    ]
    old = heads.last_published(session, row.size)
    if old is None:
        raise RunError("the ledger has no published head - run `sightline central serve --role jobs`")
    way = consistency_proof(old.size, row.size, nodes)
    published = bundle.Published(head=old.raw.decode(), jws=old.jws, path=[step.hex() for step in way])
    files = {
        bundle.OFFICE_KEY: json.dumps(public_jwk(key), sort_keys=True).encode(),
        bundle.HEAD: row.raw,
        bundle.HEAD_SEAL: row.jws.encode(),
        bundle.PUBLISHED: published.model_dump_json().encode(),
        bundle.ENTRIES: bundle.Entries(entries=proven).model_dump_json().encode(),
    }
    stamped = None
    if row.stamp is not None and authority is not None:
        files |= {bundle.HEAD_STAMP: row.stamp, bundle.AUTHORITY: stamp.as_pem(authority.roots)}
        stamped = stamp.checked(row.stamp, row.raw, authority.roots)
    views = sorted((ref for ref in refs if ref[0] == entries.VIEW), key=lambda ref: int(ref[1]))
    return Proofs(files, places[export], row.size, [json.loads(lines[ref]) for ref in views], stamped)


__all__ = ["Proofs", "prove"]
