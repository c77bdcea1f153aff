"""A case: opened by its decision, completed by its evidence and its end, moved on when nothing stands in the way.

Nothing here depends on the order of arrival: media may come before or after the manifest that names them. Which
events there are of a matter is found by `central.tickets.assembly`. Running it twice changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import PLATE_LENGTH, Case, CaseLog, CaseMedia, CaseQuestion
from central.db.events import Event
from central.db.history import add_line
from central.db.media import Media
from central.tickets import deadlines, facts, precheck
from central.tickets.errors import TicketError
from central.tickets.guards import CaseFacts
from central.tickets.reasons import OTHER, SET_ASIDE
from central.tickets.review import WORKFLOW
from central.tickets.states import CANDIDATE
from central.workflow.table import MACHINE, SYSTEM, Doing, Transition
from contract.events import Closed, Image, Manifest, Unknown, Violation

EVIDENCE_COMPLETE: Final = "evidence complete"
PASSED: Final = "passed"
HOLD: Final = "hold"
SET_ASIDE_STEP: Final = "set aside"


def media_arrived(session: Session, sha256: str) -> None:
    """Bytes have arrived and were verified: move on every case that waited for them."""
    named = select(CaseMedia.case_id).where(CaseMedia.sha256 == sha256)
    # Locked: of two uploads that end in the same moment, the second one then sees the first.
    query = select(Case).where(Case.id.in_(named), Case.state == CANDIDATE).order_by(Case.id).with_for_update()
    advance(session, session.execute(query).scalars().all())


def advance(session: Session, cases: Sequence[Case]) -> None:
    """From CANDIDATE on as far as central goes by itself: to the first look, to NEEDS_MORE where a hard check failed.

    Or to REJECTED where the vehicle is exempt. Those that something stands in the way of are left as they are, which is
    no error.
    """
    # Without its manifest no row of the table leads anywhere: not worth a question to the database.
    waiting = [case for case in cases if case.state == CANDIDATE and case.manifest]
    complete: list[tuple[Case, CaseFacts]] = []
    for case, known in zip(waiting, facts.gathered(session, waiting), strict=True):
        if known.suppressed:
            _set_aside(case, known)
        elif _moved(case, EVIDENCE_COMPLETE, known):
            complete.append((case, known))
    for (case, known), held in zip(complete, precheck.held(session, [case for case, _ in complete]), strict=True):
        _moved(case, HOLD if held else PASSED, replace(known, held=held), checks=list(held))


def _set_aside(case: Case, known: CaseFacts) -> None:
    reason, note = SET_ASIDE.get(known.suppressed[0], OTHER), ", ".join(known.suppressed)
    if _moved(case, SET_ASIDE_STEP, known, reason=reason, note=note):
        case.reason_code, case.note = reason, note
        case.decided_by, case.decided_at = SYSTEM, case.state_at


def _moved(case: Case, action: str, known: CaseFacts, **detail: object) -> bool:
    """Whether the table lets central take this step, which is then taken."""
    at = office_now()
    try:
        row = WORKFLOW.step(case.state, action, known, Doing(MACHINE, at))
    except TicketError:
        return False
    stepped(case, SYSTEM, row, at, **{key: value for key, value in detail.items() if value})
    return True


def stepped(case: Case, actor: str, row: Transition[CaseFacts], at: datetime, **detail: object) -> None:
    """Take the step `row`: state and deadline on the case, and a line of its history that tells both."""
    deadlines.enter(case, row.source, row.action, row.target, at)
    line = CaseLog(
        at=at,
        actor=actor,
        action=row.action,
        from_state=row.source,
        to_state=row.target,
        detail={**detail, "due": due_of(case)},
    )
    add_line(case, "case_id", line)


def due_of(case: Case) -> str | None:
    """The deadline as a line of the history has it (ISO 8601)."""
    return case.due_at.astimezone(UTC).isoformat() if case.due_at else None


def missing_media(session: Session, case_ids: list[int]) -> Mapping[int, int]:
    """How many stills and clips each case still waits for; cases that wait for none are left out."""
    query = (
        select(CaseMedia.case_id, func.count())
        .outerjoin(Media, (Media.sha256 == CaseMedia.sha256) & Media.complete.is_(True))
        .where(CaseMedia.case_id.in_(case_ids), Media.sha256.is_(None))
        .group_by(CaseMedia.case_id)
    )
    return dict(session.execute(query).all())


def log(case: Case, actor: str, action: str, **detail: object) -> None:
    """Add a line to the history of `case` that leads to no other state."""
    line = CaseLog(at=office_now(), actor=actor, action=action, from_state=None, to_state=None, detail=detail)
    add_line(case, "case_id", line)


def opened(row: Event, data: Violation) -> Case:
    """The case of a decision, still without a number and not yet in a session."""
    case = Case(
        edge_id=row.edge_id,
        case_key=data.case_key,
        event_id=row.id,
        rule=data.rule,
        verdict=data.verdict,
        jurisdiction=data.jurisdiction[:41],
        utc_offset_s=offset_s(data.at_trigger),
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
        corrected={},
        created_at=office_now(),
    )
    deadlines.enter(case, "", "opened", CANDIDATE, case.created_at)
    ask(case, (*data.unknown, *precheck.clock_question(data)))
    log(case, SYSTEM, "opened", event=row.id, verdict=data.verdict, due=due_of(case))
    case.checks = precheck.as_json(precheck.of_decision(data, row.sealed))
    return case


def offset_s(moment: datetime) -> int:
    """How far the place is from UTC, as the event says it. Seconds."""
    offset = moment.utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def add_evidence(case: Case, row: Event, decided: Violation, data: Manifest) -> None:
    """What the manifest `data` of event `row` names; nothing when a manifest was there before."""
    if case.manifest:
        return
    items = [_still(position, image) for position, image in enumerate(data.images)]
    if data.video is not None:
        items.append(_clip(len(items), data))
    case.media.extend(items)
    case.manifest = True
    if case.state == CANDIDATE:
        ask(case, _listed(data))
    case.checks = [
        *case.checks,
        *precheck.as_json(precheck.of_evidence(decided, data)),
        *precheck.as_json(precheck.of_plate(case.plate, data.vehicle)),
    ]
    if case.plate is None and data.vehicle is not None and data.vehicle.plate:
        case.plate = data.vehicle.plate[:PLATE_LENGTH]
    log(case, SYSTEM, "evidence named", event=row.id, images=len(data.images), video=data.video is not None)


def add_end(case: Case, row: Event, data: Closed) -> None:
    """The end of the stay, as event `row` tells it; nothing when it was known before."""
    if case.at_end is not None:
        return
    case.at_end = data.at_end.astimezone(UTC)
    case.dwell_s = data.dwell_s
    log(case, SYSTEM, "stay ended", event=row.id, how=data.how, dwell_s=data.dwell_s)


def ask(case: Case, unknown: Iterable[Unknown]) -> None:
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


__all__ = [
    "add_end",
    "add_evidence",
    "advance",
    "ask",
    "log",
    "media_arrived",
    "missing_media",
    "offset_s",
    "opened",
    "stepped",
]
