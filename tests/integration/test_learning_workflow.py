"""What the desk's own decisions leave behind, folded: the figures say of each case what its row says."""

from pathlib import Path

from central_kit import approved, later, looked, open_db, person
from sqlalchemy import select
from test_central_queue import waiting

from central.db.cases import Case
from central.db.learning import CaseFact
from central.learning.precision import CAMERA, tallies
from central.reports import facts
from central.tickets import decisions, expiry

DAYS = 24 * 3600


def test_figures_are_those_of_the_rows_whatever_the_desk_did(tmp_path: Path) -> None:
    db = open_db(tmp_path)
    li, wang = person(db, "li"), person(db, "wang")
    right, wrong, back, sent, undone, late, left = waiting(db, 7)
    approved(db, right, li, wang)
    version = looked(db, li, wrong)
    with db.write() as session:
        decisions.reject(session, wrong, version, li, "R05")
    # Rejected and taken back; passed, sent back and passed by another; passed twice and taken back.
    version = looked(db, li, back)
    with db.write() as session:
        decisions.reject(session, back, version, li, "R01")
    with db.write() as session:
        decisions.undo(session, back, li)
    version = looked(db, li, sent)
    with db.write() as session:
        decisions.approve(session, sent, version, li, {})
    version = looked(db, wang, sent)
    with later(11), db.write() as session:
        decisions.send_back(session, sent, version, wang, "which zone?")
    approved(db, undone, li, wang)
    with later(12), db.write() as session:
        decisions.undo(session, undone, wang)
    approved(db, late, wang, li)
    facts.catch_up(db)
    with db.read() as session:
        found = dict(session.execute(select(Case.number, CaseFact).join(CaseFact, CaseFact.case_id == Case.id)).all())
        rows = {row.number: row for row in session.execute(select(Case)).scalars()}
    said = {number: (one.outcome, one.first_by, one.decided_by, one.reason) for number, one in found.items()}
    assert said == {
        right: ("approved", "li", "wang", None),
        wrong: ("rejected", None, "li", "R05"),
        back: ("waiting", None, None, None),
        sent: ("waiting", None, None, None),
        undone: ("waiting", "li", None, None),
        late: ("approved", "wang", "li", None),
        left: ("waiting", None, None, None),
    }
    for number, one in found.items():
        assert one.first_by == rows[number].first_by, number
        if one.decided_at is not None:
            assert (one.decided_by, one.decided_at) == (rows[number].decided_by, rows[number].decided_at), number
    # Long after: what was not done in time is locked, and what was rejected stays so.
    with later(60 * DAYS):
        expiry.rounds(db)
        facts.catch_up(db)
        with db.read() as session:
            states = dict(session.execute(select(Case.number, Case.state)).all())
            after = dict(
                session.execute(select(Case.number, CaseFact.outcome).join(CaseFact, CaseFact.case_id == Case.id)).all()
            )
            assert (
                {number for number, outcome in after.items() if outcome == "expired"}
                == {number for number, state in states.items() if state == "EXPIRED"}
                != set()
            )
            assert after[wrong] == "rejected"
            (tally,) = tallies(session, CAMERA)
            # Approved and then too late to be entered: expired, and no verdict on the machine is counted twice.
            assert (
                tally.right
                + tally.wrong
                + tally.unclear
                + tally.asked
                + tally.set_aside
                + tally.expired
                + tally.waiting
                == 7
            )
            assert tally.wrong == 1
    db.close()
