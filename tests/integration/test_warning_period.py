"""Which cases lead to a warning only: what the box sealed, else the profile and the registered site file."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from central_kit import AT, Box, decision, intake_of, open_db, violation
from sqlalchemy import select

from central.db.cases import Case
from central.db.database import Database
from central.learning import warning
from central.sites import register
from central.sites.register import Terms
from contract.sitefile import load_site

DEMO = Path(__file__).resolve().parents[2] / "configs" / "sites" / "demo.yaml"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_db(tmp_path)


def period(db: Database, **changes) -> warning.Period | None:
    box = Box()
    box.enrol(db)
    assert intake_of(db).take([decision(box, violation(**changes))])[0].outcome == "stored"
    with db.read() as session:
        return warning.of(session, session.execute(select(Case)).scalar_one())


def site_since(folder: Path, since: str | None) -> Path:
    said = yaml.safe_load(DEMO.read_text(encoding="utf-8")) | {"jurisdiction": "us-nyc"}
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(said | ({"enforcing_since": date.fromisoformat(since)} if since else {})))
    return file


def test_a_place_without_such_a_period_fines(db: Database) -> None:
    assert period(db) is None


@pytest.mark.parametrize(
    ("numbers", "until"),
    [
        ({"warning_only": True, "warning_until": "2026-12-01"}, date(2026, 12, 1)),
        ({"warning_only": "unknown", "warning_until": "unknown"}, None),
    ],
)
def test_what_the_box_sealed_goes_before(db: Database, numbers: dict, until: date | None) -> None:
    assert period(db, jurisdiction="us-nyc", numbers=numbers) == warning.Period(until)


def test_a_box_that_knew_its_period_is_over_is_believed(db: Database) -> None:
    numbers = {"warning_only": False, "warning_until": "2026-10-01"}
    assert period(db, jurisdiction="us-nyc", numbers=numbers) is None


# 60 days, of which the first is the day from which the site enforces: those that begin 59 days before end on it.
@pytest.mark.parametrize(("ago", "left"), [(59, 0), (20, 39), (60, None)])
def test_an_older_box_is_held_to_the_registered_site_file(db, tmp_path, ago: int, left: int | None) -> None:
    file = site_since(tmp_path, str(AT.date() - timedelta(days=ago)))
    until = AT.date() + timedelta(days=left) if left is not None else None
    with db.write() as session:
        register.add(session, file, Terms("10001", date(2026, 1, 1), None, "li"))
    found = period(db, jurisdiction="us-nyc", site_version=load_site(file).sha256)
    assert found == (warning.Period(until) if until else None)


def test_in_doubt_nobody_is_fined(db: Database) -> None:
    assert period(db, jurisdiction="us-nyc", at_trigger=AT + timedelta(days=900)) == warning.Period(None)
