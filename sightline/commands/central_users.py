"""`sightline central user`: accounts are made, looked through, closed and opened, and given another password or role.

Who has a shell at the machine is trusted with accounts; what is done here is on record as `cli:<name at the machine>`.
"""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import InputError
from sightline.commands.central_options import ConfigPath

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from central.accounts.roles import Role

app = typer.Typer(no_args_is_help=True, help="Accounts of people.")


class AccountRole(StrEnum):
    """A role of an account, and `officer` for the two that look at cases."""

    OFFICER = "officer"
    REVIEWER = "reviewer"
    SECOND_REVIEWER = "second_reviewer"
    CHIEF = "chief"
    DISPATCHER = "dispatcher"
    MONITOR = "monitor"
    INSTALLER = "installer"
    AUDITOR = "auditor"
    ADMIN = "admin"


Name = Annotated[str, typer.Argument(help="Name of the account.")]
Roles = Annotated[
    list[AccountRole],
    typer.Option(
        "--role",
        help="Repeat it for several. officer: reviewer and second_reviewer, never both at one case. "
        "What each may do: docs/permissions.md.",
    ),
]


@app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Name to sign in with: letters, digits, '.', '_' or '-'.")],
    config: ConfigPath,
    role: Roles,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
    ] = False,
    one_time: Annotated[
        bool, typer.Option("--one-time", help="Print a one-time password, which its owner must change within 3 days.")
    ] = False,
) -> None:
    """Make an account. There are none to begin with, and no default password anywhere."""
    from central.accounts import people

    if password_stdin and one_time:
        raise InputError("--password-stdin and --one-time: one password is enough - leave one of them out")
    password = None if one_time else sys.stdin.readline().rstrip("\r\n") if password_stdin else _asked()
    with _writing(config) as session:
        if password is None:
            password = people.invite(session, name, _given(role), _actor())
        else:
            people.add(session, name, _given(role), password, _actor())
    typer.echo(f"{', '.join(dict.fromkeys(role))} {name} can sign in")
    if one_time:
        typer.echo(password)


@app.command("list")
def list_users(config: ConfigPath) -> None:
    """Every account: roles, second factor, when it was last seen, and whether it is closed."""
    from central.accounts import people

    with _writing(config) as session:
        for one in people.listed(session):
            seen = f"seen {one.seen_at:%Y-%m-%d %H:%M}" if one.seen_at else "never seen"
            second = "second factor" if one.second_factor else "password only"
            areas = f"areas {','.join(one.areas)}" if one.areas else None
            once = f"one-time password until {one.one_time_until:%Y-%m-%d %H:%M}" if one.one_time_until else None
            state = f"closed {one.disabled_at:%Y-%m-%d %H:%M}" if one.disabled_at else "open"
            typer.echo(
                "  ".join(part for part in (one.name, ",".join(one.roles), areas, second, seen, once, state) if part)
            )


@app.command("disable")
def disable(name: Name, config: ConfigPath) -> None:
    """Close an account. Its sessions have ended with the next request; its name stays its own for good."""
    from central.accounts import people

    _done(config, lambda session: people.disable(session, name, _actor()), f"{name} is closed")


@app.command("enable")
def enable(name: Name, config: ConfigPath) -> None:
    """Open a closed account again, with the roles and the password it had."""
    from central.accounts import people

    _done(config, lambda session: people.enable(session, name, _actor()), f"{name} can sign in again")


@app.command("unlock")
def unlock(name: Name, config: ConfigPath) -> None:
    """Let somebody who failed too often try again at once."""
    from central.accounts import people

    _done(config, lambda session: people.unlock(session, name, _actor()), f"{name} can try again")


@app.command("reset")
def reset(name: Name, config: ConfigPath) -> None:
    """Print a one-time password, which its owner must change within 3 days. Sessions of the account end."""
    from central.accounts import people

    with _writing(config) as session:
        password = people.reset(session, name, _actor())
    typer.echo(password)


@app.command("role")
def role_of(name: Name, config: ConfigPath, role: Roles) -> None:
    """Give an account these roles and no others. Sessions of the account end."""
    from central.accounts import people

    said = f"{name} is {', '.join(dict.fromkeys(role))}"
    _done(config, lambda session: people.set_roles(session, name, _given(role), _actor()), said)


@app.command("area")
def areas_of(
    name: Name,
    config: ConfigPath,
    area: Annotated[
        list[str] | None, typer.Option("--area", help="Code of an area of sites. Repeat it for several; none: all.")
    ] = None,
) -> None:
    """Give an account these areas and no others: it sees the cases and alarms of their sites alone."""
    from central.accounts import areas

    given = area or []
    said = f"{name} sees {', '.join(given) if given else 'every area'}"
    _done(config, lambda session: areas.give(session, name, given, _actor()), said)


@app.command("totp-reset")
def totp_reset(name: Name, config: ConfigPath) -> None:
    """Take away a second factor that was lost, with its recovery codes. Sessions of the account end."""
    from central.accounts import people

    said = f"{name} signs in with the password alone until a second factor is enrolled"
    _done(config, lambda session: people.second_off(session, name, _actor()), said)


def _done(config: Path, step: "Callable[[Session], None]", said: str) -> None:
    with _writing(config) as session:
        step(session)
    typer.echo(said)


@contextmanager
def _writing(config: Path) -> "Iterator[Session]":
    from central.accounts.errors import AccountError
    from central.config import load_config
    from central.serve import open_database

    db = open_database(load_config(config))
    try:
        with db.write() as session:
            yield session
    except AccountError as error:
        raise InputError(str(error)) from error
    finally:
        db.close()


def _given(chosen: list[AccountRole]) -> "frozenset[Role]":
    from central.accounts.roles import OFFICER, Role

    found: set[Role] = set()
    for one in chosen:
        found |= OFFICER if one is AccountRole.OFFICER else {Role(one.value)}
    return frozenset(found)


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli:unknown"


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


__all__ = ["app"]
