"""The key id in the header of a JWS or JWT: which key to try. It is not believed until the signature holds."""

import json
import re
from base64 import urlsafe_b64decode
from functools import lru_cache

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX = 1024


def kid_of(token: str) -> str:
    """`kid` of a compact JWS or JWT, "" for anything that has none of the right form."""
    head = token.partition(".")[0]
    return _kid_in(head) if head.isascii() and len(head) <= _MAX else ""


@lru_cache(maxsize=4096)
def _kid_in(head: str) -> str:
    """A key writes the same header over everything it seals."""
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return ""
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) and _KID.fullmatch(kid) else ""
