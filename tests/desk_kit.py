"""A desk full of cases: whole and checked, with the same pictures for all of them, and what an audit finds of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from central_kit import AT, Box, decision, evidence, intake_of, key_of, violation
from joserfc.jwk import OKPKey
from sqlalchemy import select

from central.clock import clock_of
from central.db.cases import Case
from central.db.database import Database
from central.ledger import audit, audit_accounts, audit_alarms, audit_cases
from central.ledger.keeper import catch_up
from central.media import service as media_service
from contract.events import EventType, Manifest, Violation
from contract.sealing import sha256_hex


def waiting(db: Database, box: Box, count: int, first: int = 0, **changes) -> list[str]:
    """`count` cases at the first look, an hour of traffic for each; their numbers."""
    shared, files = evidence("shared", edge_id=box.edge_id)
    for raw in files:
        media_service.enter(db, sha256_hex(raw), len(raw), box.edge_id)
    messages, keys = [], []
    for place in range(first, first + count):
        data = matter(f"p{place}", edge_id=box.edge_id, **changes)
        manifest = Manifest(**(shared.model_dump() | {"case_key": data.case_key}))
        messages += [decision(box, data), box.say(EventType.MANIFEST, manifest)]
        keys.append(data.case_key)
    for begin in range(0, len(messages), 100):
        assert {one.outcome for one in intake_of(db).take(messages[begin : begin + 100])} == {"stored"}
    with db.read() as session:
        rows = session.execute(select(Case.case_key, Case.number, Case.state)).all()
    found = {key: (number, state) for key, number, state in rows}
    assert {found[key][1] for key in keys} <= {"REVIEW1", "NEEDS_MORE"}
    return [found[key][0] for key in keys]


def matter(passage: str, at: datetime = AT, **changes) -> Violation:
    """What a box saw at `at`."""
    moments = {"at_first": at, "at_trigger": at + timedelta(seconds=180), "at_last": at + timedelta(seconds=180)}
    return violation(passage, **(moments | changes))


def faults(db: Database, key: OKPKey, heads) -> list[str]:
    """What `sightline evidence audit` finds, but for the bytes of pictures."""
    catch_up(db)
    with db.read() as session:
        return [
            *audit.findings(session, key, heads),
            *audit_cases.events(session),
            *audit_cases.cases(session),
            *audit_alarms.alarms(session),
            *audit_accounts.accounts(session),
        ]


class Time:
    """The office's clock of a test: it stands still until it is told to go on."""

    def __init__(self, begin: datetime) -> None:
        self.now = begin

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @contextmanager
    def running(self) -> Iterator["Time"]:
        with clock_of(lambda: self.now):
            yield self


__all__ = ["Time", "faults", "key_of", "matter", "waiting"]
