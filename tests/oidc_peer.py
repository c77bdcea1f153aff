"""An OpenID provider of the tests' own, on loopback: it keeps to the code flow with PKCE, or does one thing wrong."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "central", "the client's secret"


class Peer:
    """The provider. `wrong` changes the claims of the next tokens, `key` and `header` how they are signed."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.shown = [self.key]
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {"sub": "s-1"}
        self.wrong: Callable[[dict[str, Any]], object] = lambda claims: None
        self.sign: Callable[[dict[str, Any]], str] | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.issuer_says: str | None = None
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                peer.get(self)

            def do_POST(self) -> None:
                peer.post(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            answer(request, 200, {
                "issuer": self.issuer_says or self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            })  # fmt: skip
        elif parts.path == "/keys":
            answer(request, 200, {"keys": [key.as_dict(private=False) for key in self.shown]})
        else:
            answer(request, 404, {})

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser is sent back with: the person has agreed."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) >= 32 and len(asked["state"]) >= 32
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def post(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(raw).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        name, _, password = (
            base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        )
        if (unquote(name), unquote(password.replace("+", " "))) != (CLIENT, SECRET):
            return answer(request, 401, {"error": "invalid_client"})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return answer(request, 400, {"error": "invalid_grant"})
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": asked["nonce"], **self.claims}
        self.wrong(claims)
        token = self.sign(claims) if self.sign else jwt.encode(self.header, claims, self.key)
        return answer(request, 200, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})


def answer(request: BaseHTTPRequestHandler, status: int, said: dict[str, Any]) -> None:
    raw = json.dumps(said).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(raw)))
    request.end_headers()
    request.wfile.write(raw)


def unsigned(claims: dict[str, Any]) -> str:
    """A token with `alg: none`."""
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def with_secret(key: RSAKey) -> Callable[[dict[str, Any]], str]:
    """Tokens signed with the public key as if it were a shared secret: RS256 taken for HS256."""

    def sign(claims: dict[str, Any]) -> str:
        said = ".".join(_part(one) for one in ({"alg": "HS256", "kid": "one"}, claims))
        digest = hmac.new(key.as_pem(private=False), said.encode(), hashlib.sha256).digest()
        return f"{said}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return sign


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


__all__ = ["CLIENT", "SECRET", "Peer", "unsigned", "with_secret"]
