"""Telling a program of somebody on duty: a small signed POST, to where it may go and nowhere else.

Signed as Standard Webhooks do (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,BASE64`
of HMAC-SHA256 over `id.timestamp.body`, so that kept libraries check it. Each address has a secret of its own.
Addresses are https, and public by what their name resolves to just now; what the settings name (`duty.webhook_hosts`)
may be http or private. The connection goes to the very address that was looked at; no redirect is followed, no proxy of
the environment is used, and of the answer nothing but its status is read.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from central.ca.files import read_private, write_once
from central.workflow.errors import Unfit
from contract.errors import ConfigError
from contract.events import now

#: The whole of one try, seconds: somebody waits to be told.
PATIENCE_S: Final = 10.0
MOST_CHARACTERS: Final = 500
_KEY_BYTES: Final = 32
#: IPv4 behind NAT64 (RFC 6052): it reaches what the IPv4 address in it reaches.
_NAT64: Final = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where webhooks may go, and what they are signed with. `address`: of central, for the link."""

    key_file: Path | None = None
    address: str = ""
    hosts: frozenset[str] = field(default_factory=frozenset)
    ca: Path | None = None

    def fit(self, url: str) -> str:
        """`url`, when it may be written to. Raises Unfit with what to mend."""
        said = _read(url)
        if said is None or said.scheme not in {"https", "http"}:
            raise Unfit("a webhook is an https address without a user and without #", "duty.webhook")
        if said.scheme == "http" and not self._named(said):
            raise Unfit("only hosts in duty.webhook_hosts may be http", "duty.webhook_http")
        literal = _literal(said.hostname or "")
        if literal is not None and not public(literal) and not self._named(said):
            raise Unfit("only hosts in duty.webhook_hosts may be private addresses", "duty.webhook_private")
        return url

    def secret_of(self, url: str) -> str:
        """What the receiver at `url` checks signatures with (`whsec_...`). Raises ConfigError without a key."""
        return "whsec_" + base64.b64encode(self._secret(url, make=True)).decode()

    def headers(self, url: str, notice: str, body: bytes, at: datetime) -> dict[str, str]:
        """The signature of `body`. Raises ConfigError without a key."""
        stamp = str(int(at.timestamp()))
        signed = b".".join((notice.encode(), stamp.encode(), body))
        mac = base64.b64encode(hmac.digest(self._secret(url, make=False), signed, hashlib.sha256)).decode()
        return {
            "content-type": "application/json",
            "user-agent": "Sightline",
            "webhook-id": notice,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{mac}",
        }

    def _secret(self, url: str, *, make: bool) -> bytes:
        if self.key_file is None:
            raise ConfigError("duty.key_file: central has no data_dir to keep it in")
        return hmac.digest(_key(self.key_file, make=make), f"sightline webhook {url}".encode(), hashlib.sha256)

    def _named(self, said: SplitResult) -> bool:
        host = (said.hostname or "").lower()
        return host in self.hosts or f"{host}:{port_of(said)}" in self.hosts


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice on its way: `id` is the same whenever it is sent again. `tries`: this one included."""

    id: str
    url: str
    tries: int
    station: str
    check: str
    time: datetime
    link: str

    def body(self, address: str) -> bytes:
        """Station, check, time and link, and nothing more: whoever reads it on the way learns no more than that."""
        link = address + self.link
        told = {"station": self.station, "check": self.check, "time": self.time.isoformat(), "link": link}
        return json.dumps(told, ensure_ascii=False).encode()


def _key(path: Path, *, make: bool) -> bytes:
    """Central's own key of webhooks; every address's secret is made of it. Raises ConfigError in one line."""
    try:
        if make and not path.exists():
            write_once(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)), 0o600)
        raw = base64.b64decode(read_private(path).strip(), validate=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}) - check duty.key_file") from error
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ConfigError(f"{path}: is no key of webhooks (32 bytes, base64) - restore it, or remove it for another")
    return raw


async def deliver(hooks: Hooks, letter: Letter) -> str | None:
    """Try once. None when the receiver took it (2xx); else why not, in a few words."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            status = await _post(hooks, letter)
    except (Unfit, ConfigError) as error:
        return str(error)[:200]
    except TimeoutError:
        return f"no answer within {PATIENCE_S:.0f} s"
    except (httpx.HTTPError, OSError, ssl.SSLError, ValueError) as error:
        return f"cannot be reached: {type(error).__name__}"
    if 300 <= status < 400:
        return f"it answered {status}: redirects are not followed"
    return None if 200 <= status < 300 else f"it answered {status}"


async def _post(hooks: Hooks, letter: Letter) -> int:
    said = urlsplit(hooks.fit(letter.url))
    host, body = said.hostname or "", letter.body(hooks.address)
    where = await _resolved(hooks, said)
    headers = hooks.headers(letter.url, letter.id, body, now()) | {"host": said.netloc}
    transport = httpx.AsyncHTTPTransport(verify=_trust(hooks, said), trust_env=False)
    url = httpx.URL(letter.url).copy_with(host=str(where))
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE_S, follow_redirects=False) as client:
        # The name, not the number it was resolved to, is what its certificate must bear.
        extensions = {"sni_hostname": host} if said.scheme == "https" else {}
        async with client.stream("POST", url, content=body, headers=headers, extensions=extensions) as answer:
            return answer.status_code


async def _resolved(hooks: Hooks, said: SplitResult) -> IPv4Address | IPv6Address:
    """One address of the host, each of which is public where the settings do not name it. Raises Unfit or OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(said.hostname, port_of(said), type=socket.SOCK_STREAM)
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not hooks._named(said) and not all(map(public, addresses)):
        raise Unfit("its name leads to a private address - see duty.webhook_hosts", "duty.webhook_private")
    return addresses[0]


def public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it lies in the open Internet, also as IPv4 in the clothes of IPv6."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return public(address.ipv4_mapped)
        if address in _NAT64:
            return public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def port_of(said: SplitResult) -> int:
    """Its port, the scheme's own where none is given."""
    return said.port or (443 if said.scheme == "https" else 80)


def _trust(hooks: Hooks, said: SplitResult) -> ssl.SSLContext | bool:
    if said.scheme != "https":
        return True
    context = ssl.create_default_context()
    if hooks.ca is not None and hooks._named(said):
        context.load_verify_locations(hooks.ca)
    return context


def _read(url: str) -> SplitResult | None:
    """The parts of an address that is plain in every way; None otherwise."""
    if len(url) > MOST_CHARACTERS or not url.isascii() or not all("!" <= sign <= "~" for sign in url) or "\\" in url:
        return None
    try:
        said = urlsplit(url)
        port_of(said)
    except ValueError:
        return None
    plain = said.username is None and said.password is None and not said.fragment and bool(said.hostname)
    return said if plain and "%" not in (said.hostname or "") else None


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


__all__ = ["PATIENCE_S", "Hooks", "Letter", "deliver", "public"]
