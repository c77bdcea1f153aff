"""`sightline evidence export | verify | audit`: evidence leaves the house, and anybody checks it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import SealError

if TYPE_CHECKING:
    from central.config import CentralConfig
    from central.credentials.signer import ContentSigner
    from central.db.database import Database
    from sightline.evidence.export import Office

_Config = Annotated[Path, typer.Option("--config", help="Settings of central (YAML).")]
#: Findings of an audit that are printed.
_MOST = 100


def export(
    case: Annotated[str, typer.Argument(help="Number of the case, for example 20261121-0001.")],
    config: _Config,
    by: Annotated[str, typer.Option("--by", help="Account of the person who asks; it is entered in the ledger.")],
    output: Annotated[Path | None, typer.Option("--output", help="File to write; default: case-NUMBER.zip.")] = None,
    redacted: Annotated[
        bool, typer.Option("--redacted/--without-redacted", help="Add copies without faces and other plates.")
    ] = True,
) -> None:
    """Write one archive of everything that proves a case. Who took it, and when, is entered first.

    Copies carry C2PA manifests, originals have theirs beside them (`c2patool` and other readers show them).

    \b
    sightline evidence export 20261121-0001 --config central.yaml --by li
    """
    from central.config import load_config
    from sightline.evidence.export import export as write

    settings = load_config(config)
    target = output or Path(f"case-{case}.zip")
    office = _office(settings, redacted, signs=True)
    try:
        index = write(office, case, by, target)
    finally:
        office.db.close()
    for note in index.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{target}: case {index.case}, {len(index.files)} files, signed by the office's key {index.office}")


def verify(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle of a case, or an archive of a recording.", show_default=False)
    ],
    trust: Annotated[
        str | None, typer.Option("--trust", help="The office's key as it is published (its thumbprint).")
    ] = None,
    heads: Annotated[
        Path | None, typer.Option("--heads", help="The file of heads that the office has published.")
    ] = None,
    authority: Annotated[
        Path | None, typer.Option("--authority", help="Root certificate (PEM) of the timestamp authority.")
    ] = None,
) -> None:
    """Check a bundle or a recording, offline. Exit 0 when everything holds, else 1 and what does not.

    \b
    sightline evidence verify case-20261121-0001.zip --trust KEY --heads heads.jsonl

    Without --trust and --heads everything is checked but who the office is: its key is printed, to be compared.
    Of a recording it names the seconds that were altered, and of a download that broke off up to when it is good.
    C2PA manifests are checked where `c2pa-python` is installed; else the line `c2pa` says that they were not.
    """
    from sightline.evidence.verify import Trust
    from sightline.evidence.verify import verify as check

    for line in check(bundle, Trust(trust, heads, authority)):
        typer.echo(line)


def audit(
    config: _Config,
    heads: Annotated[
        Path | None, typer.Option("--heads", help="Published heads as somebody else holds them; default: ours.")
    ] = None,
    media: Annotated[bool, typer.Option("--media/--without-media", help="Also hash every still and clip.")] = True,
) -> None:
    """Hold central's whole database to the ledger, the seals and the published heads. Changes nothing.

    Exit 0 when everything holds, else 1 and every finding.
    """
    from central.config import load_config
    from sightline.evidence.auditing import findings

    settings = load_config(config)
    office = _office(settings, redacted=False, signs=False)
    count = 0
    try:
        for said in findings(office, heads or settings.heads_file, media):
            count += 1
            if count <= _MOST:
                typer.echo(said)
    finally:
        office.db.close()
    if count:
        raise SealError(
            f"{office.db.name}: {count} thing(s) do not hold - keep the database as it is, and find out why"
        )
    typer.echo("everything holds")


def _office(settings: "CentralConfig", redacted: bool, signs: bool) -> "Office":
    from central.ledger.authority import authority_of
    from central.ledger.key import office_key
    from central.media.opening import open_store
    from central.serve import open_database
    from sightline.evidence.export import Office
    from sightline.redacting import redactor

    blur = redactor() if redacted else None
    db = open_database(settings)
    with db.read() as session:
        key = office_key(session, settings.ledger_key)
    signer = _signer(settings, db) if signs else None
    return Office(db, open_store(settings), key, authority_of(settings.ledger), blur, signer)


def _signer(settings: "CentralConfig", db: "Database") -> "ContentSigner":
    from central.ca.certificates import open_issuer
    from central.credentials.signer import content_signer

    return content_signer(settings.content_signer, settings.c2pa.organisation, open_issuer(settings), db)
