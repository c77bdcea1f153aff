"""From sealed events to a case: read everything that has arrived of one matter and bring the case up to it.

Nothing here depends on the order of arrival: the manifest may come before its violation, the end of a stay before
either, media before or after all of them. Running it twice changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.db.cases import Case, CaseLog, CaseMedia, CaseNumber, CaseQuestion
from central.db.events import Event
from central.db.media import Media
from central.tickets import precheck
from central.tickets.errors import TicketError
from central.tickets.review import CANDIDATE, OTHER, REVIEW, SET_ASIDE, WORKFLOW, CaseFacts
from central.tickets.workflow import SYSTEM
from contract.events import Closed, EventType, Image, Manifest, Unknown, Violation, now, parse_data, parse_event

_VIOLATIONS = (EventType.ILLEGAL_PARKING, EventType.FAILURE_TO_YIELD)
#: What the column takes; no plate of the world is nearly as long.
PLATE_LENGTH = 40
EVIDENCE_COMPLETE = "evidence complete"
SET_ASIDE_STEP = "set aside"


def assemble(session: Session, edge_id: str, case_key: str) -> Case | None:
    """Open or complete the case of one matter from the events stored so far. None while no violation has arrived."""
    rows = session.execute(select(Event).where(Event.edge_id == edge_id, Event.case_key == case_key)).scalars()
    events = {row.type: row for row in rows}
    decided = next((events[kind] for kind in _VIOLATIONS if kind in events), None)
    if decided is None:
        return None
    query = select(Case).where(Case.edge_id == edge_id, Case.case_key == case_key).with_for_update()
    case = session.execute(query).scalar_one_or_none()
    if case is None:
        case = _open(session, decided)
    _add_evidence(session, case, events)
    _add_end(session, case, events)
    advance(session, case)
    return case


def media_arrived(session: Session, sha256: str) -> None:
    """Bytes have arrived and were verified: move on every case that waited for them."""
    named = select(CaseMedia.case_id).where(CaseMedia.sha256 == sha256)
    # Locked: of two uploads that end in the same moment, the second one then sees the first.
    query = select(Case).where(Case.id.in_(named), Case.state == CANDIDATE).order_by(Case.id).with_for_update()
    for case in session.execute(query).scalars():
        advance(session, case)


def advance(session: Session, case: Case) -> None:
    """CANDIDATE -> REVIEW, or -> REJECTED where the vehicle is exempt, once nothing stands in the way.

    Else it is left as it is, which is no error.
    """
    if case.state != CANDIDATE:
        return
    session.flush()
    facts = facts_of(session, case)
    try:
        row = WORKFLOW.step(case.state, SET_ASIDE_STEP if facts.suppressed else EVIDENCE_COMPLETE, SYSTEM, facts)
    except TicketError:
        return
    if facts.suppressed:
        case.reason_code, case.note = SET_ASIDE.get(facts.suppressed[0], OTHER), ", ".join(facts.suppressed)
        case.decided_by, case.decided_at = SYSTEM, now()
    log(case, SYSTEM, row.action, row.target, reason=case.reason_code, note=case.note)
    case.state = row.target
    session.flush()


def facts_of(session: Session, case: Case, reason: str | None = None, note: str = "") -> CaseFacts:
    """What the guards of the review table look at."""
    unanswered = tuple(question.fact for question in case.questions if not question.answer)
    sealed = session.execute(
        select(func.count())
        .select_from(Event)
        .where(Event.edge_id == case.edge_id, Event.case_key == case.case_key, Event.sealed.is_(False))
    ).scalar_one()
    return CaseFacts(
        manifest=case.manifest,
        missing_media=missing_media(session, [case.id]).get(case.id, 0),
        sealed=sealed == 0,
        unanswered=unanswered,
        suppressed=precheck.suppressed(case.checks),
        reason=reason,
        note=note,
    )


def missing_media(session: Session, case_ids: list[int]) -> Mapping[int, int]:
    """How many stills and clips each case still waits for; cases that wait for none are left out."""
    query = (
        select(CaseMedia.case_id, func.count())
        .outerjoin(Media, (Media.sha256 == CaseMedia.sha256) & Media.complete.is_(True))
        .where(CaseMedia.case_id.in_(case_ids), Media.sha256.is_(None))
        .group_by(CaseMedia.case_id)
    )
    return dict(session.execute(query).all())


def log(case: Case, actor: str, action: str, target: str | None, **detail: object) -> None:
    """Add a line to the history of `case`, before its state is changed."""
    source = case.state if target else None
    case.history.append(
        CaseLog(at=now(), actor=actor, action=action, from_state=source, to_state=target, detail=detail)
    )


def _open(session: Session, row: Event) -> Case:
    data = _parsed(row)
    if not isinstance(data, Violation):
        raise TypeError(f"event {row.id} is no violation")
    case = Case(
        number=_next_number(session, data.at_trigger),
        edge_id=row.edge_id,
        case_key=data.case_key,
        event_id=row.id,
        rule=data.rule,
        verdict=data.verdict,
        state=CANDIDATE,
        site=data.site,
        camera_id=data.camera_id,
        zone_id=data.zone_id,
        lane_id=data.lane_id,
        vehicle_class=data.vehicle.class_,
        plate=data.vehicle.plate[:PLATE_LENGTH] if data.vehicle.plate else None,
        at_first=data.at_first,
        at_trigger=data.at_trigger,
        at_last=data.at_last,
        clock_offset_ms=data.clock.offset_ms,
        manifest=False,
        checks=[],
        created_at=now(),
    )
    _ask(case, (*data.unknown, *precheck.clock_question(data)))
    log(case, SYSTEM, "opened", None, event=row.id, verdict=data.verdict)
    case.checks = precheck.as_json(precheck.of_decision(data, row.sealed))
    session.add(case)
    session.flush()
    return case


def _ask(case: Case, unknown: Iterable[Unknown]) -> None:
    """Put questions to the officer, each fact once."""
    asked = {question.fact for question in case.questions}
    for one in {one.fact: one for one in unknown if one.fact not in asked}.values():
        case.questions.append(
            CaseQuestion(fact=one.fact, position=len(case.questions), question=one.question, sources=list(one.sources))
        )


def _listed(data: Manifest) -> Iterator[Unknown]:
    """What a list of plates says of the plate read from the pictures, after the decision: a person must look."""
    for fact, said in data.facts.items():
        if said.ask:
            yield Unknown(fact=fact, question=said.question or fact, sources=said.sources)


def _next_number(session: Session, moment: datetime) -> str:
    """`20261121-0001`: the day of the offence as the site counts it, and a serial within it."""
    day = moment.strftime("%Y%m%d")
    counter = session.get(CaseNumber, day, with_for_update=True)
    if counter is None:
        counter = CaseNumber(day=day, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return f"{day}-{counter.last:04d}"


def _add_evidence(session: Session, case: Case, events: Mapping[str, Event]) -> None:
    row = events.get(EventType.MANIFEST)
    if row is None or case.manifest:
        return
    data = _parsed(row)
    if not isinstance(data, Manifest):
        raise TypeError(f"event {row.id} is no manifest")
    items = [_still(position, image) for position, image in enumerate(data.images)]
    if data.video is not None:
        items.append(_clip(len(items), data))
    case.media.extend(items)
    case.manifest = True
    if case.state == CANDIDATE:
        _ask(case, _listed(data))
    case.checks = [
        *case.checks,
        *precheck.as_json(precheck.of_evidence(_decided(events), data)),
        *precheck.as_json(precheck.of_plate(case.plate, data.vehicle)),
    ]
    if case.plate is None and data.vehicle is not None and data.vehicle.plate:
        case.plate = data.vehicle.plate[:PLATE_LENGTH]
    log(case, SYSTEM, "evidence named", None, event=row.id, images=len(data.images), video=data.video is not None)
    session.flush()


def _decided(events: Mapping[str, Event]) -> Violation:
    data = _parsed(next(events[kind] for kind in _VIOLATIONS if kind in events))
    if not isinstance(data, Violation):
        raise TypeError("the decision of a case is no violation")
    return data


def _still(position: int, image: Image) -> CaseMedia:
    return CaseMedia(
        position=position,
        kind="image",
        role=image.role,
        moment=image.moment,
        t=image.t,
        at=image.at,
        w=image.w,
        h=image.h,
        sha256=image.sha256,
        size=image.bytes,
        media_type=image.media_type[:60],
        overlay=image.overlay,
    )


def _clip(position: int, data: Manifest) -> CaseMedia:
    video = data.video
    if video is None:
        raise ValueError("the manifest has no clip")
    return CaseMedia(
        position=position,
        kind="video",
        t=video.t0,
        t1=video.t1,
        at=video.at0,
        w=video.w,
        h=video.h,
        sha256=video.sha256,
        size=video.bytes,
        media_type=video.media_type[:60],
        overlay=False,
    )


def _add_end(session: Session, case: Case, events: Mapping[str, Event]) -> None:
    row = events.get(EventType.CLOSED)
    if row is None or case.at_end is not None:
        return
    data = _parsed(row)
    if not isinstance(data, Closed):
        raise TypeError(f"event {row.id} is no end of a stay")
    case.at_end = data.at_end.astimezone(UTC)
    case.dwell_s = data.dwell_s
    log(case, SYSTEM, "stay ended", None, event=row.id, how=data.how, dwell_s=data.dwell_s)
    session.flush()


def _parsed(row: Event) -> object:
    return parse_data(parse_event(row.raw))


__all__ = ["CANDIDATE", "REVIEW", "advance", "assemble", "facts_of", "log", "media_arrived", "missing_media"]
