"""`sightline central enrol-code` and `sightline central edge`: boxes are let in, looked after and shut out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError, RunError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.ca.certificates import Issuer
    from central.db.database import Database

app = typer.Typer(no_args_is_help=True, help="Boxes at the roadside.")


def enrol_code(
    edge_id: Annotated[str, typer.Argument(help="Id the box will have, for example edge-01.")],
    config: ConfigPath,
    qr: Annotated[
        bool | None,
        typer.Option("--qr/--no-qr", help="Also draw it as a QR code; default: when a person is at the terminal."),
    ] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the QR code to this file, to print or send.")] = None,
) -> None:
    """Print a one-time code that lets one box in. It lasts 15 minutes and works once.

    The QR code also tells the box its own id and which certificate authority to trust; what it says can be typed too.

    \b
    On the box: sightline edge enrol CODE --config F
    """
    from central.edges import enrolment
    from contract.enrolment import Invitation

    db, ca = _opened(config)
    try:
        with db.write() as session:
            code = enrolment.issue_code(session, edge_id)
    except ValueError as error:
        raise InputError(str(error)) from error
    finally:
        db.close()
    typer.echo(code)
    drawn = sys.stdout.isatty() if qr is None else qr
    if drawn or svg is not None:
        _draw(Invitation(code, edge_id, ca.authority.fingerprint if ca else None).text, drawn, svg)


def _draw(text: str, on_terminal: bool, svg: Path | None) -> None:
    import segno

    code = segno.make(text, error="m", micro=False)
    if on_terminal:
        typer.echo(text)
        code.terminal(sys.stdout, compact=True, border=2)
    if svg is not None:
        import os

        # Whoever reads the file may enrol a box.
        svg.unlink(missing_ok=True)
        with os.fdopen(os.open(svg, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            code.save(file, kind="svg", scale=8)
        typer.echo(f"the QR code is in {svg}", err=True)


@app.command("list")
def list_edges(config: ConfigPath) -> None:
    """Every box that was let in: id, key, since when, until when its certificate holds, and whether it was shut out."""
    from central.ca import certificates
    from central.edges import enrolment

    db, _ = _opened(config)
    with db.read() as session:
        ends = {row.name: row for row in certificates.given(session) if row.revoked_at is None}
        for edge in enrolment.enrolled(session):
            state = f"shut out {edge.revoked_at:%Y-%m-%d %H:%M}" if edge.revoked_at else "in"
            held = ends.get(edge.id)
            until = f"certificate until {held.expires_at:%Y-%m-%d}" if held else "no certificate"
            typer.echo(f"{edge.id}  {edge.kid}  enrolled {edge.enrolled_at:%Y-%m-%d %H:%M}  {until}  {state}")
    db.close()


@app.command("revoke")
def revoke(edge_id: Annotated[str, typer.Argument(help="Id of the box to shut out.")], config: ConfigPath) -> None:
    """Shut a box out at once, with every key and certificate it ever had. A new enrol-code lets it in again.

    Central takes nothing from it from this moment on. The broker refuses its certificate once it has read the list
    anew: `kill -HUP` for new connections, a restart to end the one the box may have.
    """
    from central.edges import enrolment

    db, ca = _opened(config)
    try:
        with db.write() as session:
            enrolment.revoke(session, edge_id)
        listed = _published(db, ca)
    except ValueError as error:
        raise InputError(f"{error} - see `sightline central edge list`") from error
    finally:
        db.close()
    typer.echo(f"box {edge_id} is shut out{listed}")


@app.command("rotate")
def rotate(edge_id: Annotated[str, typer.Argument(help="Id of the box.")], config: ConfigPath) -> None:
    """Have a box renew its certificate within the hour, by itself; the one it has then holds no longer."""
    from central.edges import renewal

    db, ca = _opened(config)
    try:
        if ca is None:
            raise InputError("this central has no certificate authority - see `sightline central ca init --help`")
        with db.write() as session:
            renewal.ask(session, edge_id)
    except ValueError as error:
        raise InputError(f"{error} - see `sightline central edge list`") from error
    finally:
        db.close()
    typer.echo(f"box {edge_id} will renew its certificate within the hour")


def _published(db: "Database", ca: "Issuer | None") -> str:
    """Bring the list of revoked certificates up to date; what to tell of it."""
    if ca is None:
        return ""
    path = ca.authority.folder / "crl.pem"
    try:
        ca.publish(db)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}) - mend it, `serve` then writes it") from error
    return f"; {path} says so to the broker"


def _opened(config: Path) -> "tuple[Database, Issuer | None]":
    from central.ca.certificates import open_issuer
    from central.config import load_config
    from central.serve import open_database

    settings = load_config(config)
    ca = open_issuer(settings)
    return open_database(settings), ca
