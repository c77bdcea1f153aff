"""The demo's broker as a process of its own: `python -m sightline.demo.broker --config broker.yaml`.

The file holds `port` and `users` (name: password) and is readable by its owner alone. Ends on SIGTERM or Ctrl-C.
"""

import argparse
import signal
import sys
import tempfile
import threading
from pathlib import Path

import yaml

from contract.errors import SightlineError
from sightline.broker import EmbeddedBroker

_LOOK_S = 1.0


def main() -> int:
    """Serve until told to stop; exit status 1 when the broker cannot start or has died."""
    parser = argparse.ArgumentParser(prog="python -m sightline.demo.broker")
    parser.add_argument("--config", type=Path, required=True)
    settings = yaml.safe_load(parser.parse_args().config.read_text(encoding="utf-8"))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            EmbeddedBroker(Path(folder), int(settings["port"]), settings["users"]) as broker,
        ):
            while not stop.wait(_LOOK_S):
                if broker.pid is None:
                    sys.stderr.write("the broker's process has ended\n")
                    return 1
    except SightlineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
