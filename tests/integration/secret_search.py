"""Looking for secrets where they must not be: in any spelling, in files, archives and databases."""

import base64
import html
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Secret:
    """`forms`: how it may be spelt -> the bytes. `own`: the files that may hold it."""

    forms: dict[str, bytes]
    own: frozenset[Path] = field(default_factory=frozenset)


def of_text(value: str, *own: Path) -> Secret:
    """A password, code or token."""
    raw = value.encode()
    found = {
        "as it is": raw,
        "in an address": quote(value, safe="").encode(),
        "in a form": quote(value, safe="/").encode(),
        "in JSON": json.dumps(value)[1:-1].encode(),
        "in HTML": html.escape(value).encode(),
        "in hex": raw.hex().encode(),
        **_base64(raw),
    }
    return Secret(found, frozenset(own))


def of_key(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, *own: Path) -> Secret:
    """A private key: its bare number, and what it is wrapped in."""
    if isinstance(key, Ed25519PrivateKey):
        number = key.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        )
        decimal = str(int.from_bytes(number))
    else:
        value = key.private_numbers().private_value
        number, decimal = value.to_bytes(32), str(value)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = base64.b64encode(der)
    return Secret(
        {
            "its number (DER, raw)": number,
            "in hex": number.hex().encode(),
            "in decimal": decimal.encode(),
            # The part of the PEM that holds the number, whatever the length of its lines.
            "PEM": pem[64:128] if len(pem) > 128 else pem[16:60],
            "PEM in lines": b"\n".join(pem[at : at + 64] for at in range(0, len(pem), 64))[:128],
            **_base64(number),
        },
        frozenset(own),
    )


def of_jwk(path: Path) -> Secret:
    """The private Ed25519 key in a JWK (RFC 8037), which may stand in its file."""
    number = str(json.loads(path.read_text())["d"])
    return of_key(Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(number + "==")), path)


def of_pem(path: Path) -> Secret:
    """The private P-256 key in a PEM file, which may stand there."""
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return of_key(key, path)


def leaks(root: Path, secrets: dict[str, Secret]) -> list[str]:
    """Which secret stands, in which spelling, in which file that may not hold it."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return [leak for path in files for leak in leaks_in(path, secrets)]


def leaks_in(path: Path, secrets: dict[str, Secret]) -> list[str]:
    """The same of one file."""
    return [
        f"{name}, {how}, in {path}{part}"
        for part, raw in _parts(path)
        for name, secret in secrets.items()
        if path not in secret.own
        for how, form in secret.forms.items()
        if form in raw
    ]


def _parts(path: Path) -> Iterator[tuple[str, bytes]]:
    """The file as it is, and what a packed file or a database holds: a value there may be cut over pages."""
    raw = path.read_bytes()
    yield "", raw
    if raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield f" ({name})", archive.read(name)
    if raw[:15] == b"SQLite format 3":
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                values = (value for row in db.execute(f'SELECT * FROM "{table}"') for value in row)
                yield (
                    f" (table {table})",
                    b"\n".join(
                        value if isinstance(value, bytes) else str(value).encode("utf-8", "replace") for value in values
                    ),
                )


def _base64(raw: bytes) -> dict[str, bytes]:
    """Its three spellings in the middle of something longer, in both alphabets."""
    found = {}
    for shift in range(3):
        # The first and last sign may share bits with what stands beside it.
        text = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        middle = text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        found[f"in base64, shifted by {shift}"] = middle
        found[f"in base64url, shifted by {shift}"] = middle.translate(bytes.maketrans(b"+/", b"-_"))
    return found


__all__ = ["Secret", "leaks", "leaks_in", "of_jwk", "of_key", "of_pem", "of_text"]
