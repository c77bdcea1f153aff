"""The forgery campaign of recordings: true archives must hold, forged ones must not, and each says what and when.

    python -m tests.bench.recording_forgery --count 1000 --seed 1

`--count` untouched archives are made and checked, each of a random hour, and as many are forged, the kinds in turn;
archive and forgery k are of seed SEED + k. Prints a table and leaves with 1 when one passed or a true one did not.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import SightlineError
from sightline.evidence.verify import verify
from tests.bench.recording_attacks import Case
from tests.bench.recording_insiders import ATTACKS
from tests.recording_kit import world


@dataclass
class Tally:
    """What a campaign found."""

    true: int = 0
    false_alarms: list[str] = field(default_factory=list)
    forged: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)


def campaign(folder: Path, count: int, seed: int) -> Tally:
    """Make `count` archives, check each, forge each once, and check that."""
    tally = Tally()
    for number in range(count):
        place = folder / str(number)
        once(tally, place, seed + number, ATTACKS[number % len(ATTACKS)])
        shutil.rmtree(place)
    return tally


def once(tally: Tally, place: Path, seed: int, attack) -> None:
    """One archive: checked as it is, and forged."""
    made = world(place, seed)
    path, rng = made.archive(), random.Random(seed)
    raw, heads = path.read_bytes(), made.heads.read_bytes()
    tally.true += 1
    try:
        verify(path, made.trust)
    except SightlineError as error:
        tally.false_alarms.append(f"seed {seed}: {error}")
    forged = attack(Case(made, raw, rng))
    made.heads.write_bytes(heads)
    path.write_bytes(forged.raw)
    name = attack.__name__
    tally.forged[name] += 1
    try:
        said = "\n".join(verify(path, made.trust))
        found = any(word in said for word in forged.names)
    except SightlineError as error:
        said, found = str(error), True
    if not found:
        tally.missed.append(f"{name} (seed {seed})")
    elif not any(word in said for word in forged.names):
        tally.unnamed.append(f"{name} (seed {seed}): {said[:300]} - not {forged.names}")
    else:
        tally.examples.setdefault(name, said.splitlines()[0][:200])


def main() -> int:
    """Run, print, and leave with 0 when nothing was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recording_forgery", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sightline-forgery-") as folder:
        tally = campaign(Path(folder), chosen.count, chosen.seed)
    for name, number in sorted(tally.forged.items()):
        print(f"{number:5}  {name}: {tally.examples.get(name, 'NOT NAMED')}")
    for kind in ("false_alarms", "missed", "unnamed"):
        for line in getattr(tally, kind):
            print(f"{kind}: {line}")
    made = sum(tally.forged.values())
    print(
        f"{tally.true} untouched archives, {len(tally.false_alarms)} false alarms; {made} forgeries of {len(tally.forged)} "
        f"kinds, {made - len(tally.missed)} detected, {len(tally.unnamed)} of them without a name; "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 1 if tally.false_alarms or tally.missed or tally.unnamed else 0


if __name__ == "__main__":
    sys.exit(main())
