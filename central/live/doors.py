"""Live view put together: its hub, what keeps it going, and its doors."""

from functools import partial

from fastapi import APIRouter

from central.accounts.rules import AccountRules
from central.db.database import Database
from central.live import box_door, replica_door, viewer_door
from central.live.finder import Finder
from central.live.hub import Hub
from central.live.replicas import Replicas
from central.live.tender import Tender
from central.metrics import Metrics
from central.polling.asking import Says


def router(
    hub: Hub, db: Database, rules: AccountRules, says: Says | None, address: str | None, metrics: Metrics
) -> APIRouter:
    """The doors of `hub` for boxes and for viewers; other replicas reach this one at `address`."""
    for of, held in (("streams", hub.sources), ("viewers", hub.watching), ("replicas", hub.fetching)):
        metrics.live.labels(of).set_function(partial(len, held))
    ours = Replicas(db, address)
    hub.tend = Tender(hub, db, rules, says, Finder(hub, db, ours)).run
    doors = APIRouter(include_in_schema=False)
    doors.include_router(box_door.router(hub, ours))
    doors.include_router(replica_door.router(hub))
    doors.include_router(viewer_door.router(hub, db))
    return doors


__all__ = ["router"]
