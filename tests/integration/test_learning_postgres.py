"""Figures and shadows on a real PostgreSQL: replicas that work at once agree, and migrations go both ways with data."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from central_kit import AT, Box
from learning_kit import APPROVED, cases, decide, refused
from sqlalchemy import func, select, text

from central.db import migrate
from central.db.database import Database
from central.db.learning import CaseFact, LearningLog, ShadowMatter
from central.learning import floor
from central.learning.precision import CAMERA, tallies
from central.reports import facts
from central.reports.ask import Ask, Step
from central.reports.report import report
from tests.schema_kit import SharedPostgres


@pytest.fixture
def db(postgres: SharedPostgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    made = postgres.migrated(request.node.name)
    yield made
    made.close()


def test_replicas_that_fold_and_judge_at_once_agree(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "BATCH", 7)
    box = Box()
    box.enrol(db)
    numbers = cases(db, box, 60, begin=AT - timedelta(days=90))
    refused(db, numbers[:40])
    decide(db, numbers[40:], APPROVED)

    def both(_: int) -> list[floor.Camera]:
        facts.catch_up(db)
        return floor.judge(db, floor.Floor(share=0.6, window=timedelta(days=36_500)))

    with ThreadPoolExecutor(6) as replicas:
        gone = [one for found in replicas.map(both, range(12)) for one in found]
    # One that found another at it leaves without a word; whoever comes last makes what is left.
    gone += both(0)
    assert gone == [("edge-01", "cam-1", "illegal_parking")]
    with db.read() as session:
        (tally,) = tallies(session, CAMERA)
        assert (tally.right, tally.wrong) == (20, 40)
        assert session.execute(select(func.count()).select_from(CaseFact)).scalar_one() == 60
        assert session.execute(select(func.count()).select_from(LearningLog)).scalar_one() == 1
    for step in Step:
        with db.read() as session:
            made = report(session, Ask((AT - timedelta(days=91)).date(), AT.date(), step), people=True)
        assert made.total.outcomes == {"approved": 20, "rejected": 40} and made.reasons == {"R03": 40}
        assert sum((one.outcomes for one in made.steps.values()), Counter()) == made.total.outcomes
        assert made.total.times.n == sum(one.times.n for one in made.steps.values()) == 60
        assert made.total.times.median_s == made.total.times.p90_s == 5 * 3600
        assert [(one.name, one.passed, one.approved, one.rejected) for one in made.people or []] == [
            ("chen", 0, 0, 20),
            ("li", 20, 0, 20),
            ("wang", 0, 20, 0),
        ]
    assert cases(db, box, 3, first=70) == []
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(ShadowMatter)).scalar_one() == 3
    migrate.downgrade(db, "0009")
    with db.read() as session:
        assert session.execute(text("SELECT count(*) FROM ledger_waiting WHERE kind = 'learning'")).scalar_one() == 0
        assert session.execute(text("SELECT count(*) FROM cases")).scalar_one() == 60
    migrate.upgrade(db)
    assert facts.catch_up(db) == 60
