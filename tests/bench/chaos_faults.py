"""The faults of the campaign: a table of kinds, and a schedule of them that hangs on nothing but its seed."""

import heapq
import itertools
import random
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.chaos_disk import Disk, ShiftedClock
from tests.bench.chaos_process import Kept
from tests.bench.chaos_proxy import Line
from tests.bench.chaos_world import Size, World

#: A clock is set by so much at most, either way; s.
_FURTHEST_S = 3600.0
#: What goes through a slow line takes so long at most; s.
_SLOWEST_S = 0.6


@dataclass(frozen=True, slots=True)
class Fault:
    """At second `at` of the campaign `kind` befalls `target`, for `length` s. `amount` in -1..1 says how hard."""

    at: float
    kind: str
    target: str
    length: float
    amount: float

    def __str__(self) -> str:
        return f"{self.at:7.2f} s  {self.kind}: {self.target}, {self.length:.2f} s ({self.amount:+.3f})"


Act = Callable[[World, Fault], object]
Thing = TypeVar("Thing", Kept, Line)


@dataclass(frozen=True)
class Kind:
    """How often it is drawn, whom it befalls, how long it lasts (s), what it does and how it ends.

    `early`: what comes of it takes minutes to mend (a box whose file found no room asks again after five).
    """

    weight: int
    whom: Callable[[Size], list[str]]
    lengths: tuple[float, float]
    begin: Act
    end: Act = lambda _world, _fault: None
    early: bool = False


# -- whom -------------------------------------------------------------------------------------------------------------


def _one(name: str) -> Callable[[Size], list[str]]:
    return lambda _size: [name]


def _boxes(*parts: str) -> Callable[[Size], list[str]]:
    return lambda size: [f"{name} {part}" for name in size.box_names for part in parts]


def _replicas(*parts: str) -> Callable[[Size], list[str]]:
    return lambda size: [f"{name} {part}" for name in size.replica_names for part in parts]


def touched(fault_target: str, size: Size) -> set[str]:
    """What a fault of that target holds: nothing else may befall it meanwhile."""
    name, _, part = fault_target.partition(" ")
    if part == "whole":
        return {f"{name} deliver", f"{name} worker"}
    if fault_target == "uplink":
        return {f"{name} {part}" for name in size.box_names for part in ("broker", "central")}
    return {fault_target}


# -- what -------------------------------------------------------------------------------------------------------------


def _processes(world: World, fault: Fault) -> list[Kept]:
    name, _, part = fault.target.partition(" ")
    if name == "broker":
        return [world.broker]
    if name in world.replicas:
        return [world.replicas[name].process]
    box = world.boxes[name]
    return {"deliver": [box.deliver], "worker": [box.worker], "whole": [box.deliver, box.worker]}[part]


def _lines(world: World, fault: Fault) -> list[Line]:
    name, _, part = fault.target.partition(" ")
    if name == "uplink":
        return [line for box in world.boxes.values() for line in (box.lines.broker, box.lines.central)]
    if name in world.replicas:
        replica = world.replicas[name]
        return [replica.broker_line if part == "broker" else replica.database_line]
    lines = world.boxes[name].lines
    return [lines.broker if part == "broker" else lines.central]


def _each(of: Callable[[World, Fault], list[Thing]], act: Callable[[Thing, Fault], object]) -> Act:
    return lambda world, fault: [act(one, fault) for one in of(world, fault)]


