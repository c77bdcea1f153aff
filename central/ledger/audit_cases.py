"""Whether events and cases in the database are what the boxes sealed and what people decided.

The ledger vouches for the bytes of events and for the lines of histories; this holds everything else to them: the
columns beside the bytes, the chain, and the rows of cases that pages and reports are made from.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from central.db.cases import PLATE_LENGTH, Case, plain_plate
from central.db.edges import EdgeKey
from central.db.events import Event
from central.db.media import Media
from central.tickets.asking import ASKED
from central.tickets.opening import offset_s
from central.tickets.standing import Standing, standing
from contract.errors import SealError
from contract.events import Data, Manifest, Violation, parse_data, parse_event
from contract.sealing import GENESIS, import_public, sha256_hex, thumbprint, verify_detached

_BATCH = 200
_DROPPED = "sightline.evidence.dropped"


def events(session: Session) -> Iterator[str]:
    """Seals, columns and chain of every event; a sentence for each that does not hold. A hole is no fault."""
    keys: dict[str, EdgeKey] = {row.kid: row for row in session.execute(select(EdgeKey)).scalars()}
    before: tuple[str, str, int, str, str] | None = None
    query = select(Event).order_by(Event.edge_id, Event.chain_id, Event.chain_seq, Event.received_at, Event.id)
    for row in session.execute(query.execution_options(yield_per=_BATCH)).scalars():
        yield from (f"event {row.id}: {fault}" for fault in _event(row, keys.get(row.kid)))
        if before is not None and before[:2] == (row.edge_id, row.chain_id):
            yield from _link(row, before)
        before = (row.edge_id, row.chain_id, row.chain_seq, row.sha256, row.id)
        session.expunge(row)


def _event(row: Event, key: EdgeKey | None) -> Iterator[str]:
    raw = bytes(row.raw)
    if sha256_hex(raw) != row.sha256:
        yield "its bytes are not those of its hash: they were changed"
    if key is None or key.edge_id != row.edge_id:
        yield f"names the key {row.kid}, which box {row.edge_id} never had"
        return
    try:
        public = import_public(dict(key.public_jwk))
        if thumbprint(public) != key.kid:
            yield f"the key {key.kid} of its box is not the key of that name: it was swapped"
        verify_detached(raw, row.jws, public)
    except SealError as error:
        yield f"the box's seal does not hold: {error}"
    yield from _columns(row, raw)


def _columns(row: Event, raw: bytes) -> Iterator[str]:
    try:
        event = parse_event(raw)
        chain = event.data.get("chain") or {}
        assert isinstance(chain, dict)
    except (ValidationError, ValueError, AssertionError):
        yield "its bytes are no event of the contract"
        return
    said = (event.id, event.type, event.time, chain.get("id"), chain.get("seq"), chain.get("prev"))
    if said != (row.id, row.type, row.at, row.chain_id, row.chain_seq, row.chain_prev):
        yield "the columns beside its bytes say something else than the bytes: they were changed"
    key = event.data.get("case_key")
    if row.case_key is not None and row.case_key != key:
        yield "is filed under another case than the one it names"
    if row.case_key is None and row.duplicate_of is None and key is not None:
        yield "belongs to a case and was taken out of it"
    if row.chain_seq == 0 and row.chain_prev != GENESIS:
        yield "is not the beginning of its chain"


def _link(row: Event, before: tuple[str, str, int, str, str]) -> Iterator[str]:
    _, _, seq, digest, name = before
    if row.chain_seq == seq:
        yield f"event {row.id}: stands in the chain where event {name} stands ({row.chain_id}, {seq})"
    elif row.chain_seq == seq + 1 and row.chain_prev != digest:
        yield f"event {row.id}: does not follow event {name} in the chain ({row.chain_id}, {row.chain_seq})"
    elif row.chain_seq > seq + 1 and row.chain_state not in {"pending", "broken"}:
        yield f"event {row.id}: the event before it in the chain was removed ({row.chain_id}, {row.chain_seq - 1})"


def cases(session: Session) -> Iterator[str]:
    """Rows of cases against their sealed events and their history."""
    given_up = cache(lambda edge_id: _given_up(session, edge_id))
    query = select(Case).order_by(Case.id).execution_options(yield_per=_BATCH)
    whole = query.options(selectinload(Case.history), selectinload(Case.questions), selectinload(Case.media))
    for case in session.execute(whole).scalars():
        yield from (f"case {case.number}: {fault}" for fault in _case(session, case, given_up(case.edge_id)))
        session.expunge(case)


def _case(session: Session, case: Case, given_up: set[str]) -> Iterator[str]:
    said = _said(session, case)
    violation = next((data for data in said.values() if isinstance(data, Violation)), None)
    if violation is None:
        yield "has no decision of a box: its event was removed or filed elsewhere"
        return
    manifest = next((data for data in said.values() if isinstance(data, Manifest)), None)
    yield from _facts(case, violation, manifest, given_up)
    stands = standing(case.history)
    yield from _decided(case, stands)
    yield from _answers(case, stands, violation)


def _decided(case: Case, stands: Standing) -> Iterator[str]:
    """What people decided, and by when: the row is what its history comes to."""
    if case.state != stands.state:
        yield f"is {case.state}, and its history ends in {stands.state}: it was changed without a decision"
    for name, role in (("first_by", "took its first look"), ("decided_by", "decided it")):
        have, told = getattr(case, name), getattr(stands, name)
        if have != told:
            yield f"says that {have or 'nobody'} {role}, and its history says {told or 'nobody'}"
    for name in ("first_by_id", "decided_by_id"):
        # Lines of versions before the two looks have names alone.
        told, by = getattr(stands, name), getattr(stands, name.removesuffix("_id"))
        if getattr(case, name) != told and (told is not None or by is None):
            yield "names another account than its history for who decided it"
    if (case.reason_code or None, case.note, case.ground) != (stands.reason or None, stands.note, stands.ground):
        yield "gives another reason than its history"
    yield from _due(case, stands)
    if case.sort_at != (case.due_at or case.at_trigger):
        yield "stands elsewhere in the queue than its deadline says"
    if dict(case.corrected) != dict(stands.corrected):
        yield "was corrected otherwise than its history says"


def _due(case: Case, stands: Standing) -> Iterator[str]:
    if stands.due_told and case.due_certain is None:
        yield "stands as if its deadline was never reckoned, and its history tells one: it was taken off"
    elif stands.due_told and case.due_at != stands.due:
        yield f"is due at {case.due_at}, and its history says {stands.due}: its deadline was moved"
    elif case.due_certain is None and case.due_at is not None:
        # Of a version before: the jobs reckon it, and until then it has none.
        yield f"is due at {case.due_at}, and nobody has reckoned that: its deadline was written by hand"


def _said(session: Session, case: Case) -> dict[str, Data | None]:
    query = select(Event).where(Event.edge_id == case.edge_id, Event.case_key == case.case_key)
    said: dict[str, Data | None] = {}
    for row in session.execute(query).scalars():
        try:
            said[row.type] = parse_data(parse_event(bytes(row.raw)))
        except (ValidationError, ValueError):
            said[row.type] = None
    return said


def _given_up(session: Session, edge_id: str) -> set[str]:
    """What the box has said, sealed, that it cannot bring any more: central strikes it from the case."""
    query = select(Event.raw).where(Event.edge_id == edge_id, Event.type == _DROPPED)
    found: set[str] = set()
    for raw in session.execute(query).scalars():
        try:
            media = json.loads(raw)["data"]["media"]
            found |= {str(one["sha256"]) for one in media}
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _facts(case: Case, data: Violation, manifest: Manifest | None, given_up: set[str]) -> Iterator[str]:
    seen = manifest.vehicle.plate if manifest is not None and manifest.vehicle is not None else None
    read = data.vehicle.plate or seen
    plate = case.corrected.get("plate", read)
    wanted: Mapping[str, object] = {
        "rule": str(data.rule), "verdict": data.verdict, "jurisdiction": data.jurisdiction[:41],
        "utc_offset_s": offset_s(data.at_trigger), "site": data.site, "camera_id": data.camera_id,
        "zone_id": data.zone_id, "lane_id": data.lane_id,
        "vehicle_class": case.corrected.get("type", data.vehicle.class_),
        "plate": plate[:PLATE_LENGTH] if plate else None, "plate_plain": plain_plate(plate),
        "at_first": data.at_first, "at_trigger": data.at_trigger, "at_last": data.at_last,
    }  # fmt: skip
    for name, value in wanted.items():
        have = getattr(case, name)
        if have != value:
            shown = have.isoformat() if isinstance(have, datetime) else have
            yield f"its {name} is {shown}, and the box sealed {value}: it was changed"
    named = [image.sha256 for image in manifest.images] if manifest else []
    named += [manifest.video.sha256] if manifest and manifest.video else []
    have = [one.sha256 for one in sorted(case.media, key=lambda one: one.position)]
    if have != [name for name in named if name in have or name not in given_up]:
        yield "names other pictures than the box sealed: one was swapped, added or removed"


def _answers(case: Case, stands: Standing, data: Violation) -> Iterator[str]:
    there = {question.fact for question in case.questions}
    listed = [fact for line in case.history if line.action == ASKED for fact in line.detail["facts"]]
    for fact in dict.fromkeys([*(one.fact for one in data.unknown), *listed]):
        if fact not in there:
            yield f"was asked about {fact}, and the question was removed"
    for question in case.questions:
        said = stands.answers.get(question.fact)
        if question.answer != (said.text if said else None):
            yield f"the answer to {question.fact} is not the one in its history: it was changed"


def media(session: Session, path: Callable[[str], Path]) -> Iterator[str]:
    """Every still and clip against its name."""
    query = select(Media.sha256, Media.size).where(Media.complete.is_(True)).order_by(Media.sha256)
    for name, size in session.execute(query).all():
        try:
            file = path(name)
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            yield f"media {name}: the store has lost it"
            continue
        if digest != name or file.stat().st_size != size:
            yield f"media {name}: its bytes are not those of its hash: they were changed"


__all__ = ["cases", "events", "media"]
