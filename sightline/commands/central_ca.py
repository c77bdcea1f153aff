"""`sightline central ca`: central's certificate authority, and what brokers and programs get from it by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import ConfigError, InputError, RunError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from cryptography import x509

    from central.ca.certificates import Issuer
    from central.db.database import Database

app = typer.Typer(no_args_is_help=True, help="Certificates by which boxes, central and the broker know one another.")
Out = Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")]


@app.command()
def init(config: ConfigPath) -> None:
    """Make the authority, once. From then on every box that is enrolled gets its certificate from it.

    \b
    sightline central ca init --config central.yaml
    sightline central ca broker mq.example --out certs --config central.yaml
    sightline central ca client central --out certs --config central.yaml
    """
    from central.ca.authority import Authority
    from central.config import load_config

    settings = load_config(config)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    made = Authority.create(settings.ca_folder)
    typer.echo(f"the authority is in {made.folder}; keep a copy of it where nobody else comes")
    typer.echo(f"fingerprint {made.fingerprint}")


@app.command()
def broker(
    hosts: Annotated[list[str], typer.Argument(help="Names or addresses under which boxes reach it.")],
    out: Out,
    config: ConfigPath,
    days: Days = 3650,
) -> None:
    """The broker's certificate: broker.pem and broker.key, with ca.pem and crl.pem beside them."""
    from central.ca import certificates

    with _issuing(config) as (db, ca):
        try:
            _issue(db, ca, certificates.BROKER, certificates.BROKER, out, timedelta(days=days), hosts)
        except ValueError as error:
            raise InputError(f"{', '.join(hosts)[:200]}: not a host name or address ({error})") from error
        _write(out / "crl.pem", (ca.authority.folder / "crl.pem").read_bytes(), 0o644)


@app.command()
def client(
    name: Annotated[str, typer.Argument(help="Its user at the broker: `central`, or a device that the ACL names.")],
    out: Out,
    config: ConfigPath,
    days: Days = 3650,
) -> None:
    """The certificate of a program: NAME.pem and NAME.key, with ca.pem beside them. Boxes get theirs when enrolled."""
    from central.ca import certificates
    from central.db.edges import Edge
    from contract.topics import check_identifier

    with _issuing(config) as (db, ca):
        try:
            check_identifier(name, "name")
        except ValueError as error:
            raise InputError(str(error)) from error
        with db.read() as session:
            if session.get(Edge, name) is not None:
                raise InputError(f"{name} is a box: it gets its certificate when it is enrolled")
        _issue(db, ca, certificates.CLIENT, name, out, timedelta(days=days), None)


@app.command("list")
def list_given(config: ConfigPath) -> None:
    """Every certificate that has not run out."""
    from central.ca import certificates

    with _issuing(config) as (db, _), db.read() as session:
        for row in certificates.given(session):
            state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}" if row.revoked_at else f"until {row.expires_at:%Y-%m-%d}"
            typer.echo(f"{row.name}  {row.kind}  {row.serial}  {state}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="As `ca client` was given it, or `broker`.")], config: ConfigPath
) -> None:
    """Let no certificate of a program hold any longer. For a box: `sightline central edge revoke`."""
    from central.ca import certificates

    with _issuing(config) as (db, ca):
        with db.write() as session:
            kinds = (certificates.CLIENT, certificates.BROKER)
            many = sum(certificates.revoke(session, name, kind) for kind in kinds)
        if not many:
            raise InputError(f"no program {name[:64]!r} has a certificate - see `sightline central ca list`")
        ca.publish(db)
        typer.echo(f"{many} certificate(s) of {name} hold no longer; {ca.authority.folder / 'crl.pem'} says so")


def _issue(
    db: "Database", ca: "Issuer", kind: str, name: str, out: Path, life: timedelta, hosts: list[str] | None
) -> None:
    """Make key and certificate of `name` in `out`. What is there already is never overwritten."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from central.ca.authority import key_pem

    for file in (out / f"{name}.pem", out / f"{name}.key"):
        if file.exists():
            raise InputError(f"{file}: is there already - move it away, or choose another --out")
    key = ec.generate_private_key(ec.SECP256R1())
    authority = ca.authority
    made: x509.Certificate = (
        authority.client(name, key.public_key(), life)
        if hosts is None
        else authority.server(hosts, key.public_key(), life)
    )
    out.mkdir(parents=True, exist_ok=True)
    _write(out / f"{name}.key", key_pem(key), 0o600)
    with db.write() as session:
        text = ca.record(session, kind, name, made, key.public_key())
    _write(out / f"{name}.pem", text.encode(), 0o644)
    _write(out / "ca.pem", authority.pem.encode(), 0o644)
    typer.echo(f"{out / name}.pem holds until {made.not_valid_after_utc:%Y-%m-%d}; its key is {out / name}.key")


def _write(path: Path, raw: bytes, mode: int) -> None:
    from central.ca.files import write_file

    try:
        write_file(path, raw, mode)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}) - check --out") from error


@contextmanager
def _issuing(config: Path) -> "Iterator[tuple[Database, Issuer]]":
    from central.ca.certificates import open_issuer
    from central.config import load_config
    from central.serve import open_database

    settings = load_config(config)
    ca = open_issuer(settings)
    if ca is None:
        raise ConfigError(f"{settings.ca_folder}: there is no authority - run `sightline central ca init` first")
    db = open_database(settings)
    try:
        yield db, ca
    finally:
        db.close()
