"""The fault campaign: a county of real processes, faults without end, and afterwards 0 lost, 0 doubled, 0 reordered.

    python -m tests.bench.chaos                              10,000 events from 20 boxes, 2 replicas, one seed
    python -m tests.bench.chaos --seed 7 --seeds 3           seeds 7, 8 and 9, one after another
    python -m tests.bench.chaos --seed 7 --schedule          only print what would happen, and when

Boxes are real `edge.deliver` processes on disks of their own, fed through the spool by workers that are killed as well;
central is two or more `sightline central serve` on one PostgreSQL; the broker is Mosquitto with the shipped settings.
The schedule of faults hangs on the seed alone. How they fall together with the events also hangs on the machine: a seed
repeats what happens, not every microsecond. Leaves with 1 and the seed when anything does not hold; the folder of the
county is then kept.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from contract.errors import SightlineError
from tests.bench import chaos_worker
from tests.bench.chaos_faults import KINDS, Fault, play, schedule
from tests.bench.chaos_invariants import Verdict, verdict
from tests.bench.chaos_world import Size, World

#: After the last fault everything must have come to rest within so long. A box whose file found no room at central asks
#: again after 5 minutes, and one that is away is met again within a minute; s.
DRAIN_S = 480.0
_EVERY_S = 10.0


@dataclass
class Campaign:
    """One seed's: what was done, what was found, and how long it took to come to rest; s."""

    seed: int
    size: Size
    faults: list[Fault]
    verdict: Verdict = field(default_factory=Verdict)
    network: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    replica_ends: int = 0
    mounted: bool = True
    drain_s: float = 0.0

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.verdict.faults


def campaign(folder: Path, size: Size, seed: int, faults: list[Fault], tell: Callable[[str], None] = print) -> Campaign:
    """Let `faults` befall a county, wait until it has come to rest, and look at everything.

    Raises RunError for what is not installed.
    """
    done = Campaign(seed, size, faults)
    with World(folder, size, seed) as world:
        progress = _Progress(world, len(faults), tell)
        play(world, faults, progress.told)
        done.drain_s, waits = at_rest(world, DRAIN_S, progress.waits)
        done.verdict = verdict(world)
        done.verdict.other += [f"not at rest after {DRAIN_S:.0f} s: {one}" for one in waits]
        _counted(done, world)
    return done


def at_rest(
    world: World, most_s: float, tell: Callable[[float, list[str]], None] = lambda _second, _waits: None
) -> tuple[float, list[str]]:
    """Wait until nothing is on the way any more: how long that took (s), and what still is after `most_s`."""
    begun = time.monotonic()
    while (waits := world.waits()) and time.monotonic() - begun < most_s:
        world.tick()
        tell(time.monotonic() - begun, waits)
        time.sleep(0.2)
    return time.monotonic() - begun, waits


def _counted(done: Campaign, world: World) -> None:
    done.network = world.proxy.counted
    for one in world.processes():
        done.kills[one.name.rpartition(" ")[2].partition("-")[0]] += one.kills
    done.kills["database"] = sum(fault.kind == "kill -9 of the database" for fault in done.faults)
    done.replica_ends = sum(len(one.process.ended) for one in world.replicas.values())
    done.mounted = world.media_disk.mounted


class _Progress:
    """A line now and then."""

    def __init__(self, world: World, faults: int, tell: Callable[[str], None]) -> None:
        self._world, self._faults, self._tell = world, faults, tell
        self._due = 0.0

    def told(self, second: float, happened: int) -> None:
        """During the faults."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _EVERY_S
            handed = sum(one.handed for box in self._world.boxes.values() for one in chaos_worker.entries(box.folder))
            self._tell(
                f"{second:6.0f} s  {happened}/{self._faults} faults, {handed}/{self._world.size.events} handed over"
            )

    def waits(self, second: float, waits: list[str]) -> None:
        """Afterwards."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _EVERY_S
            more = f" and {len(waits) - 2} more" if len(waits) > 2 else ""
            self._tell(f"{second:6.0f} s  coming to rest: {'; '.join(waits[:2])}{more}")


def table(all_of_them: Iterable[Campaign]) -> list[str]:
    """As Markdown: a row a seed, then how often each kind of fault happened."""
    ran = list(all_of_them)
    lines = [
        "| seed | boxes | events | tickets | files | faults | kill -9 | lost | doubled | reordered | other | at rest after |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in ran:
        found = one.verdict
        lines.append(
            f"| {one.seed} | {one.size.boxes} | {found.handed:,} | {found.tickets:,} | {found.media:,} | {len(one.faults)} "
            f"| {sum(one.kills.values())} | {len(found.lost)} | {len(found.doubled)} | {len(found.reordered)} "
            f"| {len(found.other)} | {one.drain_s:.0f} s |"
        )
    kinds = sum((Counter(fault.kind for fault in one.faults) for one in ran), Counter[str]())
    lines += ["", "| fault | times |", "|---|---|", *(f"| {name} | {kinds[name]} |" for name in KINDS)]
    network = sum((one.network for one in ran), Counter[str]())
    lines += ["", "On the wire: " + ", ".join(f"{count:,} {what}" for what, count in sorted(network.items())) + "."]
    again, ends = sum(one.verdict.decided_again for one in ran), sum(one.replica_ends for one in ran)
    lines.append(f"Said again, because a worker was killed before it knew that they were handed over: {again} events.")
    lines.append(f"Replicas that found no database or broker at their start, ended and were started again: {ends}.")
    if not all(one.mounted for one in ran):
        lines.append(
            "No file system could be mounted: full disks were limits on the length of files, and central's was none."
        )
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000, help="of all boxes together")
    parser.add_argument("--boxes", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=270.0, help="how long faults happen, and events are made")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after another")
    parser.add_argument(
        "--without", action="append", default=[], choices=KINDS, metavar="KIND", help="a kind of fault to leave out"
    )
    parser.add_argument("--schedule", action="store_true", help="print the faults of the seed, and end")
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, flush=True)


def _ran(size: Size, seed: int, faults: list[Fault]) -> Campaign:
    """One seed, told as it goes; the folder stays when it does not hold."""
    _tell(f"seed {seed}: {size.events} events of {size.boxes} boxes, {len(faults)} faults in {size.seconds:.0f} s")
    folder = Path(tempfile.mkdtemp(prefix="sightline-chaos-"))
    done = campaign(folder, size, seed, faults, _tell)
    if done.holds:
        shutil.rmtree(folder)
        return done
    _tell("\n".join(done.verdict.faults[:50]))
    _tell(f"SEED {seed} DOES NOT HOLD ({len(done.verdict.faults)} faults found); logs and journals are in {folder}")
    return done


def main() -> int:
    """Run, print, and leave with 0 when everything held."""
    chosen = _arguments()
    size = Size(chosen.boxes, chosen.replicas, chosen.events, chosen.seconds)
    kinds = [name for name in KINDS if name not in chosen.without]
    seeds = range(chosen.seed, chosen.seed + chosen.seeds)
    schedules = {seed: schedule(seed, chosen.faults, size, kinds) for seed in seeds}
    if chosen.schedule:
        _tell("\n".join(str(fault) for faults in schedules.values() for fault in faults))
        return 0
    try:
        ran = [_ran(size, seed, faults) for seed, faults in schedules.items()]
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status
    _tell("\n".join(table(ran)))
    return 0 if all(one.holds for one in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
