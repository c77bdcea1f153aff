"""Addresses of cameras as people may see them: without the password."""

import ipaddress
import re
import socket
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

#: Shorter pieces of a password tell nobody anything, and stand in every other word.
_PIECES = re.compile(r"\w{3,}")
_SECRET = re.compile(r"(?i)((?:pass(?:word|wd)?|pwd|token|secret|key|auth)[a-z_]*=)[^&#]*")


#: Secrets of this box that this process has used in addresses, as they are and as addresses write them.
_HIDDEN: set[str] = set()
#: A shorter one stands in too many words; in the place of a password it is hidden all the same.
_SHORTEST_HIDDEN = 4


def hide(secret: str) -> None:
    """Let `secret` appear in no text that this process prints, logs or sends about a camera, wherever it stands."""
    _HIDDEN.update(one for one in (secret, quote(secret, safe="")) if len(one) >= _SHORTEST_HIDDEN)


def hidden(text: str) -> str:
    """`text` with every secret that was used in addresses as `***`."""
    for secret in sorted(_HIDDEN, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def shown(url: str) -> str:
    """`url` with password and secret query values as `***`, safe to print and log."""
    return hidden(_shown(url))


def _shown(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, tail = rest.partition("/")
    if "@" not in authority and ":" in authority and "@" in tail:
        # A password with a bare slash in it: better a path that reads oddly than a password on a screen.
        secret, _, host = rest.rpartition("@")
        authority, slash, tail = f"{secret.partition(':')[0]}:@{host.partition('/')[0]}", *host.partition("/")[1:]
    user, at, host = authority.rpartition("@")
    if at:
        authority = f"{user.partition(':')[0]}:***@{host}" if ":" in user else f"{user}@{host}"
    hidden = _SECRET.sub(r"\1***", tail)
    return f"{scheme}://{authority}{slash}{hidden}"


def scrubbed(text: str, url: str) -> str:
    """`text` (an error of a library) with every appearance of `url` and its password taken out.

    A password with a bare `/` or `#` in it is torn apart by whoever reads the address: its pieces are taken out too.
    """
    text = text.replace(url, shown(url))
    secret = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    pieces = {secret, unquote(secret), *_PIECES.findall(secret)} - {""}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, "***")
    return hidden(text)


def is_local(url: str) -> bool:
    """Whether the camera of this address runs on this very machine: loopback, or a file."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return True
    host = parts.hostname or ""
    if host == "localhost" or host == socket.gethostname():
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def file_of(url: str) -> Path:
    """The path of a file:// address or of a plain path."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(url)
