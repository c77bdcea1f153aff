"""Twenty tabs on one queue, over real processes and a real database: no case decided twice, none lost."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from central_kit import Box
from desk_kit import faults
from desk_peers import LOOKS, PEOPLE, Heard, Replica, Tab, staffed, waiting
from sqlalchemy import func, select, update

from central.db import migrate
from central.db.accounts import User, ViewLog
from central.db.cases import Case, CaseLog
from central.db.database import Database
from central.ledger.key import office_key
from central.tickets import expiry
from central.tickets.review import DECISIONS, TABLE, UNDO_STEP
from central.tickets.standing import standing
from contract.events import now

_LEGAL = {(rule.action, rule.source, rule.target) for rule in TABLE}
#: Tabs of each person; the two who look first have ten each in a full run.
TABS = {"li": 5, "mo": 3, "wang": 5, "gu": 3, "chen": 4}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/central.sqlite"
        return
    yield request.getfixturevalue("postgres").create("hammered")


@pytest.mark.parametrize(
    ("cases", "seconds", "undo_s"),
    [pytest.param(16, 4.0, 1.0, id="short"), pytest.param(200, 60.0, None, id="full", marks=pytest.mark.long)],
)
def test_no_case_is_decided_twice_and_none_is_lost(
    url: str, tmp_path: Path, cases: int, seconds: float, undo_s: float | None
) -> None:
    db, box = Database(url), Box()
    migrate.upgrade(db)
    box.enrol(db)
    staffed(db)
    numbers = waiting(db, box, cases)
    heard = Heard()
    with ExitStack() as stack:
        stack.callback(db.close)
        replicas = [Replica(tmp_path / f"r{n}", url, undo_s) for n in range(1 if url.startswith("sqlite") else 2)]
        logs: list[str] = []
        for replica in replicas:
            stack.callback(lambda one=replica: logs.append(one.end()))
            replica.ready()
        tabs = _tabs([one.address for one in replicas], heard)
        # Every fourth runs out of time while it is worked on.
        due = _short(db, numbers[::4], seconds)
        _hammer(db, tabs, seconds, heard)
        stack.pop_all().close()
    print(dict(heard.statuses), Counter(one.action for one in heard.taken))
    assert heard.faults == []
    assert not any("Traceback" in log for log in logs), logs
    db = Database(url)
    with db.read() as session:
        key = office_key(session, tmp_path / "office.jwk")
        rows = session.execute(select(Case).order_by(Case.number)).scalars().all()
        histories = {row.number: list(row.history) for row in rows}
    assert [row.number for row in rows] == sorted(numbers)
    assert {row.state for row in rows} <= {"APPROVED", "REJECTED", "EXPIRED"}
    for row in rows:
        _lawful(db, row, histories[row.number], due.get(row.number))
    _each_once(heard, histories)
    assert faults(db, key, tmp_path / "none") == []
    # It was crowded: tabs met over a case, and some were told so.
    assert heard.statuses[409] + heard.statuses[422] > 0, heard.statuses
    assert len(heard.taken) >= len(numbers)
    db.close()


def _short(db: Database, numbers: list[str], seconds: float) -> dict[str, datetime]:
    """Cases whose time ends while they are worked on, one after the other."""
    due = {
        number: now() + timedelta(seconds=2 + seconds * place / len(numbers)) for place, number in enumerate(numbers)
    }
    with db.write() as session:
        for number, at in due.items():
            session.execute(update(Case).where(Case.number == number).values(due_at=at, sort_at=at))
    return due


def _tabs(addresses: list[str], heard: Heard) -> list[Tab]:
    names = [name for name, count in TABS.items() for _ in range(count)]
    return [Tab(addresses[n % len(addresses)], name, n, heard) for n, name in enumerate(names)]


def _hammer(db: Database, tabs: list[Tab], seconds: float, heard: Heard) -> None:
    stop, settling = threading.Event(), threading.Event()
    threads = [threading.Thread(target=tab.work, args=(stop, settling)) for tab in tabs]
    threads.append(threading.Thread(target=_locking, args=(db, stop, heard)))
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        time.sleep(0.2)
    settling.set()
    while _open(db) and time.monotonic() - begun < seconds + 60 and not heard.faults:
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(60)
    # What fell due in the very last moment.
    expiry.rounds(db)


def _locking(db: Database, stop: threading.Event, heard: Heard) -> None:
    """The jobs of another replica, more often than they come round."""
    try:
        while not stop.wait(0.3):
            expiry.rounds(db)
    except Exception as error:
        with heard.lock:
            heard.faults.append(f"jobs: {error!r}")


def _open(db: Database) -> int:
    with db.read() as session:
        return session.execute(select(func.count()).where(Case.state.in_(LOOKS))).scalar_one()


def _lawful(db: Database, row: Case, history: list[CaseLog], due: datetime | None) -> None:
    """The history is a walk of the table, and where it ends the case stands."""
    state = "CANDIDATE"
    walk = [line for line in history if line.to_state is not None]
    for before, line in zip([None, *walk], walk, strict=False):
        assert (line.action, line.from_state, line.to_state) in _LEGAL, (row.number, line.action)
        assert line.from_state == state
        state = line.to_state
        if line.action == UNDO_STEP:
            assert before is not None and before.action in DECISIONS
            assert (line.actor, line.to_state) == (before.actor, before.from_state)
            assert line.at - before.at < timedelta(seconds=10)
    first = next((line for line in walk if line.action in DECISIONS), None)
    # The step after the first look has a time of its own.
    assert due is None or first is None or first.at < due, f"{row.number}: {first.action} after its time"
    stands = standing(history)
    assert (row.state, row.first_by, row.decided_by) == (stands.state, stands.first_by, stands.decided_by)
    if row.state == "EXPIRED":
        assert due is not None and walk[-1].action == "expire" and walk[-1].at >= due
    if row.state == "APPROVED":
        _by_two(db, row, walk)


def _by_two(db: Database, row: Case, walk: list[CaseLog]) -> None:
    judges = [stood for line in walk[-1:] if (stood := line.detail["by"])] + [row.first_by_id]
    assert walk[-1].action == "approve" or walk[-1].action == UNDO_STEP
    assert None not in judges and len(set(judges)) == 2
    with db.read() as session:
        query = select(ViewLog.user_id).where(ViewLog.case_id == row.id)
        assert set(judges) <= set(session.execute(query).scalars())
        names = dict(session.execute(select(User.id, User.name)).all())
    assert {names[one] for one in judges} == {row.first_by, row.decided_by}


def _each_once(heard: Heard, histories: dict[str, list[CaseLog]]) -> None:
    """What central told somebody it had done stands in a history once, and nothing else does."""
    versions = Counter((one.number, one.version) for one in heard.taken)
    assert max(versions.values()) == 1, "two were told that they made the same version"
    told = Counter((one.number, one.action, one.by) for one in heard.taken)
    # A correction in the second look sends the case back by itself.
    own = [
        (number, line.action, line.actor)
        for number, history in histories.items()
        for line in history
        if line.actor in PEOPLE and not (line.action == "send back" and " -> " in line.detail.get("note", ""))
    ]
    assert Counter(own) == told
