"""`sightline central`: the governance centre - serve, migrate, accounts, boxes."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError
from sightline.commands import central_ca, central_edges, central_quarantine
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.config import CentralConfig
    from central.db.database import Database

app = typer.Typer(no_args_is_help=True, help="The governance centre: takes in sealed evidence, and people decide.")
users = typer.Typer(no_args_is_help=True, help="Accounts of people.")
app.add_typer(users, name="user")
app.add_typer(central_quarantine.app, name="quarantine")
app.command("enrol-code")(central_edges.enrol_code)
app.add_typer(central_edges.app, name="edge")
app.add_typer(central_ca.app, name="ca")


class RoleName(StrEnum):
    """What one process of central does."""

    ALL = "all"
    WEB = "web"
    INGEST = "ingest"
    JOBS = "jobs"


class AccountRole(StrEnum):
    """What an account may do."""

    OFFICER = "officer"
    AUDITOR = "auditor"
    ADMIN = "admin"


@app.command()
def serve(
    config: ConfigPath,
    role: Annotated[
        RoleName, typer.Option(help="all: one process does everything; else one of its parts, for several replicas.")
    ] = RoleName.ALL,
) -> None:
    """Run central until Ctrl-C or SIGTERM.

    SQLite is migrated by itself; PostgreSQL by `sightline central migrate`. Whatever the role, /healthz and /metrics
    answer on the configured port.
    """
    from central.serve import serve as run
    from sightline.undumped import never_dumped

    never_dumped()
    run(_settings(config), role.value)


@app.command()
def migrate(config: ConfigPath) -> None:
    """Bring the database to this version's schema. Run it once, before the new version serves.

    Triggers of the ledger that are missing are put back.
    """
    from central.db import migrate as migrations
    from central.db.database import Database
    from central.ledger import triggers

    settings = _settings(config)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database.url)
    migrations.upgrade(db)
    # Serving never does this: a trigger that somebody dropped is told first, and put back by a person.
    with db.engine.begin() as connection:
        triggers.install(connection)
    typer.echo(f"database {db.name} is at migration {migrations.revision(db)}")
    db.close()


@users.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to sign in with: letters, digits, '.', '_' or '-'.")],
    config: ConfigPath,
    role: Annotated[
        AccountRole, typer.Option(help="officer: decides. auditor: reads. admin: keeps accounts and boxes.")
    ],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
    ] = False,
) -> None:
    """Make an account. There are none to begin with, and no default password anywhere."""
    from central.accounts import service
    from central.accounts.errors import AccountError
    from central.accounts.roles import Role

    db = _database(config)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _asked()
    try:
        with db.write() as session:
            service.add_user(session, name, Role(role.value), password)
    except AccountError as error:
        raise InputError(str(error)) from error
    finally:
        db.close()
    typer.echo(f"{role.value} {name} can sign in")


@app.command("openapi")
def openapi(
    output: Annotated[Path, typer.Option("--output", help="File to write.")] = Path("docs/openapi.json"),
) -> None:
    """Write the description of the HTTP API (OpenAPI 3.1) to a file."""
    from central.api.describe import document

    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(document(), encoding="utf-8")
    typer.echo(f"wrote {output}")


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _settings(path: Path) -> "CentralConfig":
    from central.config import load_config

    return load_config(path)


def _database(path: Path) -> "Database":
    from central.serve import open_database

    return open_database(_settings(path))
