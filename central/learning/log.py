"""Lines of the log of what is learnt."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.learning import LearningLog

SHADOWED, LIFTED, LABELLED, LOOKED, EXPORTED = "shadow", "lift", "label", "look", "export labels"


def write(
    session: Session,
    actor: str,
    action: str,
    camera: tuple[str, str, str] | None = None,
    matter: int | None = None,
    note: str | None = None,
    **detail: object,
) -> None:
    """Add a line. `camera` is (edge id, camera id, rule); `matter` a decision kept in shadow."""
    edge_id, camera_id, rule = camera or (None, None, None)
    session.add(
        LearningLog(
            at=office_now(),
            actor=actor,
            action=action,
            edge_id=edge_id,
            camera_id=camera_id,
            rule=rule,
            matter=matter,
            note=note,
            detail=detail,
        )
    )


def changes(session: Session, most: int = 50) -> list[LearningLog]:
    """The latest lines about shadows, newest first."""
    query = select(LearningLog).where(LearningLog.action.in_((SHADOWED, LIFTED))).order_by(LearningLog.id.desc())
    return list(session.execute(query.limit(most)).scalars())


__all__ = ["EXPORTED", "LABELLED", "LIFTED", "LOOKED", "SHADOWED", "changes", "write"]
