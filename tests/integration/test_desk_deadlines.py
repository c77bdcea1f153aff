"""By when a case must be decided, entered, told and answered: a list made by hand, on the rows that the service writes.

Reckoned with pencil and paper by the State Council's notices of 2025-11-04 (China) and the bank holidays of England.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from central_kit import Box, looked, person
from desk_kit import Time, waiting

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db import migrate
from central.db.cases import Case
from central.db.database import Database
from central.tickets import decisions, expiry
from central.tickets.errors import Unfit
from central.tickets.queue import found

CHINA, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
#: Day of the capture -> last days of first look, second look and entering (2, 4, 5 working days), and whether each is sure.
BY_HAND = (
    # National Day: 1 to 7 October are free, Saturday 10 October is worked; 25 to 27 September (Mid-Autumn) are free.
    ("2026-09-24", "2026-09-29", "2026-10-08", "2026-10-09", (True, True, True)),
    ("2026-09-28", "2026-09-30", "2026-10-09", "2026-10-10", (True, True, True)),
    ("2026-10-03", "2026-10-09", "2026-10-12", "2026-10-13", (True, True, True)),
    # Spring Festival: 15 to 23 February are free, the Saturdays 14 and 28 February are worked.
    ("2026-02-12", "2026-02-14", "2026-02-25", "2026-02-26", (True, True, True)),
    ("2026-02-14", "2026-02-25", "2026-02-27", "2026-02-28", (True, True, True)),
    # Nobody has the calendar of 2027 yet: from 25 December on a day counts as worked, and the end is not sure.
    ("2026-12-18", "2026-12-22", "2026-12-24", "2026-12-25", (True, True, False)),
    ("2026-12-24", "2026-12-26", "2026-12-28", "2026-12-29", (False, False, False)),
    ("2026-07-04", "2026-07-07", "2026-07-09", "2026-07-10", (True, True, True)),
)  # fmt: skip


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('desk')}/central.sqlite")
    migrate.upgrade(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def box(db: Database) -> Box:
    made = Box()
    made.enrol(db)
    return made


@pytest.fixture(scope="module")
def people(db: Database) -> tuple[SignedInUser, SignedInUser]:
    return person(db, "li", Role.REVIEWER), person(db, "wang", Role.SECOND_REVIEWER)


def midnight(day: str, zone: ZoneInfo = CHINA) -> datetime:
    """The end of a day of the place."""
    return (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)


def row(db: Database, number: str) -> Case:
    with db.read() as session:
        return found(session, number)


def step(db: Database, number: str, user: SignedInUser, action: str) -> Case:
    version = looked(db, user, number)
    with db.write() as session:
        return decisions.step(session, number, version, user, action)


@pytest.mark.parametrize(("capture", "first", "second", "entered", "sure"), BY_HAND)
def test_each_step_is_open_until_its_last_second_and_locked_from_then_on(
    db: Database, box: Box, people: tuple, capture: str, first: str, second: str, entered: str, sure: tuple
) -> None:
    li, wang = people
    time = Time(datetime.fromisoformat(f"{capture}T12:00").replace(tzinfo=CHINA))
    with time.running():
        number = opened(db, box, capture, time.now)
        steps = (
            (li, "approve", "REVIEW2", first),
            (wang, "approve", "APPROVED", second),
            (li, "enter", "ENTERED", entered),
        )
        for (who, action, state, day), certain in zip(steps, sure, strict=True):
            before = row(db, number)
            assert (before.due_at, before.due_certain) == (midnight(day), certain)
            assert before.sort_at == midnight(day)
            time.now = midnight(day)
            with pytest.raises(Unfit, match="the case is locked"):
                step(db, number, who, action)
            time.now = midnight(day) - timedelta(seconds=1)
            assert step(db, number, who, action).state == state


def test_what_nobody_did_in_time_is_locked(db: Database, box: Box, people: tuple) -> None:
    time = Time(datetime(2026, 9, 28, 23, 50, tzinfo=CHINA))
    with time.running():
        number = opened(db, box, "late", time.now)
        time.now = midnight("2026-09-30") - timedelta(seconds=1)
        expiry.rounds(db)
        assert row(db, number).state == "REVIEW1"
        time.go(1)
        assert expiry.rounds(db) >= 1
        assert row(db, number).state == "EXPIRED"


def opened(db: Database, box: Box, name: str, at: datetime, **changes: str) -> str:
    """A case that a box saw at `at`, at its first look."""
    _SEEN.append(name)
    return waiting(db, box, 1, first=len(_SEEN) * 100, at=at, **changes)[0]


_SEEN: list[str] = []


@pytest.mark.parametrize(
    ("entered", "last"),
    [
        ("2026-10-10", "2026-11-07"),  # summer time ends on 25 October
        ("2026-06-10", "2026-07-08"),
        ("2026-03-10", "2026-04-07"),  # it begins on 29 March
    ],
)
def test_england_counts_days_of_the_calendar_to_the_midnight_of_the_last_whatever_the_clocks_did(
    db: Database, box: Box, people: tuple, entered: str, last: str
) -> None:
    li, wang = people
    time = Time(datetime.fromisoformat(f"{entered}T12:00").replace(tzinfo=LONDON))
    with time.running():
        number = opened(db, box, entered, time.now, jurisdiction="uk")
        assert row(db, number).due_at is None, "no law of England limits the review"
        for who, action in ((li, "approve"), (wang, "approve"), (li, "enter")):
            time.go(11)
            step(db, number, who, action)
        assert row(db, number).due_at == midnight(last, LONDON)
