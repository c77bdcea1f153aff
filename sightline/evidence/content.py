"""C2PA manifests of a bundle: each still, clip and copy has its own, signed as the ledger says, and it says the truth.

The library that reads them is none of the base package's (`pip install c2pa-python`, 16 MB). Where it is missing, the
certificate is checked, and what is left is said to be unchecked. Nothing is fetched: neither manifests nor OCSP.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from contract import bundle, stamp
from contract.errors import ConfigError, SealError
from contract.events import Manifest, now
from contract.provenance import LABEL, Provenance, Sealed, leads, provenance
from contract.sealing import thumbprint
from sightline.evidence import sealed as box
from sightline.evidence.opening import Opened

if TYPE_CHECKING:
    import c2pa

_SMALL = 100_000
_MOST = 16 * 1024**2
_WORDS = {
    "assertion.dataHash.mismatch": "it was altered, or its C2PA manifest is of another picture",
    "assertion.bmffHash.mismatch": "it was altered, or its C2PA manifest is of another clip",
    "claimSignature.mismatch": "the signature of its C2PA manifest does not hold",
    "signingCredential.untrusted": "its C2PA manifest is signed with another certificate than the office's",
    "assertion.hashedURI.mismatch": "its C2PA manifest was changed after it was signed",
}
_UNTRUSTED, _EXPIRED = "signingCredential.untrusted", "signingCredential.expired"


@dataclass(frozen=True, slots=True)
class _Carrier:
    """A file that has a manifest: inside of it, or in the file `beside`."""

    file: bundle.BundleFile
    kind: str
    beside: str | None
    said: Provenance


def content(opened: Opened, said: bundle.Exported, events: Sequence[box.Sealed], roots: list[x509.Certificate]) -> str:
    """Check the manifests; what holds, or what was not checked. `roots` are the timestamp authority's.

    Raises SealError with the first thing that does not hold.
    """
    made = [file for file in opened.index.files if file.what == "c2pa" or file.name == bundle.C2PA_CHAIN]
    if said.c2pa is None:
        if made:
            raise SealError(f"{made[0].name}: the ledger's export has no C2PA manifests: it was added")
        return "c2pa     no manifests were made"
    chain = _chain(opened, said.c2pa)
    carriers = list(_carriers(opened, events))
    name = _named(chain[0])
    try:
        import c2pa
    except ImportError:
        return (
            f"c2pa     NOT CHECKED: {len(carriers)} manifests, certificate of {name} - `pip install c2pa-python` and "
            "check again"
        )
    reading = _Reading(c2pa, opened, chain, roots)
    count = sum(reading.checked(one) for one in carriers)
    if reading.unsure:
        left = f"NOT CHECKED who signed {reading.unsure}: the certificate of {name} ran out"
        return f"c2pa     {count} manifests fit, {left}"
    return f"c2pa     {count} manifests hold, signed with the certificate of {name} that the ledger names"


def _chain(opened: Opened, fingerprint: str) -> list[x509.Certificate]:
    try:
        chain = stamp.certificates(opened.archive.read(bundle.C2PA_CHAIN, _SMALL), bundle.C2PA_CHAIN)
    except ConfigError as error:
        raise SealError(f"{bundle.C2PA_CHAIN}: holds no certificate in PEM") from error
    if chain[0].fingerprint(hashes.SHA256()).hex() != fingerprint:
        raise SealError(f"{bundle.C2PA_CHAIN}: is not the certificate {fingerprint} that the ledger names")
    if not leads(chain):
        raise SealError(f"{bundle.C2PA_CHAIN}: its certificates were not signed by one another: one was added")
    return chain


def _named(leaf: x509.Certificate) -> str:
    names = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return _plain(names[0].value if names else leaf.subject.rfc4514_string())


def _plain(text: object) -> str:
    """What stands in a file of a stranger, fit for a terminal."""
    return "".join(one if one.isprintable() else " " for one in str(text))[:120]


def _carriers(opened: Opened, events: Sequence[box.Sealed]) -> Iterator[_Carrier]:
    """Every file that is to have a manifest, and what that must say. Raises SealError for one that belongs to none."""
    beside = {file.name: file for file in opened.named("c2pa")}
    index, office = opened.index, thumbprint(opened.key)
    sealed = next((one for one in map(_said, events) if one is not None), None)
    for what in ("original", "overlay", "redacted"):
        for file in opened.named(what):
            kind = bundle.media_type(file.name)
            if kind is None and what != "original":
                raise SealError(f"{file.name}: is named as no picture or clip, and so has no C2PA manifest")
            said = provenance(sealed, index.case, office, what, file.of or file.sha256) if sealed else None
            if kind is None or said is None:
                continue
            place = bundle.manifest_name(file.name) if what == "original" else None
            own = beside.pop(place, None) if place else None
            if own is not None and own.of != file.sha256:
                raise SealError(f"{own.name}: is named as the C2PA manifest of another file than {file.name}")
            yield _Carrier(file, kind, own.name if own else None, said)
    if beside:
        raise SealError(f"{next(iter(beside))}: is the C2PA manifest of nothing in the bundle")


def _said(one: box.Sealed) -> Sealed | None:
    if not isinstance(one.data, Manifest):
        return None
    return Sealed(event=one.sha256, sealed_at=one.event.time, manifest=one.data)


class _Reading:
    """The library, told to trust the bundle's chain and nobody else. `unsure`: how many it can't tell the signer of."""

    def __init__(
        self, library: Any, opened: Opened, chain: Sequence[x509.Certificate], roots: list[x509.Certificate]
    ) -> None:
        self._c2pa, self._opened, self._leaf, self.unsure = library, opened, chain[0], 0
        # A timestamp authority's root that only the bundle vouches for could be anybody's, and sign manifests too.
        anchors = stamp.as_pem([*chain[1:], *roots]).decode("ascii")
        settings = {
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
            "trust": {"user_anchors": anchors},
        }
        self._context: c2pa.Context = library.Context.from_dict(settings)

    def checked(self, one: _Carrier) -> bool:
        """Check one file; False for an original that can carry none. Raises SealError."""
        beside = self._opened.archive.read(one.beside, _MOST) if one.beside else None
        name, bare = one.file.name, one.file.what == "original" and one.beside is None
        with self._bytes(name) as file:
            try:
                with self._c2pa.Reader(one.kind, file, beside, self._context) as reader:
                    told = json.loads(reader.json())
            except self._c2pa.C2paError.ManifestNotFound as error:
                place = bundle.manifest_name(name) if bare else name
                raise SealError(f"{place}: there is no C2PA manifest of {name}: it was removed") from error
            except self._c2pa.C2paError as error:
                if bare:
                    return False  # no whole picture: nothing could be made for it
                said = f"its C2PA manifest cannot be read ({_plain(error)}): it was changed"
                raise SealError(f"{name}: {said}") from error
        if bare:  # a camera's own, inside: ours is missing all the same
            raise SealError(f"{bundle.manifest_name(name)}: there is no C2PA manifest of {name}: it was removed")
        try:
            manifest = told["manifests"][told["active_manifest"]]
            self._holds(name, told, str(manifest["signature_info"]["cert_serial_number"]))
            _fits(name, manifest, one.said)
        except (KeyError, TypeError, AttributeError) as error:
            raise SealError(f"{name}: its C2PA manifest cannot be read (it lacks {error}): it was changed") from error
        return True

    def _holds(self, name: str, told: dict[str, Any], serial: str) -> None:
        """Signature, hashes and certificate (of that serial number) hold."""
        codes = [one["code"] for one in told["validation_results"]["activeManifest"].get("failure", [])]
        if _EXPIRED in codes and self._leaf.not_valid_after_utc <= now():
            # Without a stamp the library cannot say who signed, and only that: what was signed is told all the same.
            codes = [code for code in codes if code not in {_UNTRUSTED, _EXPIRED}]
            self.unsure += 1
        elif told["validation_state"] != "Trusted" and not codes:
            codes = [_UNTRUSTED]
        if codes:
            raise SealError(f"{name}: {_WORDS.get(codes[0], f'its C2PA manifest does not hold ({codes[0]})')}")
        if serial != str(self._leaf.serial_number):
            raise SealError(f"{name}: {_WORDS[_UNTRUSTED]}")

    @contextmanager
    def _bytes(self, name: str) -> Iterator[BinaryIO]:
        with tempfile.TemporaryFile() as file:
            for chunk in self._opened.archive.chunks(name):
                file.write(chunk)
            file.seek(0)
            yield file


def _fits(name: str, manifest: dict[str, Any], wanted: Provenance) -> None:
    """The manifest is this file's and says what the box sealed. Raises SealError."""
    if manifest.get("title") != name:
        raise SealError(f"{name}: its C2PA manifest is of another file, {_plain(manifest.get('title'))}")
    data = [one["data"] for one in manifest["assertions"] if one["label"] == LABEL]
    try:
        (said,) = (Provenance.model_validate(one) for one in data)
    except (ValidationError, ValueError) as error:
        raise SealError(f"{name}: its C2PA manifest does not say what the box sealed ({LABEL})") from error
    for field in Provenance.model_fields:
        if getattr(said, field) != getattr(wanted, field):
            raise SealError(
                f"{name}: its C2PA manifest says {field} {_plain(getattr(said, field))}, "
                f"and it is {getattr(wanted, field)}"
            )


__all__ = ["content"]
