"""What follows what in a camera's ledger, and when it was: pure, from stamps that no clock can shift.

Entries come in the order in which they were made: segments, and marks ("up to here nothing was recorded, because
..."). How long nothing was recorded is told by stream time within an epoch, by the boot clock within one start of the
machine, and by a wall clock across two starts: the camera's own where it told before and after, else this machine's.
A machine's clock that stands before the end of the recording before is wrong; then the ledger waits for it to be set,
for ten minutes, and after that tells the time as unknown. When it is set later, what was told by it is told anew.

Times are microseconds. A step of the clock ahead is a gap of cause `clock`; after a step back what comes is told as
`late` until the clock has passed what is told already, so that no second is told twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from contract.continuity import Cause, Recorded
from edge.record.elapsed import Here
from edge.record.tiles import LOOSE_US, SMALL_US, Clock, Draft, Tiles

#: So long a camera may take to tell its own clock, and this machine's may be wrong, before the ledger goes on without.
CAMERA_TELLS_US, CLOCK_US = 30_000_000, 600_000_000
#: The machine's clock was set anew against what entries were dated by. Microseconds.
SET_US = 2_000_000
#: A camera's clock that is ahead of a synchronised machine's by more than this tells of time to come. Microseconds.
AHEAD_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment, or a mark (`told` is None) with the instant alone. `n` is its row.

    `boot_us` is the boot clock at its start; `lead_us` the machine's wall clock against it then; `by_camera`: its wall
    clock is the camera's own; `t0`, `t1` stream seconds of `run`. `cause`: why there is nothing before it. `ahead`: the
    camera's clock is ahead, and the machine's dates it.
    """

    n: int
    boot: str
    boot_us: int
    start_us: int
    end_us: int
    lead_us: int
    by_camera: bool
    cause: Cause
    detail: str
    run: str = ""
    epoch: int = -1
    t0: float = 0.0
    t1: float = 0.0
    clock: Clock = "unknown"
    told: Recorded | None = None
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the newest entry ended: its stamps. `wall_us` is before the end of the ledger after a step back.

    `ahead`: the camera's clock was ahead, and so the machine's was told.
    """

    boot: str
    boot_us: int
    wall_us: int
    by_camera: bool
    run: str = ""
    epoch: int = -1
    t1: float = 0.0
    clock: Clock = "unknown"
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """How this start of the machine was put behind the one before: `wall` and `guess` may turn out to be wrong.

    `before` is where the start before ended, `lead_us` the lead that it was reckoned with, `shift_us` what a guess
    adds to the machine's clock.
    """

    kind: Literal["exact", "wall", "guess"]
    before: Cursor
    lead_us: int
    shift_us: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """A camera's ledger between two blocks. `until_us` is where its newest block ends."""

    until_us: int
    cursor: Cursor
    bridge: Bridge | None = None


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Blocks to close, the state after them, rows that are told, and segments (n, start, end) with a better date.

    `gaps`: (start, end, cause, detail) of absences that could be dated only now.
    """

    state: State
    drafts: list[Draft]
    told: list[Entry]
    dated: list[tuple[int, int, int]]
    gaps: list[tuple[int, int, Cause, str]]


def believed(state: State | None, entries: Sequence[Entry], now: Here) -> list[Entry]:
    """The entries, those that the camera dates in time to come dated by the machine, where the kernel vouches for it.

    Nothing that is to come is told as recorded. Once a camera's clock was found ahead it is believed again when it is
    no longer ahead at all, so that one at the limit is not now believed and now not.
    """
    ahead = state is not None and state.cursor.ahead
    found = []
    for one in entries:
        if one.told is None or not one.by_camera:
            found.append(one)
            continue
        here = one.boot == now.boot
        lead_us = now.lead_us if here else one.lead_us
        by_us = one.start_us - one.boot_us - lead_us
        ahead = by_us > 0 if ahead else here and now.sure and by_us > AHEAD_US
        if ahead:
            dated = _shifted(one, -by_us)
            found.append(replace(dated, by_camera=False, lead_us=lead_us, clock="unknown", ahead=True))
        else:
            found.append(one)
    return found


def may_reopen(state: State | None, now: Here, pending: Sequence[Entry]) -> bool:
    """Whether what this start of the machine told is dated by a clock that was since set, or that a camera corrects."""
    if state is None or state.bridge is None or state.bridge.kind == "exact" or state.cursor.boot != now.boot:
        return False
    bridge = state.bridge
    if bridge.kind == "guess" and any(one.by_camera and one.start_us >= bridge.before.wall_us for one in pending):
        return True
    return abs(now.lead_us - bridge.lead_us) >= SET_US


def reopened(state: State, entries: Sequence[Entry], now: Here) -> State:
    """The state from which all entries of this start of the machine, told ones too, are reckoned anew.

    `state` itself when the clock is still before the end of the recording before.
    """
    assert state.bridge is not None
    found = _bridge(state.bridge.before, entries, now, most_us=CLOCK_US)
    if found is None or found[0].kind == "guess":
        return state
    return State(state.until_us, state.bridge.before, None)


def reckon(state: State | None, entries: Sequence[Entry], now: Here) -> Reckoning | None:
    """Tell the entries; None without any. Of a machine's start whose time is not known yet nothing is told."""
    if not entries:
        return None
    if state is None:
        state = _begun(entries[0])
    walk = _Walk(state)
    for boot, same in groupby(entries, key=lambda one: one.boot):
        group = list(same)
        if boot != walk.cursor.boot:
            found = _bridge(walk.cursor, group, now)
            if found is None:
                break
            first, (walk.bridge, group) = group[0], found
            began = group[0].start_us
            known = next((one.by_camera for one in group if one.told is not None), False)
            if not known and abs(began - first.start_us) >= LOOSE_US and began - walk.cursor.wall_us >= LOOSE_US:
                walk.gaps.append((walk.cursor.wall_us, began, first.cause, first.detail))
        elif walk.bridge is not None and walk.bridge.kind == "wall":
            group = _by_machine(group, now)
        for entry in group:
            walk.place(entry)
    drafts = walk.tiles.finished()
    after = State(walk.tiles.at_us, walk.cursor, walk.bridge)
    return Reckoning(after, drafts, walk.told, walk.dated, walk.gaps)


