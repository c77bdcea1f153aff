"""Phases and troubles in people's hands, in a real database of both kinds: only added to, answered for, in the ledger."""

from datetime import timedelta

import pytest
from central_kit import person
from sqlalchemy import select
from test_duty import db
from test_polling_wall import MIN, NOW, fill

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.db.duty import DutyAlarm
from central.db.marks import PhaseMarker, StationLog
from central.db.polling import FeedTrouble
from central.duty import telling
from central.duty.escalation import DEFAULT
from central.ledger import entries
from central.polling import phases, phasing, taking
from central.polling.phases import Phase
from central.polling.phasing import Wanted
from central.tickets.errors import CaseMissing, Unfit
from tests.station_kit import trouble

__all__ = ["db"]
SITE = "ps-001"


def test_markers_are_added_in_order_or_with_a_reason_and_nothing_is_overwritten(db: Database) -> None:
    fill(db, 2)
    mei = person(db, "mei", Role.MONITOR)
    with db.write() as session:
        first = phasing.mark(session, mei, SITE, Wanted(Phase.INSTALL, NOW - 60 * MIN, " two\n lamps ", ""), NOW)
        assert first.note == "two lamps"
        for bad in (
            Wanted(Phase.VOTING, None, "", " "),
            Wanted(Phase.REHEARSAL, NOW + 5 * MIN, "", ""),
            Wanted(Phase.REHEARSAL, NOW - timedelta(days=31), "", ""),
            Wanted(Phase.REHEARSAL, None, "x" * 501, ""),
            Wanted(None, None, "", ""),
            Wanted(Phase.REHEARSAL, None, "", "", corrects=first.id),
        ):
            with pytest.raises(Unfit):
                phasing.mark(session, mei, SITE, bad, NOW)
        wrong = phasing.mark(session, mei, SITE, Wanted(Phase.VOTING, None, "", "no rehearsal was held"), NOW)
        right = Wanted(Phase.REHEARSAL, NOW - MIN, "", "pressed the wrong one", corrects=wrong.id)
        phasing.mark(session, mei, SITE, right, NOW)
        with pytest.raises(Unfit):
            phasing.mark(session, mei, SITE, right, NOW)
        with pytest.raises(CaseMissing):
            phasing.mark(session, mei, "ps-000", right, NOW)
        with pytest.raises(CaseMissing):
            far = SignedInUser(mei.id, "mei", frozenset({"monitor"}), "", areas=frozenset({"area-4"}))
            phasing.mark(session, far, SITE, Wanted(Phase.SEALED, None, "", ""), NOW)
    with db.write() as session:
        rows = phasing.of_station(session, SITE)
        assert [one.phase for one in rows] == ["install", "voting", "rehearsal"]
        now = phases.current(phasing.of_sites(session, [SITE, "ps-000"])[SITE], NOW)
        assert now is not None and (now.phase, now.at) == (Phase.REHEARSAL, NOW - MIN)
        rows[0].note = "another"
        with pytest.raises(ValueError, match="only added to"):
            session.flush()
        session.rollback()


def test_taking_every_trouble_in_hand_answers_for_the_alarm(db: Database) -> None:
    fill(db, 2)
    mei, guo = person(db, "mei", Role.MONITOR), person(db, "guo", Role.MONITOR)
    with db.write() as session:
        first = trouble(session, 1, NOW - MIN, "moved")
        session.add(
            FeedTrouble(
                edge_id="box-001", case_key="2" * 64, event_id=first.event_id, camera_id="hall", site=SITE, kind="dark",
                severity="alarm", reason="r", figures={}, at_first=NOW - MIN, at_trigger=NOW, created_at=NOW,
            )
        )  # fmt: skip
    telling.look(db, DEFAULT, NOW)
    with db.write() as session:
        one, other = session.execute(select(FeedTrouble.id).order_by(FeedTrouble.id)).scalars()
        taking.say(session, mei, one, "taken", "I call them", NOW)
        with pytest.raises(Unfit, match="mei"):
            taking.say(session, guo, one, "taken", "", NOW)
    telling.look(db, DEFAULT, NOW)
    with db.read() as session:
        assert session.execute(select(DutyAlarm.acknowledged_at)).scalar_one() is None
    with db.write() as session:
        for action, note in (("false", " "), ("other", "x"), ("done", "x" * 501)):
            with pytest.raises(Unfit):
                taking.say(session, guo, other, action, note, NOW)
        with pytest.raises(CaseMissing):
            far = SignedInUser(guo.id, "guo", frozenset({"monitor"}), "", areas=frozenset({"area-4"}))
            taking.say(session, far, other, "taken", "", NOW)
        taking.say(session, guo, other, "false", "a lamp was switched", NOW)
        taking.say(session, guo, one, "done", "turned back", NOW)
    telling.look(db, DEFAULT, NOW)
    with db.read() as session:
        alarm = session.execute(select(DutyAlarm)).scalar_one()
        assert alarm.acknowledged_how == "trouble" and alarm.acknowledged_by in ("mei", "guo")
        said = taking.of_troubles(session, [one, other])
        assert [(act.name, act.action) for act in said[one]] == [("mei", "taken"), ("guo", "done")]
        assert [(act.name, act.action, act.note) for act in said[other]] == [("guo", "false", "a lamp was switched")]
        log = session.execute(select(StationLog.id, StationLog.action)).all()
        assert [action for _, action in log] == ["trouble taken", "trouble false", "trouble done"]
        assert len(entries.lines(session, [(entries.STATION, str(line)) for line, _ in log])) == 3
        assert session.execute(select(PhaseMarker)).first() is None
