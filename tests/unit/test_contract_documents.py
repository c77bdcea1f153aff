"""The kept documents are what the models say: JSON Schema, AsyncAPI, OpenAPI."""

import json
from pathlib import Path

import pytest
from central_kit import AT, CAMERA, Box, ended, evidence, violation

from central.api.describe import document
from contract.events import DATA_MODEL, EventType, as_json
from contract.schema import FOLDER, documents

ROOT = Path(__file__).resolve().parents[2]


def test_schemas_and_asyncapi_are_current() -> None:
    kept = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert kept == documents(), "write them anew with: python -m contract.schema"


def test_openapi_is_current() -> None:
    kept = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert kept == document(), "write it anew with: sightline central openapi"


def test_every_reference_of_asyncapi_leads_somewhere() -> None:
    whole = json.loads(documents()["asyncapi.json"])
    event = whole["components"]["messages"]["event"]
    assert set(event["x-data"]) == {str(kind) for kind in DATA_MODEL}
    for reference in [event["payload"]["$ref"], *event["x-data"].values()]:
        assert reference.removeprefix("./") in documents()
    for operation in whole["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in whole["channels"]


def test_the_api_has_these_routes_and_no_others() -> None:
    paths = json.loads(document())["paths"]
    assert set(paths) == {
        "/healthz",
        "/metrics",
        "/edge/v1/enrol",
        "/edge/v1/certificate",
        "/edge/v1/crl.pem",
        "/edge/v1/broker/access",
        "/edge/v1/media/{sha256}",
        "/api/v1/session",
        "/api/v1/cases",
        "/api/v1/cases/{number}",
        "/api/v1/cases/{number}/approve",
        "/api/v1/cases/{number}/ask",
        "/api/v1/cases/{number}/correct",
        "/api/v1/cases/{number}/resume",
        "/api/v1/cases/{number}/send-back",
        "/api/v1/cases/{number}/undo",
        "/api/v1/cases/{number}/reject",
        "/api/v1/cases/{number}/media/{sha256}",
        "/api/v1/alarms",
        "/api/v1/alarms/{number}",
        "/api/v1/alarms/{number}/take",
        "/api/v1/alarms/{number}/close",
    }


@pytest.mark.parametrize("data", [violation(), evidence()[0], ended()])
def test_what_a_box_says_fits_the_published_required_keys(data: object) -> None:
    schema = json.loads(documents()[f"{type(data).__name__.lower()}.json"])
    said = as_json(data)
    assert set(schema["required"]) <= set(said) <= set(schema["properties"])


def test_a_sealed_event_fits_the_published_envelope() -> None:
    said = json.loads(Box().say(EventType.CLOSED, ended()).raw)
    schema = json.loads(documents()["event.json"])
    assert set(schema["required"]) <= set(said) <= set(schema["properties"])
    assert (said["source"], AT.tzinfo is not None) == (f"/edge/edge-01/camera/{CAMERA}", True)
