"""The intruder campaign: what somebody tries who has no business here, and that nothing comes of it.

    python -m tests.bench.intruder --count 100000 --seed 1        or: make intruder

`--count` fuzzed MQTT messages, then attacks over HTTP, on the wire, on what a box hears, on files that are handed over,
with certificates, and a run of Schemathesis over the whole API. Nothing may be admitted, no answer may be a fault of the
server, memory may not grow, each kind of refusal must be in the log. `--only` chooses parts. Prints a table and leaves
with 1 when something did not hold; the seed makes the same messages again.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from tests.bench import (
    intruder_api,
    intruder_county,
    intruder_edge,
    intruder_files,
    intruder_http,
    intruder_mqtt,
    intruder_wire,
)
from tests.bench.intruder_office import Office, Tally


def central(folder: Path, tally: Tally, count: int, seed: int, *, postgres: bool = True, examples: int = 20) -> None:
    """Everything that is tried on one running central."""
    with Office(folder / "office", postgres=postgres) as office:
        try:
            intruder_mqtt.Fuzz(office, tally, seed).run(count)
            intruder_mqtt.refusals(office, tally)
            intruder_mqtt.looked_at(office, tally)
            intruder_wire.attack(office, tally)
            intruder_api.attack(office, tally, examples, seed)
            intruder_http.attack(office, tally)
            intruder_http.told_in_log(office, tally)
        except TimeoutError as error:
            tally.faults.append(f"{error}; central said last: {office.log.read_text()[-600:]}")
        tally.faults += [f"a trace in central's log: {line}" for line in office.tracebacks()[:5]]


def box(folder: Path, tally: Tally, count: int, seed: int) -> None:
    """What a box hears: a twentieth of the messages on each of its topics."""
    intruder_edge.attack(folder, tally, max(200, count // 20), seed)


PARTS: dict[str, Callable[[Path, Tally, int, int], None]] = {
    "central": central,
    "box": box,
    "files": lambda folder, tally, _count, _seed: intruder_files.attack(folder, tally),
    "county": lambda folder, tally, _count, _seed: intruder_county.attack(folder, tally),
}


def campaign(folder: Path, parts: list[str], count: int, seed: int) -> Tally:
    """Run the parts one after another."""
    tally = Tally()
    for name in parts:
        begun = time.monotonic()
        PARTS[name](folder / name, tally, count, seed)
        tally.notes.append(f"part {name}: {time.monotonic() - begun:.0f} s")
    return tally


def main() -> int:
    """Run, print, and leave with 0 when nothing came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.intruder", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="fuzzed MQTT messages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this part alone; may be given again")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightline-intruder-") as folder:
        tally = campaign(Path(folder), chosen.only or list(PARTS), chosen.count, chosen.seed)
    for name, number in sorted(tally.tried.items()):
        print(f"{number:7}  {name}: {tally.examples.get(name, '')}".rstrip(": "))
    for note in tally.notes:
        print(note)
    for fault in tally.faults:
        print(f"FAULT (seed {chosen.seed}): {fault}")
    print(f"{sum(tally.tried.values())} attacks of {len(tally.tried)} kinds, {len(tally.faults)} faults")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
