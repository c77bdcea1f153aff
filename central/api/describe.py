"""The HTTP API described by itself: OpenAPI, kept in docs/openapi.json and proved current by a test."""

import json

from fastapi import FastAPI

from central.api import alarms, brokers, cases, edges, health, sessions
from central.db.database import Database
from central.metrics import Metrics

TITLE = "Sightline central"
VERSION = "1"


def document() -> str:
    """OpenAPI 3.1 as JSON text. Nothing is connected to: the routes describe themselves."""
    db = Database("sqlite://")
    app = FastAPI(title=TITLE, version=VERSION, docs_url=None, redoc_url=None)
    app.include_router(health.router(db, Metrics(db), None))
    app.include_router(edges.router)
    app.include_router(brokers.router)
    app.include_router(sessions.router(secure=False))
    app.include_router(cases.router)
    app.include_router(alarms.router)
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
