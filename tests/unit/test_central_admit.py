"""Nothing a stranger or a broken box sends comes in, and nothing of it is repeated in the refusal."""

import json
import random

import pytest
from central_kit import Box, decision, violation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from central.edges.names import kid_of
from central.ingest.admit import Admitted, Key, Message, Refused, event_id, judge
from contract.events import EventType
from contract.sealing import new_key, public_jwk, sign_detached, thumbprint

KEY: OKPKey = new_key()
JWK = public_jwk(KEY)
KID = thumbprint(KEY)


def keys(edge_id: str, kid: str) -> Key | None:
    """One enrolled box with one key."""
    if edge_id != "edge-01":
        return None
    return Key(kid, JWK if kid == KID else None, revoked=False)


def box() -> Box:
    return Box(key=KEY)


def test_a_sealed_violation_is_admitted() -> None:
    admitted = judge(decision(box(), violation()), keys)
    assert isinstance(admitted, Admitted)
    assert (admitted.edge_id, admitted.camera_id, admitted.chain.seq, admitted.kid) == ("edge-01", "cam-1", 0, KID)


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=300), seal=st.one_of(st.none(), st.text(max_size=200)), topic=st.text(max_size=80))
def test_noise_is_refused(raw: bytes, seal: str | None, topic: str) -> None:
    for where in (topic, "sightline/v1/edge-01/event"):
        with pytest.raises(Refused):
            judge(Message(where, raw, seal), keys)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    value=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
        max_leaves=12,
    ),
    field=st.sampled_from(["id", "source", "time", "type", "data", "specversion", "extra"]),
)
def test_sealed_nonsense_is_refused_in_words_of_ours(value: object, field: str) -> None:
    whole = json.loads(decision(box(), violation()).raw)
    whole[field] = value
    raw = json.dumps(whole).encode()
    try:
        judge(Message("sightline/v1/edge-01/event", raw, sign_detached(raw, KEY)), keys)
    except Refused as refusal:
        assert len(str(refusal)) < 200
        assert str(refusal).isascii()


def test_ten_thousand_mutations_are_refused() -> None:
    message = decision(box(), violation())
    dice = random.Random(20261121)
    for _ in range(10_000):
        raw = bytearray(message.raw)
        for _ in range(dice.randint(1, 4)):
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        if bytes(raw) != message.raw:
            with pytest.raises(Refused):
                judge(Message(message.topic, bytes(raw), message.jws), keys)


@pytest.mark.parametrize(
    "bomb",
    [
        b'{"a":' * 100_000,
        b"[" * 500_000,
        b'{"id":"x","data":' + b"[" * 400_000 + b"]" * 400_000 + b"}",
        b'{"id":' + b"9" * 900_000 + b"}",
        b'{"id":"' + b"a" * 900_000 + b'"}',
    ],
)
def test_a_bomb_is_refused(bomb: bytes) -> None:
    with pytest.raises(Refused):
        judge(Message("sightline/v1/edge-01/event", bomb, sign_detached(bomb, KEY)), keys)


@pytest.mark.parametrize(
    "number", [b"9" * 250 + b"e99", b"9" * 200 + b"E+0120", b"NaN", b"1e400", b" -1.5E+0400", b"\n9e309", b"-Infinity"]
)
def test_a_number_too_large_for_a_float_is_refused(number: bytes) -> None:
    raw = decision(box(), violation()).raw
    assert b'"stood_s":180.0' in raw
    with pytest.raises(Refused, match="number"):
        judge(box().seal(raw.replace(b'"stood_s":180.0', b'"stood_s":' + number)), keys)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    from base64 import urlsafe_b64encode

    header = json.dumps({"alg": algorithm, "kid": KID, "b64": False, "crit": ["b64"]}).encode()
    seal = urlsafe_b64encode(header).rstrip(b"=").decode() + "..AAAA"
    with pytest.raises(Refused, match="seal"):
        judge(Message("sightline/v1/edge-01/event", decision(box(), violation()).raw, seal), keys)


@pytest.mark.parametrize("seq", [2**53, 2**63, 2**70])
def test_a_seq_no_database_keeps_is_refused(seq: int) -> None:
    with pytest.raises(Refused, match="out of range"):
        judge(box().say(EventType.ILLEGAL_PARKING, violation(), camera_seq=seq), keys)


@pytest.mark.parametrize("edge_id", ["", "+", "#", "..", "edge-01/camera", "a" * 65, "é"])
def test_a_topic_of_no_box_is_refused(edge_id: str) -> None:
    message = decision(box(), violation())
    with pytest.raises(Refused):
        judge(Message(f"sightline/v1/{edge_id}/event"[:200], message.raw, message.jws), lambda *_: None)


@given(st.binary(max_size=400))
def test_the_id_for_an_ack_is_always_safe(raw: bytes) -> None:
    name = event_id(raw)
    assert name is None or (name.isascii() and 0 < len(name) <= 64)


@given(st.text(max_size=200))
def test_the_kid_of_anything_is_safe(token: str) -> None:
    kid = kid_of(token)
    assert len(kid) <= 64
    assert kid.isascii()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"zone_id":"kerb"', b'"zone_id":"other","zone_id":"kerb"'),
        (b'"source":', b'"source":"/edge/edge-02","source":'),
        (b'"zone_id":"kerb"', b'"zone_\\u0069d":"other","zone_id":"kerb"'),
        # As many blanks as the second name adds: no counting of signs may be fooled.
        (b'"zone_id":"kerb","', b'"zone_id" :"x","zone_id":"kerb"  ,"'),
        (b'"stood_s":180.0', b'"stood_s":1.0,"stood_s":180.0'),
    ],
)
def test_a_name_that_stands_twice_is_refused(before: bytes, after: bytes) -> None:
    sealed = decision(box(), violation()).raw
    assert before in sealed
    with pytest.raises(Refused, match="stands twice"):
        judge(box().seal(sealed.replace(before, after, 1)), keys)


def test_the_same_event_written_otherwise_is_admitted() -> None:
    tree = json.loads(decision(box(), violation()).raw)
    for raw in (json.dumps(tree, indent=1), json.dumps(tree, ensure_ascii=True, sort_keys=True)):
        assert isinstance(judge(box().seal(raw.encode()), keys), Admitted)
