"""Manifests put on files with the library of the Content Authenticity Initiative (`c2pa-python`, c2pa-rs beneath).

Nothing is asked of the network but stamps of the authority that the settings name. Thumbnails are never made.
"""

import json
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import c2pa
import structlog

from central.credentials.claims import claims
from central.credentials.signer import ContentSigner
from central.ledger.authority import Authority
from contract import stamp
from contract.errors import MediaError, RunError
from contract.provenance import Provenance

_log = structlog.get_logger("credentials")


class Signing:
    """Signs the manifests of one export, made `at`. A context manager; for one thread.

    `unstamped` tells whether the authority, asked for stamps, failed: it is then not asked again.
    """

    def __init__(self, signer: ContentSigner, authority: Authority | None, at: datetime) -> None:
        """Raises RunError when the library refuses key or certificate."""
        self.unstamped = False
        self._who, self._at = signer, at
        roots = stamp.as_pem(authority.roots) if authority is not None else b""
        settings = {
            "verify": {"verify_trust": True, "verify_after_sign": True, "remote_manifest_fetch": False},
            "trust": {"user_anchors": (signer.issuers + roots).decode("ascii")},
            "builder": {"thumbnail": {"enabled": False}},
        }
        try:
            self._context = c2pa.Context.from_dict(settings)
            self._signers = [self._made(url) for url in ([authority.url, None] if authority is not None else [None])]
        except c2pa.C2paError as error:
            raise RunError(f"C2PA manifests: the signer is refused ({_said(error)}) - see c2pa.signer_file") from error
        self._signer, self._alone = self._signers[0], self._signers[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (*self._signers, self._context):
            one.close()

    def embed(self, said: Provenance, title: str, media_type: str, source: Path, target: Path) -> None:
        """Write `source` with its manifest inside to `target`. Raises MediaError for what can carry none, RunError."""
        self._signed(said, title, media_type, source, target, embed=True)

    def beside(self, said: Provenance, title: str, media_type: str, source: Path, scratch: Path) -> bytes:
        """The manifest of `source`, which stays as it is. `scratch` is overwritten.

        Raises MediaError for what can carry none, RunError.
        """
        return self._signed(said, title, media_type, source, scratch, embed=False)

    def _made(self, url: str | None) -> c2pa.Signer:
        who = self._who
        info = c2pa.C2paSignerInfo(alg=who.algorithm, sign_cert=who.sent, private_key=who.key, ta_url=url)
        return c2pa.Signer.from_info(info)

    def _signed(
        self, said: Provenance, title: str, media_type: str, source: Path, target: Path, *, embed: bool
    ) -> bytes:
        definition = json.dumps(claims(said, title, media_type, self._at))

        def once(signer: c2pa.Signer) -> bytes:
            with c2pa.Builder(definition, context=self._context) as builder:
                if not embed:
                    builder.set_no_embed()
                with source.open("rb") as read, target.open("w+b") as written:
                    return bytes(builder.sign(signer, media_type, read, written))

        try:
            try:
                return once(self._signer)
            except c2pa.C2paError as error:
                if self._signer is self._alone:
                    raise
                done = once(self._alone)
                _log.warning("no timestamp for C2PA manifests, going on without", file=title, why=_said(error))
                self._signer, self.unstamped = self._alone, True
                return done
        except c2pa.C2paError as error:
            raise self._refused(error, title, media_type, source) from error

    def _refused(self, error: c2pa.C2paError, title: str, media_type: str, source: Path) -> Exception:
        """Which fault it is: a file that can carry no manifest, or ours."""
        try:
            with source.open("rb") as file:
                c2pa.Reader.try_create(media_type, file, None, self._context)
        except c2pa.C2paError as why:
            return MediaError(f"{title}: can carry no C2PA manifest ({_said(why)}) - is it a whole {media_type}?")
        return RunError(f"{title}: its C2PA manifest cannot be made ({_said(error)}) - check c2pa.signer_file")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


__all__ = ["Signing"]
