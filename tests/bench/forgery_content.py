"""Ways to forge the C2PA manifests of a bundle, by an insider who has the office's key and mends the signed index.

He has no key that central's certificate for manifests names: for those he makes one of his own, in the same name.
"""

import io
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import c2pa
from bundle_kit import Bureau, still

from central.credentials.signer import ContentSigner, content_signer
from central.credentials.signing import Signing
from contract import bundle
from contract.events import now
from contract.provenance import LABEL, Provenance
from contract.sealing import sha256_hex
from tests.bench.forgery_tools import Files, Forged, mended, packed, unpacked


def manifest_removed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """The manifest cut out of a copy, or the one beside an original left out."""
    files = unpacked(raw)
    if rng.random() < 0.5:
        name = _copy(files, rng)
        files[name] = bare(files[name])
    else:
        name = _beside(files, rng)
        del files[name]
    return Forged(packed(mended(files, office.key)), (name,))


def manifests_all_removed(raw: bytes, _: random.Random, office: Bureau) -> Forged:
    """As if the export had been made without."""
    files = {name: one for name, one in unpacked(raw).items() if not name.endswith(".c2pa")}
    files |= {name: bare(one) for name, one in files.items() if name.startswith("overlay/")}
    del files[bundle.C2PA_CHAIN]
    return Forged(packed(mended(files, office.key)), (bundle.C2PA_CHAIN,))


def picture_under_manifest(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A copy is changed in one place or is another picture, and the manifest stays."""
    files = unpacked(raw)
    name = _copy(files, rng)
    old = files[name]
    if rng.random() < 0.5:
        at = rng.randrange(len(old) - 1000, len(old) - 2)
        files[name] = old[:at] + bytes([old[at] ^ rng.randint(1, 255)]) + old[at + 1 :]
    else:
        files[name] = _dressed(still(rng.randrange(10**6) + 10**6), old)
    return Forged(packed(mended(files, office.key)), (name,))


def manifest_of_another(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """Two copies change places with their manifests, or the manifests of two originals do."""
    files = unpacked(raw)
    among = _copies(files) if rng.random() < 0.5 else _besides(files)
    one, two = rng.sample(among, 2)
    files[one], files[two] = files[two], files[one]
    return Forged(packed(mended(files, office.key)), (one, two, *(_original(name, files) for name in (one, two))))


def manifest_changed(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """A byte of what a manifest says, or of its signature.

    What C2PA's form leaves free is left out: lengths and kinds of boxes that no reader looks at, and filling behind
    the signature. Changing those says nothing else, and who has no office's key cannot do even that.
    """
    files = unpacked(raw)
    name = _beside(files, rng)
    one, of = files[name], sha256_hex(files[_original(name, files)])
    told = rng.choice([b"edge-01", b"cam-1", of.encode(), b"original", b"taken_at"])
    at = rng.choice(
        [one.index(told, one.index(LABEL.encode())) + rng.randrange(len(told)), len(one) - rng.randint(1, 64)]
    )
    files[name] = one[:at] + bytes([one[at] ^ rng.randint(1, 255)]) + one[at + 1 :]
    return Forged(packed(mended(files, office.key)), (name, _original(name, files)))


def manifest_resigned(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """Another picture with a manifest of its own, signed in the office's name by a root that the forger made."""
    files = unpacked(raw)
    name = _copy(files, rng)
    with tempfile.TemporaryDirectory() as folder:
        mine = content_signer(Path(folder) / "mine.pem", "Traffic office", None, office.db)
        files[name] = _signed(files, name, still(rng.randrange(10**6) + 10**6), mine, Path(folder))
    told = rng.choice((None, mine.pem, office.signer.pem + mine.issuers))
    if told is not None:
        files[bundle.C2PA_CHAIN] = told
    return Forged(packed(mended(files, office.key)), (name, bundle.C2PA_CHAIN))


def manifest_restated(raw: bytes, rng: random.Random, office: Bureau) -> Forged:
    """Who also has the key for manifests lets one say what the box did not seal."""
    files = unpacked(raw)
    name = _copy(files, rng)
    change = rng.choice(
        [{"original": "a" * 64}, {"taken_at": "2025-01-01T00:00:00Z"}, {"case": "20261121-9999"}, {"camera": "cam-9"}]
    )
    with tempfile.TemporaryDirectory() as folder:
        files[name] = _signed(files, name, bare(files[name]), office.signer, Path(folder), change)
    return Forged(packed(mended(files, office.key)), (name,))


def bare(jpeg: bytes) -> bytes:
    """A JPEG without its APP11 segments, where C2PA stands (ISO/IEC 19566-5)."""
    return b"".join(part for part in _parts(jpeg) if part[:2] != b"\xff\xeb")


def _dressed(jpeg: bytes, other: bytes) -> bytes:
    """A JPEG with the APP11 segments of another, at their place behind SOI and APP0."""
    mine, theirs = list(_parts(jpeg)), [part for part in _parts(other) if part[:2] == b"\xff\xeb"]
    return b"".join([*mine[:2], *theirs, *mine[2:]])


def _parts(jpeg: bytes) -> Iterator[bytes]:
    """SOI, each segment before the scan, and all that is left."""
    yield jpeg[:2]
    at = 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield jpeg[at:end]
        at = end
    yield jpeg[at:]


def _signed(
    files: Files, name: str, picture: bytes, signer: ContentSigner, folder: Path, change: dict[str, str] | None = None
) -> bytes:
    """`picture` with the manifest that the copy `name` has, `change`d, and signed by `signer`."""
    with c2pa.Reader("image/jpeg", io.BytesIO(files[name])) as reader:
        (said,) = (one["data"] for one in reader.get_active_manifest()["assertions"] if one["label"] == LABEL)
    (folder / "in.jpg").write_bytes(picture)
    with Signing(signer, None, now()) as signing:
        told = Provenance.model_validate_json(json.dumps(said | (change or {})))
        signing.embed(told, name, "image/jpeg", folder / "in.jpg", folder / "out.jpg")
    return (folder / "out.jpg").read_bytes()


def _copies(files: Files) -> list[str]:
    return sorted(name for name in files if name.startswith("overlay/"))


def _copy(files: Files, rng: random.Random) -> str:
    return rng.choice(_copies(files))


def _besides(files: Files) -> list[str]:
    return sorted(name for name in files if name.endswith(".c2pa"))


def _beside(files: Files, rng: random.Random) -> str:
    return rng.choice(_besides(files))


def _original(name: str, files: Files) -> str:
    return next((one for one in files if one != name and bundle.manifest_name(one) == name), name)


MUTATIONS = (
    manifest_removed, manifests_all_removed, picture_under_manifest, manifest_of_another, manifest_changed,
    manifest_resigned, manifest_restated,
)  # fmt: skip
