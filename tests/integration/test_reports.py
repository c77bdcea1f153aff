"""Reports: figures that agree with each other and with the cases, files without formulas, pages for those who may."""

import contextlib
import csv
import io
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from central.accounts import service as accounts
from central.accounts.roles import Role
from central.app import create_app
from central.db import migrate
from central.db.database import Database
from central.db.learning import CaseFact
from central.db.sites import Site
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.reports import charts, files, report, tables
from central.reports.ask import Ask, Step, key_of, number_of
from central.reports.facts import OUTCOMES, REJECTED, WAITING
from central.tickets.errors import Unfit
from central.web.language import load
from central.web.report_routes import as_file
from contract.errors import InputError
from contract.events import now
from sightline.cli import app as cli

EN, ZH = load("en"), load("zh-CN")
FIRST = date(2026, 8, 24)
PASSWORD = "correct horse battery"
#: What spreadsheets take for formulas, and what breaks a careless writer.
WICKED = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    ' =HYPERLINK("http://evil")',
    "＝1",
    "<b>&\"'",
    "迎春南路\u0007",
    'a,b\n"c"',
]


def fact(place: int, day: date, **changes: Any) -> dict[str, Any]:
    """A line of figures as the fold makes it."""
    outcome = changes.get("outcome", WAITING)
    done = outcome not in {WAITING, "expired"}
    year, week, _ = day.isocalendar()
    return {
        "case_id": place, "version": 1, "day": number_of(day), "week": year * 100 + week, "hour": 10,
        "edge_id": "edge-01", "camera_id": "cam-1", "site": "迎春南路 3 号", "rule": "illegal_parking",
        "verdict": "candidate", "outcome": outcome, "reason": "R03" if outcome == REJECTED else None, "at": now(),
        "decided_at": now() if done else None, "decision_s": 3600.0 if done else None, "first_by": "li" if done else None,
        "decided_by": "wang" if done else None,
    } | changes  # fmt: skip


def put(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(delete(CaseFact))
    if rows:
        session.execute(insert(CaseFact), rows)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Figures alone: what a report is made from. Foreign keys are of no matter to it."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('reports')}/x.sqlite")
    migrate.upgrade(made)
    return made


def loose(db: Database, rows: list[dict[str, Any]]) -> None:
    with db.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        with Session(connection) as session:
            put(session, rows)
            session.commit()
        driver.execute("PRAGMA foreign_keys=ON")


