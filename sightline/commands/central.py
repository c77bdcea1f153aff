"""`sightline central`: the governance centre - serve, migrate, accounts, boxes."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.commands import (
    central_ca,
    central_edges,
    central_export,
    central_labels,
    central_lists,
    central_quarantine,
    central_report,
    central_site,
    central_users,
)
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from central.config import CentralConfig

app = typer.Typer(no_args_is_help=True, help="The governance centre: takes in sealed evidence, and people decide.")
app.add_typer(central_users.app, name="user")
app.add_typer(central_quarantine.app, name="quarantine")
app.command("enrol-code")(central_edges.enrol_code)
app.add_typer(central_edges.app, name="edge")
app.add_typer(central_ca.app, name="ca")
app.add_typer(central_site.app, name="site")
app.add_typer(central_lists.app, name="list")
app.command("export")(central_export.export)
app.command("labels")(central_labels.labels)
app.command("report")(central_report.report)


class RoleName(StrEnum):
    """What one process of central does."""

    ALL = "all"
    WEB = "web"
    INGEST = "ingest"
    JOBS = "jobs"


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
    from sightline.redacting import redactor
    from sightline.undumped import never_dumped

    never_dumped()
    run(_settings(config), role.value, redactor)


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


@app.command("openapi")
def openapi(
    output: Annotated[Path, typer.Option("--output", help="File to write.")] = Path("docs/openapi.json"),
) -> None:
    """Write the description of the HTTP API (OpenAPI 3.1) to a file."""
    from central.api.describe import document

    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(document(), encoding="utf-8")
    typer.echo(f"wrote {output}")


@app.command("permissions")
def permissions(
    output: Annotated[Path, typer.Option("--output", help="File to write.")] = Path("docs/permissions.md"),
) -> None:
    """Write which role may do what, and who may come to which address, to a file."""
    from central.described import permissions as page

    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page(), encoding="utf-8")
    typer.echo(f"wrote {output}")


def _settings(path: Path) -> "CentralConfig":
    from central.config import load_config

    return load_config(path)
