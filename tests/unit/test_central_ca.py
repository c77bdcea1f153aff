"""Central's certificate authority: its files, what it signs, which requests it refuses, and the list of the revoked."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.ca.authority import Authority
from central.ca.files import write_file
from central.ca.requests import RequestRefused, public_key_of
from contract.errors import ConfigError
from contract.events import now

DAY = timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca")


def request(name: str, key: object = None, **more: str) -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, one) for one in (name, *more.values())]
    key = key or ec.generate_private_key(ec.SECP256R1())
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, digest)
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_it_is_private_and_comes_back_the_same(authority: Authority) -> None:
    key = authority.folder / "private" / "ca.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    again = Authority.load(authority.folder)
    assert again.fingerprint == authority.fingerprint and len(again.fingerprint) == 64
    assert {path.name for path in authority.folder.iterdir()} == {"private", "ca.pem", "crl.pem"}
    assert [path.name for path in authority.folder.parent.iterdir()] == ["ca"], "nothing half-made is left"


def test_threads_that_write_one_file_leave_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "crl.pem"
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write_file, path, bytes([n]) * 5000) for n in range(200)]:
            done.result()
    assert len(path.read_bytes()) == 5000 and len(set(path.read_bytes())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_one_is_not_made_over_it(authority: Authority) -> None:
    with pytest.raises(ConfigError, match="shut out every box"):
        Authority.create(authority.folder)
    assert Authority.load(authority.folder).fingerprint == authority.fingerprint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(authority: Authority, mode: int) -> None:
    (authority.folder / "private" / "ca.key").chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        Authority.load(authority.folder)


def test_what_does_not_fit_is_told_with_its_file(authority: Authority, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other")
    key = authority.folder / "private" / "ca.key"
    key.write_bytes((other.folder / "private" / "ca.key").read_bytes())
    with pytest.raises(ConfigError, match=f"{key}: is not the key of"):
        Authority.load(authority.folder)
    key.write_text("no key")
    with pytest.raises(ConfigError, match=f"{key}: is not a key"):
        Authority.load(authority.folder)
    (authority.folder / "ca.pem").write_text("none")
    with pytest.raises(ConfigError, match=r"ca\.pem: is not a certificate"):
        Authority.load(authority.folder)
    with pytest.raises(ConfigError, match="sightline central ca init"):
        Authority.load(tmp_path / "nowhere")


def test_a_clients_certificate_names_it_and_serves_no_other_end(authority: Authority) -> None:
    made = authority.client("edge-01", ec.generate_private_key(ec.SECP256R1()).public_key(), DAY)
    made.verify_directly_issued_by(authority.certificate)
    assert [one.value for one in made.subject] == ["edge-01"]
    extensions = made.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False
    assert timedelta(hours=23) < made.not_valid_after_utc - now() <= DAY


def test_no_certificate_outlives_the_authority(authority: Authority) -> None:
    made = authority.server(
        ["mq.example", "10.0.0.1"], ec.generate_private_key(ec.SECP256R1()).public_key(), 30_000 * DAY
    )
    assert made.not_valid_after_utc == authority.certificate.not_valid_after_utc
    places = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in places] == ["mq.example", "10.0.0.1"]


def test_the_list_of_the_revoked_is_signed_and_does_not_run_out(authority: Authority) -> None:
    listed = x509.load_pem_x509_crl(authority.revocations([(17, now()), (0xFFFF_FFFF_FFFF, now())]))
    assert {one.serial_number for one in listed} == {17, 0xFFFF_FFFF_FFFF}
    assert listed.is_signature_valid(authority.certificate.public_key())
    assert listed.next_update_utc == authority.certificate.not_valid_after_utc
    empty = x509.load_pem_x509_crl((authority.folder / "crl.pem").read_bytes())
    assert list(empty) == [] and empty.is_signature_valid(authority.certificate.public_key())


def test_a_certificate_of_another_authority_is_told_apart(authority: Authority, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other")
    made = other.client("edge-01", ec.generate_private_key(ec.SECP256R1()).public_key(), DAY)
    with pytest.raises((ValueError, InvalidSignature)):
        made.verify_directly_issued_by(authority.certificate)


def test_a_request_gives_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert public_key_of(request("edge-01", key), "edge-01") == key.public_key()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: request("edge-02"), "another name"),
        (lambda: request("edge-01", also="central"), "another name"),
        (lambda: request("edge-01", ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (lambda: request("edge-01", ed25519.Ed25519PrivateKey.generate()), "P-256"),
        (lambda: "", "cannot be read"),
        (lambda: "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "cannot be read"),
        (lambda: "请求", "cannot be read"),
        (lambda: os.urandom(300).hex(), "cannot be read"),
    ],
)  # fmt: skip
def test_a_request_that_is_not_the_boxs_is_refused(made: object, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        public_key_of(made(), "edge-01")


def test_a_request_whose_signature_was_altered_is_refused() -> None:
    read = x509.load_pem_x509_csr(request("edge-01").encode())
    raw = bytearray(read.public_bytes(serialization.Encoding.DER))
    raw[-1] ^= 1
    import base64

    text = base64.encodebytes(bytes(raw)).decode()
    altered = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(RequestRefused, match=r"own key|cannot be read"):
        public_key_of(altered, "edge-01")
