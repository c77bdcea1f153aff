"""`python -m edge.deliver.process --config F`: the one process that owns the key, the chain and the outbox.

One loop, one thread that touches the database: spool in, acknowledgements in, events out, media out, states out, and
what the box is told put where its workers look. It may be killed at any instant: what was handed over is in the spool
or in the outbox, and what is in the outbox is sent until central says that it has it.
"""

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from contract.errors import SightlineError
from contract.events import now as clock
from contract.sealing import thumbprint
from edge import logs, pulse
from edge.config import EdgeConfig, load_config
from edge.deliver.certificate import broker_of
from edge.deliver.chain import begin, why_begin
from edge.deliver.hearing import Hearing
from edge.deliver.keys import KeyRing, connection_name
from edge.deliver.link import Link
from edge.deliver.outbox import Outbox
from edge.deliver.publisher import Publisher
from edge.deliver.renewal import Renewer
from edge.deliver.spans import SpanSender
from edge.deliver.spool import Spool
from edge.deliver.state import StateFile
from edge.deliver.statuses import DiskNote, StatusBoard
from edge.deliver.upload import Uploader
from edge.part import nap

log = logging.getLogger("sightline.deliver")

TURN_S = 0.2
DRAIN_S = 2.0
#: How often an outbox that cannot be opened is tried. Seconds.
ROOM_S = 1.0
_AT_ONCE = 100
_TOLD_AT_ONCE = 50


class Deliver:
    """The parts of the process, and their turn. Raises ConfigError or RunError when it cannot start."""

    def __init__(self, config: EdgeConfig, wake: threading.Event) -> None:
        self.wake = wake
        ring = KeyRing(config.data_dir / "keys")
        self._key = ring.load()
        self._link = Link(broker_of(config), config.edge_id, wake, connection_name(config.edge_id, self._key))
        self._renewer = Renewer(config, self._key, self._link, wake)
        self._config = config
        self._outbox = Outbox(config.data_dir / "outbox")
        try:
            self._begin_chain(ring)
            self._spool = Spool(config.data_dir / "spool")
            self._recover()
            self._hearing = Hearing(config)
            self._link.mail.heeds = self._hearing.heeds
        except BaseException:
            self._outbox.close()  # whoever tries again in this process must find it free
            raise
        self._publisher = Publisher(self._outbox, self._link, config.outbox.max_events_per_s)
        self._uploader = Uploader(config, self._key, self._outbox, self._spool.media, wake)
        self._spans = SpanSender(config, self._key, wake)
        self._board = StatusBoard(config.data_dir / "status")
        self._disk = DiskNote(config.data_dir / "run" / "disk.json")
        self._state = StateFile(config.data_dir)
        self._epoch = 0
        self._more = False
        self._problem: str | None = None

    def run(self, stopping: Callable[[], bool]) -> None:
        """Turn until `stopping`; then send what is there for at most 2 s more, and leave."""
        self._link.start()
        try:
            while not stopping():
                self.wake.clear()
                pulse.beat()
                if not self.turn():
                    self.wake.wait(TURN_S)
            until = time.monotonic() + DRAIN_S
            while time.monotonic() < until and self._link.connected and (self.turn() or not self._publisher.idle()):
                self.wake.clear()
                self.wake.wait(0.05)
        finally:
            _refusal(lambda: self._tell(force=True))
            self._link.stop()
            self._uploader.stop()
            self._spans.stop()
            self._outbox.close()

    def turn(self) -> bool:
        """One round through everything. True when more is known to be waiting.

        A disk that refuses one thing (it is full, mostly) does not stop the others: what is there is sent on, which
        is how a disk that the box itself filled becomes empty again.
        """
        self._more, now = False, time.monotonic()
        steps: list[Callable[[], None]] = [
            self._take,
            lambda: self._answers(now),
            lambda: self._publisher.send(now),
            lambda: self._uploader.pump(now),
            lambda: self._spans.pump(now, self._uploader.waits),
            lambda: self._renewer.turn(now),
            self._states,
            self._hear,
            self._tell,
        ]
        refused = [error for step in steps if (error := _refusal(step)) is not None]
        if refused:
            self._state.forget()
            why = f"{self._config.data_dir}: the outbox cannot be written ({refused[0]}) - free space on the disk"
            self._say(why)
            time.sleep(1.0)
            return False
        self._say(self._why(now) or self._uploader.problem or self._renewer.problem or self._refusals())
        return self._more

    # -- inside -----------------------------------------------------------------------------------------------------

    def _begin_chain(self, ring: KeyRing) -> None:
        reason = why_begin(self._outbox.chain(), thumbprint(self._key), ring.chain_was_begun(self._key))
        if reason is not None:
            self._outbox.admit_genesis(*begin(self._config.edge_id, self._key, reason, clock()))
            log.info("a new chain begins: %s", reason)
        if not ring.chain_was_begun(self._key):  # also when the disk was full at the first try
            ring.mark_chain_begun(self._key)

    def _recover(self) -> None:
        """Finish what a crash cut: spool files that were admitted go now, media that nobody names go too."""
        self._forget(self._outbox.taken())
        self._outbox.prune_media()
        _refusal(self._outbox.ask_again)  # a full disk must not keep the others from being sent
        for name in self._spool.sweep(self._outbox.media.waiting()):
            log.warning("media %s belongs to no event and is removed", name)
        for name in self._spool.refused():
            log.error("%s: was refused earlier - see the .why file beside it", self._spool.bad / name)

    def _take(self) -> None:
        items = list(self._spool.take(_AT_ONCE))
        if not items:
            return
        strangers = [one for one in items if not self._ours(one.item.event.source)]
        good = [one for one in items if one not in strangers]
        refused = self._outbox.admit(good, self._key)
        refused += [(one, f"source is not of box {self._config.edge_id!r}") for one in strangers]
        for taken, reason in refused:
            log.error("%s: cannot be sent (%s) - moved to %s", taken.name, reason, self._spool.bad)
            self._spool.refuse(taken.name, reason)
        self._forget([one.name for one in good])
        self._more = len(items) == _AT_ONCE

    def _ours(self, source: str) -> bool:
        own = f"/edge/{self._config.edge_id}"
        return source == own or source.startswith((own + "/camera/", own + "/sensor/"))

    def _forget(self, names: list[str]) -> None:
        self._spool.done(names)
        self._outbox.forget_taken(names)

    def _states(self) -> None:
        if self._link.epoch != self._epoch:
            self._epoch = self._link.epoch
            self._board.forget()
            self._disk.forget()
        if self._link.connected:
            for camera_id, raw in self._board.changed():
                if self._link.publish_camera(camera_id, raw):
                    self._board.published(camera_id, raw)
            disk = self._disk.changed()
            if disk is not None and self._link.publish_disk(disk):
                self._disk.published(disk)

    def _hear(self) -> None:
        """Take what the box was told; a flood of it must not keep events waiting."""
        for topic, raw in self._link.mail.told(_TOLD_AT_ONCE):
            reply = self._hearing.hear(topic, raw, clock())
            if reply is not None:
                self._link.publish_reply(reply.model_dump_json().encode())
        self._hearing.overrun(self._link.mail.lost)

    def _answers(self, now: float) -> None:
        before = self._publisher.acknowledged
        self._publisher.hear(now)
        if self._publisher.acknowledged != before:
            self._uploader.central_answers()

    def _tell(self, force: bool = False) -> None:
        if not force and not self._state.due():
            return
        counts = self._outbox.counts()
        state = {name: getattr(counts, name) for name in counts.__slots__} | {
            "connected": self._link.connected,
            "problem": self._why(time.monotonic()) or self._uploader.problem,
            "media_problem": self._uploader.problem,
            "spool_refused": len(self._spool.refused()),
        }
        self._state.write(state)

    def _why(self, now: float) -> str | None:
        """Why events do not leave."""
        if self._link.problem is None and self._link.connected and self._publisher.window.silent(now):
            return f"{self._config.edge_id}: the broker takes events and central acknowledges none - does central run?"
        return self._link.problem

    def _refusals(self) -> str | None:
        """Said at every start and with every new one, for as long as a person has not looked after it."""
        count = self._state.last.get("refused", 0)
        return f"{count} event(s) that central refuses are kept - see `sightline edge outbox`" if count else None

    def _say(self, problem: str | None) -> None:
        if problem != self._problem:
            if problem is not None:
                log.error("%s", problem)
            elif self._problem is not None:
                log.info("all is well again")
        self._problem = problem


