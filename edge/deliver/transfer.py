"""One file to central: resumable, idempotent `PUT /edge/v1/media/{sha256}`, allowed by a token that the box signs."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from joserfc import jwt
from joserfc.jwk import OKPKey

from contract.sealing import thumbprint
from edge.deliver.asking import remedy

AUDIENCE = "sightline-central"
TOKEN_S = 300
_CHUNK = 1 << 16
_ROUNDS = 4

State = Literal["uploaded", "lost", "later"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try. `later` is to be tried again; `everyone` says that no other file would fare better.

    `cause` belongs to `lost`; `slow` says that nothing will be otherwise within minutes.
    """

    state: State
    reason: str = ""
    everyone: bool = False
    slow: bool = False
    cause: Literal["gone", "altered"] = "gone"


def token(key: OKPKey, edge_id: str, now: float | None = None) -> str:
    """A JWT (EdDSA, header `kid`) that lets this box put media for the next five minutes."""
    at = int(time.time() if now is None else now)
    claims = {"iss": edge_id, "aud": AUDIENCE, "iat": at, "exp": at + TOKEN_S}
    return jwt.encode({"alg": "EdDSA", "kid": thumbprint(key)}, claims, key, algorithms=["EdDSA"])


@dataclass(frozen=True, slots=True)
class Transfer:
    """How this box talks to central about media. `client` may be used by several threads, and so may `pace`.

    `pace` is told how many bytes are to go and returns when they may, or raises InterruptedError when it ends.
    """

    client: httpx.Client
    base: str
    edge_id: str
    key: OKPKey
    pace: Callable[[int], None] = lambda _: None

    def send(self, path: Path, sha256: str) -> Outcome:
        """Bring one file to central, from where an earlier try stopped. Never raises for the world's faults."""
        try:
            return self._send(path, sha256)
        except httpx.HTTPError as error:
            why = f"{self.base}: central cannot be reached for media ({type(error).__name__}) - {remedy(error)}"
            return Outcome("later", why, everyone=isinstance(error, httpx.ConnectError | httpx.ConnectTimeout))
        except InterruptedError:
            return Outcome("later", "deliver is ending")
        except OSError as error:
            return Outcome("later", f"{path.name}: cannot be read ({error.strerror})")

    def _send(self, path: Path, sha256: str) -> Outcome:
        offset = self._offset(sha256)
        if isinstance(offset, Outcome):
            return offset
        if not path.is_file():
            return Outcome("lost", "the file is not on this box and central does not have it")
        total = path.stat().st_size
        for _ in range(_ROUNDS):
            response = self._put(path, sha256, min(offset, total), total)
            if response.status_code in {200, 201, 204}:
                return Outcome("uploaded")
            if response.status_code != 409:
                return self._refused(response, path, sha256)
            offset = _upload_offset(response)
        return Outcome("later", f"{sha256}: central and this box do not agree where to go on")

    def _offset(self, sha256: str) -> int | Outcome:
        response = self.client.head(self._address(sha256), headers=self._headers())
        if response.status_code == 404:
            return 0
        if response.status_code not in {200, 204}:
            return self._refused(response, None, sha256)
        if response.headers.get("upload-complete") == "?1":
            return Outcome("uploaded")
        return _upload_offset(response)

    def _put(self, path: Path, sha256: str, offset: int, total: int) -> httpx.Response:
        headers = self._headers() | {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(total - offset),
            "Upload-Offset": str(offset),
            "Upload-Length": str(total),
        }
        return self.client.put(self._address(sha256), headers=headers, content=_body(path, offset, self.pace))

    def _refused(self, response: httpx.Response, path: Path | None, sha256: str) -> Outcome:
        status = response.status_code
        if status == 422 and path is not None and _sha256(path) != sha256:
            why = "the file was altered on this box's disk: its SHA-256 no longer holds"
            return Outcome("lost", why, cause="altered")
        if status in {401, 403}:
            why = f"{self.base}: central refuses this box's token ({status}) - is it enrolled, is its clock right?"
            return Outcome("later", why, everyone=True)
        why = f"{self.base}: central answered {status}{_said(response)} for {sha256}"
        return Outcome("later", why, everyone=status in {429, 503, 507}, slow=status in {413, 507})

    def _address(self, sha256: str) -> str:
        return f"{self.base.rstrip('/')}/edge/v1/media/{sha256}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(self.key, self.edge_id)}"}


def _upload_offset(response: httpx.Response) -> int:
    text = response.headers.get("upload-offset", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _said(response: httpx.Response) -> str:
    """Central's own sentence, if it gave one; a stranger's text, and no more of it than a line."""
    try:
        detail = json.loads(response.content[:4096]).get("detail")
    except (ValueError, AttributeError):
        return ""
    return f" ({' '.join(detail.split())[:200]})" if isinstance(detail, str) and detail.isprintable() else ""


def _body(path: Path, offset: int, pace: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(_CHUNK):
            pace(len(chunk))
            yield chunk


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
