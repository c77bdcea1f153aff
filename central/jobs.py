"""What must be done from time to time: sweep what has ended, mend what a crash left half-way. Safe with N replicas."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from central.accounts import service as accounts
from central.approvals import halves
from central.background import Background
from central.ca.certificates import Issuer
from central.db.cases import Case, CaseMedia
from central.db.database import Database
from central.db.events import Event
from central.db.media import Media
from central.edges import enrolment
from central.ingest import chain
from central.learning import floor as learning
from central.media.store import MediaStore
from central.notices import public as notice_passes
from central.reports import facts
from central.tickets import expiry, leases, opening
from central.tickets.states import CANDIDATE
from contract.events import now

_log = structlog.get_logger("jobs")
EVERY_S = 30.0
#: A partial upload that nobody goes on with; the box would begin anew.
STALE_UPLOAD_S = 7 * 24 * 3600.0
_MOST = 500
#: Every so many rounds all links that wait are looked at, however old: what a replica received while its clock was set
#: back by more than the time below is dated before all that was looked at.
_ALL_EVERY = 20
#: No transaction of ingest is open for longer: what was received before had been committed, or never will be.
_COMMITTED_BY = timedelta(minutes=10)


class Jobs(Background):
    """One thread that does the rounds until it is stopped."""

    def __init__(
        self,
        db: Database,
        media: MediaStore,
        every_s: float = EVERY_S,
        ca: Issuer | None = None,
        floor: learning.Floor = learning.DEFAULT,
    ) -> None:
        super().__init__("jobs")
        self._db = db
        self._media = media
        self._ca = ca
        self._floor = floor
        self._every_s = every_s
        self._settled_from: datetime | None = None
        self._rounds = 0

    def round(self) -> None:
        """Do everything once."""
        with self._db.write() as session:
            accounts.sweep(session)
            enrolment.sweep(session)
            leases.sweep(session)
            halves.sweep(session)
            notice_passes.sweep(session)
        linked = self._settled()
        while self._moved_on() == _MOST:
            pass
        expired = expiry.rounds(self._db)
        if facts.catch_up(self._db):
            for camera in learning.judge(self._db, self._floor):
                _log.warning("camera goes to shadow: no cases of it until a person lifts it", camera="/".join(camera))
        if self._ca is not None and self._ca.publish(self._db):
            _log.info("revoked certificates published")
        swept = self._media.sweep(STALE_UPLOAD_S)
        if expired:
            # Each is a matter that nobody judged in time: somebody must know.
            _log.warning("cases ran out of time and are locked", cases=expired)
        if linked or swept:
            _log.info("round done", chain_links=linked, stale_uploads=swept)

    def _settled(self) -> int:
        """Chain links that two replicas committed in one moment: the latest ones, and now and then all of them."""
        begun, since = now(), self._settled_from if self._rounds % _ALL_EVERY else None
        with self._db.write() as session:
            linked = chain.settle(session, since=since)
        self._rounds += 1
        self._settled_from = begun - _COMMITTED_BY
        return linked

    def _moved_on(self) -> int:
        """Move on cases whose evidence is complete and which nobody moved on; returns how many moved.

        A case that waits for media is not looked at: thousands of them must not stand before the one that is ready.
        """
        missing = (
            select(CaseMedia.id)
            .outerjoin(Media, (Media.sha256 == CaseMedia.sha256) & Media.complete.is_(True))
            .where(CaseMedia.case_id == Case.id, Media.sha256.is_(None))
        )
        unsealed = select(Event.id).where(
            Event.edge_id == Case.edge_id, Event.case_key == Case.case_key, Event.sealed.is_(False)
        )
        ready = (
            select(Case)
            .where(Case.state == CANDIDATE, Case.manifest.is_(True), ~missing.exists(), ~unsealed.exists())
            .order_by(Case.id)
            .limit(_MOST)
            # Another replica's jobs take the rest.
            .with_for_update(of=Case, skip_locked=True)
        )
        with self._db.write() as session:
            cases = session.execute(ready).scalars().all()
            opening.advance(session, cases)
            return sum(case.state != CANDIDATE for case in cases)

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.round()
            except (SQLAlchemyError, OSError) as error:
                _log.error("round not done, trying again later", fault=type(error).__name__)
