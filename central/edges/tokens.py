"""Who an HTTP request of a box is from: a short-lived JWT that the box signs with its sealing key (RFC 7519, EdDSA)."""

from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.edges import Edge
from central.edges.names import kid_of
from contract.errors import SealError
from contract.events import now
from contract.sealing import import_public

AUDIENCE = "sightline-central"
LIFE_S = 300
#: How far a box's clock may be from ours before its tokens are refused.
LEEWAY_S = 60
_MAX = 4096


class TokenRefused(Exception):  # noqa: N818 - reads as a sentence
    """The token does not show which box this is: 401, or 403 for a box that was shut out."""

    def __init__(self, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


def edge_of(session: Session, authorization: str | None) -> str:
    """The id of the enrolled box that made the token in an `Authorization: Bearer` header. Raises TokenRefused."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > _MAX:
        raise TokenRefused("an edge shows a token of its own key: Authorization: Bearer ...")
    edge = session.execute(select(Edge).where(Edge.kid == kid_of(token))).scalar_one_or_none()
    if edge is None:
        raise TokenRefused("no box with that key is enrolled")
    if edge.revoked_at is not None:
        raise TokenRefused(f"box {edge.id} was shut out", 403)
    try:
        claims = jwt.decode(token, import_public(edge.public_jwk), algorithms=["EdDSA", "Ed25519"]).claims
    except (JoseError, SealError, ValueError, TypeError) as error:
        raise TokenRefused("the token's signature does not hold") from error
    _check(claims, edge.id)
    return edge.id


def _check(claims: dict[str, Any], edge_id: str) -> None:
    issued, expires, moment = claims.get("iat"), claims.get("exp"), now().timestamp()
    if claims.get("iss") != edge_id or claims.get("aud") != AUDIENCE:
        raise TokenRefused("the token is from another box or for another central")
    if not _number(issued) or not _number(expires) or not 0 < expires - issued <= LIFE_S:
        raise TokenRefused(f"a token lives at most {LIFE_S} s: `iat` and `exp` say otherwise")
    if issued > moment + LEEWAY_S or expires < moment - LEEWAY_S:
        raise TokenRefused("the token is not valid at this time - check the clock of the box")


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
