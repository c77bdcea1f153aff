"""Enrolment: a one-time code from central, keys made on the box, a proof that the two belong together."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contract.enrolment import Invitation, enrolment_statement, read_invitation
from contract.errors import CentralError, ConfigError, InputError
from contract.sealing import public_jwk, sign_detached, thumbprint
from edge.config import Central, EdgeConfig
from edge.deliver.asking import ask
from edge.deliver.certificate import ClientCertificate
from edge.deliver.keys import KeyRing
from edge.deliver.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What central knows this box by; `until` is when its certificate ends, None when central gives none."""

    edge_id: str
    kid: str
    until: datetime | None


def enrol(config: EdgeConfig, code: str) -> Enrolment:
    """Enrol the box with a one-time `code` (or the text of its QR code); its key signs from then on.

    A key that signed until now stays in force when this fails, and is replaced when it succeeds (a rotation: the
    next start of deliver begins a new chain; central still takes what the old key sealed and has not arrived yet).
    Raises CentralError when central cannot be reached or refuses, ConfigError when data_dir cannot be written,
    InputError when the code is for another box, RunError while deliver runs: it would go on signing with the key that
    central has just retired.
    """
    invitation = _read(config, code)
    try:
        outbox = Outbox(config.data_dir / "outbox")
        try:
            return _enrol(config, invitation)
        finally:
            outbox.close()
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"data_dir {config.data_dir}: cannot be written ({why}) - choose another or give the right"
        ) from error


def _read(config: EdgeConfig, code: str) -> Invitation:
    try:
        invitation = read_invitation(code)
    except ValueError as error:
        raise InputError(f"the code {error} - scan it again, or type the code alone") from error
    if invitation.edge_id is not None and invitation.edge_id != config.edge_id:
        raise InputError(
            f"the code is for box {invitation.edge_id!r}, these are the settings of {config.edge_id!r} - "
            "mend edge_id, or ask for another code"
        )
    return invitation


def _enrol(config: EdgeConfig, invitation: Invitation) -> Enrolment:
    folder = config.data_dir / "keys"
    ring, certificate = KeyRing(folder), ClientCertificate(folder)
    key = ring.pending()
    request = certificate.request(config.edge_id, fresh=True)
    statement = enrolment_statement(invitation.code, config.edge_id, request)
    body = {
        "code": invitation.code,
        "edge_id": config.edge_id,
        "public_key": public_jwk(key),
        "proof": sign_detached(statement, key),
        "csr": request,
    }
    answer = _post(config.central, body)
    if answer.get("edge_id") != config.edge_id or answer.get("kid") != thumbprint(key):
        raise CentralError(f"{config.central.url}: answered for another box or key - is central.url the right one?")
    until = _certified(config, certificate, answer, invitation)
    ring.accept()
    return Enrolment(config.edge_id, thumbprint(key), until)


def _certified(
    config: EdgeConfig, certificate: ClientCertificate, answer: dict[str, Any], invitation: Invitation
) -> datetime | None:
    """Put the certificate in force, where one came; when it ends."""
    pem, ca = answer.get("certificate"), answer.get("ca")
    if pem is None:
        if invitation.ca is not None:
            raise CentralError(f"{config.central.url}: gave no certificate, though its QR code names an authority")
        certificate.forget()
        return None
    certificate.accept(config.edge_id, str(pem), str(ca), invitation.ca)
    held = certificate.held()
    return held.end if held else None


def _post(central: Central, body: dict[str, Any]) -> dict[str, Any]:
    answer = ask(central, "/edge/v1/enrol", body)
    if answer.status in {200, 201}:
        return answer.said
    if 400 <= answer.status < 500:
        raise CentralError(
            f"{answer.address}: central refuses the code ({answer.why}) - ask for a new one: "
            f"`sightline central enrol-code {body['edge_id']}` (it holds 15 minutes and once)"
        )
    raise CentralError(f"{answer.address}: central answered {answer.status} - look into its log and try again")
