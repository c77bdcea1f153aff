"""Attacks over HTTP on the real central: as nobody, as a box that was shut out, as people who want more than is theirs.

Each attack is a request with the answers that are right for it. Nothing may be added to the database by any of them,
no answer may be a fault of the server, and every kind of refusal must be in the log.
"""

import base64
import gzip
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import update

from central.db.edges import EnrolCode
from contract.enrolment import enrolment_statement, renewal_statement
from contract.events import now
from contract.sealing import new_key, public_jwk, sign_detached, thumbprint
from sightline.bench.central_events import Voice
from tests.bench.intruder_office import Office, Tally
from tests.bench.intruder_people import guesses, pages, rights, sessions
from tests.bench.intruder_request import Attack, tried

NAME = "a" * 64


def attack(office: Office, tally: Tally, most: int = 1000) -> None:
    """All of them, `most` of a kind, in an order in which no rate limit hides what comes after."""
    office.later()
    before = office.things()
    with httpx.Client(base_url=office.url, timeout=120) as nobody:
        for one in _some((*_names(office), *_tokens(office), *_bombs(), *_renewals(office)), most):
            tried(nobody, one, tally)
    for one in _some(pages(office), most):
        with httpx.Client(base_url=office.url, timeout=60) as fresh:
            tried(fresh, one, tally)
    office.later()
    rights(office, tally)
    sessions(office, tally)
    if office.things() != before:
        tally.faults.append(f"HTTP: rows where none may come: {before} -> {office.things()}")
    office.later()
    _codes(office, tally)
    guesses(office, tally, min(80, 20 * most))


def _some(attacks: Iterable[Attack], most: int) -> Iterator[Attack]:
    seen: Counter[str] = Counter()
    for one in attacks:
        seen[one.name] += 1
        if seen[one.name] <= most:
            yield one


def token(voice: Voice, key: OKPKey | None = None, **changes: Any) -> str:
    """An Authorization header of a box, by whatever key."""
    moment = int(now().timestamp())
    claims = {"iss": voice.edge_id, "aud": "sightline-central", "iat": moment, "exp": moment + 300} | changes
    signer = key or voice.key
    return "Bearer " + jwt.encode({"alg": "EdDSA", "kid": thumbprint(voice.key)}, claims, signer, algorithms=["EdDSA"])


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _names(office: Office) -> Iterator[Attack]:
    """Media names that want to be paths."""
    bearer = {"Authorization": token(office.insider), "Upload-Offset": "0", "Upload-Length": "1"}
    names = ["a" * 63, "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x", "....//x", "A" * 64, "a" * 63 + "%00", "a" * 64 + "%0a",
             "%c0%ae%c0%ae/x", "..%5c..%5cx", "%252e%252e%252fx", "a" * 64 + "/../x", "é" * 64, "a" * 5000, ".partial", "*"]  # fmt: skip
    for name in names:
        for method in ("PUT", "HEAD", "GET", "DELETE"):
            yield Attack(
                "media name as a path", method, f"/edge/v1/media/{name}", (400, 401, 404, 405, 422), {"headers": bearer}
            )
        yield Attack("static file as a path", "GET", f"/static/{name}", (400, 404, 405))
        yield Attack("case number as a path", "GET", f"/api/v1/cases/{name}", (401, 404, 405))


