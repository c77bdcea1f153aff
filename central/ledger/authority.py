"""The timestamp authority that the settings name, asked over HTTP (RFC 3161 section 3.4)."""

from dataclasses import dataclass

import httpx
from cryptography import x509

from central.config import Ledger
from contract import stamp
from contract.errors import ConfigError, RunError, SealError

_TIMEOUT_S = 10.0
_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Authority:
    """Where stamps come from, and the root certificates that they must lead to."""

    url: str
    roots: list[x509.Certificate]

    def stamp(self, message: bytes) -> bytes:
        """The authority's response over `message`, checked. Raises RunError in one line."""
        asked = stamp.request(message)
        try:
            answer = httpx.post(
                self.url,
                content=asked.as_bytes(),
                headers={"Content-Type": "application/timestamp-query"},
                timeout=_TIMEOUT_S,
            )
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RunError(f"{self.url}: gives no timestamp ({cause}) - check ledger.timestamp_url") from error
        if len(answer.content) > _MAX_BYTES:
            raise RunError(f"{self.url}: answers with {len(answer.content)} bytes - check ledger.timestamp_url")
        try:
            stamp.checked(answer.content, message, self.roots, asked)
        except SealError as error:
            raise RunError(f"{self.url}: {error} - check ledger.timestamp_ca") from error
        return answer.content


def authority_of(settings: Ledger) -> Authority | None:
    """The authority of the settings, None where none is configured. Raises ConfigError for a file that is no PEM."""
    if settings.timestamp_url is None or settings.timestamp_ca is None:
        return None
    try:
        pem = settings.timestamp_ca.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{settings.timestamp_ca}: cannot be read ({error.strerror}) - it holds the authority's root certificate"
        ) from error
    return Authority(settings.timestamp_url, stamp.certificates(pem, str(settings.timestamp_ca)))


__all__ = ["Authority", "authority_of"]
