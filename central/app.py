"""Central's HTTP front, put together: pages, API, boxes, health."""

from pathlib import Path

from fastapi import FastAPI

from central.accounts.oidc.provider import Provider
from central.accounts.rules import AccountRules
from central.after import After, shipped
from central.api import alarms, brokers, cases, edges, health, problems, sessions
from central.api.describe import TITLE, VERSION
from central.api.health import Connection
from central.bodies import BodyLimit
from central.ca.certificates import Issuer
from central.db.database import Database
from central.duty.webhook import Hooks
from central.headers import StrictHeaders
from central.learning.floor import DEFAULT, Floor
from central.live import doors as live
from central.live.hub import Hub
from central.marks import require_marks
from central.media.store import MediaStore
from central.metrics import Metrics
from central.polling.asking import Says
from central.refusals import Refusals
from central.web.routes import router as pages


def create_app(  # noqa: PLR0913 - the parts that a process is made of
    db: Database,
    media: MediaStore,
    metrics: Metrics,
    *,
    secure: bool = False,
    ingest: Connection | None = None,
    front: bool = True,
    ca: Issuer | None = None,
    accounts: AccountRules | None = None,
    after: After | None = None,
    floor: Floor = DEFAULT,
    provider: Provider | None = None,
    says: Says | None = None,
    address: str | None = None,
    hooks: Hooks | None = None,
) -> FastAPI:
    """The application. `secure`: browsers come by https; `front=False`: health and metrics only (no web role).

    Without `ca` boxes get no certificates; `provider`: people sign in there, too; without `says` no box is told
    anything at once. `address`: where other replicas reach this one.
    Raises RuntimeError for a route that does not say who may come.
    """
    app = FastAPI(title=TITLE, version=VERSION, docs_url=None, redoc_url=None)
    app.state.db, app.state.media, app.state.metrics = db, media, metrics
    app.state.ca, app.state.refusals = ca, Refusals()
    app.state.says = says
    app.state.accounts = accounts or AccountRules()
    app.add_middleware(BodyLimit)
    app.add_middleware(StrictHeaders, https=secure)
    problems.add_handlers(app)
    app.include_router(health.router(db, metrics, ingest))
    if front:
        app.include_router(edges.router)
        app.include_router(brokers.router)
        app.include_router(sessions.router(secure=secure))
        app.include_router(cases.router)
        app.include_router(alarms.router)
        hub = Hub()
        parts = pages(
            db, media, after or shipped(Path()), secure=secure, provider=provider, floor=floor, hooks=hooks, hub=hub
        )
        app.include_router(parts)
        app.include_router(live.router(hub, db, app.state.accounts, says, address, metrics))
    require_marks(app)
    return app
