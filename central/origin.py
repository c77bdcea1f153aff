"""Whether a browser sends something from a page of this site, or from somebody else's page in its owner's name.

Needed where no token of a session can be asked for yet: a page elsewhere that signs a visitor in under the attacker's
account would have what they do next noted there. A browser tells with Sec-Fetch-Site, and over plain http, where it
does not, with Origin or Referer. What tells nothing is no browser and has nobody's cookies to misuse.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def from_here(headers: Mapping[str, str]) -> bool:
    """Whether what says where a request comes from, if anything does, names this site (names in small letters)."""
    told = headers.get("sec-fetch-site")
    if told is not None:
        return told in {"same-origin", "none"}
    whence = headers.get("origin") or headers.get("referer")
    if not whence:
        return True
    try:
        # A proxy that ends https hands on the name it was asked by; which of the two schemes it was is not told here.
        return urlsplit(whence).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False


__all__ = ["from_here"]


def socket_from_here(headers: Mapping[str, str]) -> bool:
    """The same of a WebSocket, which any page may open with its visitor's cookies: a browser always names the page."""
    whence = headers.get("origin")
    if whence is None:
        return from_here(headers)
    return from_here({"origin": whence, "host": headers.get("host", "")})


__all__ = ["from_here", "socket_from_here"]
