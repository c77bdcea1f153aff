"""The inference service: one process looks for all cameras of a box.

    python -m edge.detect.service --socket /run/sightline/detect.sock --model PACKAGE [--backend openvino]
                                  [--threads N] [--lanes N] [--cpu native|avx2_vnni] [--exit-with-parent]

Standard output carries one line, `ready`, when looks are answered. SIGTERM and SIGINT end it cleanly. A client that
dies takes its memory and its waiting looks with it; see `edge.detect.wire` for who owns what.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from contract.errors import SightlineError
from edge import pulse
from edge.detect import isa
from edge.detect.serving import Service

log = structlog.get_logger("edge.detect")
BEAT_S = 1.0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m edge.detect.service", description=__doc__.splitlines()[0])
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to answer at")
    parser.add_argument("--model", type=Path, required=True, help="model package, see `sightline models list`")
    parser.add_argument("--backend", choices=("openvino", "ultralytics"), default="openvino")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core of this process")
    parser.add_argument("--lanes", type=int, default=0, help="pictures looked at side by side; 0: one for each thread")
    parser.add_argument("--cpu", choices=isa.NAMES, default="native", help="newest instructions that may be used")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the process that started it ends")
    return parser.parse_args(argv)


async def _serve(service: Service, parent: int | None) -> None:
    """Serve until told to end; beat while pictures go through. A network that hangs ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(service.run(stop))
    while not running.done():
        await asyncio.wait([running], timeout=BEAT_S)
        service.tell()
        if (why := service.stuck()) is not None:
            log.error("the network hangs, this process ends to be started anew", why=why)
            sys.stderr.flush()
            os._exit(1)  # its threads would be waited for
        pulse.beat()
        if parent is not None and os.getppid() != parent:
            stop.set()
    await running


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service; the exit status is 2 for a bad package and 1 when it cannot serve."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    options = _arguments(argv)
    os.environ.update(isa.environment(options.cpu))  # before the backend loads: it reads it once
    from edge.detect.open import open_engine

    parent = os.getppid() if options.exit_with_parent else None
    threads = options.threads or len(os.sched_getaffinity(0))
    try:
        engine = open_engine(options.model, options.backend, threads, options.lanes or threads)
        try:
            asyncio.run(_serve(Service(engine, options.socket), parent))
        finally:
            engine.close()
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
