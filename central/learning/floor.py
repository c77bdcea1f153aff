"""The floor under each camera's precision: when one goes to shadow, and how a person brings it back.

A camera goes to shadow for a rule when the *upper* bound of its precision lies below the floor even if all that is
undecided were right, with at least `least` decisions: the data then say that it is worse than the floor, not only that
they are few. The bound holds however often it is looked at, and no person sends a camera there alone: nobody's
rejections count for more than those of all others together. Two people look at every case, so a doubtful camera costs
their time and accuses nobody; a camera in shadow costs the law, unseen.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.database import Database
from central.db.learning import CaseFact, FactsCursor, LearningLog, Shadow
from central.learning import log
from central.learning.precision import CAMERA, Tally, judged_alone, tallies
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.words import is_text
from central.workflow.table import SYSTEM

MAX_NOTE = 2000
Camera = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Floor:
    """`share` 0 sends nobody to shadow. `least` decisions of the last `window` are wanted before anybody is judged."""

    share: float = 0.5
    least: int = 30
    window: timedelta = timedelta(days=90)


DEFAULT = Floor()


def falls(tally: Tally, floor: Floor) -> bool:
    """Whether the data say that this camera is worse than the floor, however what is undecided turns out."""
    return tally.judged_by >= floor.least and tally.at_most < floor.share


def hangs(tally: Tally, floor: Floor) -> bool:
    """Whether it would fall if one person's word were enough: others must look at it."""
    return not falls(tally, floor) and falls(replace(tally, alone=0), floor)


def judge(db: Database, floor: Floor = DEFAULT) -> list[Camera]:
    """Send to shadow whoever falls; returns whom. Safe with N replicas: they take turns by a lock."""
    with db.write() as session:
        query = select(FactsCursor).where(FactsCursor.name == "facts").with_for_update(skip_locked=True)
        if floor.share <= 0 or session.execute(query).scalar_one_or_none() is None:
            return []
        there = {(row.edge_id, row.camera_id, row.rule) for row in shadows(session)}
        gone = [one for one in judged(session, floor) if one.key not in there and falls(one, floor)]
        for one in gone:
            edge_id, camera_id, rule = one.key
            session.add(Shadow(edge_id=edge_id, camera_id=camera_id, rule=rule, since=office_now()))
            log.write(
                session, SYSTEM, log.SHADOWED, (edge_id, camera_id, rule), None, None,
                floor=floor.share, least=floor.least, right=one.right, n=one.judged_by, high=round(one.at_most, 4),
            )  # fmt: skip
        return [(one.key[0], one.key[1], one.key[2]) for one in gone]


def judged(session: Session, floor: Floor) -> list[Tally]:
    """The tallies that the floor is held to: captures of the window, and of a camera that was lifted, those since."""
    since = office_now() - floor.window
    lifts = (
        select(LearningLog.edge_id, LearningLog.camera_id, LearningLog.rule, func.max(LearningLog.at).label("at"))
        .where(LearningLog.action == log.LIFTED)
        .group_by(LearningLog.edge_id, LearningLog.camera_id, LearningLog.rule)
        .subquery()
    )
    lifted = (
        select(lifts.c.at)
        .where(
            lifts.c.edge_id == CaseFact.edge_id, lifts.c.camera_id == CaseFact.camera_id, lifts.c.rule == CaseFact.rule
        )
        .scalar_subquery()
    )
    # The index goes by the site's day, which may be the one before that of UTC.
    day = int((since - timedelta(days=1)).strftime("%Y%m%d"))
    conditions = [CaseFact.day >= day, CaseFact.at >= since, or_(lifted.is_(None), CaseFact.at > lifted)]
    return judged_alone(session, tallies(session, CAMERA, conditions), conditions)


def shadows(session: Session) -> list[Shadow]:
    """Every camera in shadow, longest first."""
    return list(session.execute(select(Shadow).order_by(Shadow.since, Shadow.edge_id, Shadow.camera_id)).scalars())


def lift(session: Session, camera: Camera, actor: str, why: str) -> None:
    """A person brings a camera back: what it says from now on opens cases again.

    Raises CaseMissing where it is not in shadow, Unfit without a reason that can be kept.
    """
    why = why.strip()
    if not why or len(why) > MAX_NOTE or not is_text(why):
        raise Unfit(
            f"say why this camera may open cases again, in at most {MAX_NOTE} characters", "shadow.why", most=MAX_NOTE
        )
    row = session.get(Shadow, camera, with_for_update=True) if not _strange(camera) else None
    if row is None:
        raise CaseMissing("this camera is not in shadow - somebody may have lifted it already", "shadow.lifted")
    since: datetime = row.since
    session.delete(row)
    log.write(session, actor, log.LIFTED, camera, note=why, since=since.isoformat())


def _strange(camera: Camera) -> bool:
    return any("\x00" in part or len(part) > 64 for part in camera)


__all__ = ["DEFAULT", "MAX_NOTE", "Camera", "Floor", "falls", "hangs", "judge", "judged", "lift", "shadows"]
