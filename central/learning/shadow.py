"""Decisions of cameras in shadow: kept with all their events, listed, looked at and labelled - and never a case."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.events import Event
from central.db.learning import Shadow, ShadowMatter
from central.db.matters import Matter
from central.db.media import Media
from central.learning import log
from central.learning.floor import Camera
from central.learning.precision import Share, wilson
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.reasons import REASONS
from contract.events import EventType, Image, Manifest, Video, Violation, parse_data, parse_event

RIGHT, WRONG, UNCLEAR = "right", "wrong", "unclear"
LABELS: Final = (RIGHT, WRONG, UNCLEAR)
#: What a sample holds: enough for an interval of about +-0.2.
SAMPLE: Final = 20


def without_case(session: Session, fresh: Mapping[Matter, tuple[Event, Violation]]) -> set[Matter]:
    """Those of `fresh` (matters without a case) that get none: their camera is in shadow, or was when they came."""
    if not fresh:
        return set()
    keys = [key for _, key in fresh]
    query = select(ShadowMatter.edge_id, ShadowMatter.case_key).where(ShadowMatter.case_key.in_(keys))
    kept = {(edge_id, key) for edge_id, key in session.execute(query)}
    shadowed = {(row.edge_id, row.camera_id, row.rule) for row in session.execute(select(Shadow)).scalars()}
    new = [
        (matter, row, data)
        for matter, (row, data) in fresh.items()
        if matter not in kept and (matter[0], data.camera_id, str(data.rule)) in shadowed
    ]
    session.add_all(_kept(matter, row, data) for matter, row, data in new)
    return kept.intersection(fresh) | {matter for matter, _, _ in new}


def _kept(matter: Matter, row: Event, data: Violation) -> ShadowMatter:
    return ShadowMatter(
        edge_id=matter[0], case_key=matter[1], event_id=row.id, camera_id=data.camera_id, rule=str(data.rule),
        verdict=data.verdict, at=data.at_trigger, kept_at=office_now(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """How many decisions of a camera are kept, and what labels since it went to shadow say of it."""

    kept: int
    labelled: int
    unclear: int
    precision: Share


def counted(session: Session, row: Shadow) -> Counted:
    """The figures of one camera in shadow, of what it said since it went there."""
    query = (
        select(ShadowMatter.label, func.count())
        .where(*_of(row), ShadowMatter.kept_at >= row.since)
        .group_by(ShadowMatter.label)
    )
    found: dict[str | None, int] = dict(session.execute(query).all())
    right, wrong, unclear = (found.get(label, 0) for label in LABELS)
    return Counted(sum(found.values()), right + wrong + unclear, unclear, wilson(right, right + wrong))


def _of(row: Shadow) -> tuple[ColumnElement[bool], ...]:
    return (ShadowMatter.edge_id == row.edge_id, ShadowMatter.camera_id == row.camera_id, ShadowMatter.rule == row.rule)


def listed(session: Session, camera: Camera, after: int | None = None, most: int = 50) -> list[ShadowMatter]:
    """What a camera said in shadow, newest first, `most` of it behind the one numbered `after`."""
    query = _matters(camera).order_by(ShadowMatter.id.desc()).limit(most)
    if after is not None:
        query = query.where(ShadowMatter.id < after)
    return list(session.execute(query).scalars())


def sample(session: Session, camera: Camera, most: int = SAMPLE, draw: random.Random | None = None) -> list[int]:
    """Numbers of unlabelled decisions drawn by chance: whoever picks by eye, picks what proves a point."""
    query = _matters(camera).where(ShadowMatter.label.is_(None)).with_only_columns(ShadowMatter.id)
    ids = list(session.execute(query.order_by(ShadowMatter.id)).scalars())
    chosen = draw or random.SystemRandom()
    return sorted(chosen.sample(ids, min(most, len(ids))))


def _matters(camera: Camera) -> Select[ShadowMatter]:
    edge_id, camera_id, rule = (part.replace("\x00", "")[:64] for part in camera)
    return select(ShadowMatter).where(
        ShadowMatter.edge_id == edge_id, ShadowMatter.camera_id == camera_id, ShadowMatter.rule == rule
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision with what its manifest names and which of that is here."""

    row: ShadowMatter
    violation: Violation
    images: Sequence[Image]
    video: Video | None
    ready: frozenset[str]

    @property
    def names(self) -> list[str]:
        """What the manifest names: every still, and the clip."""
        return [one.sha256 for one in self.images] + ([self.video.sha256] if self.video else [])


def seen(session: Session, number: int) -> Seen:
    """Everything to judge one decision by. Raises CaseMissing."""
    row = found(session, number)
    violation = parse_data(parse_event(session.get_one(Event, row.event_id).raw))
    if not isinstance(violation, Violation):
        raise TypeError(f"event {row.event_id} is no violation")
    query = select(Event.raw).where(
        Event.edge_id == row.edge_id, Event.case_key == row.case_key, Event.type == EventType.MANIFEST
    )
    raw = session.execute(query).scalar_one_or_none()
    manifest = parse_data(parse_event(raw)) if raw else None
    images = manifest.images if isinstance(manifest, Manifest) else []
    video = manifest.video if isinstance(manifest, Manifest) else None
    whole = Seen(row, violation, images, video, frozenset())
    here = session.execute(
        select(Media.sha256).where(Media.sha256.in_(whole.names), Media.complete.is_(True))
    ).scalars()
    return replace(whole, ready=frozenset(here))


def found(session: Session, number: int) -> ShadowMatter:
    """The row of a decision. Raises CaseMissing."""
    row = session.get(ShadowMatter, number) if 0 < number < 2**31 else None
    if row is None:
        raise CaseMissing(f"there is no decision {number} in shadow", "shadow.none", number=number)
    return row


def label(session: Session, number: int, what: str, reason: str | None, actor: str) -> ShadowMatter:
    """A person says what was seen; said anew it replaces the first, and both stay on record.

    Raises CaseMissing, or Unfit for a label or reason there is not.
    """
    row = found(session, number)
    if what not in LABELS:
        raise Unfit("say whether it is right, wrong, or cannot be told", "shadow.label")
    if (reason in REASONS) != (what == WRONG):
        raise Unfit("what is wrong needs a reason R01 to R16, and nothing else has one", "shadow.reason")
    row.label, row.reason = what, reason if what == WRONG else None
    row.labelled_by, row.labelled_at = actor, office_now()
    log.write(session, actor, log.LABELLED, _camera(row), row.id, label=what, reason=row.reason)
    return row


def look(session: Session, number: int, actor: str, media: Sequence[str]) -> None:
    """Somebody looks at the pictures `media` of a decision: that is on record, as with cases."""
    row = found(session, number)
    log.write(session, actor, log.LOOKED, _camera(row), row.id, media=list(media))


def _camera(row: ShadowMatter) -> Camera:
    return row.edge_id, row.camera_id, row.rule


__all__ = [
    "LABELS", "RIGHT", "SAMPLE", "UNCLEAR", "WRONG", "Counted", "Seen", "counted", "found", "label", "listed", "look",
    "sample", "seen", "without_case",
]  # fmt: skip
