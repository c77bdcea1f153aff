"""`sightline central quarantine`: messages that central did not take - look at them, try them again, remove them."""

import json
import secrets
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.errors import InputError, RunError, SightlineError

if TYPE_CHECKING:
    from central.db.database import Database
    from central.db.events import Quarantine
    from contract.events import Ack

app = typer.Typer(
    no_args_is_help=True, help="Messages that were not let in, and why: look at them, try them again, remove them."
)
ConfigPath = Annotated[
    Path, typer.Option("--config", help="Settings of central (YAML), every key in docs/configuration.md.")
]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of entries, as `list` shows them.", min=1)]
Edge = Annotated[str | None, typer.Option("--edge", help="Only what came under the topics of this box.")]
_MOST = 10_000


@app.command("list")
def list_entries(
    config: ConfigPath,
    edge: Edge = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Most lines.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Every entry, the latest first: number, when last seen, how often, size, topic, reason.

    \b
    sightline central quarantine list --config central.yaml --edge edge-01
    """
    from central.ingest import quarantine

    with closing(_database(config)) as db, db.read() as session:
        for row in quarantine.listed(session, edge, limit):
            typer.echo(json.dumps(_told(row)) if as_json else _line(row))


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="Number of the entry.", min=1)],
    config: ConfigPath,
    raw: Annotated[bool, typer.Option("--raw", help="Only the bytes that were received, to standard output.")] = False,
) -> None:
    """One entry whole: reason, origin, seal, and what was sent with unprintable characters escaped."""
    from central.ingest import replay

    with closing(_database(config)) as db:
        row = replay.entry(db, number)
    if raw:
        sys.stdout.buffer.write(row.payload)
        sys.stdout.buffer.flush()
        return
    for name, value in _told(row).items():
        typer.echo(f"{name}: {value}")
    typer.echo(f"jws: {_printable(row.jws) if row.jws else 'none'}")
    cut = "" if row.size == len(row.payload) else f" (the first {len(row.payload)} bytes of {row.size})"
    typer.echo(f"message{cut}:\n{_printable(row.payload.decode('utf-8', 'backslashreplace'))}")


@app.command("replay")
def replay_entries(
    config: ConfigPath,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of entries, as `list` shows them.", min=1, show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every entry, or with --edge every one of a box.")] = False,
    edge: Edge = None,
) -> None:
    """Try messages again, as if they had just arrived: after a box was enrolled, or central was mended.

    What is taken leaves the quarantine and becomes part of its case; an event that central has already is a duplicate
    and changes nothing, however often it is replayed. What is refused again stays, and the exit status is 1.

    \b
    sightline central quarantine replay 7 8 --config central.yaml
    sightline central quarantine replay --all --edge edge-01 --config central.yaml
    """
    from central.ingest import quarantine, replay

    if everything == bool(numbers) or (edge is not None and not everything):
        raise InputError("quarantine replay: give numbers, or --all (with --edge for one box)")
    refused, acks = 0, []
    with closing(_database(config)) as db:
        if everything:
            with db.read() as session:
                # In the order in which they came: a decision before its evidence.
                numbers = sorted(row.id for row in quarantine.listed(session, edge, _MOST))
        for number in numbers or ():
            done = replay.replay(db, number)
            refused += done.outcome == "refused"
            acks += [done.ack] if done.ack else []
            typer.echo(f"{number}  {done.outcome}{f': {done.reason}' if done.reason else ''}")
    if acks:
        _tell(config, acks)
    if refused:
        raise RunError(f"quarantine: {refused} refused again - see `sightline central quarantine show NUMBER`")


def _tell(config: Path, acks: "list[tuple[str, Ack]]") -> None:
    """Boxes keep what was refused and do not send it again; they may now let it go. Not being heard costs nothing."""
    from central.config import load_config
    from central.ingest.broker_client import tell

    try:
        tell(load_config(config).broker, f"quarantine-{secrets.token_hex(4)}", acks)
    except SightlineError as error:
        typer.echo(f"the boxes were not told and keep their copies: {error}", err=True)


@app.command()
def discard(
    numbers: Numbers,
    config: ConfigPath,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove entries for good. They are asked about one by one, and the log keeps what each one was."""
    from central.ingest import replay

    with closing(_database(config)) as db:
        for number in numbers:
            row = replay.entry(db, number)
            if yes or typer.confirm(f"discard {_line(row)}"):
                replay.discard(db, number)
                typer.echo(f"{number}  discarded")


def _line(row: "Quarantine") -> str:
    return (
        f"{row.id}  {row.last_at:%Y-%m-%d %H:%M:%S}  x{row.seen}  {row.size} B  {_printable(row.topic)}  {row.reason}"
    )


def _told(row: "Quarantine") -> dict[str, Any]:
    return {
        "number": row.id,
        "reason": row.reason,
        "topic": _printable(row.topic),
        "bytes": row.size,
        "sha256": row.sha256,
        "seen": row.seen,
        "first": row.first_at.isoformat(timespec="seconds"),
        "last": row.last_at.isoformat(timespec="seconds"),
    }


def _printable(text: str) -> str:
    """A stranger's text without what could command a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else f"\\x{ord(sign):02x}" for sign in text)


def _database(path: Path) -> "Database":
    from central.config import load_config
    from central.serve import open_database

    return open_database(load_config(path))
