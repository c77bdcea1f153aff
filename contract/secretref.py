"""References to secrets in addresses, as in `rtsp://admin:${secret:cam-1}@10.0.0.5/`. The secrets are not here."""

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

_REFERENCE = re.compile(r"\$\{secret:([A-Za-z0-9][A-Za-z0-9._-]{0,63})\}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def references(url: str) -> list[str]:
    """Names of the secrets that an address needs. Raises ValueError for `${...}` that is no reference."""
    names = _REFERENCE.findall(url)
    if "${" in _REFERENCE.sub("", url):
        raise ValueError("holds a reference that cannot be read - write ${secret:name}, letters, digits, '.', '_', '-'")
    return names


def filled(url: str, value_of: Callable[[str], str]) -> str:
    """The address with every reference replaced by its secret, written as an address writes it (percent-encoded)."""
    return _REFERENCE.sub(lambda found: quote(value_of(found[1]), safe=""), url)


def in_the_clear(url: str) -> bool:
    """Whether an address has a password in it that is no reference."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return False
    return bool(password) and not _REFERENCE.fullmatch(str(password))


__all__ = ["NAME", "filled", "in_the_clear", "references"]
