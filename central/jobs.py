"""What must be done from time to time: sweep what has ended, mend what a crash left half-way. Safe with N replicas."""

import threading

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from central.accounts import service as accounts
from central.db.cases import Case
from central.db.database import Database
from central.edges import enrolment
from central.ingest import chain
from central.media.folder import FolderStore
from central.tickets import opening
from central.tickets.review import CANDIDATE

_log = structlog.get_logger("jobs")
EVERY_S = 30.0
#: A partial upload that nobody goes on with; the box would begin anew.
STALE_UPLOAD_S = 7 * 24 * 3600.0
_MOST = 500


class Jobs:
    """One thread that does the rounds until it is stopped."""

    def __init__(self, db: Database, media: FolderStore, every_s: float = EVERY_S) -> None:
        self._db = db
        self._media = media
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def round(self) -> None:
        """Do everything once."""
        with self._db.write() as session:
            accounts.sweep(session)
            enrolment.sweep(session)
            linked = chain.settle(session)
        with self._db.write() as session:
            waiting = session.execute(
                select(Case).where(Case.state == CANDIDATE, Case.manifest.is_(True)).order_by(Case.id).limit(_MOST)
            ).scalars()
            for case in waiting:
                opening.advance(session, case)
        swept = self._media.sweep(STALE_UPLOAD_S)
        if linked or swept:
            _log.info("round done", chain_links=linked, stale_uploads=swept)

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.round()
            except (SQLAlchemyError, OSError) as error:
                _log.error("round not done, trying again later", fault=type(error).__name__)
