"""A queue narrowed by areas gives what looking at every case would give, and seeks it in an index of its sites."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from central_kit import Box, open_db
from central_replicas import postgres_server
from learning_kit import cases
from sqlalchemy import Select, select, text, update
from sqlalchemy.orm import Session

from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.db.sites import Site
from central.tickets import queue, seeking
from central.tickets.among import Among
from central.tickets.states import HANDLED, REVIEW1

AREAS = {"road-0": "a", "road-1": "a", "road-2": "b", "road-3": "c"}
ASKED = (
    Among(area="a"), Among(area="b"), Among(area="c"), Among(area="none"), Among(areas=frozenset({"a", "b"})),
    Among(areas=frozenset({"a"}), area="b"), Among(areas=frozenset({"a", "c"}), area="a"),
    Among(areas=frozenset({"a"}), site="road-1"), Among(areas=frozenset({"a"}), verdict="candidate"),
)  # fmt: skip


def named(among: Among) -> str:
    """The same in every process, whatever order its sets have: workers must name the same tests."""
    given = {"areas": "+".join(sorted(among.areas)), "area": among.area, "site": among.site, "verdict": among.verdict}
    return " ".join(f"{name}={value}" for name, value in given.items() if value)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    if request.param == "sqlite":
        yield filled(open_db(Path(tmp_path_factory.mktemp("areas"))))
        return
    with postgres_server() as server:
        made = Database(server.create("areas"))
        migrate.upgrade(made)
        yield filled(made)
        made.close()


def filled(db: Database) -> Database:
    """Twelve cases a state, three at each site; nothing of the first state lies in area c."""
    box = Box()
    box.enrol(db)
    numbers = cases(db, box, 24)
    with db.write() as session:
        session.add_all(Site(site=site, name=site, area=area) for site, area in AREAS.items())
        for place, number in enumerate(numbers):
            site = f"road-{place % 4}" if place < 12 else f"road-{place % 3}"
            state = REVIEW1 if place < 12 else HANDLED
            session.execute(update(Case).where(Case.number == number).values(state=state, site=site))
    return db


def by_hand(rows: list[Case], state: str, among: Among) -> list[str]:
    areas = {one for one in AREAS.values() if (not among.areas or one in among.areas) and among.area in {None, one}}
    held = [
        one for one in rows
        if one.state == state and AREAS[one.site] in areas and among.site in {None, one.site}
        and among.verdict in {None, one.verdict}
    ]  # fmt: skip
    return [one.number for one in sorted(held, key=lambda one: (one.sort_at, one.number), reverse=state == HANDLED)]


@pytest.mark.parametrize("state", [REVIEW1, HANDLED])
@pytest.mark.parametrize("among", ASKED, ids=named)
def test_it_is_what_looking_at_every_case_gives(db: Database, state: str, among: Among) -> None:
    with db.read() as session:
        rows = list(session.execute(select(Case)).scalars())
        wanted = by_hand(rows, state, among)
        assert [one.number for one in queue.queue(session, state=state, among=among).items] == wanted
        seen, after = [], None
        while True:
            page = queue.queue(session, state=state, limit=2, after=after, among=among)
            seen += [one.number for one in page.items]
            if (after := page.next) is None:
                break
        assert seen == wanted
        for place, number in enumerate(wanted):
            before, behind = wanted[place - 1] if place else None, (wanted[place + 1 :] or [None])[0]
            assert queue.neighbours(session, queue.found(session, number), among) == (before, behind)
        if state == REVIEW1:
            assert queue.next_of(session, state, None, 1, among) == (wanted[0] if wanted else None)
            open_areas = Among(areas=among.areas)
            assert queue.counts(session, among.areas)[state] == len(by_hand(rows, state, open_areas))


@pytest.mark.parametrize("among", [Among(area="c"), Among(areas=frozenset({"a", "c"}))], ids=named)
def test_no_state_is_walked_for_an_area(db: Database, among: Among) -> None:
    """The plan on both databases: in a state of 840,000 cases a walk takes a second, and this a thousandth."""
    with db.engine.connect() as connection, Session(connection) as session:
        row = session.execute(select(Case).where(Case.state == HANDLED).limit(1)).scalar_one()
        if session.connection().dialect.name == "postgresql":
            many(session)
        for query in (
            seeking.first(session, HANDLED, among, 51),
            seeking.first(session, HANDLED, among, 1, seeking.behind(HANDLED, row), back=False),
            seeking.first(session, HANDLED, among, 1, seeking.behind(HANDLED, row, back=True), back=True),
            seeking.some(session, HANDLED, among, 1000),
        ):
            assert walks(session, query) == []


def many(session: Session) -> None:
    """Copies of the first case that was dealt with, until the transaction ends: a few rows are read whole anyhow."""
    own = {"number": "'20250101-' || (100000 + place)", "case_key": "'copy-' || place", "site": "'road-0'"}
    names = [one.name for one in Case.__table__.columns if one.name != "id"]
    given = ", ".join(own.get(name, f"cases.{name}") for name in names)
    session.execute(
        text(
            f"INSERT INTO cases ({', '.join(names)}) SELECT {given} FROM generate_series(1, 20000) AS place, cases "
            "WHERE cases.id = (SELECT min(id) FROM cases WHERE state = 'HANDLED')"
        )
    )
    session.execute(text("ANALYZE cases"))


def walks(session: Session, query: Select) -> list[str]:
    """The steps of the plan that read cases of a state without their site."""
    said = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True})).replace("%%", "%")
    if session.connection().dialect.name == "sqlite":
        steps = [line[3] for line in session.execute(text("EXPLAIN QUERY PLAN " + said.replace(":", r"\:")))]
        return [one for one in steps if "(state=?)" in one or one.startswith("SCAN cases")]
    (plan,) = session.execute(text("EXPLAIN (FORMAT JSON) " + said.replace(":", r"\:"))).scalar_one()
    found, stack = [], [plan["Plan"]]
    while stack:
        one = stack.pop()
        stack += one.get("Plans", [])
        if "state" in one.get("Index Cond", "") and "site" not in one["Index Cond"]:
            found.append(json.dumps(one))
    return found