def _kill(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    begin, end = _each(_processes, lambda one, _: one.kill()), _each(_processes, lambda one, _: one.start())
    return Kind(weight, whom, (0.0, 3.0), begin, end)


def _hang(weight: int, whom: Callable[[Size], list[str]], lengths: tuple[float, float]) -> Kind:
    begin = _each(_processes, lambda one, _: one.signal(signal.SIGSTOP))
    return Kind(weight, whom, lengths, begin, _each(_processes, lambda one, _: one.signal(signal.SIGCONT)))


def _cut(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    begin, end = _each(_lines, lambda one, _: one.cut(True)), _each(_lines, lambda one, _: one.cut(False))
    return Kind(weight, whom, (0.2, 8.0), begin, end)


def _stalled(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    begin, end = _each(_lines, lambda one, _: one.stall(True)), _each(_lines, lambda one, _: one.stall(False))
    return Kind(weight, whom, (0.5, 14.0), begin, end)


def _delayed(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    begin = _each(_lines, lambda one, fault: one.delay(_SLOWEST_S * abs(fault.amount)))
    return Kind(weight, whom, (2.0, 12.0), begin, _each(_lines, lambda one, _: one.delay(0.0)))


def _doubled(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    begin = _each(_lines, lambda one, fault: one.double(0.2 + 0.8 * abs(fault.amount)))
    return Kind(weight, whom, (2.0, 12.0), begin, _each(_lines, lambda one, _: one.double(0.0)))


def _torn(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    return Kind(weight, whom, (0.1, 0.1), _each(_lines, lambda one, _: one.tear()))


def _again(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    return Kind(weight, whom, (1.0, 1.0), _each(_lines, lambda one, _: one.play_again()))


def _disk(world: World, fault: Fault) -> Disk:
    name = fault.target.partition(" ")[0]
    return world.media_disk if name == "media" else world.boxes[name].disk


def _clock(world: World, fault: Fault) -> ShiftedClock:
    name = fault.target.partition(" ")[0]
    owner = world.replicas.get(name) or world.boxes[name]
    return owner.clock


def _full(weight: int, whom: Callable[[Size], list[str]], *, early: bool = False) -> Kind:
    begin, end = (lambda world, fault: _disk(world, fault).fill()), (lambda world, fault: _disk(world, fault).free())
    return Kind(weight, whom, (1.0, 8.0), begin, end, early)


def _set(weight: int, whom: Callable[[Size], list[str]]) -> Kind:
    def begin(world: World, fault: Fault) -> None:
        _clock(world, fault).set(_FURTHEST_S * fault.amount)

    return Kind(weight, whom, (1.0, 15.0), begin, lambda world, fault: _clock(world, fault).set(0.0))


_BOX_LINES, _CENTRAL_LINES = _boxes("broker", "central"), _replicas("broker", "database")
KINDS: dict[str, Kind] = {
    "kill -9 of the broker": _kill(3, _one("broker")),
    "kill -9 of a replica": _kill(5, _replicas("process")),
    "kill -9 of the database": Kind(
        3, _one("database"), (0.0, 3.0), lambda world, _: world.postgres.kill(), lambda world, _: world.postgres.start()
    ),
    "kill -9 of a deliver": _kill(16, _boxes("deliver")),
    "kill -9 of a worker": _kill(8, _boxes("worker")),
    "kill -9 of a box": _kill(8, _boxes("whole")),
    "a replica hangs": _hang(3, _replicas("process"), (1.0, 15.0)),
    "a deliver hangs": _hang(4, _boxes("deliver"), (1.0, 15.0)),
    "a box is cut off": _cut(9, _BOX_LINES),
    "all boxes are cut off": _cut(1, _one("uplink")),
    "central is cut off from broker or database": _cut(5, _CENTRAL_LINES),
    "a box's line stalls": _stalled(7, _BOX_LINES),
    "central's line stalls": _stalled(4, _CENTRAL_LINES),
    "a box's line is slow": _delayed(6, _BOX_LINES),
    "central's line is slow": _delayed(3, _CENTRAL_LINES),
    "a box's connection is torn": _torn(9, _BOX_LINES),
    "central's connection is torn": _torn(6, _CENTRAL_LINES),
    "messages from and to a box are doubled": _doubled(8, _boxes("broker")),
    "messages from and to central are doubled": _doubled(4, _replicas("broker")),
    "a box's connection is played again": _again(7, _BOX_LINES),
    "central's connection is played again": _again(2, _replicas("broker")),
    "the disk of a box is full": _full(8, _boxes("disk")),
    "the disk of central's media is full": _full(1, _one("media disk"), early=True),
    "the clock of a box is set": _set(8, _boxes("clock")),
    "the clock of a replica is set": _set(4, _replicas("clock")),
}


def schedule(seed: int, count: int, size: Size, kinds: Iterable[str] = KINDS) -> list[Fault]:
    """`count` faults in `size.seconds`: each kind at least once, where there are as many, and the rest by weight.

    One thing has one fault at a time: whom no fault of a kind can befall at that moment is passed over. A fault lasts
    a third of the campaign at most.
    """
    dice, names = random.Random(f"faults-{seed}"), list(kinds)
    drawn = dice.sample(names, len(names)) + dice.choices(names, [KINDS[one].weight for one in names], k=count)
    drawn = drawn[:count]
    dice.shuffle(drawn)
    times = sorted(dice.uniform(0, size.seconds) for _ in drawn)
    early = [one for one in drawn if KINDS[one].early]
    drawn = [one for one in drawn if not KINDS[one].early]
    for one in early:
        drawn.insert(dice.randrange(max(1, len(times) // 3)), one)
    busy: dict[str, float] = {}
    faults: list[Fault] = []
    for at, name in zip(times, drawn, strict=True):
        kind = KINDS[name]
        length = min(dice.uniform(*kind.lengths), size.seconds / 3)
        free = [one for one in kind.whom(size) if all(busy.get(held, 0.0) <= at for held in touched(one, size))]
        if free:
            target = dice.choice(free)
            busy.update(dict.fromkeys(touched(target, size), at + length))
            faults.append(Fault(at, name, target, length, dice.uniform(-1, 1)))
    return faults


def play(world: World, faults: list[Fault], tell: Callable[[float, int], None]) -> None:
    """Let all of them happen, each at its time, and end. `tell` is called now and then with second and faults so far."""
    order = itertools.count()
    due = [(fault.at, next(order), fault, True) for fault in faults]
    heapq.heapify(due)
    begun, happened = time.monotonic(), 0
    try:
        while due:
            while (now := time.monotonic() - begun) < due[0][0]:
                world.tick()
                tell(now, happened)
                time.sleep(min(0.05, max(0.0, due[0][0] - now)))
            _, _, fault, begins = heapq.heappop(due)
            kind = KINDS[fault.kind]
            (kind.begin if begins else kind.end)(world, fault)
            if begins:
                happened += 1
                heapq.heappush(due, (now + fault.length, next(order), fault, False))
    finally:
        for _, _, fault, begins in due:
            if not begins:
                KINDS[fault.kind].end(world, fault)