class _Walk:
    """Entries put one behind the other."""

    def __init__(self, state: State) -> None:
        self.cursor = state.cursor
        self.bridge = state.bridge
        self.tiles = Tiles(state.until_us)
        self.told: list[Entry] = []
        self.dated: list[tuple[int, int, int]] = []
        self.gaps: list[tuple[int, int, Cause, str]] = []

    def place(self, entry: Entry) -> None:
        """Tell one: the step of the clock before it, what is missing before it, and itself."""
        before = self.cursor
        start, lost = self._when(entry)
        begun = start - lost
        shift = begun - before.wall_us
        if abs(shift) <= (LOOSE_US if lost or entry.ahead or before.ahead else SMALL_US):
            begun = before.wall_us
            start = max(start, begun) if lost else begun
        elif shift > 0:
            self.tiles.clock(before.wall_us, begun, f"the wall clock was set ahead by {shift / 1e6:.1f} s")
        if start > begun:
            self.tiles.missing(begun, start, entry.cause, entry.detail)
        length = entry.end_us - entry.start_us
        end = start + length
        if entry.told is not None:
            if abs(entry.end_us - end) <= SMALL_US:  # the clock is followed, or small shifts would add up
                end = max(entry.end_us, start + 1000)
            self.tiles.recorded(start, end, entry.told)
            if abs(start - entry.told.start_us) >= LOOSE_US:
                self.dated.append((entry.n, start, end))
        self.told.append(entry)
        self.cursor = self._after(entry, length, end)
        self.tiles.clock_is(self.cursor.clock)

    def _when(self, entry: Entry) -> tuple[int, int]:
        """Wall clock of its start, and for how long nothing was recorded before it."""
        before = self.cursor
        if entry.boot != before.boot:
            return entry.start_us, max(0, entry.start_us - before.wall_us)
        if entry.told is not None and (entry.run, entry.epoch) == (before.run, before.epoch):
            lost = round((entry.t0 - before.t1) * 1e6)
        else:
            lost = entry.boot_us - before.boot_us
        lost = lost if lost > SMALL_US else 0
        guess = self.bridge is not None and self.bridge.kind == "guess"
        steady = entry.told is None or guess or (before.by_camera and not entry.by_camera and not entry.ahead)
        return (before.wall_us + lost if steady else entry.start_us), lost

    def _after(self, entry: Entry, length: int, end: int) -> Cursor:
        before = self.cursor
        guess = self.bridge is not None and self.bridge.kind == "guess"
        if entry.told is None:
            if entry.boot == before.boot:
                return replace(before, boot_us=max(before.boot_us, entry.boot_us), wall_us=end, run="", epoch=-1)
            exact = self.bridge is not None and self.bridge.kind == "exact"
            return Cursor(entry.boot, entry.boot_us, end, exact, clock="unknown", ahead=before.ahead)
        trusted = entry.by_camera or (before.by_camera and before.boot == entry.boot and not entry.ahead)
        clock: Clock = "unknown" if guess else entry.clock
        at = entry.boot_us + length
        ahead = entry.ahead or (before.ahead and not entry.by_camera)
        return Cursor(entry.boot, at, end, trusted, entry.run, entry.epoch, entry.t1, clock, ahead)


