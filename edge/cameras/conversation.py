"""The RTSP conversation with a camera (RFC 2326): ask, answer its demand for a password, set up one video track.

Only what a camera needs to begin to send and to go on: DESCRIBE, SETUP, PLAY, a keep-alive, TEARDOWN. Passwords go
out as Digest (RFC 7616: MD5, SHA-256) where the camera knows it, else as Basic.
"""

import base64
import hashlib
import re
import secrets
import socket
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_MAX_HEAD, _MAX_BODY = 65_536, 1_000_000
_AGENT = "Sightline"


class RefusedError(Exception):
    """The camera answered with something other than 200: `status`, and its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


class GarbledError(Exception):
    """What came is no RTSP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, headers with names in small letters (the first of each), body as text."""

    status: int
    reason: str
    headers: dict[str, str]
    body: str
    challenges: tuple[str, ...] = ()


class Conversation:
    """One TCP connection to a camera. `timeout` bounds the whole beginning.

    Raises OSError, RefusedError or GarbledError.
    """

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise GarbledError("the address names no host")
        self._until = time.monotonic() + timeout
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = host + (f":{parts.port}" if parts.port else "")
        self.url = f"{parts.scheme}://{place}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        self.socket = socket.create_connection((parts.hostname, parts.port or 554), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.session = ""
        self.session_s = 60.0
        self._number = 0
        self._challenge = ""
        self._uses = 0

    def ask(self, method: str, url: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask and wait for the answer; a demand for a password is met once."""
        self.tell(method, url, headers)
        answer = self._answer()
        if answer.status == 401 and self._user and (chosen := _strongest(answer.challenges)) != self._challenge:
            self._challenge, self._uses = chosen, 0
            self.tell(method, url, headers)
            answer = self._answer()
        if answer.status != 200:
            raise RefusedError(answer.status, answer.reason)
        if "session" in answer.headers:
            self.session, _, rest = answer.headers["session"].partition(";")
            if limit := re.search(r"timeout\s*=\s*(\d+)", rest):
                self.session_s = max(5.0, float(limit.group(1)))
        return answer

    def tell(self, method: str, url: str, headers: dict[str, str] | None = None) -> None:
        """Send a request and do not wait: the answer stands in the stream."""
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", f"User-Agent: {_AGENT}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        if self._challenge:
            lines.append(f"Authorization: {self._proof(method, url)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _answer(self) -> Answer:
        """The next answer; pictures that come before it are passed over."""
        while True:
            while self.rest[:1] == b"$":
                self._need(4)
                size = 4 + int.from_bytes(self.rest[2:4], "big")
                self._need(size)
                self.rest = self.rest[size:]
            end = self.rest.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(self.rest) > _MAX_HEAD or (len(self.rest) >= 5 and not self.rest.startswith(b"RTSP/")):
                raise GarbledError("answers something that is not RTSP")
            self._need(len(self.rest) + 1)
        answer, size = parsed(self.rest[:end])
        self._need(end + 4 + size)
        body = self.rest[end + 4 : end + 4 + size].decode("utf-8", "replace")
        self.rest = self.rest[end + 4 + size :]
        return Answer(answer.status, answer.reason, answer.headers, body, answer.challenges)

    def _need(self, size: int) -> None:
        while len(self.rest) < size:
            self.socket.settimeout(max(0.001, self._until - time.monotonic()))
            got = self.socket.recv(65_536)
            if not got:
                raise ConnectionResetError("hung up")
            self.rest += got

    def _proof(self, method: str, url: str) -> str:
        scheme, _, rest = self._challenge.partition(" ")
        if scheme.lower() == "basic":
            return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        given = {key.lower(): value for key, value in _PAIRS.findall(rest)}
        given = {key: value.strip('"') for key, value in given.items()}
        return self._digest(method, url, given)

    def _digest(self, method: str, url: str, given: dict[str, str]) -> str:
        """RFC 7616 section 3.4.1."""
        algorithm = given.get("algorithm", "MD5")
        realm, nonce = given.get("realm", ""), given.get("nonce", "")

        def digest(text: str) -> str:
            sha = algorithm.upper().startswith("SHA-256")
            made = hashlib.sha256(text.encode()) if sha else hashlib.md5(text.encode(), usedforsecurity=False)
            return made.hexdigest()

        first, second = digest(f"{self._user}:{realm}:{self._password}"), digest(f"{method}:{url}")
        said = [f'username="{self._user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{url}"']
        if "auth" in given.get("qop", "").split(","):
            self._uses += 1
            count, own = f"{self._uses:08x}", secrets.token_hex(8)
            proof = digest(f"{first}:{nonce}:{count}:{own}:auth:{second}")
            said += ["qop=auth", f"nc={count}", f'cnonce="{own}"']
        else:
            proof = digest(f"{first}:{nonce}:{second}")
        said.append(f'response="{proof}"')
        if "algorithm" in given:
            said.append(f"algorithm={algorithm}")
        if "opaque" in given:
            said.append(f'opaque="{given["opaque"]}"')
        return "Digest " + ", ".join(said)


_PAIRS = re.compile(r'(\w+)\s*=\s*("[^"]*"|[^\s,]+)')


def parsed(head: bytes) -> tuple[Answer, int]:
    """An answer without its body, and the body's size in bytes. Raises GarbledError."""
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    status = re.match(r"RTSP/\d\.\d\s+(\d{3})\s*(.*)", first)
    if status is None:
        raise GarbledError("answers something that is not RTSP")
    headers: dict[str, str] = {}
    challenges = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
        if name.strip().lower() == "www-authenticate":
            challenges.append(value.strip())
    size = headers.get("content-length", "0")
    length = min(int(size), _MAX_BODY) if size.isdigit() else 0
    return Answer(int(status.group(1)), status.group(2), headers, "", tuple(challenges)), length


def _strongest(challenges: tuple[str, ...]) -> str:
    """The challenge to answer: Digest with SHA-256, Digest with MD5, Basic."""

    def rank(challenge: str) -> int:
        text = challenge.lower()
        known = "algorithm" not in text or re.search(r'algorithm\s*=\s*"?(md5|sha-256)"?(,|\s|$)', text)
        if text.startswith("digest") and known:
            return 2 if "sha-256" in text else 1
        return 0 if text.startswith("basic") else -1

    return max(challenges, key=rank, default="")
