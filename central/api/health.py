"""Is it well? `/healthz` for whoever restarts things, `/metrics` for Prometheus."""

from typing import Protocol

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from central.db import migrate
from central.db.database import Database
from central.marks import public
from central.metrics import Metrics


class Connection(Protocol):
    """Whoever knows whether the broker is connected."""

    @property
    def connected(self) -> bool:
        """Connected now."""
        ...

    @property
    def silent(self) -> bool:
        """Whether nothing was heard from it within two keep-alives."""
        ...


class Health(BaseModel):
    """`ok` when all parts of this process are.

    `broker` is `not used` where this role does no ingest, `silent` when it said nothing within two keep-alives.
    """

    ok: bool
    database: str
    migrations: str
    broker: str


def router(db: Database, metrics: Metrics, ingest: Connection | None) -> APIRouter:
    """Routes that need no account. They tell states and sums, no case and no name."""
    routes = APIRouter(tags=["health"], dependencies=[public("states and sums, no case and no name")])

    @routes.get("/healthz", responses={503: {"model": Health}})
    def healthz() -> JSONResponse:
        """200 when database, migrations and broker are as they should be, else 503."""
        health = _health(db, ingest)
        return JSONResponse(health.model_dump(), 200 if health.ok else 503)

    @routes.get("/metrics")
    def prometheus() -> Response:
        """Counters and gauges in Prometheus' text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _health(db: Database, ingest: Connection | None) -> Health:
    try:
        have, database = migrate.revision(db), "ok"
    except SQLAlchemyError:
        have, database = None, "unreachable"
    current = have is not None and have == migrate.head()
    broker = _broker(ingest)
    return Health(
        ok=database == "ok" and current and broker in {"not used", "connected"},
        database=database,
        migrations="current" if current else f"at {have}",
        broker=broker,
    )


def _broker(ingest: Connection | None) -> str:
    if ingest is None:
        return "not used"
    if not ingest.connected:
        return "disconnected"
    return "silent" if ingest.silent else "connected"
