"""What waits and would wait in silence is said in time, to who can do something: on the pages and in the figures."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import Box, decision, intake_of, looked, open_db, person, violation
from desk_kit import Time, waiting
from prometheus_client import generate_latest

from central.accounts import areas, people
from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.db.sites import Site
from central.metrics import Metrics
from central.tickets import decisions
from central.tickets.queue import found
from central.tickets.stuck import Stranded, late, stranded
from central.web import stuck
from central.web.language import load
from contract.events import now

EN, ZH = load("en"), load("zh-CN")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def box(db: Database) -> Box:
    one = Box()
    one.enrol(db)
    return one


def passed(db: Database, number: str, user: SignedInUser) -> None:
    version = looked(db, user, number)
    with db.write() as session:
        decisions.approve(session, number, version, user, {})


def told(db: Database, *within: str) -> list[Stranded]:
    with db.read() as session:
        return stranded(session, frozenset(within))


def given(db: Database, name: str, *codes: str) -> None:
    with db.write() as session:
        areas.give(session, name, codes, "root")


def test_a_second_look_whose_first_reviewer_is_the_only_second_one_of_the_area_is_told(db: Database, box: Box) -> None:
    time = Time(now())
    with time.running():
        numbers = waiting(db, box, 2, at=time.now)
        both = person(db, "both", [Role.REVIEWER, Role.SECOND_REVIEWER])
        with db.write() as session:
            site = found(session, numbers[0]).site
            session.merge(Site(site=site, name="Kerb", area="330106"))
        # A first reviewer helps nobody, nor does a second one of another area, nor an account that is closed.
        person(db, "li", Role.REVIEWER)
        person(db, "far", Role.SECOND_REVIEWER)
        given(db, "far", "330999")
        person(db, "gone", Role.CHIEF)
        with db.write() as session:
            people.disable(session, "gone", "root")
        for number in numbers:
            passed(db, number, both)
        with db.read() as session:
            due = found(session, numbers[0]).due_at
        assert told(db) == told(db, "330106") == [Stranded("330106", "both", 2, due)]
        assert told(db, "330999") == []
        chief = person(db, "chen", Role.CHIEF)
        assert told(db) == [], "a chief may take it"
        given(db, "chen", "330999")
        assert len(told(db)) == 1
        given(db, "chen", "330106")
        assert told(db) == []
        time.go(11)
        version = looked(db, chief, numbers[0])
        with db.write() as session:
            assert decisions.approve(session, numbers[0], version, chief, {}, "so").state == "APPROVED"


def test_it_is_said_to_chiefs_and_admins_and_counted(db: Database, box: Box) -> None:
    time = Time(now())
    with time.running():
        (number,) = waiting(db, box, 1, at=time.now)
        chief, admin = person(db, "chen", Role.CHIEF), person(db, "root", Role.ADMIN)
        passed(db, number, chief)
        for user in (chief, admin):
            with db.read() as session:
                ((kind, sentence),) = stuck.lines(session, user, EN)
                ((_, chinese),) = stuck.lines(session, user, ZH)
            assert kind == "stop" and "chen" in sentence and "not registered" in sentence and "chen" in chinese
        with db.read() as session:
            assert stuck.lines(session, person(db, "li", Role.REVIEWER), EN) == []
        assert "sightline_central_second_looks_stranded 1.0" in generate_latest(Metrics(db).registry).decode()


def test_evidence_that_does_not_come_is_one_line_after_a_minute(db: Database, box: Box) -> None:
    time = Time(now())
    with time.running():
        intake_of(db).take([decision(box, violation(f"p{place}")) for place in range(3)])
        chief = person(db, "chen", Role.CHIEF)
        time.go(59)
        with db.read() as session:
            assert late(session) is None and stuck.lines(session, chief, EN) == []
        time.go(2)
        with db.read() as session:
            one = late(session)
            assert one is not None and (one.count, one.edges) == (3, ("edge-01",))
            assert time.now - one.since < timedelta(minutes=2)
            ((kind, sentence),) = stuck.lines(session, chief, EN)
        assert kind == "warn" and "3 cases" in sentence and "edge-01" in sentence
        assert "sightline_central_evidence_late 3.0" in generate_latest(Metrics(db).registry).decode()
