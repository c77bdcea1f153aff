"""The provider itself: what it says of itself, the way to it, and what it vouches for when somebody comes back.

OpenID Connect Core 1.0 section 3.1 (authorization code), RFC 7636 (PKCE, S256), RFC 9207 (issuer in the answer).
Signatures are asymmetric ones only: a token that is signed with what others know, or not at all, is none.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from central.accounts.errors import AccountError
from central.accounts.oidc.settings import Oidc, guarded
from central.ca.files import read_private
from contract.errors import ConfigError

ALGORITHMS: Final = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
_TIMEOUT_S: Final = 5.0
#: What a provider says of itself is asked for anew after this; an unknown key asks at once, but not oftener than that.
_KEPT_S: Final = 600.0
_KEYS_S: Final = 30.0
#: Clocks of two machines differ; s.
_LEEWAY_S: Final = 60
_WANTED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderRefused(AccountError):  # noqa: N818 - reads as a sentence
    """What came back from the provider does not hold. What of it is for the log."""

    status = 401


class ProviderAway(AccountError):  # noqa: N818
    """The provider does not answer, or not as one should."""

    status = 503


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for; `claims` are those of a token that holds."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]


class Provider:
    """One provider; used from many threads."""

    def __init__(self, said: Oidc, secret: str) -> None:
        self.said = said
        self._secret = secret
        self._lock = threading.Lock()
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def way(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser goes to sign in there. Raises ProviderAway."""
        address = self._say()["authorization_endpoint"]
        with self._client() as client:
            # The challenge itself, so that what is sent does not hang on how a version of the client makes one.
            made, _ = client.create_authorization_url(
                address, state=state, nonce=nonce, code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )  # fmt: skip
        return str(made)

    def vouched(self, code: str, nonce: str, verifier: str) -> Vouched:
        """Whom `code` stands for. Raises ProviderRefused when anything about it does not hold, or ProviderAway."""
        try:
            with self._client() as client:
                token = client.fetch_token(
                    self._say()["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except httpx.HTTPError as error:
            raise ProviderAway(f"the provider does not answer ({type(error).__name__})") from error
        except (AuthlibBaseError, ValueError) as error:
            raise ProviderRefused(f"the provider gave no token ({type(error).__name__}: {str(error)[:120]})") from error
        raw, access = token.get("id_token"), token.get("access_token")
        if not isinstance(raw, str):
            raise ProviderRefused("the provider gave no identity token")
        return self._checked(raw, nonce, access if isinstance(access, str) else None)

    def _checked(self, raw: str, nonce: str, access: str | None) -> Vouched:
        try:
            token = self._decoded(raw)
            options = {"iss": {"essential": True, "value": self.said.issuer}, "aud": {"essential": True}}
            params = {"nonce": nonce, "client_id": self.said.client_id, "access_token": access}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            raise ProviderRefused(f"its token does not hold ({type(error).__name__}: {str(error)[:120]})") from error
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        subject = claims["sub"]
        if claims["iss"] != self.said.issuer or self.said.client_id not in audience or claims.get("nonce") != nonce:
            raise ProviderRefused("its token is for somebody else")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\0" in subject:
            raise ProviderRefused("its token names nobody")
        return Vouched(self.said.issuer, subject, dict(claims))

    def _decoded(self, raw: str) -> jwt.Token:
        try:
            return jwt.decode(raw, self._known(fresh=False), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Its keys may have been changed since they were asked for.
            return jwt.decode(raw, self._known(fresh=True), algorithms=ALGORITHMS)

    def _known(self, *, fresh: bool) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys else None
            if self._keys is not None and age is not None and age < (_KEYS_S if fresh else _KEPT_S):
                return self._keys[1]
        found = _key_set(self._fetched(self._say()["jwks_uri"]))
        with self._lock:
            self._keys = (time.monotonic(), found)
        return found

    def _say(self) -> dict[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0), which must name itself as the settings do."""
        with self._lock:
            if self._about is not None and time.monotonic() - self._about[0] < _KEPT_S:
                return self._about[1]
        said = self._fetched(f"{self.said.issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != self.said.issuer:
            raise ProviderAway(
                f"the provider calls itself {str(said.get('issuer'))[:80]!r} - mend accounts.oidc.issuer"
            )
        try:
            for name in _WANTED:
                guarded(said[name])
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise ProviderAway("the provider names no addresses that can be used") from error
        with self._lock:
            self._about = (time.monotonic(), said)
        return said

    def _fetched(self, address: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address, timeout=_TIMEOUT_S)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAway(f"the provider does not answer ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise ProviderAway("the provider answers something else")
        return found

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self.said.client_id, self._secret, scope=" ".join(self.said.scopes), redirect_uri=self.said.redirect,
            timeout=_TIMEOUT_S, token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the name of a method
        )  # fmt: skip


def _key_set(said: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": list(said["keys"])})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise ProviderAway("the provider shows no keys that can be read") from error


def provider_of(said: Oidc | None) -> Provider | None:
    """The provider that the settings name, None where they name none. Raises ConfigError when its secret is away."""
    if said is None:
        return None
    secret = read_private(said.client_secret_file).decode("utf-8", "replace").strip()
    if not secret:
        raise ConfigError(f"{said.client_secret_file}: is empty - it holds the secret of the client at {said.issuer}")
    return Provider(said, secret)


__all__ = ["Provider", "ProviderAway", "ProviderRefused", "Vouched", "provider_of"]
