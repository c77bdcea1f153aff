"""What people have decided, as truth about pictures: which accusations were right, which were not, which say nothing.

A reason code says more than no: a plate that cannot be read leaves the offence standing, a jam does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.cases import Case
from central.db.events import Event
from central.db.learning import CaseFact, ShadowMatter
from central.db.media import Media
from central.db.sites import SiteVersion
from central.learning.precision import FINAL_AFTER
from central.reports.facts import APPROVED, REJECTED
from central.tickets.reasons import against_camera
from contract.events import EventType, Manifest, Rule, Video, Violation, parse_data, parse_event

Truth = Literal["right", "wrong", "unclear"]
#: Captures of one camera that may lie in one clip are asked for this far around it.
_AROUND = timedelta(minutes=60)
#: What boxes alone can show of a wrong accusation: that the place was legal. A jam or an officer are others' boxes.
_SHOWN_BY_BOXES: Final = frozenset({None, "R10"})
#: Fewer sightings a minute than these are no track to judge by.
_LEAST_A_MINUTE: Final = 20


@dataclass(frozen=True, slots=True)
class Labelled:
    """One decision with what people said of it, its clip and its site file; `why_not` says why there is no scene.

    `boxes`: the clip does not hold the whole wait, and the scene is the sealed track of the vehicle instead.
    """

    violation: Violation
    truth: Truth
    reason: str | None
    video: Video | None
    site_file: bytes | None
    others: tuple[Violation, ...] = ()
    why_not: str | None = None
    boxes: bool = False


def truth_of(outcome: str, verdict: str, reason: str | None) -> Truth:
    """What an outcome says of the accusation. A question that was answered no is no error of the rule."""
    if outcome == APPROVED:
        return "right"
    return "wrong" if against_camera(reason) and verdict == "candidate" else "unclear"


def decided(session: Session, since: datetime | None = None) -> Iterator[Labelled]:
    """Every decision that is final or labelled, captured from `since` on, oldest first."""
    final = office_now() - FINAL_AFTER
    cases = (
        select(Case.event_id, CaseFact.outcome, CaseFact.verdict, CaseFact.reason, CaseFact.at)
        .join(CaseFact, CaseFact.case_id == Case.id)
        .where(CaseFact.outcome.in_((APPROVED, REJECTED)), CaseFact.decided_at <= final)
    )
    labels = select(ShadowMatter).where(ShadowMatter.label.is_not(None))
    if since is not None:
        cases, labels = cases.where(CaseFact.at >= since), labels.where(ShadowMatter.at >= since)
    found: list[tuple[datetime, str, Truth, str | None]] = [
        (row.at, row.event_id, truth_of(row.outcome, row.verdict, row.reason), row.reason)
        for row in session.execute(cases)
    ]
    for shadow in session.execute(labels).scalars():
        outcome = APPROVED if shadow.label == "right" else REJECTED
        truth = "unclear" if shadow.label == "unclear" else truth_of(outcome, shadow.verdict, shadow.reason)
        found.append((shadow.at, shadow.event_id, truth, shadow.reason))
    for _, event_id, truth, reason in sorted(found, key=lambda one: one[:2]):
        yield _labelled(session, event_id, truth, reason)


def _labelled(session: Session, event_id: str, truth: Truth, reason: str | None) -> Labelled:
    row = session.get_one(Event, event_id)
    violation = _violation(row.raw)
    video = _video(session, row)
    version = session.get(SiteVersion, violation.site_version)
    raw = bytes(version.raw) if version is not None else None
    whole = (violation, truth, reason, video, raw)
    if raw is not None and _by_boxes(violation, video, truth, reason):
        return Labelled(*whole, boxes=True)
    if video is None:
        return Labelled(*whole, why_not="it has no clip")
    if not _here(session, video.sha256):
        return Labelled(*whole, why_not="its clip is not here (any more)")
    if raw is None:
        return Labelled(*whole, why_not="its site file is not registered (`sightline central site add`)")
    if video.t0 > violation.t_first or video.t1 < violation.t_trigger:
        return Labelled(*whole, why_not="its clip does not show the whole wait")
    return Labelled(*whole, others=tuple(_others(session, row, violation, video)))


def _by_boxes(data: Violation, video: Video | None, truth: Truth, reason: str | None) -> bool:
    """Whether a stay that is longer than its clip can be told from the boxes that were sealed with it."""
    if data.rule is not Rule.ILLEGAL_PARKING or truth == "unclear" or reason not in _SHOWN_BY_BOXES:
        return False
    if video is not None and video.t0 <= data.t_first and video.t1 >= data.t_trigger:
        return False
    times = [point.t for point in data.geometry.track]
    if not times or times[0] > data.t_first + 3.0 or times[-1] < data.t_trigger - 3.0:
        return False
    return len(times) * 60.0 / max(1.0, times[-1] - times[0]) >= _LEAST_A_MINUTE


def _violation(raw: bytes) -> Violation:
    data = parse_data(parse_event(raw))
    if not isinstance(data, Violation):
        raise TypeError("a decision is no violation")
    return data


def _video(session: Session, row: Event) -> Video | None:
    query = select(Event.raw).where(
        Event.edge_id == row.edge_id, Event.case_key == row.case_key, Event.type == EventType.MANIFEST
    )
    raw = session.execute(query).scalar_one_or_none()
    manifest = parse_data(parse_event(raw)) if raw else None
    return manifest.video if isinstance(manifest, Manifest) else None


def _here(session: Session, sha256: str) -> bool:
    stored = session.get(Media, sha256)
    return stored is not None and stored.complete


def _others(session: Session, row: Event, own: Violation, video: Video) -> Iterator[Violation]:
    """What else the camera said of this clip's time: it is another matter, decided by others."""
    near = (own.at_trigger - _AROUND, own.at_trigger + _AROUND)
    keys = (
        select(Case.event_id.label("event_id"))
        .where(Case.edge_id == row.edge_id, Case.camera_id == own.camera_id, Case.at_trigger.between(*near))
        .union(
            select(ShadowMatter.event_id).where(
                ShadowMatter.edge_id == row.edge_id,
                ShadowMatter.camera_id == own.camera_id,
                ShadowMatter.at.between(*near),
            )
        )
        .subquery()
    )
    query = select(Event.raw).where(Event.id.in_(select(keys.c.event_id)), Event.id != row.id)
    for raw in session.execute(query.order_by(Event.id)).scalars():
        other = _violation(raw)
        if other.t_last >= video.t0 and other.t_first <= video.t1:
            yield other


__all__ = ["Labelled", "Truth", "decided", "truth_of"]
