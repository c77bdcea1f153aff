"""A transaction that stood still for too long, on a real PostgreSQL: what was in it is taken all the same."""

import time

import pytest
from central_kit import Box, decision, intake_of, violation
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.db import migrate
from central.db.database import Database
from central.db.events import Event, Quarantine
from central.ingest import intake, turns
from central.ingest.admit import Refused
from central.ingest.store import Arrival, Outcome
from tests.schema_kit import SharedPostgres


def test_a_batch_that_takes_longer_than_the_database_waits_is_taken_in_halves(
    postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(postgres.create(f"slow_{time.monotonic_ns()}"))
    migrate.upgrade(db)
    box, real, sizes = Box(), intake.store, []
    box.enrol(db)
    batch = [decision(box, violation(f"p{number}")) for number in range(4)]

    def slow(session: Session, arrivals: list[Arrival]) -> list[Outcome | Refused]:
        sizes.append(len(arrivals))
        outcomes = real(session, arrivals)
        time.sleep(0.3 * len(arrivals))
        return outcomes

    monkeypatch.setattr(intake, "store", slow)
    monkeypatch.setattr(turns, "_IDLE_MS", 1000)
    assert [result.outcome for result in intake_of(db).take(batch)] == ["stored"] * 4
    assert sizes[:2] == [4, 2]
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(Event)).scalar_one() == 4
        assert session.execute(select(func.count()).select_from(Quarantine)).scalar_one() == 0
    db.close()
