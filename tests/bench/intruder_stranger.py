"""The stranger's families: events that were overheard, altered and sent again without a key that central knows."""

import base64
import hmac
import json
from typing import Any

from contract.sealing import public_jwk, sign_detached, thumbprint
from contract.topics import EdgeTopics
from tests.bench.intruder_shots import Family, Intruder, Shot, b64, renamed, signed


def flipped(one: Intruder) -> Shot:
    """Some bits of an overheard event, its seal as it was."""
    voice, sealed = one.one()
    raw = bytearray(sealed.raw)
    for _ in range(one.rng.randint(1, 8)):
        at = one.rng.randrange(len(raw))
        raw[at] ^= 1 << one.rng.randrange(8)
    changed = bytes(raw) if bytes(raw) != sealed.raw else bytes(raw) + b" "
    return Shot("stranger: bits flipped", EdgeTopics(voice.edge_id).event, changed, (("jws", sealed.jws),))


def cut(one: Intruder) -> Shot:
    """Shorter, longer, repeated."""
    voice, sealed = one.one()
    raw = one.rng.choice(
        [
            sealed.raw[: one.rng.randrange(len(sealed.raw))],
            sealed.raw + b"\n",
            sealed.raw * 2,
            b"\xef\xbb\xbf" + sealed.raw,
        ]
    )
    return Shot("stranger: cut or lengthened", EdgeTopics(voice.edge_id).event, raw, (("jws", sealed.jws),))


def unsealed(one: Intruder) -> Shot:
    """A new event in the victim's name without any seal."""
    voice, sealed = one.one()
    names = one.rng.choice([(), (("jws", ""),), (("JWS", sealed.jws),), (("jws ", sealed.jws),), (("Jws", "x"),)])
    return Shot("stranger: no seal", EdgeTopics(voice.edge_id).event, renamed(one, sealed), names)


def borrowed(one: Intruder) -> Shot:
    """The seal of another event."""
    voice, sealed = one.one()
    return Shot(
        "stranger: seal of another event", EdgeTopics(voice.edge_id).event, renamed(one, sealed), (("jws", sealed.jws),)
    )


def no_algorithm(one: Intruder) -> Shot:
    """`alg: none`, in its spellings."""
    voice, sealed = one.one()
    alg = one.rng.choice(["none", "None", "NONE", "nOnE", "", None])
    header = {"alg": alg, "kid": thumbprint(voice.key), "b64": False, "crit": ["b64"]}
    tail = one.rng.choice(["", "AA", sealed.jws.rpartition(".")[2]])
    token = f"{b64(json.dumps(header).encode())}..{tail}"
    return Shot("stranger: alg none", EdgeTopics(voice.edge_id).event, renamed(one, sealed), (("jws", token),))


