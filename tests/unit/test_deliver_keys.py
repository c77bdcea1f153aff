"""The box's key on disk, passwords' files, and the settings of the embedded broker."""

import json
import tomllib

import pytest

from contract.errors import ConfigError
from contract.sealing import thumbprint
from edge.config import Broker
from edge.deliver.keys import KeyRing
from edge.deliver.link import Link, check_broker, refusal
from sightline.broker import broker_toml


@pytest.fixture
def ring(tmp_path) -> KeyRing:
    ring = KeyRing(tmp_path / "keys")
    ring.pending()
    ring.accept()
    return ring


def test_a_key_is_private_and_comes_back_the_same(ring) -> None:
    assert ring.path.stat().st_mode & 0o777 == 0o600
    assert ring.folder.stat().st_mode & 0o777 == 0o700
    assert thumbprint(ring.load()) == thumbprint(ring.load())
    assert sorted(path.name for path in ring.folder.iterdir()) == ["edge.jwk"]


def test_two_boxes_never_have_one_key(ring, tmp_path) -> None:
    other = KeyRing(tmp_path / "other")
    assert thumbprint(other.pending()) != thumbprint(ring.load())
    assert thumbprint(other.pending()) != thumbprint(other.pending())


def test_no_key_says_how_to_get_one(tmp_path) -> None:
    with pytest.raises(ConfigError, match="sightline edge enrol CODE"):
        KeyRing(tmp_path).load()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(ring, mode) -> None:
    ring.path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        ring.load()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"kty":"OKP","crv":"Ed25519","x":"AA"}', '{"kty":"oct","k":"AAAA"}', "\x00" * 20],
)
def test_what_is_no_key_is_refused_in_one_line(ring, text) -> None:
    ring.path.write_text(text)
    with pytest.raises(ConfigError, match="Ed25519") as said:
        ring.load()
    assert "\n" not in str(said.value)


def test_a_public_key_alone_cannot_sign(ring) -> None:
    public = ring.load().as_dict(private=False)
    ring.path.write_text(json.dumps(public))
    with pytest.raises(ConfigError, match="not a private"):
        ring.load()


def test_a_link_in_place_of_the_key_is_not_followed(ring, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    ring.path.rename(elsewhere)
    ring.path.symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="cannot be read"):
        ring.load()


def test_a_failed_enrolment_leaves_the_key_in_force(ring) -> None:
    before = thumbprint(ring.load())
    ring.pending()
    assert thumbprint(ring.load()) == before


def test_the_password_file_must_be_private_and_hold_something(tmp_path) -> None:
    import threading

    def link(broker: Broker) -> Link:
        return Link(broker, "box-1", threading.Event())

    with pytest.raises(ConfigError, match="password_file"):
        link(Broker(username="box-1"))
    path = tmp_path / "password"
    broker = Broker(username="box-1", password_file=path)
    with pytest.raises(ConfigError, match=f"{path}"):
        link(broker)
    path.write_text("s3cret-of-the-box")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600") as said:
        link(broker)
    assert "s3cret" not in str(said.value)
    path.chmod(0o600)
    link(broker)
    path.write_text("\n")
    with pytest.raises(ConfigError, match="holds no password"):
        link(broker)


def test_a_broker_that_is_not_there_is_told_and_does_not_raise(free_port) -> None:
    said = check_broker(Broker(port=free_port), "box-1", 2.0)
    assert said is not None and f"127.0.0.1:{free_port}" in said and "cannot be reached" in said


def test_a_refusal_names_address_user_and_file(tmp_path) -> None:
    line = refusal(Broker(host="mq.example", port=1, username="u", password_file=tmp_path / "pw"), "Not authorized")
    assert "mq.example:1" in line and "'u'" in line and str(tmp_path / "pw") in line


def test_the_embedded_broker_is_loopback_with_passwords_and_large_payloads() -> None:
    toml = tomllib.loads(broker_toml(18830, {"box.1": 'a"b\\c', "central": "x"}))
    server = toml["v5"]["1"]
    assert server["listen"] == "127.0.0.1:18830"
    assert server["connections"]["max_payload_size"] == 8 * 1024 * 1024
    assert server["connections"]["auth"] == {"box.1": 'a"b\\c', "central": "x"}


@pytest.mark.parametrize("users", [{}, {"box-1": ""}, {"box-1": "two\nlines"}, {"box-1": "密码"}])
def test_the_embedded_broker_never_runs_without_passwords(users) -> None:
    with pytest.raises(ConfigError):
        broker_toml(18830, users)
