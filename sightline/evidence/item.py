"""A file on its way into a bundle."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.bundle import BundleFile
from contract.sealing import sha256_hex

What = Literal["event", "seal", "original", "overlay", "redacted", "c2pa", "proof", "key", "log", "report"]


@dataclass(frozen=True, slots=True)
class Item:
    """A file by its name in the bundle. `of` is the SHA-256 of the original that it was made from or for."""

    name: str
    what: What
    source: Path | bytes
    of: str | None = None

    def filed(self) -> BundleFile:
        """As the signed index names it."""
        if isinstance(self.source, bytes):
            digest, size = sha256_hex(self.source), len(self.source)
        else:
            with self.source.open("rb") as file:
                digest, size = hashlib.file_digest(file, "sha256").hexdigest(), self.source.stat().st_size
        return BundleFile(name=self.name, what=self.what, sha256=digest, bytes=size, of=self.of)


__all__ = ["Item", "What"]
