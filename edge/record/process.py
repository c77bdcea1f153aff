"""`python -m edge.record.process --config F --cameras a,b`: records some of a box's cameras, and does nothing else.

Ends with status 0 on SIGTERM or SIGINT, once what is open is on disk; with 1 when a thread died of what nobody foresaw,
so that the supervisor starts it anew; with 2 for bad settings.
"""

import argparse
import logging
import os
import sqlite3
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from contract import events
from contract.errors import ConfigError
from contract.site import Recording
from edge.asked import Asked
from edge.box import Folders, judged, places
from edge.cameras.clock import host_error_ms
from edge.config import EdgeConfig, load_config
from edge.deliver.spool import Spool
from edge.judgement import Place
from edge.lifemark import boot_id
from edge.masking.plan import plan_of
from edge.part import beating, nap, run_part, write_heartbeat
from edge.record.absence import ended_by
from edge.record.cause import cause_of_restart
from edge.record.deletion import Deletions
from edge.record.elapsed import Here, here
from edge.record.index import Gap, Index, Mark
from edge.record.ledger import Ledger
from edge.record.recorder import Recorder, Target
from edge.record.recovery import recover
from edge.record.room import Room
from edge.record.sealer import Row, Sealer, Turn
from edge.record.space import Budget, Keep, Space
from edge.record.tap import Tap
from edge.silence import Silence

log = logging.getLogger("sightline.recorder")
HEARTBEAT_S = 2.0
END_S = 6.0
TURN_S = 0.5
#: A camera that fell silent so long ago is told of at every turn: whoever looks after its pictures calls it lost within
#: 5 s. Before that it may be between two packets, after it everybody knows. Seconds.
FELL_SILENT_S = (2.0, 12.0)
#: A disk with less than this refuses an index (SQLite's shared memory alone is 32 kB), and is asked again so often.
ROOM_BYTES, ROOM_S = 1_000_000, 1.0
#: A live camera whose packets are not taken for this long, with no excuse, has a thread that hangs: a camera that is
#: silent is lost before that. A thread cannot be ended alone, so the process ends and is started anew. Seconds.
HUNG_S = 6.0
#: Whatever excuses it, so long is the end: with twenty recorders some thread nearly always waits for a slow disk.
EXCUSED_S = 15.0
#: The first block of a run is closed so soon. Seconds.
FIRST_BLOCK_S = 20.0
#: What nobody recorded is told up to so long ago: pictures that are under way may still be dated before. Microseconds.
_UNDER_WAY_US = 2_000_000