def _begun(first: Entry) -> State:
    """A ledger begins with its first entry."""
    return State(first.start_us, Cursor(first.boot, first.boot_us, first.start_us, first.by_camera))


def _bridge(
    before: Cursor, group: Sequence[Entry], now: Here, most_us: int | None = None
) -> tuple[Bridge, list[Entry]] | None:
    """Entries of another start of the machine with dates that can be, and how they came by them; None: not yet.

    `most_us`: as if so much had been waited for already.
    """
    waited = now.boot_us - group[0].boot_us if group[0].boot == now.boot else CLOCK_US
    waited = max(waited, most_us or 0)
    camera = next((one for one in group if one.by_camera), None)
    if camera is not None:
        dated = _by_camera(group, camera)
        if dated[0].start_us >= before.wall_us:
            return Bridge("exact", before, now.lead_us), dated
    elif before.by_camera and waited < CAMERA_TELLS_US:
        return None
    dated = _by_machine(group, now)
    if dated[0].start_us >= before.wall_us or (now.sure and group[0].boot == now.boot):
        return Bridge("wall", before, now.lead_us), dated
    if waited < CLOCK_US:
        return None
    shift = before.wall_us - dated[0].start_us
    return Bridge("guess", before, now.lead_us, shift), [_shifted(one, shift) for one in dated]


def _by_camera(group: Sequence[Entry], camera: Entry) -> list[Entry]:
    """Those that the machine's clock dated are put where the boot clock has them beside one that the camera dated."""
    lead = camera.start_us - camera.boot_us
    return [one if one.by_camera else _shifted(one, one.boot_us + lead - one.start_us) for one in group]


def _by_machine(group: Sequence[Entry], now: Here) -> list[Entry]:
    """Those that the machine's clock dated before it was set are dated by what it was set to."""

    def dated(one: Entry) -> Entry:
        step = now.lead_us - one.lead_us
        if one.by_camera or one.boot != now.boot or abs(step) < SET_US:
            return one
        return _shifted(one, step)

    return [dated(one) for one in group]


def _shifted(one: Entry, by_us: int) -> Entry:
    return replace(one, start_us=one.start_us + by_us, end_us=one.end_us + by_us)


__all__ = [
    "AHEAD_US", "CAMERA_TELLS_US", "CLOCK_US", "Bridge", "Cursor", "Entry", "Reckoning", "State", "believed",
    "may_reopen", "reckon", "reopened",
]  # fmt: skip