def _tokens(office: Office) -> Iterator[Attack]:
    """Tokens of the shut out, the dead, the unborn; forged; stolen from another central."""
    moment, victim = int(now().timestamp()), office.victims[0]
    kid = thumbprint(victim.key)
    claims = {"iss": victim.edge_id, "aud": "sightline-central", "iat": moment, "exp": moment + 300}
    body = _b64(json.dumps(claims).encode())
    none = _b64(json.dumps({"alg": "none", "kid": kid}).encode())
    hs = _b64(json.dumps({"alg": "HS256", "kid": kid}).encode())
    secret = base64.urlsafe_b64decode(public_jwk(victim.key)["x"] + "==")
    mac = _b64(hmac.new(secret, f"{hs}.{body}".encode(), "sha256").digest())
    forged = {
        "token of a box that was shut out": token(office.out),
        "token of another's key": token(victim, new_key()),
        "token in another's name": token(office.insider, iss=victim.edge_id),
        "token for another central": token(office.insider, aud="elsewhere"),
        "token that has run out": token(office.insider, iat=moment - 1000, exp=moment - 700),
        "token that lives for a year": token(office.insider, exp=moment + 31_536_000),
        "token from tomorrow": token(office.insider, iat=moment + 86_400, exp=moment + 86_500),
        "token with odd times": token(office.insider, iat="x", exp=[1]),
        "token, times without end": token(office.insider, iat=1e308, exp=1e309 - 1),
        "token, alg none": f"Bearer {none}.{body}.",
        "token, HMAC by the public key": f"Bearer {hs}.{body}.{mac}",
        "token without end": "Bearer " + "A" * 5000,
        "token, no bearer": "Basic " + _b64(b"edge-01:x"),
    }
    for name, value in forged.items():
        headers = {"Authorization": value, "Upload-Offset": "0", "Upload-Length": "1"}
        for method, path in (
            ("PUT", f"/edge/v1/media/{NAME}"),
            ("HEAD", f"/edge/v1/media/{NAME}"),
            ("GET", "/edge/v1/certificate"),
        ):
            yield Attack(name, method, path, (401, 403), {"headers": headers})


def _renewals(office: Office) -> Iterator[Attack]:
    """Certificates for who may have none: shut out, of another's name, by another's key."""
    victim = office.victims[0]
    request = csr(victim.edge_id)
    cases = {
        "certificate for a box that was shut out": (office.out, csr(office.out.edge_id), office.out.key, (403,)),
        "certificate in a victim's name": (office.insider, request, office.insider.key, (400, 403)),
        "certificate, proof by another key": (office.insider, csr(office.insider.edge_id), new_key(), (400, 403)),
        "certificate as central": (office.insider, csr("central"), office.insider.key, (400, 403)),
        "certificate, request that is none": (
            office.insider,
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n",
            office.insider.key,
            (400, 403),
        ),
    }
    for name, (voice, text, key, right) in cases.items():
        proof = sign_detached(renewal_statement(voice.edge_id, text), key)
        more = {"headers": {"Authorization": token(voice)}, "json": {"csr": text, "proof": proof}}
        yield Attack(name, "POST", "/edge/v1/certificate", right, more, never="BEGIN CERTIFICATE")


