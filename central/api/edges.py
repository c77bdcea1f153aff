"""What boxes ask over HTTP: to be let in, certificates, and to leave their stills and clips. No session, no cookie."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from central.api.people import Db
from central.ca.certificates import Issuer
from central.ca.requests import MAX_REQUEST
from central.edges import enrolment, renewal
from central.edges.enrolment import Application
from central.marks import AskingBox, public
from central.media import service
from central.media.store import Busy, Held, MediaStore, UploadError, WrongOffset, checked_name

router = APIRouter(prefix="/edge/v1", tags=["edge"])
_MAX_SIZE = 2**53

Name = Annotated[str, Path(description="SHA-256 of the bytes, 64 lower-case hex digits")]


class Enrolment(BaseModel):
    """The one-time code, the box's public key, and a detached JWS by it over `<code>:<edge_id>`.

    With `csr` (PKCS #10, PEM; common name: the edge id) the JWS is over `<code>:<edge_id>:<SHA-256 of csr>`.
    """

    code: str = Field(max_length=100)
    edge_id: str = Field(max_length=64)
    public_key: dict[str, str] = Field(max_length=20)
    proof: str = Field(max_length=4096)
    csr: str | None = Field(default=None, max_length=MAX_REQUEST)


class Enrolled(BaseModel):
    """The box is let in; `kid` names its key.

    `certificate` and `ca` (PEM) are left out when no `csr` came, or when this central has no certificate authority.
    """

    edge_id: str
    kid: str
    certificate: str | None = None
    ca: str | None = None


class Renewal(BaseModel):
    """A request for the next certificate; `proof` is a detached JWS by the box's key.

    It is over `renew:<edge_id>:<SHA-256 of csr>`.
    """

    csr: str = Field(max_length=MAX_REQUEST)
    proof: str = Field(max_length=4096)


class Renewed(BaseModel):
    """The next certificate, and the authority that gave it (PEM)."""

    certificate: str
    ca: str


class CertificateState(BaseModel):
    """`renew`: central wants this box to renew its certificate now."""

    renew: bool


@router.post("/enrol", response_model_exclude_none=True, dependencies=[public("a one-time code lets a box in")])
def enrol(given: Enrolment, request: Request, db: Db) -> Enrolled:
    """Let a box in, once a code."""
    address = request.client.host if request.client else "unknown"
    shown = Application(given.code, given.edge_id, given.public_key, given.proof, given.csr)
    ca: Issuer | None = request.app.state.ca
    admitted = enrolment.enrol(db, shown, address, ca)
    pem = ca.authority.pem if ca is not None and admitted.certificate is not None else None
    return Enrolled(edge_id=given.edge_id, kid=admitted.kid, certificate=admitted.certificate, ca=pem)


@router.get("/certificate")
def certificate(request: Request, db: Db, edge_id: AskingBox) -> CertificateState:
    """Whether the box is to renew its certificate before its time; it does so by itself when a third of it is left."""
    _issuer(request)
    with db.read() as session:
        return CertificateState(renew=renewal.asked(session, edge_id))


@router.post("/certificate")
def renew(given: Renewal, request: Request, db: Db, edge_id: AskingBox) -> Renewed:
    """The next certificate of a box."""
    ca = _issuer(request)
    return Renewed(certificate=renewal.renew(db, ca, edge_id, given.csr, given.proof), ca=ca.authority.pem)


@router.get(
    "/crl.pem",
    response_class=Response,
    responses={200: {"content": {"application/x-pem-file": {}}}},
    dependencies=[public("a list of revoked certificates is for whoever checks one")],
)
def revocations(request: Request) -> Response:
    """The certificates that hold no longer, for a broker on another machine (`crlfile`). Public, as such lists are."""
    path = _issuer(request).authority.folder / "crl.pem"
    return Response(path.read_bytes(), media_type="application/x-pem-file")


@router.head("/media/{sha256}")
def held(sha256: Name, request: Request, db: Db, edge_id: AskingBox) -> Response:
    """How much of an object is here: `Upload-Offset`, and `Upload-Complete: ?1` when it is whole; 404 for nothing."""
    name = _named(sha256)
    found = service.known(db, request.app.state.media, name, edge_id)
    if found is None:
        return Response(status_code=404)
    return Response(status_code=200, headers=_where(found))


@router.put("/media/{sha256}", status_code=201)
async def put(
    sha256: Name,
    request: Request,
    db: Db,
    edge_id: AskingBox,
    upload_offset: Annotated[int, Header(ge=0, lt=_MAX_SIZE)],
    upload_length: Annotated[int, Header(ge=1, lt=_MAX_SIZE)],
) -> Response:
    """Leave an object, or go on with it at `Upload-Offset`. 201 only when its bytes are verified and on disk.

    409 carries the offset to go on from, 422 says the bytes are not what the name says (the upload is thrown away).
    """
    name = _named(sha256)
    store: MediaStore = request.app.state.media
    metrics = request.app.state.metrics
    before = await asyncio.to_thread(service.known, db, store, name, edge_id)
    if before is not None and before.complete:
        return Response(status_code=201, headers=_where(before))
    try:
        done = await store.receive(name, edge_id, upload_offset, upload_length, request.stream())
    except UploadError as error:
        metrics.media_refused.labels(str(error.status)).inc()
        if isinstance(error, Busy):
            raise WrongOffset(before.size if before else 0) from error
        raise
    except ClientDisconnect:
        # Nobody is there to read the answer; what arrived is kept for the next attempt.
        return Response(status_code=400)
    await asyncio.to_thread(service.enter, db, name, done.size, edge_id)
    metrics.media_bytes.inc(done.size)
    return Response(status_code=201, headers=_where(done))


def _issuer(request: Request) -> Issuer:
    ca: Issuer | None = request.app.state.ca
    if ca is None:
        raise HTTPException(404, "this central has no certificate authority")
    return ca


def _named(sha256: str) -> str:
    try:
        return checked_name(sha256)
    except ValueError as error:
        raise UploadError(str(error)) from error


def _where(held: Held) -> dict[str, str]:
    return {"Upload-Offset": str(held.size), "Upload-Complete": "?1" if held.complete else "?0"}
