"""`python -m edge.worker --config F --cameras a,b`: captures and analyses some of a box's cameras.

Ends with status 0 on SIGTERM or SIGINT, once what is open is decided and handed over; with 1 when a camera's thread
died of what nobody foresaw, so that the supervisor starts it anew; with 2 for bad settings.
"""

import argparse
import logging
import os
import sys
import threading
import time
from pathlib import Path

import cv2

from contract.errors import ConfigError
from edge.box import Folders, crossing, judged, places
from edge.config import EdgeConfig, load_config
from edge.deliver.spool import Spool
from edge.detect.client import RemoteDetector
from edge.evidence.lane import evidence_threads
from edge.evidence.plate import witness
from edge.part import beating, nap, run_part, write_heartbeat
from edge.rank import Rank, rank_process
from edge.watch import CameraWatch

log = logging.getLogger("sightline.worker")
HEARTBEAT_S = 2.0
FLUSH_S = 8.0
DETECTOR_PATIENCE_S = 5.0
#: Kerbs look at their spans in turn, one for two cores: more would be no faster, and keep every keyframe waiting.
SPANS_AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
#: A look that would take longer is passed over by a box that is too slow: a newer picture tells more [I]. Seconds.
YIELD_WORTH_S, PARKING_WORTH_S = 1.0, 4.0


class Worker:
    """The cameras of one process."""

    def __init__(self, config: EdgeConfig, names: list[str], name: str, plates: Path | None = None) -> None:
        """`name` is what the heartbeat is called, `plates` the folder of the plate reader's weights.

        Raises ConfigError for a camera that no site has, ModelError for weights that are altered.
        """
        self._folders = Folders(config.data_dir).make()
        self._name = name
        self._hangs = False
        known = {place.camera.id: place for place in places(config)}
        strangers = [camera for camera in names if camera not in known]
        if strangers:
            raise ConfigError(
                f"--cameras {','.join(strangers)}: no site of this box has it - see `sites` in the settings"
            )
        if polled := [camera for camera in names if not judged(known[camera])]:
            raise ConfigError(
                f"--cameras {','.join(polled)}: a polling station's pictures go through its recorder alone"
            )
        # Before the plate reader and its threads are there.
        rank_process(Rank.CROSSING if any(crossing(known[camera]) for camera in names) else Rank.KERB)
        spool = Spool(self._folders.spool)
        schemas = {known[camera].profile.plate_schema for camera in names}
        readers = {schema: witness(plates, schema, log.info) for schema in sorted(schemas)} if plates else {}
        threads = evidence_threads(len(names))
        turns = threading.Semaphore(SPANS_AT_ONCE)
        self._watches = [
            CameraWatch(
                known[camera],
                config,
                spool,
                self._detector(camera, crossing(known[camera])),
                None if crossing(known[camera]) else threads[number % len(threads)],
                readers.get(known[camera].profile.plate_schema),
                None if crossing(known[camera]) else turns,
            )
            for number, camera in enumerate(names)
        ]

    def run(self, signals: list[int]) -> int:
        """Run until a signal stands in `signals`; the exit status."""
        for watch in self._watches:
            watch.start()
        try:
            while not signals and all(watch.alive for watch in self._watches) and not self._hung():
                self._beat()
                nap(signals, HEARTBEAT_S)
        finally:
            with beating(FLUSH_S + 2.0):
                self._wind_up()
        failed = [watch.camera_id for watch in self._watches if watch.failed]
        if failed:
            log.error("%s: ended by a failure", ", ".join(failed))
        return 1 if failed or self._hangs else 0

    def _wind_up(self) -> None:
        """Let every camera decide and hand over what is open; one that hangs is not waited for."""
        for watch in self._watches:
            watch.halt()
        until = time.monotonic() + FLUSH_S
        for watch in self._watches:
            watch.join(0.1 if watch.hangs() else max(0.1, until - time.monotonic()))
        self._beat()

    def _hung(self) -> bool:
        """Whether a camera's thread hangs. A thread cannot be ended alone: the worker ends and is started anew."""
        for watch in self._watches:
            if (why := watch.hangs()) is not None:
                log.error("%s: %s - the worker is started anew", watch.camera_id, why)
                self._hangs = True
        return self._hangs

    def _detector(self, camera_id: str, first: bool) -> RemoteDetector:
        worth = YIELD_WORTH_S if first else PARKING_WORTH_S
        return RemoteDetector(
            self._folders.socket, camera_id, urgent=first, patience_s=DETECTOR_PATIENCE_S, worth_s=worth
        )

    def _beat(self) -> None:
        """Write states, and the figures that health reads; a disk that refuses costs figures only."""
        for watch in self._watches:
            watch.write_status()
        figures = {
            "cameras": {
                watch.camera_id: watch.measure() | {"state": watch.link.status().state} for watch in self._watches
            }
        }
        write_heartbeat(self._folders.heartbeat(self._name), figures, log)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m edge.worker", description="Watches some of a box's cameras.")
    parser.add_argument("--config", type=Path, required=True, help="the box's settings file")
    parser.add_argument("--cameras", required=True, help="ids of its cameras, with commas between")
    parser.add_argument("--name", default="worker-1", help="what its heartbeat file is called")
    parser.add_argument("--plates", type=Path, help="folder of the plate reader's weights; without it none are read")
    options = parser.parse_args(arguments)
    names = [name for name in options.cameras.split(",") if name]
    cv2.setNumThreads(1)  # each camera has its own thread; a picture split among more costs a third more in all
    return run_part(
        lambda signals: Worker(load_config(options.config), names, options.name, options.plates).run(signals)
    )


if __name__ == "__main__":
    # Threads inside FFmpeg may wait for a silent camera; all that matters is on disk by now.
    status = main()
    sys.stderr.flush()
    os._exit(status)