def csr(name: str) -> str:
    """A certificate request (PEM) in that name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _bombs() -> Iterator[Attack]:
    """Bodies that are too deep, too long, no text, or packed."""
    heavy = gzip.compress(b"[" * 20_000_000)
    bodies: dict[str, Any] = {
        "JSON, 100,000 deep": b"[" * 100_000, "JSON, nested names": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        "JSON, number of 200,000 digits": b'{"name":' + b"9" * 200_000 + b"}", "JSON, NaN": b'{"name":NaN,"password":Infinity}',
        "JSON, half a surrogate": b'{"name":"\\ud800","password":"\\udc00"}', "JSON, NUL": b'{"name":"a\\u0000","password":"\\u0000"}',
        "JSON, a name twice": b'{"name":"li","name":"chen","password":"x","password":"y"}', "JSON, no UTF-8": b'{"name":"\xff"}',
        "JSON, 60,000 names": b"{" + b",".join(b'"%d":0' % n for n in range(30_000)) + b"}", "JSON, 10 MB of one word": b'{"name":"' + b"a" * 10_000_000,
        "gzip of 20 MB": heavy, "nothing": b"", "wrong shape": b"[1,2]",
    }  # fmt: skip
    for name, body in bodies.items():
        for path in ("/api/v1/session", "/edge/v1/enrol"):
            for extra in ({"Content-Type": "application/json"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"},
                          {"Content-Type": "text/plain"}):  # fmt: skip
                yield Attack(
                    name, "POST", path, (400, 401, 403, 413, 415, 422, 429), {"content": body, "headers": extra}
                )
        yield Attack(f"form: {name}", "POST", "/sign-in", (400, 403, 413, 422),
                     {"content": body, "headers": {"Content-Type": "application/json", "Accept": "text/html"}})  # fmt: skip


def _codes(office: Office, tally: Tally) -> None:
    """A code that was used, has run out, is another's, is guessed; and how often one may guess."""
    replayed, expired, others = office.code("edge-91"), office.code("edge-92"), office.code("edge-93")
    with httpx.Client(base_url=office.url, timeout=60) as client:
        first = client.post("/edge/v1/enrol", json=application(replayed, "edge-91"))
        if first.status_code != 200:
            tally.faults.append(f"a good code does not let a box in: {first.status_code} {first.text[:100]}")
        before = office.things()
        with office.db.write() as session:
            session.execute(
                update(EnrolCode).where(EnrolCode.edge_id == "edge-92").values(expires_at=now() - timedelta(seconds=1))
            )
        key = new_key()
        stolen = application(others, "edge-93", key) | {"public_key": public_jwk(new_key())}
        cases = {
            "code used before": application(replayed, "edge-91"), "code that has run out": application(expired, "edge-92"),
            "code of another box": application(others, "edge-94"), "code, another's proof": stolen,
            "code, a box with the name of a topic": application(others, "edge-93/#"),
            "code, a key that is private": application(others, "edge-93", key) | {"public_key": {str(k): str(v) for k, v in key.as_dict(private=True).items()}},
        }  # fmt: skip
        for name, body in cases.items():
            tried(client, Attack(name, "POST", "/edge/v1/enrol", (403,), {"json": body}), tally)
        answers = [
            client.post("/edge/v1/enrol", json=application(f"AAAA-AAAA-{n:04d}", "edge-93")).status_code
            for n in range(20)
        ]
        fault = (
            None
            if 429 in answers and set(answers) <= {403, 429}
            else f"20 guesses are answered {sorted(set(answers))}, never 429"
        )
        tally.told("code guessed, 20 times", f"429 after {answers.index(429) if 429 in answers else 'never'}", fault)
        if office.things() != before:
            tally.faults.append(f"a box came in by a bad code: {before} -> {office.things()}")


def application(code: str, edge_id: str, key: OKPKey | None = None) -> dict[str, Any]:
    """What a box sends to be let in."""
    own = key or new_key()
    return {
        "code": code,
        "edge_id": edge_id,
        "public_key": public_jwk(own),
        "proof": sign_detached(enrolment_statement(code, edge_id), own),
    }


def told_in_log(office: Office, tally: Tally) -> None:
    """Each kind of refusal has its line, and none of them carries what a stranger sent as it was."""
    lines = [line for line in office.lines() if line.get("event") == "request refused"]
    reasons = {str(line.get("reason")) for line in lines}
    for words in ("shut out", "name or password", "too many failed sign-ins", "the code is unknown", "too many failed enrolments",
                  "signature does not hold", "not from your session", "may decide cases", "SHA-256 of its bytes", "the body is over"):  # fmt: skip
        fault = None if any(words in reason for reason in reasons) else f"no line of the log says {words!r}"
        tally.told(f"log: {words}", "told", fault)
    if any("\r" in str(line) or "\x1b" in str(line) for line in lines):
        tally.faults.append("a line of the log carries control characters of a stranger")
    tally.notes.append(f"log: {len(lines)} lines of refused requests, of {len(reasons)} sentences")


__all__ = ["application", "attack", "csr", "token", "told_in_log"]
