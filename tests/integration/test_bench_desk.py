"""`sightline bench desk`: a small run with a real central, and what is kept of runs."""

import json
import shutil
from pathlib import Path

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, violation
from sqlalchemy import func, select

from central.db.cases import Case, CaseLog, CaseMedia
from central.ledger import triggers
from central.tickets.standing import standing
from contract.errors import InputError
from contract.events import EventType
from sightline.bench import desk_browser, desk_copies, desk_http, desk_results
from sightline.bench.central_postgres import server_folders
from sightline.bench.desk import Wish, bench_desk, shortfalls
from sightline.bench.page import page

TOLD = {"p50": 0.01, "p95": 0.02, "p99": 0.03, "of": 200}
NAMES = (
    "queue",
    "queue_second",
    "queue_needs_human",
    "queue_far_behind",
    "queue_rejected",
    "case",
    "decision",
    "decision_and_next",
)
RUN = {
    "at": "2026-11-22T19:00:00+00:00",
    "cases": 1000,
    "database": "SQLite",
    "machine": {"revision": "abc", "cores": 2, "processor": "x", "load_before": 0.1, "python": "3.11"},
    "seeded": {"cases": 1000, "waiting": 360, "seconds": 2.0},
    "http_s": dict.fromkeys(NAMES, TOLD),
}


def test_what_an_officer_would_wait_for_is_named() -> None:
    assert shortfalls(RUN) == []
    slow = {
        "http_s": {**RUN["http_s"], "queue": TOLD | {"p95": 0.3}},
        "browser": {"decision_to_next_s": TOLD | {"p50": 0.2}},
    }
    assert [line.split(":")[0] for line in shortfalls(slow)] == ["queue", "decision to next case"]


def test_a_run_takes_the_place_of_one_of_the_same_size(tmp_path: Path) -> None:
    kept = tmp_path / "desk.json"
    for run in (RUN, RUN | {"database": "PostgreSQL 18.6"}, RUN | {"at": "later"}, RUN | {"cases": 5000}):
        desk_results.keep(kept, run)
    assert [(one["database"], one["cases"]) for one in desk_results.read(kept)] == [
        ("PostgreSQL 18.6", 1000),
        ("SQLite", 1000),
        ("SQLite", 5000),
    ]
    text = page(tmp_path)
    assert "| SQLite | 1,000 | 360 | 2 | 0.010 / 0.020 | 0.010 / 0.020 |" in text and "later" in text
    kept.write_text(json.dumps({"runs": [{}]}))
    with pytest.raises(InputError, match=r"desk\.json: holds no runs"):
        page(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_small_run(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if database == "postgresql" and not server_folders():
        pytest.skip("PostgreSQL is not installed")
    for module, names in ((desk_http, ("QUEUE", "PAGES", "DECISIONS")), (desk_browser, ("DECIDED", "WITHOUT"))):
        for name in names:
            monkeypatch.setattr(module, name, 3)
    monkeypatch.setattr(desk_browser, "LOOK_S", 0.4)
    for module in (desk_http, desk_browser):
        monkeypatch.setattr(module, "WARM", 1)
    run = tmp_path / "run"
    seen = any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    result = bench_desk(Wish(3000, database, run, browser=seen), lambda _: None)
    if seen:
        # How long it takes is asked of a machine with nothing else to do: `sightline bench desk --browser`.
        assert result["browser"]["decision_to_next_s"]["of"] == result["browser"]["without_fetching_ahead_s"]["of"] == 3
    assert result["seeded"]["cases"] == 3000 and result["seeded"]["waiting"] == 200 + 560
    assert all(told["of"] > 0 for told in result["http_s"].values())


def test_copies_have_what_a_page_shows_and_a_decision_where_one_was_made(tmp_path: Path) -> None:
    db = open_db(tmp_path)
    box = Box()
    box.enrol(db)
    manifest, _ = evidence()
    assert (
        intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest)])[0].outcome == "stored"
    )
    assert desk_copies.copy(db, 2000) == 400
    with db.read() as session:
        stills = session.execute(select(func.count()).select_from(CaseMedia)).scalar_one()
        decided = session.execute(select(func.count()).where(Case.decided_at.is_not(None))).scalar_one()
        lines = session.execute(select(func.count()).where(CaseLog.action.in_(["approve", "reject"]))).scalar_one()
        triggers.require(session.connection())
        # Every copy stands where its history puts it: what is decided of it goes on from there.
        rows = session.execute(select(Case).where(Case.number.like("%-1%")).limit(700)).scalars().all()
        told = [(standing(row.history), row) for row in rows]
    second = sum(row.state == "REVIEW2" for row in rows)
    assert second == 134 and all(one.state == row.state for one, row in told if row.state != "CANDIDATE")
    assert all((one.first_by_id, one.decided_by_id) == (row.first_by_id, row.decided_by_id) for one, row in told)
    # Two looks at what is decided, one at what waits for the second.
    assert stills == 4 * 2001 and decided == 1600 + 134 and lines == 2 * 1600 + 134
