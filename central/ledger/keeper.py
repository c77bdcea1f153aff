"""One thread that enters what waits, signs and publishes the day's head, and has it stamped. Safe with N replicas."""

import threading
import time
from pathlib import Path

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from central.background import Background
from central.config import Broker, CentralConfig
from central.db.database import BETWEEN_S, Database
from central.db.ledger import LedgerHead
from central.ledger import heads, tree, triggers
from central.ledger.announce import announce
from central.ledger.authority import Authority, authority_of
from central.ledger.key import office_key
from contract.errors import RunError, SightlineError
from contract.events import now
from contract.ledger import SignedHead

_log = structlog.get_logger("ledger")
EVERY_S = 2.0
#: What has to do with others (broker, authority, a file that does not fit) is tried again after this long, in seconds.
AGAIN_S = 60.0


class Keeper(Background):
    """Keeps the ledger until it is stopped. `broker` None: heads go to the file alone."""

    def __init__(
        self, db: Database, key: OKPKey, file: Path, broker: Broker | None = None, authority: Authority | None = None
    ) -> None:
        super().__init__("ledger")
        self._db = db
        self._key = key
        self._file = file
        self._broker = broker
        self._authority = authority
        self._rest_until = 0.0
        self._written: tuple[int, int, int] | None = None

    def round(self) -> None:
        """Enter everything that waits, and publish the day's head when it is due. Raises SQLAlchemyError, RunError."""
        catch_up(self._db, self._stop)
        newest = self._published()
        if newest is not None:
            self._told(newest)

    def _published(self) -> LedgerHead | None:
        """The newest published head, that of today made when there is none, by us or by another replica."""
        with self._db.write() as session:
            heads.of_today(session, self._key)
            return heads.last_published(session)

    def _told(self, newest: LedgerHead) -> None:
        """Write, stamp and announce what has not been yet; the heads of all days are read only when one is new."""
        silent = self._broker is None or newest.announced_at is not None
        if silent and self._mark(newest) == self._written:
            self._stamped(newest)
            return
        with self._db.read() as session:
            rows = heads.published(session)
            lines = [SignedHead(heads.signed(row, self._key).head, row.raw, row.jws).as_line() for row in rows]
        if not heads.write_file(self._file, lines):
            raise RunError(
                f"{self._file}: holds other heads than the database - one of them was changed: "
                "run `sightline evidence audit`"
            )
        self._written = self._mark(newest)
        self._stamped(newest)
        waiting = heads.due(rows)
        if waiting and self._broker is not None:
            announce(self._broker, lines[-1])
            with self._db.write() as session:
                heads.announced(session, [row.id for row in waiting], now())
            _log.info("head of the ledger published", size=rows[-1].size, day=rows[-1].day)

    def _mark(self, newest: LedgerHead) -> tuple[int, int, int]:
        """What tells that the file is as we wrote it: who changes or removes it is still found out."""
        facts = self._file.stat() if self._file.exists() else None
        return newest.id, facts.st_mtime_ns if facts else 0, facts.st_size if facts else 0

    def _stamped(self, newest: LedgerHead) -> None:
        """Only the newest is worth a stamp that says `now`; an authority that is away is left alone for a while."""
        if self._authority is None or newest.stamp is not None or time.monotonic() < self._rest_until:
            return
        if not heads.stamp(self._db, newest, self._authority):
            self._rest_until = time.monotonic() + AGAIN_S

    def _work(self) -> None:
        rest = 0.0
        while not self._stop.wait(EVERY_S + rest):
            rest = 0.0
            try:
                self.round()
            except IntegrityError:
                # Another replica made the head of the day in the same moment.
                continue
            except SQLAlchemyError as error:
                _log.error("ledger not kept, trying again", fault=type(error).__name__)
            except (SightlineError, OSError) as error:
                _log.error("ledger: head not published, trying again", reason=str(error))
                rest = AGAIN_S


def catch_up(db: Database, stop: threading.Event | None = None) -> int:
    """Enter all that waits, batch by batch, and let others write in between; how many rows. `stop` ends it early."""
    stop = stop or threading.Event()
    entered = 0
    while not stop.is_set():
        with db.write() as session:
            done = tree.merge(session)
        entered += done
        if done < tree.BATCH:
            break
        stop.wait(BETWEEN_S)
    return entered


def keeper_of(config: CentralConfig, db: Database) -> Keeper | None:
    """The keeper of these settings, None on a machine without the key that signs already: one that has it keeps.

    Raises ConfigError or RunError: a key that cannot be used, a trigger that is not there.
    """
    with db.engine.connect() as connection:
        triggers.require(connection)
    with db.read() as session:
        signed = heads.last_kid(session)
        if signed is not None and not config.ledger_key.exists():
            _log.error(
                "ledger not kept by this process: the office's key is not on this machine - copy it here, "
                "or leave the ledger to the machine that has it and run this one with --role web or ingest",
                file=str(config.ledger_key),
                key=signed,
            )
            return None
        key = office_key(session, config.ledger_key)
    return Keeper(db, key, config.heads_file, config.broker, authority_of(config.ledger))


__all__ = ["Keeper", "catch_up", "keeper_of"]
