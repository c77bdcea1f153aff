"""What the C2PA manifest of an exported still or clip says of it, beside what was done to it.

C2PA (Coalition for Content Provenance and Authenticity, specification 2.4) lets an assertion of one's own stand in a
manifest under a label of one's own. This one ties a file to the box's seal: what the box sealed, when, and in which
event. It names no person and no plate, for a manifest is read by whoever is given the file.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pydantic import AwareDatetime, Field

from contract.events import Hex64, Manifest, Model

#: The assertion's label in a C2PA manifest.
LABEL = "sightline.provenance"
What = Literal["original", "overlay", "redacted"]


class Sealed(Model):
    """The box's sealed event that names a case's stills and clip: SHA-256 of its bytes, its `time`, what it names."""

    event: Hex64
    sealed_at: AwareDatetime
    manifest: Manifest


class Provenance(Model):
    """The assertion: `what` the file is, and the SHA-256 of the `original` that the box sealed."""

    case: str = Field(max_length=20)
    edge: str = Field(max_length=64)
    camera: str = Field(max_length=64)
    what: What
    original: Hex64
    taken_at: AwareDatetime = Field(description="when the still was taken or the clip begins, by the camera's clock")
    sealed_at: AwareDatetime = Field(description="`time` of the box's sealed event that names the original")
    event: Hex64 = Field(description="SHA-256 of that event's bytes")
    office: str = Field(max_length=64, description="RFC 7638 thumbprint of the office's key, which signs the bundle")


def provenance(sealed: Sealed, case: str, office: str, what: What, original: str) -> Provenance | None:
    """What is to be said of `original` (SHA-256) or of a copy of it; None when the box's event does not name it."""
    taken = {image.sha256: image.at for image in sealed.manifest.images}
    if (video := sealed.manifest.video) is not None:
        taken[video.sha256] = video.at0
    if original not in taken:
        return None
    return Provenance(
        case=case,
        edge=sealed.manifest.edge_id,
        camera=sealed.manifest.camera_id,
        what=what,
        original=original,
        taken_at=taken[original],
        sealed_at=sealed.sealed_at,
        event=sealed.event,
        office=office,
    )


def leads(chain: Sequence[x509.Certificate]) -> bool:
    """Whether each certificate was signed with the key of the one behind it, and there is one behind the first."""
    try:
        for one, by in pairwise(chain):
            one.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return len(chain) > 1


__all__ = ["LABEL", "Provenance", "Sealed", "What", "leads", "provenance"]