def when_the_disk_takes_it(config: EdgeConfig, signals: list[int]) -> Deliver | None:
    """The process's parts, made as soon as the disk lets the outbox be opened; None when told to end before.

    A deliver that dies on a full disk must not end again and again until there is room: it waits, and says so.
    """
    said, state = "", StateFile(config.data_dir)
    while not signals:
        try:
            return Deliver(config, threading.Event())
        except (OSError, sqlite3.OperationalError) as error:
            state.forget()
            if str(error) != said:
                said = str(error)
                log.error(
                    "%s: the outbox cannot be opened (%s) - nothing is sent until the disk takes it, free space on it",
                    config.data_dir, said,
                )  # fmt: skip
            nap(signals, ROOM_S)
    return None


def _refusal(step: Callable[[], None]) -> Exception | None:
    """Take one step; what the disk said when it refused it."""
    try:
        step()
    except (sqlite3.OperationalError, OSError) as error:
        return error
    return None


def main(arguments: list[str] | None = None) -> int:
    """The process. Exit status 0 after a signal, 2 for bad settings or no key, 1 when another deliver runs."""
    parser = argparse.ArgumentParser(prog="edge.deliver", description="Seals events and brings them to central.")
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    logs.configure()
    os.umask(0o077)
    # A list, not an Event: a signal that came while the loop holds the event's lock would wait for itself.
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda seen, _frame: signals.append(seen))
    try:
        deliver = when_the_disk_takes_it(load_config(parser.parse_args(arguments).config), signals)
        if deliver is not None:
            deliver.run(lambda: bool(signals))
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"sightline: the outbox cannot be used ({error}) - look after the disk of data_dir\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
