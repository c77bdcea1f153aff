"""Central's books (sites, lists) where SQL decides: the same on SQLite and on a real PostgreSQL, and through migrations."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from alembic.script import ScriptDirectory
from central_kit import AT, Box, violation
from sqlalchemy import MetaData, Table, func, select, text

from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.lists import ListImport, RegisterVehicle
from central.db.sites import Site
from central.lists import compare, imports
from central.lists.known import Subject, look_up, questions
from central.sites import register
from central.sites.register import Terms
from central.tickets import precheck
from contract.errors import InputError
from contract.events import Rule, Vehicle
from contract.sitefile import load_site

SITE = Path(__file__).resolve().parents[2] / "configs/sites/demo.yaml"
CHINA = ZoneInfo("Asia/Shanghai")
PLATE = "皖A195K9"


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
        if kind == "stolen":
            imports.plates(db, kind, file, "cli:li", as_of)
        else:
            imports.handled(db, kind, file, "cli:li", CHINA, as_of)

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


def _before(name: str) -> str:
    """The revision before the migration of that name."""
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    (found,) = [one for one in scripts.walk_revisions() if one.path.endswith(f"_{name}.py")]
    return str(found.down_revision)


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
    migrate.upgrade(empty, _before("spans"))
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
    migrate.downgrade(empty, _before("spans"))
    with empty.read() as session:
        rows = session.execute(text("SELECT sha256, valid_until, imported_by FROM site_versions ORDER BY sha256")).all()
        assert [(row[0][0], str(row[1]), row[2]) for row in rows] == [("a", "None", "li"), ("b", "2026-06-30", "li")]
    migrate.upgrade(empty)


# A register comes in beside the one that counts.

#: Several transactions' worth.
ROWS = 12_000
_KILLED = """
import os, sys
from pathlib import Path
from central.db.database import Database
from central.db.lists import ListImport, RegisterVehicle
from central.db.sites import Site
from central.lists import compare, imports
def told(what, done):
    if what == "in" and done >= 10_000: os.kill(os.getpid(), 9)
