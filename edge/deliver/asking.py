"""One question to central over HTTP, and its answer as JSON. What it says is a stranger's text until it is checked."""

from dataclasses import dataclass
from typing import Any

import httpx

from contract.errors import CentralError

_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON object ({} for anything else)."""

    address: str
    status: int
    said: dict[str, Any]

    @property
    def why(self) -> str:
        """One short line out of an error's body."""
        detail = self.said.get("detail")
        text = detail if isinstance(detail, str) else httpx.codes.get_reason_phrase(self.status)
        return f"{self.status} {' '.join(text.split())[:200]}".strip()


def ask(base: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Answer:
    """GET, or POST with a `body`. Raises CentralError when central cannot be reached."""
    address = base.rstrip("/") + path
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False, headers=headers) as client:
            response = client.get(address) if body is None else client.post(address, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CentralError(
            f"{address}: central cannot be reached ({type(error).__name__}) - check central.url and the network"
        ) from error
    return Answer(address, response.status_code, _object(response))


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {}


__all__ = ["Answer", "ask"]
