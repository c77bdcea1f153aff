"""Looks at alarms of sensors: in the ledger with who and when, and the audit and exports of cases hold beside them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundle_kit import bureau
from central_kit import DAY, Box, intake_of, open_db, person
from sqlalchemy import text
from test_central_alarms import alarm, over, say

from central.accounts import service as accounts
from central.db.database import Database
from central.ledger import audit, entries
from central.ledger.keeper import catch_up
from central.ledger.key import office_key
from sightline.evidence import auditing
from sightline.evidence.verify import verify


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


def test_looks_at_alarms_are_in_the_ledger_and_one_that_was_changed_or_removed_is_found(
    db: Database, box: Box, tmp_path: Path
) -> None:
    intake_of(db).take([say(box, alarm()), say(box, alarm("p2"))])
    li, wang = person(db), person(db, "wang")
    with db.write() as session:
        for user, number in ((li, f"S{DAY}-0001"), (wang, f"S{DAY}-0002"), (li, f"S{DAY}-0002")):
            accounts.log_alarm_view(session, user, number)
        accounts.log_alarm_view(session, li, f"S{DAY}-0009")  # there is none
    catch_up(db)
    with db.read() as session:
        lines = entries.lines(session, [(entries.ALARM_VIEW, str(ref)) for ref in range(1, 5)])
        said = [json.loads(line) for line in lines.values()]
        key, heads = office_key(session, tmp_path / "office.jwk"), tmp_path / "heads.jsonl"
        assert list(audit.findings(session, key, heads)) == []
    assert [(one["alarm"], one["by"]) for one in said] == [
        (f"S{DAY}-0001", "li"), (f"S{DAY}-0002", "wang"), (f"S{DAY}-0002", "li"),
    ]  # fmt: skip
    for change, why in (
        (f"UPDATE alarm_view_log SET user_id = {wang.id} WHERE id = 1", "1 .entry .*: is not what was entered"),
        ("DELETE FROM alarm_view_log WHERE id = 2", "2 .entry .*it was removed"),
    ):
        with db.write() as session:
            session.execute(text(change))
        with db.read() as session:
            found = list(audit.findings(session, key, heads))
        assert any(re.search(f"line of the viewer log of alarms {why}", one) for one in found), found


def test_a_case_is_exported_beside_alarms_and_looks_at_them_and_the_audit_is_green(tmp_path: Path) -> None:
    office = bureau(tmp_path / "office")
    number = office.case()
    intake_of(office.db).take([say(office.box, alarm()), say(office.box, over())])
    with office.db.write() as session:
        accounts.log_alarm_view(session, office.officer, f"S{DAY}-0001")
    office.publish()
    said = verify(office.bundle(number, tmp_path / "case.zip"), office.trust)
    # The looks of the case, and not the one at the alarm.
    assert any("4 looks" in line for line in said), said
    assert list(auditing.findings(office.office, office.heads)) == []
    office.db.close()