imports.register(Database(sys.argv[1]), Path(sys.argv[2]), "cli:li", told)
"""


def vehicles(folder: Path, color: str, rows: int = ROWS) -> Path:
    file = folder / f"{color}.csv"
    lines = (f"皖A{number:05d},K33,{color}" for number in range(rows))
    file.write_text("plate,vehicle_type,color\n" + "\n".join(lines), encoding="utf-8")
    return file


def colours(db: Database) -> dict[str, int]:
    """What counts: color -> vehicles; and that each of a few is found where a case page looks."""
    with db.read() as session:
        query = select(RegisterVehicle.color, func.count()).join(ListImport, ListImport.id == RegisterVehicle.import_id)
        found = dict(session.execute(query.where(ListImport.state == "current").group_by(RegisterVehicle.color)).all())
        for number in (0, 9_999, ROWS - 1):
            book = compare.card(session, Vehicle(class_="car", plate=f"皖A{number:05d}"))
            assert [line.book for line in book.lines if line.what == "color"] == list(found)
        return found


def test_who_is_killed_half_way_leaves_the_list_before_whole(db: Database, tmp_path: Path) -> None:
    imports.register(db, vehicles(tmp_path, "A"), "cli:li")
    url = db.engine.url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", _KILLED, url, str(vehicles(tmp_path, "B"))], check=False)
    assert died.returncode == -signal.SIGKILL
    assert colours(db) == {"A": ROWS}
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(RegisterVehicle)).scalar_one() == ROWS + 10_000
    imports.register(db, vehicles(tmp_path, "C"), "cli:li")
    assert colours(db) == {"C": ROWS}
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(RegisterVehicle)).scalar_one() == ROWS
        assert [one.state for one in session.execute(select(ListImport).order_by(ListImport.id)).scalars()] == [
            "past",
            "current",
        ]


def test_the_list_before_counts_until_the_last_row_is_in_and_others_write_meanwhile(
    db: Database, tmp_path: Path
) -> None:
    imports.register(db, vehicles(tmp_path, "A"), "cli:li")
    heard: list[tuple[str, int]] = []

    def told(what: str, done: int) -> None:
        heard.append((what, done))
        assert colours(db) == {"A": ROWS}
        with db.write() as session:
            session.add(Site(site=f"{what}-{done}", name="-", area="330122"))

    imports.register(db, vehicles(tmp_path, "B"), "cli:li", told)
    assert colours(db) == {"B": ROWS}
    assert heard == [(what, done) for what in ("checked", "in") for done in (5_000, 10_000, ROWS)]


def test_of_two_at_once_the_one_that_ends_stands_and_the_other_is_told(db: Database, tmp_path: Path) -> None:
    def told(what: str, done: int) -> None:
        if (what, done) == ("in", 10_000):
            imports.register(db, vehicles(tmp_path, "B"), "cli:wang")

    with pytest.raises(InputError, match="another import"):
        imports.register(db, vehicles(tmp_path, "A"), "cli:li", told)
    assert colours(db) == {"B": ROWS}
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(RegisterVehicle)).scalar_one() == ROWS


def test_a_plate_that_stands_twice_far_apart_is_named_with_both_lines(db: Database, tmp_path: Path) -> None:
    file = vehicles(tmp_path, "A")
    with file.open("a", encoding="utf-8") as more:
        more.write("\n皖A·00007,K33,B\n")
    with pytest.raises(InputError, match=f":{ROWS + 2}  皖A00007 stands in line 9 already"):
        imports.register(db, file, "cli:li")
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(ListImport)).scalar_one() == 0


def test_what_was_there_before_lists_had_numbers_still_counts(empty: Database, tmp_path: Path) -> None:
    migrate.upgrade(empty, _before("loading"))
    with empty.engine.begin() as connection:
        for kind in ("register", "stolen", "register"):
            connection.execute(
                text(
                    "INSERT INTO list_imports (kind, file, sha256, rows, imported_by, imported_at) "
                    "VALUES (:kind, 'x', 'y', 1, 'li', '2026-07-01 00:00:00+00:00')"
                ),
                {"kind": kind},
            )
        connection.execute(text("INSERT INTO register_vehicles VALUES ('皖A195K9', '02', 'K33', 'A')"))
        connection.execute(text("INSERT INTO plate_entries VALUES ('皖A195K9', 'stolen', NULL, 2)"))
    migrate.upgrade(empty)
    vehicle = Vehicle(class_="car", plate=PLATE, plate_type="02")
    with empty.read() as session:
        assert [line.book for line in compare.card(session, vehicle).lines] == ["K33", "A"]
        (found,) = look_up(session, [Subject(PLATE, Rule.ILLEGAL_PARKING, "s", AT)])
        assert [kind for kind, _ in found.entries] == ["stolen"]
        states = session.execute(select(ListImport.state).order_by(ListImport.id)).scalars().all()
        assert states == ["past", "current", "current"]
    migrate.downgrade(empty, _before("loading"))
    with empty.read() as session:
        assert session.execute(text("SELECT plate FROM register_vehicles")).scalars().all() == [PLATE]
        assert session.execute(text("SELECT plate FROM plate_entries")).scalars().all() == [PLATE]


# Cases by their plate.


def test_a_plate_is_found_however_it_was_written_also_one_of_before(empty: Database) -> None:
    migrate.upgrade(empty, _before("plates"))
    box, written = Box(), ("皖A·195K9", "皖ａ195k9", "皖A195K9", "皖A195K?", "㍿" * 40, None)
    box.enrol(empty)
    old = reflected(empty, "cases", "events")
    with empty.engine.begin() as connection:
        for place, plate in enumerate(written):
            connection.execute(old["events"].insert(), event_row(place))
            connection.execute(old["cases"].insert(), case_row(place, plate))
    migrate.upgrade(empty)
    with empty.read() as session:
        found = session.execute(select(Case.plate_plain).order_by(Case.id)).scalars().all()
        assert found == [PLATE, PLATE, PLATE, "皖A195K?", "株式会社" * 10, None]
    with empty.write() as session:
        case = session.execute(select(Case).where(Case.plate == "皖A195K?")).scalar_one()
        case.plate = "皖a 195k8"
    with empty.read() as session:
        assert session.get_one(Case, case.id).plate_plain == "皖A195K8"
    migrate.downgrade(empty, _before("plates"))
    with empty.read() as session:
        assert session.execute(text("SELECT count(plate) FROM cases")).scalar_one() == 5


def reflected(db: Database, *names: str) -> dict[str, Table]:
    """Tables as they are in the database at this moment."""
    return {name: Table(name, MetaData(), autoload_with=db.engine) for name in names}


def event_row(place: int) -> dict[str, object]:
    return {
        "id": f"e{place}", "edge_id": "edge-01", "type": "t", "case_key": f"k{place}", "raw": b"x", "sha256": f"{place:064}",
        "sealed": True, "kid": "k", "jws": "j", "chain_id": "c", "chain_seq": place, "chain_prev": "p",
        "chain_state": "linked", "at": AT, "received_at": AT,
    }  # fmt: skip


def case_row(place: int, plate: str | None) -> dict[str, object]:
    return {
        "number": f"20261121-{place:04}", "edge_id": "edge-01", "case_key": f"k{place}", "event_id": f"e{place}",
        "rule": "illegal_parking", "verdict": "candidate", "state": "REVIEW1", "state_at": AT, "jurisdiction": "cn-default",
        "utc_offset_s": 28_800, "sort_at": AT, "site": "s", "camera_id": "c", "zone_id": "z", "vehicle_class": "car",
        "plate": plate, "at_first": AT, "at_trigger": AT, "at_last": AT, "manifest": False, "checks": [], "corrected": {},
        "created_at": AT, "version": 1,
    }  # fmt: skip
