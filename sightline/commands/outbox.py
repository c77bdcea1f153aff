"""`sightline edge outbox`: what a box still holds for central, why, and all of it in one file."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError

if TYPE_CHECKING:
    from edge.deliver.inventory import Held, Inventory

app = typer.Typer(pretty_exceptions_enable=False)

_Config = Annotated[Path | None, typer.Option("--config", help="The box's settings (YAML, see docs/configuration.md).")]
_MOST_REFUSED = 20


@app.callback(invoke_without_command=True)
def outbox(
    context: typer.Context,
    config: _Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """What waits for central: how much of which kind, since when, and what keeps it.

    \b
    sightline edge outbox --config edge.yaml
    sightline edge outbox export held.zip --config edge.yaml
    sightline edge outbox verify held.zip

    The box may run meanwhile. Nothing is taken out or changed.
    """
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    from edge.config import load_config
    from edge.deliver.inventory import inventory

    found = inventory(load_config(_given(config)))
    typer.echo(json.dumps(asdict(found), default=_text, indent=2, ensure_ascii=False) if as_json else _screen(found))


@app.command()
def export(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="The ZIP file to write.", show_default=False)],
    config: _Config = None,
) -> None:
    """Write one archive of everything that waits: sealed events with their signatures, stills, clips.

    \b
    sightline edge outbox export held.zip --config edge.yaml

    It is for a box that cannot reach central any more, or a disk that must be replaced. It holds plates and faces:
    give it only to those who may see them.
    """
    from edge.config import load_config
    from edge.deliver.archive import export as write

    index = write(load_config(_given(config or context.obj)), archive)
    present = len(index.media) - len(index.missing())
    typer.echo(
        f"{archive}: {len(index.events)} sealed event(s), {present} file(s) of media, {len(index.unsealed)} not sealed "
        f"yet; {len(index.missing())} file(s) are named and not on this box"
    )


@app.command()
def verify(
    archive: Annotated[Path, typer.Argument(help="What `export` wrote.", show_default=False)],
    key: Annotated[
        list[Path] | None, typer.Option(help="Public JWK of a key that the box had before; may be given again.")
    ] = None,
) -> None:
    """Check an archive on any machine: seals, links of the chain, hashes. Exit status 1 names what does not hold.

    \b
    sightline edge outbox verify held.zip
    """
    from edge.deliver.archive_check import check

    found = check(archive, key or ())
    typer.echo(f"{archive}: holds - {found.events} sealed event(s) of box {found.edge_id}, {found.media} file(s)")
    for kid in found.kids:
        typer.echo(f"sealed by {kid} - compare it with the key that central has for {found.edge_id}")
    for count, what in (
        (found.holes, "place(s) of the chain are not here: central has acknowledged those events"),
        (found.absent, "file(s) are named and not here, index.json says why"),
        (found.unsealed, "event(s) are not sealed: nothing vouches for them"),
    ):
        if count:
            typer.echo(f"{count} {what}")


def _given(config: Path | None) -> Path:
    if config is None:
        raise InputError("--config is missing - give the box's settings file")
    return config


def _screen(found: "Inventory") -> str:
    how = "connected" if found.connected else "runs, not connected" if found.running else "does not run"
    lines = [f"box {found.edge_id}: deliver {how}"]
    rows = [*found.events, *found.media]
    for row in rows:
        lines.append(f"{row.kind:<40}{row.count:>8} {_size(row.bytes):>10}   oldest {_age(row, found.at)}")
    if not rows:
        lines.append("nothing waits")
    for count, what in (
        (found.unsealed, "handed over and not sealed yet"),
        (found.unreadable, "cannot be read, in spool/bad with the reason"),
        (found.dropped, "file(s) dropped, each named by a sealed event"),
        (found.lost, "file(s) lost by this box's disk, each named by a sealed event"),
    ):
        if count:
            lines.append(f"{count} {what}")
    for one in found.refused[:_MOST_REFUSED]:
        lines.append(f"refused {one.id} {one.kind}: {one.reason}")
    if len(found.refused) > _MOST_REFUSED:
        lines.append(f"... and {len(found.refused) - _MOST_REFUSED} more refused: --json lists all")
    return "\n".join([*lines, *(f"why: {line}" for line in found.why)])


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.1f} kB"


def _age(row: "Held", at: datetime) -> str:
    if row.oldest is None:
        return "unknown"
    seconds = max(0, int((at - row.oldest).total_seconds()))
    days, rest = divmod(seconds, 86_400)
    since = f"{days} d {rest // 3600} h" if days else f"{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{since} ({row.oldest.isoformat(timespec='seconds')})"


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(type(value).__name__)


__all__ = ["app"]
