"""How much of the store a box may have: what it brought and what it is bringing, exact also for uploads side by side.

Room for an upload is set aside before its first byte is taken and given back when the object is entered, when its
bytes turn out to be wrong, or when nobody goes on with it. What another box brought first counts for that box.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from central.db.database import Database
from central.db.edges import Edge
from central.db.media import Media, MediaUpload
from central.media.store import OverQuota
from contract.events import now


@dataclass(frozen=True, slots=True)
class Quotas:
    """Most bytes of a box, by its id or else `default`; None is no limit."""

    default: int | None = None
    of_edge: Mapping[str, int] = field(default_factory=dict)

    def of(self, edge_id: str) -> int | None:
        """Most bytes of the box `edge_id`, None for no limit."""
        return self.of_edge.get(edge_id, self.default)


def used(session: Session, edge_id: str, besides: str = "") -> int:
    """Bytes of the box that are here or have room set aside, without those of the object `besides`."""
    stored = select(func.coalesce(func.sum(Media.size), 0)).where(Media.edge_id == edge_id, Media.sha256 != besides)
    coming = select(func.coalesce(func.sum(MediaUpload.size), 0)).where(
        MediaUpload.edge_id == edge_id, MediaUpload.sha256 != besides
    )
    return int(session.execute(stored).scalar_one()) + int(session.execute(coming).scalar_one())


def check(db: Database, quotas: Quotas, edge_id: str, name: str) -> None:
    """Raise OverQuota when the box has no room for even one byte of the object `name`."""
    quota = quotas.of(edge_id)
    if quota is None:
        return
    with db.read() as session:
        have = used(session, edge_id, name)
    if have >= quota:
        raise _over(edge_id, have, quota)


def reserve(db: Database, quotas: Quotas, edge_id: str, name: str, total: int) -> None:
    """Set room aside for the object `name` of `total` bytes. Raises OverQuota where the box has none."""
    quota = quotas.of(edge_id)
    if quota is None:
        return
    with db.write() as session:
        # One upload of a box after the other, and nobody else waits: two at once must not both see the last room.
        session.execute(select(Edge.id).where(Edge.id == edge_id).with_for_update(key_share=True))
        have = used(session, edge_id, name)
        if have + total > quota:
            raise _over(edge_id, have, quota, total)
        row = session.get(MediaUpload, (edge_id, name))
        if row is None:
            session.add(MediaUpload(edge_id=edge_id, sha256=name, size=total, at=now()))
        else:
            row.size, row.at = total, now()


def release(db: Database, edge_id: str, name: str) -> None:
    """Give the room back: nothing of the upload is kept."""
    with db.write() as session:
        session.execute(delete(MediaUpload).where(MediaUpload.edge_id == edge_id, MediaUpload.sha256 == name))


def arrived(session: Session, name: str) -> None:
    """The object is here: nobody needs room for it any more."""
    session.execute(delete(MediaUpload).where(MediaUpload.sha256 == name))


def sweep(db: Database, older_than_s: float) -> None:
    """Give back the room of uploads that nobody has gone on with for so long."""
    with db.write() as session:
        session.execute(delete(MediaUpload).where(MediaUpload.at < now() - timedelta(seconds=older_than_s)))


def _over(edge_id: str, have: int, quota: int, total: int | None = None) -> OverQuota:
    wants = "" if total is None else f", and this object has {total}"
    return OverQuota(
        f"box {edge_id} has {have} of the {quota} bytes of media it may have here{wants} - keep it and try again later"
    )


__all__ = ["Quotas", "arrived", "check", "release", "reserve", "sweep", "used"]
