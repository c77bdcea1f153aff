"""A certificate of deletion as it is handed out: what it says and whether it holds, needing nothing else."""

import json

from contract.errors import SealError
from contract.sealing import import_public, thumbprint, verify_detached


def checked(raw: bytes, trust: str | None = None) -> list[str]:
    """What the certificate in `raw` says, a line each. Raises SealError where it does not hold.

    `trust` is the thumbprint of the office's key, as the office has published it.
    """
    try:
        said = json.loads(raw)
        signed, key = str(said["signed"]).encode(), import_public(said["key"])
        jws = str(said["jws"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealError("the file is no certificate of deletion") from error
    verify_detached(signed, jws, key)
    try:
        told = json.loads(signed)
        number, office, at = str(told["certificate"]), str(told["office"]), str(told["at"])
        lines = [f"{one['sha256']}: {one['bytes']} bytes, removed {one['removed_at']}" for one in told["objects"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SealError("what was signed is no certificate of deletion") from error
    if office != thumbprint(key):
        raise SealError(f"certificate {number[:20]}: names the office {office[:64]}, and another key signed it")
    if trust is not None and trust != office:
        raise SealError(f"certificate {number[:20]}: is signed by {office[:64]}, not by the office {trust[:64]}")
    return [f"certificate {number} of {at}: holds, signed by {office}", *lines]


__all__ = ["checked"]
