"""The worker of a box in the fault campaign, as a process: `python -m tests.bench.chaos_worker FOLDER EDGE SEED N RATE`.

It hands its sayings over through the spool, as the worker of a camera does (`edge.outgoing`): the event is made once, and
a disk that refuses it is tried until it takes it. It may be killed at any instant. The journal beside the box's disk
belongs to the campaign: what was begun, and what is handed over because `put` has returned.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from contract.events import CloudEvent
from contract.sealing import sha256_hex
from edge.deliver.spool import Spool
from tests.bench.chaos_sayings import digest, event_of, sayings

Result = TypeVar("Result")
JOURNAL = "journal"
#: How often a disk that refuses something is tried; s.
AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Entry:
    """One event that a worker made: its number among the sayings, its id, what it says, and whether `put` returned."""

    number: int
    id: str
    digest: str
    handed: bool


def entries(folder: Path) -> list[Entry]:
    """The journal of a box. What was begun and never handed over may have reached the spool, or not."""
    path = folder / JOURNAL
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    handed = {words[1] for words in lines if words[0] == "handed"}
    return [Entry(int(words[2]), words[1], words[3], words[1] in handed) for words in lines if words[0] == "begun"]


def insist(what: Callable[[], Result]) -> Result:
    """Do it again until the disk lets it be done."""
    while True:
        try:
            return what()
        except OSError:
            time.sleep(AGAIN_S)


class Worker:
    """See the module."""

    def __init__(self, folder: Path, edge_id: str) -> None:
        self._edge_id = edge_id
        self._packs = folder / "data" / "packs"
        self._journal = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._next = max((one.number + 1 for one in entries(folder) if one.handed), default=0)
        self._spool = insist(lambda: Spool(folder / "data" / "spool"))

    def run(self, seed: int, total: int, per_s: float) -> None:
        """Say what is left, at about that rate."""
        dice = random.Random(f"{seed}-{self._edge_id}-{self._next}")
        for saying in sayings(seed, self._edge_id, total)[self._next :]:
            time.sleep(dice.uniform(0, 2 / per_s))
            event, files = event_of(saying, self._edge_id)
            self._note(f"begun {event.id} {saying.number} {digest(event.data)}")
            insist(partial(self._hand, event, files))
            self._note(f"handed {event.id}")

    def _hand(self, event: CloudEvent, files: list[bytes]) -> None:
        self._packs.mkdir(exist_ok=True)
        named = {sha256_hex(raw): self._packs / sha256_hex(raw) for raw in files}
        for raw, path in zip(files, named.values(), strict=True):
            path.write_bytes(raw)
        self._spool.put(event, named)
        for path in named.values():
            path.unlink()

    def _note(self, line: str) -> None:
        os.write(self._journal, f"{line}\n".encode())


if __name__ == "__main__":
    Worker(Path(sys.argv[1]), sys.argv[2]).run(int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
