"""One question to central over HTTP, and its answer as JSON. What it says is a stranger's text until it is checked."""

import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from contract.errors import CentralError, ConfigError
from edge.config import Central

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


def client(central: Central, timeout: httpx.Timeout, headers: dict[str, str] | None = None) -> httpx.Client:
    """A client for central alone: no proxy of the environment, and the authority that the settings name.

    Raises ConfigError when `central.tls_ca` cannot be read.
    """
    trusted: ssl.SSLContext | bool = True
    if central.tls_ca is not None:
        try:
            trusted = ssl.create_default_context(cafile=str(central.tls_ca))
        except OSError as error:  # an SSLError is one
            raise ConfigError(
                f"central.tls_ca {central.tls_ca}: cannot be read ({error.strerror or error}) - give a file with the "
                "certificate (PEM) of the authority that signed central's"
            ) from error
    return httpx.Client(timeout=timeout, trust_env=False, headers=headers, verify=trusted)


def ask(central: Central, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Answer:
    """GET, or POST with a `body`. Raises CentralError when central cannot be reached, ConfigError as `client` does."""
    address = central.url.rstrip("/") + path
    headers = {"Authorization": f"Bearer {token}"} if token is not None else None
    try:
        with client(central, httpx.Timeout(_TIMEOUT_S), headers) as line:
            response = line.get(address) if body is None else line.post(address, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CentralError(
            f"{address}: central cannot be reached ({type(error).__name__}) - {remedy(error)}"
        ) from error
    return Answer(address, response.status_code, _object(response))


def remedy(error: Exception) -> str:
    """What to do about a central that could not be reached."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not trusted here, name the authority that signed it in central.tls_ca"
    return "check central.url and the network"


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {}


__all__ = ["Answer", "ask", "client", "remedy"]