def drawn(seed: int, count: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    rows = []
    for place in range(count):
        outcome = chance.choice(OUTCOMES)
        rows.append(
            fact(
                place,
                FIRST + timedelta(days=chance.randrange(100)),
                outcome=outcome,
                reason=chance.choice(["R01", "R05", "R16"]) if outcome == REJECTED else None,
                camera_id=f"cam-{chance.randrange(4)}",
                rule=chance.choice(["illegal_parking", "failure_to_yield"]),
                site=f"site-{chance.randrange(2)}",
                verdict=chance.choice(["candidate", "needs_human"]),
                decision_s=chance.uniform(1, 400_000) if outcome not in {WAITING, "expired"} else None,
                decided_by=chance.choice(["wang", "zhao", "system"]) if outcome not in {WAITING, "expired"} else None,
            )
        )
    return rows


def made(db: Database, ask: Ask, people: bool = True) -> report.Report:
    with db.read() as session:
        return report.report(session, ask, people=people)


def nearest(values: list[float], share: tuple[int, int]) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * share[0] // share[1]) - 1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), count=st.integers(0, 60), step=st.sampled_from(list(Step)))
def test_parts_are_the_whole_and_all_are_the_rows(db: Database, seed: int, count: int, step: Step) -> None:
    rows = drawn(seed, count)
    loose(db, rows)
    last = FIRST + timedelta(days=99)
    found = made(db, Ask(FIRST, last, step))
    assert found.total.captures == count == sum(one.captures for one in found.steps.values())
    assert found.total.outcomes == Counter(row["outcome"] for row in rows)
    for parts in (found.steps, found.rules, found.cameras):
        assert sum((one.outcomes for one in parts.values()), Counter()) == found.total.outcomes
        assert sum(one.asked for one in parts.values()) == found.total.asked
    assert found.reasons == Counter(row["reason"] for row in rows if row["outcome"] == REJECTED)
    assert found.reasons.total() == found.total.outcomes[REJECTED]
    times = [row["decision_s"] for row in rows if row["decision_s"] is not None]
    assert found.total.times.n == len(times) == sum(one.times.n for one in found.steps.values())
    if times:
        assert found.total.times.median_s == 360 * round(nearest(times, (1, 2)) / 360)
        assert found.total.times.p90_s == 360 * round(nearest(times, (9, 10)) / 360)
    by_day = {
        row["case_id"]: key_of(
            FIRST + (date(row["day"] // 10000, row["day"] // 100 % 100, row["day"] % 100) - FIRST), step
        )
        for row in rows
    }
    assert {key: one.captures for key, one in found.steps.items() if one.captures} == Counter(by_day.values())
    people = [row for row in rows if row["decided_by"] not in {None, "system"}]
    assert sum(one.approved + one.rejected for one in found.people or []) == len(people)
    # Two halves are the whole, whatever day lies between them.
    middle = FIRST + timedelta(days=seed % 99)
    halves = [made(db, Ask(FIRST, middle, step)), made(db, Ask(middle + timedelta(days=1), last, step))]
    assert sum((one.total.outcomes for one in halves), Counter()) == found.total.outcomes


def test_narrowing_and_what_cannot_be_asked(db: Database) -> None:
    loose(db, drawn(7, 80))
    ask = Ask(FIRST, FIRST + timedelta(days=99), Step.WEEK)
    whole = made(db, ask)
    parts = [made(db, Ask(ask.first, ask.last, ask.step, site=site)) for site in ("site-0", "site-1")]
    assert [one.total.captures for one in parts] == [
        sum(c.captures for (s, _, _), c in whole.cameras.items() if s == f"site-{n}") for n in (0, 1)
    ]
    assert made(db, Ask(ask.first, ask.last, ask.step, camera="no such")).total.captures == 0
    for wrong in ((FIRST, FIRST - timedelta(days=1)), (FIRST, FIRST + timedelta(days=400))):
        with pytest.raises(Unfit):
            Ask(*wrong)
    with pytest.raises(Unfit):
        Ask(FIRST, FIRST, site="\x00")
    with pytest.raises(Unfit):
        Ask(FIRST, FIRST, rule="no such")


def test_no_cell_of_a_file_is_a_formula(db: Database) -> None:
    loose(
        db,
        [
            fact(n, FIRST, site=site, camera_id=site[:60], outcome="approved", decided_by=site[:60], first_by=site[:60])
            for n, site in enumerate(WICKED)
        ],
    )
    found = tables.tables(made(db, Ask(FIRST, FIRST)), EN)
    rows = list(csv.reader(io.StringIO(files.as_csv(found).decode("utf-8-sig"))))
    cells = [cell for row in rows for cell in row if cell]
    assert not [cell for cell in cells if re.match(r"[ \u00a0]*[=+\-@\t\r|%＝＋－＠]", cell)]
    book = openpyxl.load_workbook(io.BytesIO(files.as_xlsx(found, [("a", "=b")])))
    kinds = Counter(cell.data_type for sheet in book for row in sheet for cell in row if cell.value is not None)
    assert kinds["f"] == 0 and kinds["n"] > 20
    named = {cell.value for row in book["By camera"] for cell in row}
    assert "'=1+1" in named and "迎春南路" in named
    # What is a number stays one that can be summed.
    assert isinstance(book["By camera"]["D2"].value, int)


def test_what_became_of_approvals_later_is_told_beside_them_everywhere(db: Database) -> None:
    """Wang approved five: two stand, one was taken back on appeal, two were not handed over in time."""
    outcomes = ["approved", "approved", "cancelled", "expired", "expired", "expired", "rejected"]
    rows = [fact(n, FIRST, outcome=one) for n, one in enumerate(outcomes)]
    for row in rows[3:5]:
        row.update(decided_by="wang", decided_at=now(), decision_s=60.0)
    loose(db, rows)
    whole = made(db, Ask(FIRST, FIRST))
    assert (whole.ever_approved, whole.total.outcomes["cancelled"], whole.lapsed) == (5, 1, 2)
    (wang,) = [one for one in whole.people or [] if one.name == "wang"]
    assert (wang.approved, wang.cancelled, wang.expired, wang.rejected) == (5, 1, 2, 1)
    head = [EN(key) for key in ("report.approved_second", "report.later_cancelled", "report.later_expired")]
    text = list(csv.reader(io.StringIO(as_file(whole, "csv", EN).decode("utf-8-sig"))))
    assert ["wang", "0", "5", "1", "2", "1"] in text
    book = openpyxl.load_workbook(io.BytesIO(as_file(whole, "xlsx", EN)))
    assert [cell.value for cell in book["By person"][1]][2:5] == head
    assert ["wang", 0, 5, 1, 2, 1] in [[cell.value for cell in row] for row in book["By person"].rows]
    assert as_file(whole, "pdf", EN).startswith(b"%PDF-")
    shown = {row[0]: row[1] for row in tables.tables(whole, EN)[0].rows}
    assert shown[EN("report.ever_approved")] == 5 and shown[EN("report.later_expired")] == 2


@pytest.mark.parametrize("say", [EN, ZH], ids=["en", "zh-CN"])
def test_files_in_both_languages(db: Database, say) -> None:
    loose(db, [*drawn(3, 60), fact(100, FIRST, site="迎春南路 3 号", outcome="rejected")])
    whole = made(db, Ask(FIRST, FIRST + timedelta(days=99), Step.WEEK))
    text = as_file(whole, "csv", say).decode("utf-8-sig")
    assert "迎春南路 3 号" in text and say("report.table.people") in text
    pdf = as_file(whole, "pdf", say)
    assert pdf.startswith(b"%PDF-") and len(pdf) > 20_000
    if say is ZH:
        assert b"CJK" in inflated(pdf)


def inflated(pdf: bytes) -> bytes:
    """What the streams of a PDF hold, where they can be opened: fonts are named there."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(stream))
    return b"".join(found)


def test_charts_escape_what_they_are_given() -> None:
    drawn = charts.rows("x", "<t>", ["<a>"], [charts.Bar("<script>\"'", [1])]) + charts.columns("y", "t", ["a"], [])
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn
    assert charts.lines("z", "t", ["a", "b", "c"], [charts.Line("m", [1, None, 2])], "h").count("<polyline") == 2
    assert "<circle" not in charts.dots("d", "t", [charts.Dot("c", None, None, None, "n = 0")])


def test_scale_ends_at_a_round_number_above_everything() -> None:
    for value in (0, 1, 4, 5, 9, 10, 11, 99, 101, 12_345):
        top = charts._round_up(value)
        assert top >= value and (top <= 4 or top < value * 2.5)


def test_who_has_areas_is_counted_the_sites_of_them_alone(db: Database) -> None:
    rows = [fact(n, FIRST, site="site-0" if n % 3 else "site-1", camera_id=f"cam-{n % 3}") for n in range(30)]
    loose(db, rows)
    with db.write() as session:
        session.merge(Site(site="site-1", name="One", area="330122"))
    ask = Ask(FIRST, FIRST, areas=frozenset({"330122"}))
    found = made(db, ask)
    assert found.total.captures == 10 and {site for site, _, _ in found.cameras} == {"site-1"}
    with db.read() as session:
        assert report.choices(session, ask.areas) == (["site-1"], ["cam-0"])
        assert report.choices(session)[0] == ["site-0", "site-1"]
    assert made(db, Ask(FIRST, FIRST, areas=frozenset({"1"}))).total.captures == 0


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Database, Path]]:
    """Central with figures, an account of each kind, and its settings."""
    folder = tmp_path_factory.mktemp("office")
    db = Database(f"sqlite:///{folder}/central.sqlite")
    migrate.upgrade(db)
    loose(db, drawn(11, 200))
    with db.write() as session:
        for role in (Role.REVIEWER, Role.CHIEF, Role.AUDITOR):
            accounts.add_user(session, str(role), role, PASSWORD)
    (folder / "central.yaml").write_text("data_dir: .\ndatabase: {url: 'sqlite:///central.sqlite'}\n")
    app = create_app(db, FolderStore(folder / "media", 1_000_000), Metrics(db))
    with TestClient(app, headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=False) as client:
        yield client, db, folder
    db.close()


def page(client: TestClient, role: Role, address: str) -> Any:
    client.cookies.clear()
    assert client.post("/sign-in", data={"name": str(role), "password": PASSWORD, "next": "/"}).status_code == 303
    return client.get(address)


SPAN = "from=2026-08-24&to=2026-12-01&step=week"


def test_figures_of_people_are_for_chiefs_and_auditors_in_files_too(office: tuple[TestClient, Database, Path]) -> None:
    client = office[0]
    for role, sees in ((Role.REVIEWER, False), (Role.CHIEF, True), (Role.AUDITOR, True)):
        shown = page(client, role, f"/reports?{SPAN}")
        assert shown.status_code == 200 and ("By person" in shown.text) is sees
        text = page(client, role, f"/reports/file/csv?{SPAN}").content.decode("utf-8-sig")
        assert ("zhao" in text) is sees and "What became of the captures" in text
    with office[1].read() as session:
        whole = report.report(session, Ask(FIRST, date(2026, 12, 1), Step.WEEK))
    shown = page(client, Role.CHIEF, f"/reports?{SPAN}").text
    assert f"{EN('report.ever_approved')}: {whole.ever_approved} " in shown and whole.ever_approved > 0
    assert f"{EN('report.later_cancelled')}: {whole.total.outcomes['cancelled']} " in shown
    for kind, begins in (("xlsx", b"PK"), ("pdf", b"%PDF")):
        got = page(client, Role.CHIEF, f"/reports/file/{kind}?{SPAN}")
        assert got.content.startswith(begins) and f".{kind}" in got.headers["content-disposition"]
    assert page(client, Role.CHIEF, f"/reports/file/exe?{SPAN}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-30", "from=tomorrow", "from=2026-12-01&to=2026-01-01", "from=0001-01-01", "from=2026-01-01%00",
        "from=9999-12-31", "site=" + "x" * 5000, "site=%00", "from=2020-01-01&to=2026-01-01&step=day", "camera=%ED%A0%80",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_sentence(office: tuple[TestClient, Database, Path], query: str) -> None:
    got = page(office[0], Role.CHIEF, f"/reports?{query}")
    assert got.status_code in {200, 422} and "<h1" in got.text


def test_the_command_writes_what_the_page_shows(office: tuple[TestClient, Database, Path]) -> None:
    client, _, folder = office
    out = folder / "out.csv"
    words = ["central", "report", "--from", "2026-08-24", "--to", "2026-12-01", "--by", "week", "--people"]
    said = CliRunner().invoke(cli, [*words, "--out", str(out), "--config", str(folder / "central.yaml")])
    assert said.exit_code == 0, said.output
    assert out.read_bytes() == page(client, Role.CHIEF, f"/reports/file/csv?{SPAN}").content
    for wrong in (["--out", str(folder / "x.exe")], ["--out", str(out), "--only", "plate=x"]):
        failed = CliRunner().invoke(cli, [*words, *wrong, "--config", str(folder / "central.yaml")])
        assert isinstance(failed.exception, InputError)