class _Flow:
    """Whether one recorder still takes what its camera sends."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._taken = 0
        self._taken_at = time.monotonic()
        self._silence = Silence(os.getpid(), self._taken_at)

    def hangs(self) -> bool:
        """Asked every `TURN_S`."""
        link, now = self.recorder.link, time.monotonic()
        taken = link.packets_seen
        if taken != self._taken:
            self._taken_at = now
        if taken != self._taken or link.status().state != "live":
            self._taken = taken
            self._silence.beat(now)
        else:
            self._silence.look(now)
        return self._silence.unexcused_s > HUNG_S or self._silence.whole_s > EXCUSED_S

    @property
    def fell_silent(self) -> bool:
        """Whether its camera sent its last packet a few seconds ago."""
        shortest, longest = FELL_SILENT_S
        return shortest < time.monotonic() - self._taken_at < longest


class RecorderProcess:
    """The recorders of one process."""

    def __init__(self, config: EdgeConfig, names: list[str], name: str, waited: str = "") -> None:
        """`waited`: why it could not begin at once, which is then why its cameras were not recorded.

        Raises ConfigError for a camera that no site records, or a folder that cannot be written; OSError or
        sqlite3.Error when the disk refuses later than that.
        """
        self._folders = Folders(config.data_dir).make()
        self._name = name
        self._parent = os.getppid()
        self._edge_id = config.edge_id
        known = {place.camera.id: place for place in places(config) if place.camera.recording is not None}
        if strangers := [camera for camera in names if camera not in known]:
            raise ConfigError(f"--cameras {','.join(strangers)}: no site of this box has it with `recording`")
        chosen = [known[camera] for camera in names]
        self._boot = boot_id()
        root = _root(config)
        budget = Budget(config.recording.max_bytes, config.recording.min_free_bytes)
        try:
            self._index, index = Index(root), Index(root)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"{root}: recordings cannot be kept there ({error}) - choose another folder") from error
        self._spool = Spool(self._folders.spool)
        deletions = Deletions(root, index, self._spool, config.edge_id)
        keep = {name: Keep(_of(one).keep_days, not judged(one)) for name, one in known.items()}
        asked = Asked(self._folders.asked, "keep_span"), Asked(self._folders.asked, "release_span")
        self._space = Space(root, index, budget, deletions, keep, asked)
        self._room = Room(root, index, budget, keep, self._folders.disk)
        sites = {one.camera.id: (one.site_file.site.site, one.site_file.sha256) for one in chosen}
        self._ledger = Ledger(self._index, self._spool, config.edge_id, sites)
        self._block_s = config.recording.block_s
        self._block_at = time.monotonic() + min(FIRST_BLOCK_S, self._block_s)
        self._sealer = Sealer(self._index, self._sealed, self._closed)
        self._tap = Tap(self._folders.taps, [one.camera.id for one in chosen])
        self._recorders = self._made(config, root, chosen, waited)
        self._flows = [_Flow(recorder) for recorder in self._recorders]
        self._hung: list[Recorder] = []

    def run(self, signals: list[int]) -> int:
        """Record until a signal stands in `signals`; the exit status."""
        self._sealer.start()
        self._tap.start()
        self._look()
        for recorder in self._recorders:
            recorder.start()
        due = time.monotonic()
        while not signals and self._well():
            if time.monotonic() >= due:
                due = time.monotonic() + HEARTBEAT_S
                self._look()
                self._beat()
            elif any(flow.fell_silent for flow in self._flows):
                self._beat()
            if time.monotonic() >= self._block_at:
                self._block_at = time.monotonic() + self._block_s
                self._close_blocks()
            nap(signals, TURN_S)
        with beating(2 * END_S + 2.0):
            return self._wound_up()

    def _wound_up(self) -> int:
        """Put on disk what is open; the exit status."""
        for recorder in self._recorders:
            recorder.stop()
        until = time.monotonic() + END_S
        for recorder in self._recorders:
            recorder.join(0.1 if recorder in self._hung else max(0.1, until - time.monotonic()))
        self._tap.stop()
        well = self._well(ended=True)
        self._close_blocks()
        self._sealer.stop(END_S)
        if well and os.getppid() == self._parent:  # the kernel ends it as well when its supervisor was killed
            self._index.end_run(self._name, "the box was told to stop")
        self._beat()
        return 0 if well else 1

    def _made(self, config: EdgeConfig, root: Path, chosen: list[Place], waited: str) -> list[Recorder]:
        run, found = uuid.uuid4().hex[:12], []
        for place in chosen:
            found += recover(root / place.camera.id, place.camera.id, self._index)
        for row in found:
            log.warning("%s: %s was left by an earlier run and is kept", row.camera, row.name)
        now = here(self._boot)
        with self._index.at_once():
            cause, detail = cause_of_restart(self._index.begin_run(self._name, run, now.boot), now.boot)
            if waited:
                cause, detail = "storage", waited
            self._index.add(found)
            # What is missing before this run is told for good, whatever this run comes to.
            names = [place.camera.id for place in chosen]
            self._index.add(Mark(name, now.boot, now.boot_us, now.lead_us, cause, detail) for name in names)
        made = []
        for place in chosen:
            camera = place.camera
            last = self._index.last(camera.id)
            ended = None if last is None else ended_by(last, cause, detail)
            segment_s, transport = _of(place).segment_s, config.rtsp_transport
            folder, masking = root / camera.id, plan_of(place)
            target = Target(camera.id, camera.url, folder, run, segment_s, transport, now.boot, masking)
            made.append(Recorder(target, self._sealer, self._space, ended, self._tap))
        return made

    def _close_blocks(self) -> None:
        """Have the ledgers closed up to what is sealed, or, of a camera that is not recorded, up to now."""
        now = here(self._boot)
        for recorder in self._recorders:
            absent = recorder.absences.now
            if absent is not None:
                at = now.boot_us - _UNDER_WAY_US
                self._sealer.put(Mark(recorder.camera, now.boot, at, now.lead_us, *absent))
        self._sealer.put(Turn(tuple(recorder.camera for recorder in self._recorders)))

    def _closed(self, turn: Turn) -> None:
        """Close blocks and hand them to deliver (sealer's thread); what the disk refuses waits for the next turn."""
        now = self._now()
        try:
            for camera in turn.cameras:
                for gap in self._ledger.close(camera, now):
                    self._sealed(gap)
            self._ledger.hand_over()
        except (OSError, sqlite3.Error) as error:
            log.error("the continuity ledger cannot be written (%s) - free space on the disk", error)

    def _well(self, *, ended: bool = False) -> bool:
        if ended:
            return not self._hung and not any(recorder.failed for recorder in self._recorders)
        self._hung = [flow.recorder for flow in self._flows if flow.hangs()]
        for recorder in self._hung:
            log.error("%s: its recording hangs - the recorder is started anew", recorder.camera)
        return not self._hung and self._sealer.alive and all(recorder.alive for recorder in self._recorders)

    def _look(self) -> None:
        """Look after the disk; one that refuses even that is seen when the next segment begins."""
        try:
            self._space.turn(self._now())
        except (OSError, sqlite3.Error) as error:
            log.error("room for recordings cannot be made (%s)", error)
        if self._space.mine:
            try:
                self._room.turn(self._now().wall_us)
            except (OSError, sqlite3.Error) as error:
                log.warning("how much room there is cannot be told (%s)", error)

    def _now(self) -> Here:
        return here(self._boot, sure=host_error_ms() is not None)

    def _sealed(self, row: Row) -> None:
        """A row is on disk (sealer's thread): a gap is told to central as well."""
        if not isinstance(row, Gap):
            return
        log.warning("%s: %.1f s are not recorded (%s) - %s", row.camera, _seconds(row), row.cause, row.detail)
        data = events.Gap(
            edge_id=self._edge_id,
            part=self._name,
            cameras=[row.camera],
            cause=f"not recorded, {row.cause}: {row.detail}"[:300],
            at_from=datetime.fromtimestamp(row.start_us / 1e6, UTC),
            at_until=datetime.fromtimestamp(row.end_us / 1e6, UTC),
            gap_s=_seconds(row),
        )
        try:
            self._spool.put(events.new_event(events.EventType.GAP, f"/edge/{self._edge_id}", events.now(), data), {})
        except OSError as error:
            log.error("%s: a gap stands in the index alone (%s)", row.camera, error.strerror)

    def _beat(self) -> None:
        try:
            kept = self._room.kept([recorder.camera for recorder in self._recorders], self._now().wall_us)
        except sqlite3.Error as error:
            log.warning("what is kept cannot be told (%s)", error)
            kept = {}
        told = {one.camera: one.measure() | {"kept": kept.get(one.camera)} for one in self._recorders}
        write_heartbeat(self._folders.heartbeat(self._name), {"recording": told}, log)


def when_there_is_room(config: EdgeConfig, names: list[str], name: str, signals: list[int]) -> RecorderProcess | None:
    """The recorders, made as soon as the disk has room for their index; None when told to end before.

    A box whose disk is full goes on, also when a recorder dies meanwhile. Raises ConfigError as RecorderProcess does.
    """
    waited = ""
    while not signals:
        try:
            return RecorderProcess(config, names, name, waited)
        except (ConfigError, OSError, sqlite3.Error) as error:
            if not is_full(_root(config)):
                raise
            if not waited:
                log.error("recording cannot begin (%s) - it waits for room on the disk", error)
            waited = "No space left on device when recording was to begin"
            nap(signals, ROOM_S)
    return None


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder`, or of what is there of its path, has no room for an index to grow."""
    while not folder.exists():
        folder = folder.parent
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < ROOM_BYTES or (disk.f_files > 0 and disk.f_favail == 0)


def _root(config: EdgeConfig) -> Path:
    return config.recording.folder or Folders(config.data_dir).recordings


def _of(place: Place) -> Recording:
    recording = place.camera.recording
    assert recording is not None
    return recording


def _seconds(gap: Gap) -> float:
    return round((gap.end_us - gap.start_us) / 1e6, 3)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(
        prog="python -m edge.record.process", description="Records some of a box's cameras."
    )
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--cameras", required=True, help="ids of its cameras, with commas between")
    parser.add_argument("--name", default="recorder-1", help="what its heartbeat file is called")
    options = parser.parse_args(arguments)
    names = [name for name in options.cameras.split(",") if name]

    def record(signals: list[int]) -> int:
        made = when_there_is_room(load_config(options.config), names, options.name, signals)
        return 0 if made is None else made.run(signals)

    return run_part(record)


if __name__ == "__main__":
    # A thread may still wait for a silent camera; all that matters is on disk by now.
    status = main()
    sys.stderr.flush()
    os._exit(status)
