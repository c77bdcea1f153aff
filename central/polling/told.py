"""What boxes tell of their disks and of what they have learned of cameras. A box that does not tell: nobody knows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.polling import BoxState, CameraState
from contract.states import Disk, Kept, Learned

#: A box tells its disk every ten minutes: what is older than this says nothing of now.
FRESH: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class DiskTold:
    """What one box told of its disk; `fresh`: lately."""

    edge_id: str
    disk: Disk
    fresh: bool


@dataclass(frozen=True, slots=True)
class CameraTold:
    """What a box told of one camera; None: it does not tell."""

    learned: Learned | None
    kept: Kept | None


def disks(session: Session, edges: Collection[str], now: datetime) -> Mapping[str, DiskTold]:
    """By box, of those that tell."""
    query = select(BoxState.edge_id, BoxState.disk, BoxState.disk_heard_at).where(BoxState.edge_id.in_(edges))
    return {
        edge_id: DiskTold(edge_id, Disk.model_validate(said), now - heard_at <= FRESH)
        for edge_id, said, heard_at in session.execute(query)
        if said is not None and heard_at is not None
    }


def of_camera(state: CameraState | None) -> CameraTold:
    """What stands in a camera's row."""
    if state is None:
        return CameraTold(None, None)
    learned = None if state.learned is None else Learned.model_validate(state.learned)
    return CameraTold(learned, None if state.kept is None else Kept.model_validate(state.kept))


def cameras(session: Session, edges: Collection[str]) -> Mapping[tuple[str, str], CameraTold]:
    """By box and camera."""
    rows = session.execute(select(CameraState).where(CameraState.edge_id.in_(edges))).scalars()
    return {(one.edge_id, one.camera_id): of_camera(one) for one in rows}


__all__ = ["FRESH", "CameraTold", "DiskTold", "cameras", "disks", "of_camera"]
