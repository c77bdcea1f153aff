"""Enrolment: a one-time code from central, a key made on the box, a proof that the two belong together."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import httpx

from contract.errors import CentralError, ConfigError
from contract.sealing import public_jwk, sign_detached, thumbprint
from edge.config import EdgeConfig
from edge.deliver.keys import KeyRing
from edge.deliver.outbox import Outbox

_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What central knows this box by."""

    edge_id: str
    kid: str


def enrol(config: EdgeConfig, code: str) -> Enrolment:
    """Enrol the box with a one-time `code`; its key signs from then on.

    A key that signed until now stays in force when this fails, and is replaced when it succeeds (a rotation: the
    next start of deliver begins a new chain; central still takes what the old key sealed and has not arrived yet).
    Raises CentralError when central cannot be reached or refuses, ConfigError when data_dir cannot be written,
    RunError while deliver runs: it would go on signing with the key that central has just retired.
    """
    try:
        outbox = Outbox(config.data_dir / "outbox")
        try:
            return _enrol(config, KeyRing(config.data_dir / "keys"), code)
        finally:
            outbox.close()
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"data_dir {config.data_dir}: cannot be written ({why}) - choose another or give the right"
        ) from error


def _enrol(config: EdgeConfig, ring: KeyRing, code: str) -> Enrolment:
    key = ring.pending()
    code = code.strip()
    body = {
        "code": code,
        "edge_id": config.edge_id,
        "public_key": public_jwk(key),
        "proof": sign_detached(f"{code}:{config.edge_id}".encode(), key),
    }
    answer = _post(config.central.url, body)
    if answer.get("edge_id") != config.edge_id or answer.get("kid") != thumbprint(key):
        raise CentralError(f"{config.central.url}: answered for another box or key - is central.url the right one?")
    ring.accept()
    return Enrolment(config.edge_id, thumbprint(key))


def _post(base: str, body: dict[str, Any]) -> dict[str, Any]:
    address = base.rstrip("/") + "/edge/v1/enrol"
    try:
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            response = client.post(address, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CentralError(
            f"{address}: central cannot be reached ({type(error).__name__}) - check central.url and the network"
        ) from error
    if response.status_code in {200, 201}:
        return _object(response)
    if 400 <= response.status_code < 500:
        raise CentralError(
            f"{address}: central refuses the code ({_why(response)}) - ask for a new one: "
            f"`sightline central enrol-code {body['edge_id']}` (it holds 15 minutes and once)"
        )
    raise CentralError(f"{address}: central answered {response.status_code} - look into its log and try again")


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {}


def _why(response: httpx.Response) -> str:
    """One short line out of an error's body; the body is a stranger's text and is not trusted further."""
    detail = _object(response).get("detail")
    text = detail if isinstance(detail, str) else response.reason_phrase
    return f"{response.status_code} {' '.join(text.split())[:200]}".strip()
