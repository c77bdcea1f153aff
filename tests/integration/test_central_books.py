"""Central's books (sites, lists) where SQL decides: the same on SQLite and on a real PostgreSQL, and through migrations."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from central_kit import AT, violation
from central_replicas import postgres_server
from sqlalchemy import text

from central.db import migrate
from central.db.database import Database
from central.lists import imports
from central.lists.known import Subject, look_up, questions
from central.sites import register
from central.sites.register import Terms
from central.tickets import precheck
from contract.events import Rule
from contract.sitefile import load_site
from sightline.bench.central_postgres import PostgresServer

SITE = Path(__file__).resolve().parents[2] / "configs/sites/demo.yaml"
CHINA = ZoneInfo("Asia/Shanghai")
PLATE = "皖A195K9"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path}/central.sqlite")
    else:
        made = Database(request.getfixturevalue("postgres").create(f"books_{uuid4().hex}"))
    yield made
    made.close()


@pytest.fixture
def db(empty: Database) -> Database:
    migrate.upgrade(empty)
    return empty


def put(db: Database, file: Path, first: date, **changes: object) -> None:
    said: dict[str, object] = {"area": "330122003", "inspection_until": None, "by": "cli:li", "valid_from": first}
    with db.write() as session:
        register.add(session, file, Terms(**(said | changes)))  # type: ignore[arg-type]


def test_a_file_taken_up_again_and_what_its_days_say(db: Database, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SITE.read_text(encoding="utf-8") + "\n# other\n", encoding="utf-8")
    for file, month in ((SITE, 4), (other, 6), (SITE, 7)):
        put(db, file, date(2026, month, 1), published_on=date(2026, 3, 1))
    site = load_site(SITE)
    known = {"site": site.site.site, "site_version": site.sha256}
    with db.read() as session:
        places = precheck.places.known_places(session, [site.sha256, load_site(other).sha256, "f" * 64])
        assert len(places) == 2
        for month, ok in ((3, False), (4, True), (6, False), (7, True)):
            data = violation(**known, at_trigger=AT.replace(year=2026, month=month, day=15))
            found = {one.name: one.ok for one in precheck.places.of_place(places, data)}
            assert found["site"] is ok, month


def test_lists_of_both_databases_say_until_when_they_know(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    at = AT + timedelta(minutes=3)

    def take(kind: str, words: str, as_of: datetime | None) -> None:
        file.write_text(words, encoding="utf-8")
        with db.write() as session:
            if kind == "stolen":
                imports.plates(session, kind, file, "cli:li", as_of)
            else:
                imports.handled(session, kind, file, "cli:li", CHINA, as_of)

    put(db, SITE, date(2026, 4, 1))
    name = load_site(SITE).site.name
    take("stolen", "皖A195K8\n", at)
    take("on_site", f"plate,at,site\n{PLATE},{at.isoformat()},{name}\n{PLATE},{at.isoformat()},别处\n", None)
    subject = Subject(PLATE, Rule.ILLEGAL_PARKING, load_site(SITE).site.site, at)
    with db.read() as session:
        (found,) = look_up(session, [subject])
        assert (found.knows("stolen"), found.knows("on_site"), found.knows("cloned")) == (True, False, False)
        assert ([one.site for one in found.of("on_site")], [one.site for one in found.unplaced("on_site")]) == (
            [name],
            ["别处"],
        )
        assert [one.fact for one in questions(session, {1: subject})[1]] == ["handled_on_site"]


def _versions(db: Database) -> None:
    """A book of the version before spans: a file taken up again (its end lies before its beginning), and a list."""
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO sites (site, name, area) VALUES ('s', 's', '330122')"))
        for sha, begun, until in (("a", "2026-07-01", "2026-05-31"), ("b", "2026-06-01", None)):
            connection.execute(
                text(
                    "INSERT INTO site_versions (sha256, site, raw, valid_from, valid_until, inspection_until, "
                    "imported_by, imported_at) VALUES (:sha, 's', :raw, :begun, :until, '2027-03-31', 'li', :at)"
                ),
                {"sha": sha * 64, "raw": b"x", "begun": begun, "until": until, "at": "2026-07-01 00:00:00+00:00"},
            )
        connection.execute(
            text(
                "INSERT INTO list_imports (kind, file, sha256, rows, imported_by, imported_at) "
                "VALUES ('stolen', 'x', :sha, 0, 'li', :at)"
            ),
            {"sha": "c" * 64, "at": "2026-07-01 00:00:00+00:00"},
        )


def test_spans_come_out_of_versions_and_go_back_into_them(empty: Database) -> None:
    migrate.upgrade(empty, "0009")
    _versions(empty)
    migrate.upgrade(empty)
    with empty.read() as session:
        assert [(one.sha256[0], one.valid_from, one.valid_until, one.inspection_from, one.inspection_until)
                for _, one in register.spans(session)] == [
            ("b", date(2026, 6, 1), date(2026, 6, 30), None, date(2027, 3, 31)),
            ("a", date(2026, 7, 1), None, None, date(2027, 3, 31)),
        ]  # fmt: skip
        (found,) = look_up(session, [Subject(PLATE, Rule.ILLEGAL_PARKING, "s", AT)])
        assert found.as_of == {"stolen": None}
    migrate.downgrade(empty, "0009")
    with empty.read() as session:
        rows = session.execute(text("SELECT sha256, valid_until, imported_by FROM site_versions ORDER BY sha256")).all()
        assert [(row[0][0], str(row[1]), row[2]) for row in rows] == [("a", "None", "li"), ("b", "2026-06-30", "li")]
    migrate.upgrade(empty)
