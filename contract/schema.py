"""The contract in forms that others read: JSON Schema of every message, of the site file, of jurisdiction
profiles and of the table of facts; AsyncAPI of the topics.

Kept in `contract/schemas/`; a test proves them current. Write them anew with `python -m contract.schema`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from contract.command import COMMAND, Reply
from contract.events import DATA_MODEL, Ack, CloudEvent
from contract.facts import FactsTable
from contract.ledger import Head
from contract.profile import Profile
from contract.sealing import JWS_PROPERTY
from contract.sensors import Measurement
from contract.site import Site
from contract.statement import Reading
from contract.states import CameraStatus, EdgeStatus
from contract.topics import ROOT

FOLDER = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MESSAGES: Mapping[str, type[BaseModel] | TypeAdapter[Any]] = {
    "event": CloudEvent,
    "ack": Ack,
    "status": EdgeStatus,
    "camera_status": CameraStatus,
    "command": COMMAND,
    "reply": Reply,
    "reading": Reading,
    "measurement": Measurement,
}


def documents() -> dict[str, str]:
    """File name -> text, of everything in `contract/schemas/`."""
    models: dict[str, type[BaseModel] | TypeAdapter[Any]] = {
        **_MESSAGES,
        "site": Site,
        "profile": Profile,
        "facts": FactsTable,
        "ledger_head": Head,
        **{model.__name__.lower(): model for model in DATA_MODEL.values()},
    }
    schemas = {f"{name}.json": _text(_schema(model)) for name, model in models.items()}
    return {**schemas, "asyncapi.json": _text(_asyncapi())}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write every document into `folder` and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in documents().items():
        files.append(folder / name)
        files[-1].write_text(text, encoding="utf-8")
    return files


def _schema(model: type[BaseModel] | TypeAdapter[Any]) -> dict[str, Any]:
    if isinstance(model, TypeAdapter):
        return {"$schema": _DIALECT, **model.json_schema(by_alias=True)}
    return {"$schema": _DIALECT, **model.model_json_schema(by_alias=True)}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0, seen from a box: it sends events, states and replies, and receives all else."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sightline between edge and central",
            "version": "1",
            "description": "MQTT 5. Every event is sealed: a detached JWS over the raw bytes of the payload travels in "
            f"the user property `{JWS_PROPERTY}`. The row leaves the box's outbox when its `ack` arrives.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "event": _channel("{edge_id}/event", "event"),
            "ack": _channel("{edge_id}/ack", "ack"),
            "status": _channel("{edge_id}/status", "status"),
            "camera_status": _channel("{edge_id}/camera/{camera_id}/status", "camera_status"),
            "command": _channel("{edge_id}/command", "command"),
            "reply": _channel("{edge_id}/reply", "reply"),
            "reading": _channel("{edge_id}/sensor/{sensor_id}", "reading", "measurement"),
        },
        "operations": {
            "sendEvent": _operation("send", "event"),
            "receiveAck": _operation("receive", "ack"),
            "sendStatus": _operation("send", "status", retain=True),
            "sendCameraStatus": _operation("send", "camera_status", retain=True),
            "receiveCommand": _operation("receive", "command"),
            "sendReply": _operation("send", "reply"),
            "receiveReading": _operation("receive", "reading"),
        },
        "components": {"messages": _messages()},
    }


def _messages() -> dict[str, Any]:
    return {
        "event": {
            "summary": "CloudEvents 1.0, structured mode; `type` says which schema `data` has",
            "contentType": "application/cloudevents+json",
            "headers": _headers(),
            "payload": {"$ref": "./event.json"},
            "x-data": {str(kind): f"./{model.__name__.lower()}.json" for kind, model in DATA_MODEL.items()},
        },
        "ack": {"summary": "central has committed, or refuses", "payload": {"$ref": "./ack.json"}},
        "status": {"summary": "state of a box, and its disk", "payload": {"$ref": "./status.json"}},
        "camera_status": {"summary": "state of a camera", "payload": {"$ref": "./camera_status.json"}},
        "command": {"summary": "what central asks of a box", "payload": {"$ref": "./command.json"}},
        "reply": {"summary": "whether the box did it", "payload": {"$ref": "./reply.json"}},
        "reading": {"summary": "what a device tells of a fact", "payload": {"$ref": "./reading.json"}},
        "measurement": {"summary": "what a sensor measures", "payload": {"$ref": "./measurement.json"}},
    }


def _channel(path: str, *messages: str) -> dict[str, Any]:
    names = [name for name in ("edge_id", "camera_id", "sensor_id") if f"{{{name}}}" in path]
    return {
        "address": f"{ROOT}/{path}",
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "parameters": {name: {"description": "1-64 letters, digits, '.', '_' or '-'"} for name in names},
    }


def _operation(action: str, channel: str, retain: bool = False) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": 1, "retain": retain}},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {JWS_PROPERTY: {"type": "string", "description": "detached JWS, EdDSA, b64=false (RFC 7797)"}},
        "required": [JWS_PROPERTY],
    }


if __name__ == "__main__":
    write()
