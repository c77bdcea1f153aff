"""What passes between a box and central when it is let in: the invitation, and what the box's key signs.

An invitation is typed (the code alone) or scanned (a text in a QR code that also names the box and the fingerprint of
central's certificate authority, so that the box need not believe the first authority that answers).
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from contract.sealing import sha256_hex
from contract.topics import IDENTIFIER

_PREFIX = "sightline:enrol?"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
#: Longer than any invitation of ours.
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time `code`; from a QR code also the box it is for and `ca`, the SHA-256 (hex) of the authority's DER."""

    code: str
    edge_id: str | None = None
    ca: str | None = None

    @property
    def text(self) -> str:
        """What stands in the QR code."""
        said = {"edge": self.edge_id, "code": self.code, "ca": self.ca}
        return _PREFIX + urlencode({name: value for name, value in said.items() if value is not None})


def read_invitation(text: str) -> Invitation:
    """An invitation as it was typed or scanned. Raises ValueError with a sentence."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise ValueError("is longer than any invitation")
    if not text.startswith(_PREFIX):
        return Invitation(text.upper())
    said = {name: values[-1] for name, values in parse_qs(text.removeprefix(_PREFIX)).items()}
    edge_id, ca = said.get("edge"), said.get("ca")
    if "code" not in said or (edge_id is not None and not IDENTIFIER.fullmatch(edge_id)):
        raise ValueError("the scanned text is cut short or altered")
    if ca is not None and not _FINGERPRINT.fullmatch(ca):
        raise ValueError("the fingerprint in the scanned text is cut short or altered")
    return Invitation(said["code"].upper(), edge_id, ca)


def enrolment_statement(code: str, edge_id: str, request: str | None = None) -> bytes:
    """What the new sealing key signs: the code, the box, and the certificate request (PEM) where one goes with it."""
    words = [code, edge_id] if request is None else [code, edge_id, sha256_hex(request.encode())]
    return ":".join(words).encode()


def renewal_statement(edge_id: str, request: str) -> bytes:
    """What the sealing key signs over a request (PEM) for the next certificate. No enrolment code begins like it."""
    return f"renew:{edge_id}:{sha256_hex(request.encode())}".encode()


__all__ = ["Invitation", "enrolment_statement", "read_invitation", "renewal_statement"]
