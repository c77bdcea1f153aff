"""`sightline central serve`: one process of central, in the role it is given, until it is told to stop."""

import errno
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import Literal, Protocol

import structlog
import uvicorn

from central import logs
from central.accounts.oidc.provider import provider_of
from central.after import MakeRedactor, after_of
from central.app import create_app
from central.ca.certificates import Issuer, open_issuer
from central.config import CentralConfig
from central.db import migrate
from central.db.database import Database
from central.duty.sending import Sender
from central.duty.telling import Watch
from central.export import archive
from central.ingest.intake import Intake
from central.ingest.receiver import Receiver
from central.ingest.statuses import Statuses
from central.jobs import Jobs
from central.learning.floor import Floor
from central.ledger.authority import authority_of
from central.ledger.keeper import keeper_of
from central.ledger.key import office_key
from central.live.wire import UVICORN
from central.media.guarded import GuardedStore
from central.media.opening import open_store, quotas_of
from central.media.rounds import Rounds
from central.metrics import Metrics
from central.polling.asking import Asker
from central.recordings.rounds import Handing
from central.retention.rounds import Forgetting
from central.tickets.precheck import own_profiles
from central.workflow.calendar import load as load_calendar
from central.workflow.calendar import own_calendars
from contract.errors import ConfigError, RunError
from contract.jurisdiction import load_profile

Role = Literal["all", "web", "ingest", "jobs"]
_log = structlog.get_logger("central")
#: How long open requests may take after SIGTERM.
_GRACE_S = 10


class Beside(Protocol):
    """Work in threads of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process is made of; a role leaves out what it does not do."""

    db: Database
    media: GuardedStore
    metrics: Metrics
    receiver: Receiver | None
    #: What goes on beside requests and ingest, in the order in which it is begun and ended.
    beside: Sequence[Beside]
    asker: Asker | None
    front: bool
    ca: Issuer | None


def serve(config: CentralConfig, role: Role, redactor: MakeRedactor | None = None) -> None:
    """Run until SIGTERM or SIGINT; without `redactor` the public sees no stills.

    Raises RunError or ConfigError in one line when it cannot.
    """
    logs.set_up(config.logs)
    listener = _listener(config.host, config.port)
    with listener:
        parts = _parts(config, role)
        try:
            _run(config, parts, listener, redactor)
        finally:
            parts.db.close()


def open_database(config: CentralConfig) -> Database:
    """The database, migrated when it is SQLite; others are migrated by `sightline central migrate`, deliberately."""
    _folder(config)
    _know_place(config)
    db = Database(config.database.url)
    if db.engine.dialect.name == "sqlite":
        migrate.upgrade(db)
    migrate.require_current(db)
    return db


def _know_place(config: CentralConfig) -> None:
    """The office's own profiles and calendars. Raises ConfigError for a folder that is not there, or a file in it."""
    for name in ("jurisdictions", "calendars"):
        folder = getattr(config.review, name)
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"{folder}: is no folder - make it or mend review.{name}")
        for file in sorted(folder.glob("*.yaml")) if folder else ():
            if name == "jurisdictions":
                load_profile(file.stem, folder=folder)
            else:
                load_calendar(file.stem, folder)
    own_profiles(config.review.jurisdictions)
    own_calendars(config.review.calendars)


def _parts(config: CentralConfig, role: Role) -> Parts:
    db = open_database(config)
    # What a process before this one was building when it was killed.
    archive.clear(config.export_folder)
    metrics = Metrics(db)
    media = GuardedStore(open_store(config), db, quotas_of(config), metrics)
    ca = open_issuer(config)
    receiver = None
    if role in {"all", "ingest"}:
        intake = Intake(db, metrics, config.ingest.quarantine_rows)
        receiver = Receiver(config.broker, config.ingest, intake, metrics)
    asker = Asker(db, config.broker) if role in {"all", "web"} else None
    beside: list[Beside] = [Statuses(db, config.broker)] if receiver is not None else []
    beside += [asker] if asker is not None else []
    if role in {"all", "jobs"}:
        keeper = keeper_of(config, db)
        if keeper is not None:
            beside.append(keeper)
        beside += [
            Jobs(db, media, ca=ca, floor=_floor(config)),
            Rounds(db, media, metrics, config.media.orphan_days),
            # Behind the keeper, which makes the office's key where there is none.
            _forgetting(config, db, media),
            Handing(db, media, config.recording_rules, config.ledger_key, authority_of(config.ledger)),
            Watch(db, config.duty.table),
            Sender(db, config.hooks),
        ]
    return Parts(db, media, metrics, receiver, beside, asker, front=role in {"all", "web"}, ca=ca)


def _floor(config: CentralConfig) -> Floor:
    said = config.learning
    return Floor(said.floor, said.floor_cases, timedelta(days=said.floor_days))


def _forgetting(config: CentralConfig, db: Database, media: GuardedStore) -> Forgetting:
    """Certificates are signed where the office's key is; elsewhere what is due goes all the same."""
    with db.read() as session:
        key = office_key(session, config.ledger_key) if config.ledger_key.exists() else None
    return Forgetting(db, media, key, config.copies_folder, config.export_folder)


def _run(config: CentralConfig, parts: Parts, listener: socket.socket, redactor: MakeRedactor | None = None) -> None:
    app = create_app(
        parts.db,
        parts.media,
        parts.metrics,
        secure=config.https,
        ingest=parts.receiver,
        says=parts.asker,
        address=config.live_address,
        front=parts.front,
        ca=parts.ca,
        accounts=config.account_rules,
        provider=provider_of(config.accounts.oidc),
        after=after_of(config, redactor),
        floor=_floor(config),
        hooks=config.hooks,
    )
    # A log of its own and no access log: the settings of ours stay in force.
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        **UVICORN,
        timeout_graceful_shutdown=_GRACE_S,
        # Limits on failed sign-ins count by address: without it everybody behind a proxy would be one.
        forwarded_allow_ips=config.proxies,
    )
    server = _Server(settings)
    watch = threading.Thread(target=_stop_when_fatal, args=(parts.receiver, server), name="watch", daemon=True)
    if parts.receiver is not None:
        parts.receiver.start()
        watch.start()
    for one in parts.beside:
        one.start()
    _log.info("central is up", address=f"http://{config.host}:{config.port}", pid=os.getpid())
    try:
        server.run(sockets=[listener])
    finally:
        _end(parts)
    if parts.receiver is not None and parts.receiver.fatal is not None:
        raise parts.receiver.fatal
    _log.info("central has stopped")


def _end(parts: Parts) -> None:
    if parts.receiver is not None:
        parts.receiver.stop()
    for one in parts.beside:
        one.stop()


class _Server(uvicorn.Server):
    """uvicorn raises the signal again after its shutdown, which would cut ours short: a stop is a clean end here."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: shut down, and forget it."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def _stop_when_fatal(receiver: Receiver | None, server: uvicorn.Server) -> None:
    if receiver is not None:
        receiver.failed.wait()
        server.should_exit = True


def _listener(host: str, port: int) -> socket.socket:
    """A bound socket, before anything else is begun. Raises RunError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        cause = "the port is in use" if taken else f"cannot listen there ({error})"
        raise RunError(f"{host}:{port}: {cause} - free it or choose another `port` in the settings") from error
    return listener


def _folder(config: CentralConfig) -> None:
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{config.data_dir}: cannot be made ({error.strerror}) - check data_dir") from error


__all__ = ["Role", "open_database", "serve"]
