"""A seal holds over the very bytes and breaks with any one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import SealError
from contract.sealing import import_public, new_key, public_jwk, sign_detached, thumbprint, verify_detached

KEY = new_key()
PUBLIC = import_public(public_jwk(KEY))


@given(st.text(max_size=300))
def test_what_was_signed_holds(text: str) -> None:
    raw = text.encode()
    verify_detached(raw, sign_detached(raw, KEY), PUBLIC)


@given(st.text(min_size=1, max_size=100), st.data())
def test_one_changed_byte_breaks_it(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    seal = sign_detached(raw, KEY)
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    with pytest.raises(SealError):
        verify_detached(changed, seal, PUBLIC)


def test_another_key_does_not_hold() -> None:
    with pytest.raises(SealError):
        verify_detached(b"x", sign_detached(b"x", new_key()), PUBLIC)


@given(st.text(max_size=200))
def test_nonsense_is_refused_not_raised_through(seal: str) -> None:
    with pytest.raises(SealError):
        verify_detached(b"x", seal, PUBLIC)


def test_an_unsigned_or_encoded_payload_is_refused() -> None:
    none = "eyJhbGciOiJub25lIn0.."
    with pytest.raises(SealError):
        verify_detached(b"x", none, PUBLIC)


def test_a_private_key_is_no_public_key() -> None:
    with pytest.raises(SealError):
        import_public({str(k): str(v) for k, v in KEY.as_dict(private=True).items()})
    assert "d" not in public_jwk(KEY)
    assert thumbprint(PUBLIC) == thumbprint(KEY)


def test_a_large_event_is_sealed_and_checked_like_a_small_one() -> None:
    raw = b"{" + b" " * 900_000 + b"}"
    verify_detached(raw, sign_detached(raw, KEY), PUBLIC)
