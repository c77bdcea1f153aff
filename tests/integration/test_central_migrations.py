"""Migrations: up is what the tables say, down leaves nothing, and a database of another version is told."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from central_kit import DAY, Box, decision, intake_of, open_db, person, violation
from sqlalchemy import inspect, text
from test_central_alarms import alarm, say

from central.accounts import service as accounts
from central.db import migrate
from central.db.database import Database
from central.db.tables import Base
from central.ledger import triggers
from contract.errors import RunError


def test_up_with_data_and_down_to_nothing(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/x.sqlite")
    with pytest.raises(RunError, match="sightline central migrate"):
        migrate.require_current(db)
    migrate.upgrade(db)
    migrate.require_current(db)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    box = Box()
    box.enrol(db)
    assert intake_of(db).take([decision(box, violation())])[0].outcome == "stored"
    migrate.upgrade(db)
    migrate.downgrade(db, "base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    db.close()


def test_the_version_before_alarms_finds_nothing_waiting_that_it_does_not_know(tmp_path: Path) -> None:
    db = open_db(tmp_path)
    box = Box()
    box.enrol(db)
    assert intake_of(db).take([say(box, alarm())])[0].outcome == "stored"
    query = text("SELECT DISTINCT kind FROM ledger_waiting ORDER BY kind")
    with db.read() as session:
        assert list(session.execute(query).scalars()) == ["alarm", "event", "key"]
    migrate.downgrade(db, "0004")
    with db.read() as session:
        assert list(session.execute(query).scalars()) == ["event", "key"]
    db.close()


def test_the_version_before_looks_at_alarms_finds_none_waiting_and_keeps_the_alarms(tmp_path: Path) -> None:
    db = open_db(tmp_path)
    box, li = Box(), person(db)
    box.enrol(db)
    intake_of(db).take([say(box, alarm())])
    with db.write() as session:
        accounts.log_alarm_view(session, li, f"S{DAY}-0001")
    kinds = text("SELECT kind FROM ledger_waiting ORDER BY id")
    with db.read() as session:
        assert list(session.execute(kinds).scalars()) == ["account", "key", "event", "alarm", "alarm-view"]
    migrate.downgrade(db, "0005")
    with db.read() as session:
        assert list(session.execute(kinds).scalars()) == ["key", "event", "alarm"]
        assert session.execute(text("SELECT number FROM alarms")).scalars().all() == [f"S{DAY}-0001"]
    migrate.upgrade(db)
    with db.engine.connect() as connection:
        triggers.require(connection)
    db.close()


def test_no_step_depends_on_code_that_changes() -> None:
    """A step does tomorrow what it did today: the tables' triggers and what was put away are all that it may know."""
    steps = sorted(Path(migrate.__file__).parent.glob("migrations/versions/*.py"))
    named = {
        f"{step.stem}: {module}"
        for step in steps
        for module in re.findall(
            r"^\s*from ((?:central|contract)[\w.]*(?: import \w+)?)", step.read_text(), re.MULTILINE
        )
    }
    allowed = ("central.db import kept", "central.ledger import triggers", "central.accounts import passwords")
    assert len(steps) > 20
    assert [one for one in sorted(named) if not one.endswith(allowed)] == []


def test_a_database_of_another_version_is_told(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/x.sqlite")
    migrate.upgrade(db)
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(RunError, match="0000"):
        migrate.require_current(db)
    db.close()
