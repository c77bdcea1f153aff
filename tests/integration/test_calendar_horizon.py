"""A calendar that will soon know no day more is told in time: on the page, and to who watches the figures."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from central_kit import Box, decision, intake_of, open_db, violation
from prometheus_client import generate_latest

from central.clock import clock_of
from central.db.database import Database
from central.metrics import Metrics
from central.tickets.horizon import Horizon, horizons
from central.web import queue
from central.web.language import load
from central.workflow import calendar


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


def on(day: date, db: Database) -> list[Horizon]:
    with clock_of(lambda: datetime.combine(day, datetime.min.time(), UTC)), db.read() as session:
        return horizons(session)


def told(db: Database, jurisdiction: str = "cn-default") -> None:
    box = Box()
    box.enrol(db)
    intake_of(db).take([decision(box, violation(jurisdiction=jurisdiction))])


def test_it_is_said_from_thirty_days_before_its_last_known_day_on(db: Database) -> None:
    cn = calendar.load("CN")
    assert cn is not None and on(cn.until, db) == []
    told(db)
    for before, soon, kind in (
        (31, False, None),
        (30, False, None),
        (29, True, "warn"),
        (0, True, "warn"),
        (-1, True, "stop"),
    ):
        (found,) = on(cn.until - timedelta(days=before), db)
        assert (found, found.soon) == (Horizon("CN", cn.until, before), soon)
        if kind is not None:
            for tag in ("en", "zh-CN"):
                ((flag, sentence),) = queue.ending([found], load(tag))
                assert flag == kind and str(cn.until) in sentence and "CN" in sentence


def test_a_country_whose_limits_are_calendar_days_needs_none(db: Database) -> None:
    told(db, "uk")
    assert on(date(2099, 1, 1), db) == []


def test_the_figure_counts_down_and_the_new_years_file_ends_it(db: Database, tmp_path: Path) -> None:
    told(db)
    cn = calendar.load("CN")
    assert cn is not None
    with clock_of(lambda: datetime.combine(cn.until, datetime.min.time(), UTC) + timedelta(days=3)):
        page = generate_latest(Metrics(db).registry).decode()
    assert 'sightline_central_calendar_days{country="CN"} -3.0' in page
    years = {year: {"free": [], "worked": []} for year in (cn.until.year, cn.until.year + 1)}
    lines = "".join(f"  {year}: {{free: [], worked: []}}\n" for year in years)
    (tmp_path / "cn.yaml").write_text(
        f"country: CN\nsource: [x]\nweekend: [sat, sun]\nworking_limits: [2, 5]\nyears:\n{lines}", encoding="utf-8"
    )
    before = calendar.own_calendars(tmp_path)
    try:
        (found,) = on(cn.until, db)
        assert (found.until.year, found.soon) == (cn.until.year + 1, False)
    finally:
        calendar.own_calendars(before)
