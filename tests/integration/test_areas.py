"""Who has areas sees the cases and alarms of their sites and no others: lists, counts, and every route with a number."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, person, violation
from fastapi.testclient import TestClient
from sqlalchemy import select
from test_central_alarms import alarm, say

from central.accounts import areas as areas_of_people
from central.accounts import people
from central.accounts.errors import BadAccount
from central.accounts.roles import Role
from central.accounts.sessions import digest
from central.app import create_app
from central.db import migrate
from central.db.accounts import AccountLog, User, UserSession
from central.db.alarms import Alarm
from central.db.cases import Case
from central.db.database import Database
from central.db.exports import Export, ExportCase
from central.db.notices import Notice
from central.db.sites import Site
from central.export import service as export_service
from central.ledger import audit_accounts
from central.marks import Marked, Needs, routes
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.notices import service as notice_service
from central.sites.reach import CLOSED, ROOMS, within_reach
from central.web.desk_routes import PREFETCH_HEADER
from contract.events import EventType, now

NORTH, SOUTH, NOWHERE = "yingchun-road-03", "south-road-01", "unregistered-09"
ROLES = frozenset({*Role} - {Role.ADMIN})


@dataclass
class World:
    client: TestClient
    db: Database
    #: Number of the case, and of the alarm, at each site.
    cases: dict[str, str]
    alarms: dict[str, str]

    def come(self, name: str) -> dict[str, str]:
        """Headers of a session of this person, with the token that forms and programs send."""
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self.db.write() as session:
            user = session.execute(select(User.id).where(User.name == name)).scalar_one()
            ends = now() + timedelta(hours=1)
            session.add(
                UserSession(token_hash=digest(token), user_id=user, csrf=csrf, created_at=now(), expires_at=ends)
            )
        return {"Cookie": f"sightline_session={token}", "X-CSRF-Token": csrf, "Accept": "text/html"}

    def ask(self, route: Marked, number: str, name: str) -> int:
        headers = self.come(name)
        path = route.path.replace("{number}", number).replace("{sha256}", "a" * 64)
        form = {"csrf": headers["X-CSRF-Token"], "version": "1"}
        sent = {"json": {"version": 1, "note": "x", "code": "R01", "field": "plate", "said": "x", "finding": "S01"}}
        sent = sent if path.startswith("/api/") else {"data": form}
        return self.client.request(
            route.method, path, headers=headers, **(sent if route.method == "POST" else {})
        ).status_code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("areas")
    db, box = open_db(folder), Box()
    box.enrol(db)
    said = [say(box, alarm("a1", site=NORTH)), say(box, alarm("a2", site=SOUTH))]
    for passage, site in (("p1", NORTH), ("p2", SOUTH), ("p3", NOWHERE)):
        said += [decision(box, violation(passage, site=site)), box.say(EventType.MANIFEST, evidence(passage)[0])]
    assert {one.outcome for one in intake_of(db).take(said)} == {"stored"}
    with db.write() as session:
        session.add_all([Site(site=NORTH, name="North", area="N1"), Site(site=SOUTH, name="South", area="S1")])
    for name, given in (("all", []), ("north", ["N1"]), ("both", ["N1", "S1"]), ("lost", ["X9"])):
        person(db, name, ROLES)
        with db.write() as session:
            areas_of_people.give(session, name, given, "chen")
    with db.write() as session:
        for row in session.execute(select(Case)).scalars():
            row.state = "REVIEW1"  # as after its precheck; nobody looks at the history here
        cases = {row.site: row.number for row in session.execute(select(Case)).scalars()}
        alarms = {row.site: row.number for row in session.execute(select(Alarm)).scalars()}
    app = create_app(db, FolderStore(folder / "media", 1_000_000), Metrics(db))
    with TestClient(app, headers={"Accept-Language": "en"}, follow_redirects=False) as client:
        yield World(client, db, cases, alarms)
    db.close()


def numbered(world: World) -> list[Marked]:
    found = [one for one in routes(world.client.app) if "{number}" in one.path and isinstance(one.marks[0], Needs)]
    return [one for one in found if one.path.startswith(("/cases", "/alarms", "/api/v1/cases", "/api/v1/alarms"))]


def test_every_route_with_a_number_finds_nothing_outside_of_the_areas(world: World) -> None:
    wrong, tried = [], 0
    for route in numbered(world):
        about = "/alarms" in route.path
        numbers = world.alarms if about else world.cases
        here, there = numbers[NORTH], numbers[SOUTH]
        for name, number, hidden in (
            ("north", there, True), ("lost", here, True), ("north", here, False), ("both", there, False),
            ("all", there, False),
        ):  # fmt: skip
            status, tried = world.ask(route, number, name), tried + 1
            # The store has none of the stills: 404 for everybody, told apart below.
            if (status == 404) != hidden and "{sha256}" not in route.path:
                wrong.append(f"{route.method} {route.path} of {number} by {name}: {status}")
    assert wrong == []
    assert tried > 80


def test_whatever_has_a_number_says_where_it_lies(world: World) -> None:
    """A route that is new and names something by number is closed to who has areas until it does."""
    asked = [one for one in routes(world.client.app) if "{number}" in one.path and isinstance(one.marks[0], Needs)]
    rooms = {one.path.partition("/{number}")[0].rpartition("/")[2] for one in asked}
    assert rooms <= set(ROOMS) | CLOSED
    for route in asked:
        assert world.ask(route, "20200101-9999", "north") == 404, route


def test_exports_and_letters_are_those_of_the_areas(world: World) -> None:
    with world.db.write() as session:
        ids = {row.site: row.id for row in session.execute(select(Case)).scalars()}
        for number, sites in (("X20261122-01", [NORTH]), ("X20261122-02", [SOUTH])):
            made = Export(number=number, map_id="m", map_sha256="0" * 64, made_by="li", made_at=now(), cases=1,
                          table_name="t", table=b"", manifest=b"{}")  # fmt: skip
            session.add(made)
            session.flush()
            session.add_all(ExportCase(case_id=ids[site], export_id=made.id, row=1) for site in sites)
        for number, site in (("L-north", NORTH), ("L-south", SOUTH)):
            session.add(Notice(number=number, case_id=ids[site], kind="notice", language="en", said={"stills": []},
                               issued_by="li", issued_at=now()))  # fmt: skip
    for name, own, others in (("north", ("X20261122-01", "L-north"), ("X20261122-02", "L-south")),
                              ("both", ("X20261122-02", "L-south"), ())):  # fmt: skip
        with world.db.read() as session:
            areas = {"north": ["N1"], "both": ["N1", "S1"]}[name]
            listed = {one.number for one in export_service.exports(session, areas=areas)}
            listed |= {one.number for one, _ in notice_service.issued(session, areas=areas)}
            assert set(own) <= listed and not set(others) & listed
            for number in (*own, *others):
                room = "exports" if number.startswith("X") else "notices"
                assert within_reach(session, room, number, areas) == (number in own), (name, number)
        for number in others:
            address = f"/exports/{number}/archive" if number.startswith("X") else f"/notices/{number}/letter"
            assert world.client.get(address, headers=world.come(name)).status_code == 404


def test_stills_of_another_area_are_as_good_as_none(world: World) -> None:
    with world.db.read() as session:
        sha256 = session.execute(select(Case).where(Case.site == SOUTH)).scalar_one().media[0].sha256
    for path in ("/cases", "/api/v1/cases"):
        address = f"{path}/{world.cases[SOUTH]}/media/{sha256}"
        told = {name: world.client.get(address, headers=world.come(name) | {"Accept": "*/*"}).text for name in
                ("north", "both")}  # fmt: skip
        assert "has not arrived yet" in told["both"] or "not arrived" in told["both"], told
        assert "nothing numbered" in told["north"], told


def test_lists_and_counts_are_those_of_the_areas(world: World) -> None:
    seen = {}
    for name in ("all", "north", "both", "lost"):
        headers = world.come(name) | {"Accept": "application/json"}
        queue = world.client.get("/api/v1/cases", headers=headers).json()
        alarms = world.client.get("/api/v1/alarms", headers=headers).json()
        seen[name] = (
            [one["site"] for one in queue["items"]], queue["counts"]["REVIEW1"],
            [one["site"] for one in alarms["items"]], sum(alarms["counts"].values()),
        )  # fmt: skip
        page = world.client.get("/", headers=world.come(name)).text
        alarm_page = world.client.get("/?show=sensors", headers=world.come(name)).text
        for site, number in world.cases.items():
            assert (number in page) == (site in seen[name][0]), (name, site)
            assert (site in page) == (site in seen[name][0]), (name, site)
        assert (world.alarms[SOUTH] in alarm_page) == (SOUTH in seen[name][2]), name
    assert sorted(seen["all"][0]) == sorted([NORTH, SOUTH, NOWHERE]) and seen["all"][1] == 3
    assert seen["all"][3] == 2
    assert seen["north"] == ([NORTH], 1, [NORTH], 1)
    assert sorted(seen["both"][0]) == sorted([NORTH, SOUTH]) and seen["both"][1] == 2
    assert seen["lost"] == ([], 0, [], 0)


def test_nothing_leads_out_of_the_areas(world: World) -> None:
    north, south = world.cases[NORTH], world.cases[SOUTH]
    headers = world.come("north")
    following = f"/cases/{north}/next"
    assert world.client.get(following, headers=headers | {PREFETCH_HEADER: "1"}).status_code == 204
    assert south not in world.client.get(following, headers=headers).headers["location"]
    page = world.client.get(f"/cases/{north}", headers=headers).text
    assert south not in page and world.cases[NOWHERE] not in page
    # Somebody else's number in the address tells nothing of it.
    for address in (f"/?decided={south}", f"/cases/{north}?decided={south}"):
        said = world.client.get(address, headers=headers).text
        assert south not in said.replace(f"decided={south}", ""), address
    for address in (f"/?after={south}", f"/api/v1/cases?after={south}", f"/api/v1/alarms?after={world.alarms[SOUTH]}"):
        assert world.client.get(address, headers=headers).status_code == 404
        assert world.client.get(address, headers=world.come("both")).status_code == 200
    narrowed = world.client.get(f"/?site={SOUTH}", headers=headers).text
    assert south not in narrowed
    assert f"/cases/{north}" not in narrowed


def test_areas_are_given_on_the_page_and_on_record(world: World) -> None:
    with world.db.write() as session:
        areas_of_people.give(session, "lost", ["S1", "N1", "S1"], "chen")
    with world.db.read() as session:
        line = session.execute(select(AccountLog).order_by(AccountLog.id.desc())).scalars().first()
        assert (line.action, line.actor, line.detail) == (
            "areas", "chen", {"before": ["X9"], "areas": ["N1", "S1"]},
        )  # fmt: skip
        assert list(audit_accounts.accounts(session)) == []
    for wrong in (["N 1"], ["N1,S1"], [""], ["北"], ["x" * 41], [f"A{one}" for one in range(101)]):
        with pytest.raises(BadAccount), world.db.write() as session:
            areas_of_people.give(session, "lost", wrong, "chen")
    with world.db.write() as session:
        session.connection().exec_driver_sql("DELETE FROM user_areas WHERE area = 'S1'")
    with world.db.read() as session:
        said = list(audit_accounts.accounts(session))
    assert "account lost: has the areas N1, and its history gave N1, S1: they were changed by hand" in said


def test_who_had_areas_is_closed_for_the_version_that_knows_none(tmp_path: Path) -> None:
    db = open_db(tmp_path)
    for name in ("north", "all"):
        person(db, name)
    with db.write() as session:
        areas_of_people.give(session, "north", ["N1"], "chen")
    migrate.downgrade(db, "0017")
    with db.engine.connect() as connection:
        closed = connection.exec_driver_sql("SELECT name FROM users WHERE disabled_at IS NOT NULL").scalars().all()
    assert closed == ["north"]
    migrate.upgrade(db)
    with db.read() as session:
        assert {one.name: (one.areas, one.disabled_at) for one in people.listed(session)} == {
            "north": (["N1"], None), "all": ([], None),
        }  # fmt: skip
        assert list(audit_accounts.accounts(session)) == []
    db.close()
