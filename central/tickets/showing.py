"""Rows of the database as the views that pages and the API show."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.clock import office_now
from central.db.cases import Case, CaseMedia, CaseQuestion
from central.db.events import Event
from central.db.media import Media
from central.lists import compare
from central.tickets import leases, opening, precheck, views
from central.tickets.review import UNDO_STEP, WORKFLOW
from contract.events import EventType, Manifest, Vehicle, Violation, parse_data, parse_event

#: Which still stands for a case in the queue, best first.
_THUMBNAILS = ("trigger", "last", "first", "spacing")


def lines(session: Session, cases: Sequence[Case], me: int | None = None) -> list[views.QueueItem]:
    """The queue's lines, with five queries however many cases there are; `me` is who looks."""
    ids = [row.id for row in cases]
    thumbnails, missing, questions = _thumbnails(session, ids), opening.missing_media(session, ids), _open(session, ids)
    taken = leases.holders(session, ids, me)
    return [
        _line(row, thumbnails.get(row.id), missing.get(row.id, 0), questions.get(row.id, 0), taken.get(row.id))
        for row in cases
    ]


def _line(row: Case, thumbnail: str | None, missing: int, questions: int, taken_by: str | None) -> views.QueueItem:
    return views.QueueItem(
        number=row.number,
        state=row.state,
        rule=row.rule,
        verdict=row.verdict,
        site=row.site,
        camera_id=row.camera_id,
        zone_id=row.zone_id,
        lane_id=row.lane_id,
        vehicle_class=row.vehicle_class,
        plate=row.plate,
        at_trigger=row.at_trigger.astimezone(timezone(timedelta(seconds=row.utc_offset_s))),
        created_at=row.created_at,
        dwell_s=row.dwell_s,
        thumbnail=thumbnail,
        open_questions=questions,
        missing_media=missing,
        flags=list(dict.fromkeys(check["name"] for check in row.checks if check["ok"] is False)),
        reason_code=row.reason_code,
        due_at=row.due_at,
        colour=_colour(row),
        first_by=row.first_by,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        taken_by=taken_by,
    )


def _colour(row: Case) -> str | None:
    """How much of the time for its step is used; None where nothing limits it."""
    if row.yellow_at is None or row.red_at is None:
        return None
    moment = office_now()
    return "red" if moment >= row.red_at else "yellow" if moment >= row.yellow_at else "blue"


def _undo_until(row: Case, user: SignedInUser | None) -> datetime | None:
    if user is None or row.final_at is None or row.decided_by_id != user.id:
        return None
    return row.final_at if row.final_at > office_now() else None


def _open(session: Session, ids: list[int]) -> Mapping[int, int]:
    query = (
        select(CaseQuestion.case_id, func.count())
        .where(CaseQuestion.case_id.in_(ids), CaseQuestion.answer.is_(None))
        .group_by(CaseQuestion.case_id)
    )
    return dict(session.execute(query).all())


def _thumbnails(session: Session, ids: list[int]) -> dict[int, str]:
    query = (
        select(CaseMedia)
        .join(Media, Media.sha256 == CaseMedia.sha256)
        .where(CaseMedia.case_id.in_(ids), CaseMedia.kind == "image", Media.complete.is_(True))
    )
    best: dict[int, CaseMedia] = {}
    for still in session.execute(query).scalars():
        held = best.get(still.case_id)
        if held is None or _rank(still) < _rank(held):
            best[still.case_id] = still
    return {case_id: still.sha256 for case_id, still in best.items()}


def _rank(still: CaseMedia) -> tuple[bool, bool, int, int]:
    moment = _THUMBNAILS.index(still.moment) if still.moment in _THUMBNAILS else len(_THUMBNAILS)
    return (still.role in {"plate", "composite"}, still.overlay, moment, still.position)