def public_as_secret(one: Intruder) -> Shot:
    """HS256 with the victim's public key as the secret, in its forms."""
    voice, sealed = one.one()
    jwk, raw = public_jwk(voice.key), renamed(one, sealed)
    alg, digest = one.rng.choice([("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
    secret = one.rng.choice(
        [
            base64.urlsafe_b64decode(jwk["x"] + "=="),
            jwk["x"].encode(),
            json.dumps(jwk).encode(),
            voice.key.as_pem(private=False),
        ]
    )
    head = b64(json.dumps({"alg": alg, "kid": thumbprint(voice.key), "b64": False, "crit": ["b64"]}).encode())
    mac = hmac.new(secret, head.encode() + b"." + raw, digest).digest()
    return Shot(
        "stranger: HMAC by the public key", EdgeTopics(voice.edge_id).event, raw, (("jws", f"{head}..{b64(mac)}"),)
    )


def kid_tricks(one: Intruder) -> Shot:
    """A key id that is a path, a query, a list, another's - over a seal of a key of his own."""
    voice, sealed = one.one()
    raw, victim = renamed(one, sealed), thumbprint(voice.key)
    kid: Any = one.rng.choice(
        [victim, thumbprint(one.own), "../../keys/edge.jwk", "/dev/null", "' OR '1'='1", "%00", "", None, 0, [victim],
         {"kid": victim}, "\u202e" + victim, victim + "\n", victim.upper(), "https://evil.example/jwks.json", "a" * 5000]
    )  # fmt: skip
    extra: dict[str, Any] = one.rng.choice(
        [{}, {"jwk": public_jwk(one.own)}, {"jku": "http://127.0.0.1:9/jwks"}, {"x5u": "http://127.0.0.1:9/"}, {"crit": []},
         {"crit": ["b64", "exp"]}, {"b64": True}, {"b64": "false"}, {"alg": "ES256"}, {"alg": "Ed448"}]
    )  # fmt: skip
    header = {"alg": "EdDSA", "kid": kid, "b64": False, "crit": ["b64"]} | extra
    token = signed(one.own, header, raw)
    return Shot("stranger: kid and header tricks", EdgeTopics(voice.edge_id).event, raw, (("jws", token),))


def no_jws(one: Intruder) -> Shot:
    """What is no detached JWS at all."""
    voice, sealed = one.one()
    head, tail = sealed.jws.split("..")
    token = one.rng.choice(
        [f"{head}.{b64(sealed.raw)}.{tail}", head, f"{head}..", f"..{tail}", ".." * 100, "." * 4000, f"{head}..{tail}.{tail}",
         f"{head}..{tail[:-2]}", f"{head}..{tail}\u0661", json.dumps({"protected": head, "signature": tail}),
         b64(b"[" * 700) + ".." + tail, b64(b'{"kid":' * 100) + ".." + tail, "A" * 60_000, f"{head}..{'A' * 86}"]
    )  # fmt: skip
    return Shot("stranger: no JWS", EdgeTopics(voice.edge_id).event, renamed(one, sealed), (("jws", token),))


def two_seals(one: Intruder) -> Shot:
    """Two seals on one event, the right one first or last, and many properties."""
    voice, sealed = one.one()
    right, wrong = ("jws", sealed.jws), ("jws", sign_detached(sealed.raw, one.own))
    raw = sealed.raw.replace(b'"plate"', b'"plate_"')
    names = one.rng.choice(
        [(right, wrong), (wrong, right), (right, right), tuple(("x" * 30, "y" * 900) for _ in range(60))]
    )
    return Shot("stranger: two seals, many properties", EdgeTopics(voice.edge_id).event, raw + b" ", names)


def own_key(one: Intruder) -> Shot:
    """A perfect event, sealed by a key that nobody enrolled; under the victim's name or one of his own."""
    voice, sealed = one.one()
    raw = renamed(one, sealed)
    edge_id = one.rng.choice([voice.edge_id, "edge-99", "central", "_central", "EDGE-01", voice.edge_id + "."])
    return Shot(
        "stranger: a key of his own", f"sightline/v1/{edge_id}/event", raw, (("jws", sign_detached(raw, one.own)),)
    )


def noise(one: Intruder) -> Shot:
    """Random bytes, with a seal that was made for something else or none."""
    voice, sealed = one.one()
    raw = one.rng.randbytes(one.rng.choice([0, 1, 2, 17, 500, 5000]))
    return Shot(
        "stranger: random bytes", EdgeTopics(voice.edge_id).event, raw, one.rng.choice([(), (("jws", sealed.jws),)])
    )


def no_text(one: Intruder) -> Shot:
    """Bytes that are no UTF-8, in the middle of what was an event."""
    voice, sealed = one.one()
    bad = one.rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xe2\x82", b"\x00"])
    at = one.rng.randrange(len(sealed.raw))
    raw = sealed.raw[:at] + bad + sealed.raw[at:]
    raw = raw if one.rng.random() < 0.8 else sealed.raw.decode().encode("utf-16")
    return Shot("stranger: wrong UTF-8", EdgeTopics(voice.edge_id).event, raw, (("jws", sealed.jws),))


def elsewhere(one: Intruder) -> Shot:
    """A victim's true event on the topic of another box."""
    voice, sealed = one.one()
    other = one.rng.choice([victim for victim in [*one.victims, one.insider] if victim is not voice])
    return Shot(
        "stranger: on the topic of another", EdgeTopics(other.edge_id).event, sealed.raw, (("jws", sealed.jws),)
    )


def odd_topic(one: Intruder) -> Shot:
    """Topics of other shapes, and those that a box or central writes beside events."""
    voice, sealed = one.one()
    name = voice.edge_id
    topic = one.rng.choice(
        [f"sightline/v1/{name}/event/x", "sightline/v1/event", f"sightline/v2/{name}/event", "sightline/v1//event",
         f"sightline/v1/{name}/Event", f"/sightline/v1/{name}/event", "sightline/v1/../event", "sightline/v1/ /event",
         f"sightline/v1/{'a' * 65}/event", "sightline/v1/\u65e5\u672c/event", "sightline/v1/a%2fb/event", "sightline/v1/$SYS/event",
         "sightline/v1/\u202eedge/event", "sightline/v1/'; DROP TABLE events; --/event", "sightline/v1/<script>/event",
         f"sightline/v1/{name}/status", f"sightline/v1/{name}/camera/cam-1/status", f"sightline/v1/{name}/ledger",
         f"sightline/v1/{name}/reply", f"sightline/v1/{name}/sensor/s1", f"sightline/v1/{name}/sensor/../x",
         "sightline/v1/_central/ledger", "spBv1.0/g/NDATA/e", "x" * 3000]
    )  # fmt: skip
    raw = one.rng.choice(
        [sealed.raw, b"{}", b"", b"\xff\xfe", b"[" * 5000, b'{"state":"online"}', one.rng.randbytes(300)]
    )
    return Shot("stranger: odd topics", topic, raw, (("jws", sealed.jws),))


STRANGER: tuple[Family, ...] = (
    flipped, cut, unsealed, borrowed, no_algorithm, public_as_secret, kid_tricks, no_jws, two_seals, own_key, noise, no_text,
    elsewhere, odd_topic,
)  # fmt: skip

__all__ = ["STRANGER"]
