"""An archive of what central really holds: its ledger's own entries vouch for the blocks, the request and the watching."""

from dataclasses import replace

import pytest
from central_kit import Box, intake_of, open_db, person
from sqlalchemy import select

from central.accounts.roles import Role
from central.approvals import requests
from central.approvals.kinds import Kind
from central.clock import office_now
from central.db.accounts import User
from central.db.approvals import Approval, ApprovalLog
from central.db.edges import EdgeKey
from central.db.events import Event
from central.db.live import WatchLog
from central.ledger.entries import APPROVAL, EVENT, KEY, WATCH
from central.ledger.keeper import Keeper
from central.ledger.key import office_key
from central.ledger.proving import prove
from contract.errors import SealError
from contract.events import EventType
from contract.recording import Request
from contract.recording_archive import Parts, SealedEvent, write_archive
from contract.sealing import thumbprint
from sightline.evidence.verify import Trust, verify
from tests.recording_kit import world


def test_the_ledger_of_central_vouches_for_an_archive_and_for_nothing_else(tmp_path) -> None:
    made, db = world(tmp_path / "w", 11), open_db(tmp_path)
    wanted = made.wanted
    box = Box(edge_id=wanted.edge_id)
    box.enrol(db)
    source = f"/edge/{wanted.edge_id}/camera/{wanted.camera_id}"
    said = [box.say(EventType.RECORDING_BLOCK, one, source=source) for one in made.blocks]
    said += [box.say(EventType.RECORDING_DELETED, one, source=source) for one in made.deleted]
    assert {one.outcome for one in intake_of(db).take(said)} == {"stored"}
    li, chief = person(db), person(db, "zhao", Role.CHIEF)
    with db.write() as session:
        key = requests.ask(session, li, Kind.EXPORT, {"numbers": []} | wanted.model_dump(), made.request.reason)
        session.add(WatchLog(watch="w1", at=office_now(), user_id=li.id, edge_id=wanted.edge_id, camera_id=wanted.camera_id,
                             site="s", action="begin", detail={"quality": "main"}))  # fmt: skip
    with db.write() as session:
        requests.decide(session, chief, key, approve=True)
    with db.read() as session:
        office = office_key(session, tmp_path / "office.jwk")
    heads = tmp_path / "heads.jsonl"
    Keeper(db, office, heads).round()
    with db.read() as session:
        row = session.execute(select(Approval).where(Approval.key == key)).scalar_one()
        lines = [(APPROVAL, str(one)) for one in session.execute(select(ApprovalLog.id)).scalars()]
        refs = [(KEY, one) for one in session.execute(select(EdgeKey.kid)).scalars()]
        refs += [(EVENT, one) for one in session.execute(select(Event.id)).scalars()]
        refs += [(WATCH, str(one)) for one in session.execute(select(WatchLog.id)).scalars()]
        names = {one.id: one.name for one in session.execute(select(User)).scalars()}
        request = Request(key=key, wanted=wanted, reason=row.reason, asked_by=names[row.asked_by], asked_at=row.asked_at,
                          approved_by=names[row.decided_by or 0], approved_at=row.decided_at or row.asked_at)  # fmt: skip
    proofs = prove(db, office, None, (*refs, *lines), lines[0])
    parts = Parts(
        request=request, events=[SealedEvent(one.raw, one.jws or "") for one in said], sites=[(0, made.site)],
        segments=made.segments, absent=made.absent, ledger=proofs.files, made_at=office_now(), looks=made.looks,
    )  # fmt: skip
    path, trust = tmp_path / "recording.zip", Trust(thumbprint(office), heads)
    with path.open("wb") as target:
        write_archive(target, parts, office)
    told = verify(path, trust)
    assert "unaltered" in told[0]
    assert any(f"{len(made.looks) + 1} in the viewer log, 1 of them in the ledger" in line for line in told)
    shorter = wanted.model_copy(update={"until_us": wanted.until_us - 1})
    with path.open("wb") as target:
        write_archive(target, replace(parts, request=request.model_copy(update={"wanted": shorter})), office)
    with pytest.raises(SealError, match="what was asked for and approved is"):
        verify(path, trust)
    db.close()