def whole(
    session: Session, row: Case, user: SignedInUser | None, before: str | None, behind: str | None
) -> views.CaseView:
    """Everything that a page shows of one case to `user`."""
    event = session.get_one(Event, row.event_id)
    violation = _violation(event)
    manifest = _manifest(session, row)
    media = _media(session, row)
    machine = _machine(violation, manifest)
    vehicle = corrected(machine, row.corrected)
    books = precheck.of_books(session, row, violation, vehicle, media)
    return views.CaseView(
        number=row.number,
        version=row.version,
        state=row.state,
        verdict=row.verdict,
        rule=row.rule,
        edge_id=row.edge_id,
        camera_id=row.camera_id,
        site=row.site,
        zone_id=row.zone_id,
        lane_id=row.lane_id,
        violation=violation,
        vehicle=vehicle,
        machine=machine,
        corrected=row.corrected,
        seal=seal_of(event),
        at_end=row.at_end,
        dwell_s=row.dwell_s,
        manifest_arrived=row.manifest,
        evidence_ready=row.manifest and all(one.ready for one in media),
        dropped=list(manifest.dropped) if manifest else [],
        below_profile=list(manifest.below_profile) if manifest else [],
        facts={**violation.facts, **(manifest.facts if manifest else {})},
        media=media,
        questions=[views.QuestionItem.model_validate(one, from_attributes=True) for one in row.questions],
        checks=precheck.ordered([*_checks(row, event), *books]),
        register_card=compare.card(session, vehicle),
        history=[views.HistoryLine.model_validate(one, from_attributes=True) for one in row.history],
        actions=[one for one in WORKFLOW.open_to(row.state, user.roles if user else ()) if one != UNDO_STEP],
        undo_until=_undo_until(row, user),
        due_at=row.due_at,
        due_certain=row.due_certain is not False,
        colour=_colour(row),
        reason_code=row.reason_code,
        note=row.note,
        ground=row.ground,
        first_by=row.first_by,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        created_at=row.created_at,
        previous=before,
        next=behind,
    )


def vehicle_of(session: Session, row: Case) -> Vehicle:
    """The vehicle of a case as it stands now: what was told and read, corrected by people."""
    violation = _violation(session.get_one(Event, row.event_id))
    return corrected(_machine(violation, _manifest(session, row)), row.corrected)


def corrected(machine: Vehicle, said: Mapping[str, str]) -> Vehicle:
    """The vehicle as people read it; how sure the machine was is not said of what it did not read."""
    changed: dict[str, object] = {}
    if "plate" in said:
        changed |= {"plate": said["plate"], "plate_type": None, "conf": None, "per_char_conf": None}
    if "type" in said:
        changed["class_"] = said["type"]
    if "color" in said:
        changed["color"] = said["color"]
    return machine.model_copy(update=changed)


def _violation(event: Event) -> Violation:
    violation = parse_data(parse_event(event.raw))
    if not isinstance(violation, Violation):
        raise TypeError(f"event {event.id} is no violation")
    return violation


def _machine(violation: Violation, manifest: Manifest | None) -> Vehicle:
    """What the machine knows of the vehicle: a plate that a source told with the decision goes before one it read."""
    told, seen = violation.vehicle, manifest.vehicle if manifest else None
    if seen is None or told.plate is not None:
        return told
    return seen.model_copy(update={"class_": told.class_, "color": told.color or seen.color})


def item(named: CaseMedia, ready: bool) -> views.MediaItem:
    """One still or clip."""
    return views.MediaItem(
        sha256=named.sha256,
        kind=named.kind,
        role=named.role,
        moment=named.moment,
        t=named.t,
        t1=named.t1,
        at=named.at,
        w=named.w,
        h=named.h,
        size=named.size,
        media_type=named.media_type,
        overlay=named.overlay,
        ready=ready,
    )


def _checks(row: Case, event: Event) -> list[views.Check]:
    """The stored results; the chain's is read anew, because the neighbour may have arrived since."""
    stored = [views.Check.model_validate(check) for check in row.checks if check["name"] != "chain"]
    if not any(check.name == "suppression" for check in stored):
        stored.append(views.Check(name="suppression", ok=True, detail="no source told that the vehicle is exempt"))
    return [*stored, chain_check(event.chain_state)]


def chain_check(state: str) -> views.Check:
    """The chain's state in words. A hole is pending, never bad."""
    words = {
        "genesis": "it is the first event of its chain",
        "linked": "it follows the event before it",
        "pending": "the event before it has not arrived yet",
        "broken": "it does not follow the event before it",
    }
    return views.Check(name="chain", ok=state != "broken", detail=words[state])


def _media(session: Session, row: Case) -> list[views.MediaItem]:
    names = [one.sha256 for one in row.media]
    there = set(
        session.execute(select(Media.sha256).where(Media.sha256.in_(names), Media.complete.is_(True))).scalars()
    )
    return [item(one, one.sha256 in there) for one in row.media]


def _manifest(session: Session, row: Case) -> Manifest | None:
    query = select(Event).where(
        Event.edge_id == row.edge_id, Event.case_key == row.case_key, Event.type == EventType.MANIFEST
    )
    event = session.execute(query).scalar_one_or_none()
    data = parse_data(parse_event(event.raw)) if event else None
    return data if isinstance(data, Manifest) else None


def seal_of(event: Event) -> views.Seal:
    """How an event is sealed and where it stands in its chain."""
    return views.Seal(
        ok=event.sealed,
        kid=event.kid,
        event_id=event.id,
        event_sha256=event.sha256,
        chain_id=event.chain_id,
        chain_seq=event.chain_seq,
        chain_state=event.chain_state,
        received_at=event.received_at,
    )
