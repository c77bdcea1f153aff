"""Triggers of the database itself: what is written is noted for the ledger by whatever way it comes in.

A row that is added (by the ORM, in bulk, by hand) leaves a line in `ledger_waiting` in the same transaction; leaves,
nodes and heads refuse to be changed or removed. Who owns the database can drop a trigger: that is what the signed
heads outside of it are for, and `sightline evidence audit` says which trigger is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from contract.errors import RunError


@dataclass(frozen=True, slots=True)
class _Note:
    """When `event` happens to `table`, the column `ref` of the new row is noted as `kind`."""

    name: str
    table: str
    event: str
    kind: str
    ref: str
    when: str = ""


_ENDED = "NEW.{0} IS NOT NULL AND OLD.{0} IS NULL"
_NOTES = (
    _Note("ledger_key", "edge_keys", "INSERT", "key", "kid"),
    _Note("ledger_key_retired", "edge_keys", "UPDATE OF retired_at", "key-retired", "kid", _ENDED.format("retired_at")),
    _Note("ledger_key_revoked", "edge_keys", "UPDATE OF revoked_at", "key-revoked", "kid", _ENDED.format("revoked_at")),
    _Note("ledger_event", "events", "INSERT", "event", "id"),
    _Note("ledger_case", "case_log", "INSERT", "case", "id"),
    _Note("ledger_alarm", "alarm_log", "INSERT", "alarm", "id"),
    _Note("ledger_view", "view_log", "INSERT", "view", "id"),
    _Note("ledger_alarm_view", "alarm_view_log", "INSERT", "alarm-view", "id"),
    _Note("ledger_account", "account_log", "INSERT", "account", "id"),
    _Note("ledger_approval", "approval_log", "INSERT", "approval", "id"),
    _Note("ledger_learning", "learning_log", "INSERT", "learning", "id"),
    _Note("ledger_watch", "watch_log", "INSERT", "watch", "id"),
    _Note("ledger_embargo", "embargoes", "INSERT", "embargo", "id"),
    _Note("ledger_lifted", "embargoes", "UPDATE OF lifted_at", "embargo-lifted", "id", _ENDED.format("lifted_at")),
    _Note("ledger_station", "station_log", "INSERT", "station", "id"),
    _Note("ledger_deletion", "deletion_certificates", "INSERT", "deletion", "id"),
)
_REFS = sorted({note.ref for note in _NOTES})
_FIXED = (
    ("ledger_leaves_no_update", "ledger_leaves", "UPDATE"),
    ("ledger_leaves_no_delete", "ledger_leaves", "DELETE"),
    ("ledger_nodes_no_update", "ledger_nodes", "UPDATE"),
    ("ledger_nodes_no_delete", "ledger_nodes", "DELETE"),
    ("ledger_heads_no_delete", "ledger_heads", "DELETE"),
)
NAMES = frozenset({note.name for note in _NOTES} | {name for name, _, _ in _FIXED})


def install(connection: Connection) -> None:
    """Make every trigger that is not there. Safe to repeat: a migration that makes or copies a table does.

    A table that a later migration makes has none yet.
    """
    here = set(inspect(connection).get_table_names())
    make = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    for statement in make([note for note in _NOTES if note.table in here]):
        connection.exec_driver_sql(statement)


def remove(connection: Connection) -> None:
    """Take them all away, for the way down."""
    tables = {note.name: note.table for note in _NOTES} | {name: table for name, table, _ in _FIXED}
    for name, table in sorted(tables.items()):
        on = "" if connection.dialect.name == "sqlite" else f" ON {table}"
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{on}")
    if connection.dialect.name != "sqlite":
        for ref in _REFS:
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS ledger_note_{ref}()")
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS ledger_refuse()")


def require(connection: Connection) -> None:
    """Raise RunError when a trigger is missing: what is written would not be entered."""
    sqlite = connection.dialect.name == "sqlite"
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'" if sqlite else "SELECT tgname FROM pg_trigger"
    missing = NAMES - set(connection.execute(text(query)).scalars())
    if missing:
        raise RunError(
            f"database: trigger {min(missing)} of the ledger is missing, so not everything is entered any more - "
            "find out who dropped it, then put it back with `sightline central migrate`"
        )


def _sqlite(noted: Sequence[_Note]) -> list[str]:
    notes = [
        f"CREATE TRIGGER IF NOT EXISTS {one.name} AFTER {one.event} ON {one.table}"  # noqa: S608 - our constants
        f"{f' WHEN {one.when}' if one.when else ''} BEGIN "
        f"INSERT INTO ledger_waiting (kind, ref) VALUES ('{one.kind}', NEW.{one.ref}); END"
        for one in noted
    ]
    fixed = [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, 'the ledger is only added to'); END"
        for name, table, event in _FIXED
    ]
    return notes + fixed


def _postgresql(noted: Sequence[_Note]) -> list[str]:
    functions = [
        f"CREATE OR REPLACE FUNCTION ledger_note_{ref}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
        f"INSERT INTO ledger_waiting (kind, ref) VALUES (TG_ARGV[0], NEW.{ref}::text); RETURN NULL; END $$"
        for ref in _REFS
    ]
    functions.append(
        "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'the ledger is only added to'; END $$"
    )
    notes = [
        f"CREATE OR REPLACE TRIGGER {one.name} AFTER {one.event} ON {one.table} FOR EACH ROW"
        f"{f' WHEN ({one.when})' if one.when else ''} EXECUTE FUNCTION ledger_note_{one.ref}('{one.kind}')"
        for one in noted
    ]
    fixed = [
        f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION ledger_refuse()"
        for name, table, event in _FIXED
    ]
    return functions + notes + fixed


__all__ = ["install", "remove", "require"]
