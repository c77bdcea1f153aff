"""The ledger against a simulated truth: kills, power cuts, cameras that go, and clocks that are wrong and set."""

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.continuity import Block, Coverage, Missing, Recorded, check, coverage, hash_of
from contract.events import parse_data
from contract.sealing import GENESIS
from edge.deliver.spool import Spool
from edge.record.elapsed import Here
from edge.record.index import Index, Segment
from edge.record.ledger import Ledger
from edge.record.reckoning import Entry, State, believed, may_reopen, reckon, reopened

S = 1_000_000
BEGIN = 1_800_000_000 * S


@dataclass
class World:
    """A camera and its recorder, in true time `at`; `error` is by how much the machine's clock is ahead, `ahead` the camera's."""

    tells: bool
    at: int = BEGIN
    error: int = 0
    ahead: int = 0
    sure: bool = False
    boot: int = 0
    begun: int = BEGIN - 7 * S
    run: int = 0
    entries: list[Entry] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    state: State | None = None
    blocks: list[tuple[Block, str]] = field(default_factory=list)
    truth: list[tuple[int, int, str]] = field(default_factory=list)
    why: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        self._mark("start")

    def _entry(self, start: int, end: int, cause: str, told: Recorded | None, by_camera: bool) -> None:
        shift = self.ahead if by_camera else self.error
        run = f"{self.boot}.{self.run}" if told else ""
        self.entries.append(
            Entry(
                len(self.entries), f"boot-{self.boot}", start - self.begun, start + shift, end + shift,
                self.begun + self.error, by_camera, cause, "", run, 0 if told else -1, (start - BEGIN) / S,
                (end - BEGIN) / S, told=told,
            )
        )  # fmt: skip

    def _mark(self, cause: str) -> None:
        self._entry(self.at, self.at, cause, None, by_camera=False)

    def record(self, seconds: int) -> None:
        first, end = True, self.at + seconds * S
        cause = self.why[0] if self.why else "unknown"
        self.why = None
        while self.at < end:
            start, self.at = self.at, min(end, self.at + 10 * S)
            by_camera = self.tells and not first
            shift = self.ahead if by_camera else self.error
            told = Recorded(
                start_us=start + shift, end_us=self.at + shift, name=f"{len(self.entries)}", sha256="0" * 64,
                bytes=1, pictures=1,
            )  # fmt: skip
            self._entry(start, self.at, cause, told, by_camera)
            first, cause = False, "camera"

    def away(self, cause: str, seconds: int) -> None:
        """Nothing is recorded for so long; what runs meanwhile says so when blocks are closed."""
        self.truth.append((self.at, self.at + seconds * S, cause))
        self.at += seconds * S
        self.why = cause, self.at

    def lose(self, seconds: int) -> None:
        self.away("network", seconds)
        self.run += 1
        self._entry(self.at - 2 * S, self.at - 2 * S, "network", None, by_camera=False)

    def kill(self, seconds: int) -> None:
        self.away("process", seconds)
        self.run += 1
        self._mark("process")

    def cut(self, seconds: int, error: int) -> None:
        self.away("power", seconds)
        self.run, self.boot, self.begun, self.error = 0, self.boot + 1, self.at - 3 * S, error
        self._mark("power")

    def close(self) -> None:
        now = Here(f"boot-{self.boot}", self.at - self.begun, self.begun + self.error, self.sure)
        entries = believed(self.state, [one for one in self.entries if one.n not in self.told], now)
        if may_reopen(self.state, now, entries):
            everything = believed(self.state, [one for one in self.entries if one.boot == now.boot], now)
            again = reopened(self.state, everything, now)
            if again is not self.state:
                self.state, entries = again, everything
        found = reckon(self.state, entries, now)
        if found is None:
            return
        self.state = found.state
        self.told |= {one.n for one in found.told}
        for draft in found.drafts:
            block = Block(
                edge_id="e", camera_id="c", site="s", number=len(self.blocks),
                prev=self.blocks[-1][1] if self.blocks else GENESIS, from_us=draft.from_us, until_us=draft.until_us,
                recorded=draft.recorded, missing=draft.missing, late=draft.late, clock=draft.clock,
            )  # fmt: skip
            self.blocks.append((block, hash_of(block)))
        assert check(self.blocks) == []

    def covered(self) -> Coverage:
        return coverage([block for block, _ in self.blocks], BEGIN, self.at)


def overlap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def holds(world: World) -> None:
    """Every second that is missing is told with its cause, and no other, to a second at each edge."""
    found = world.covered()
    assert found.unledgered_us == 0
    for start, end, cause in world.truth:
        told = sum(overlap((start, end), (gap.start_us, gap.end_us)) for gap in found.gaps if gap.cause == cause)
        assert end - start - told <= S, (cause, (start - BEGIN) / S, (end - start) / S, told / S)
    missing = sum(end - start for start, end, _ in world.truth)
    extra = total(found.gaps) - missing
    assert extra <= S * (1 + len(world.truth)), extra / S


def total(gaps: tuple[Missing, ...]) -> int:
    return sum(one.end_us - one.start_us for one in gaps)


SECONDS = st.integers(2, 900)
STEPS = st.one_of(
    st.tuples(st.just("record"), SECONDS),
    st.tuples(st.just("lose"), SECONDS),
    st.tuples(st.just("kill"), SECONDS),
    st.tuples(st.just("close"), st.just(0)),
)
ERRORS = st.one_of(st.just(0), st.integers(5, 400_000), st.integers(-400_000, -5))
WRONG = st.tuples(st.just("cut"), SECONDS, ERRORS, st.lists(STEPS, max_size=6))


def run(world: World, steps: list) -> None:
    for name, *rest in steps:
        if name == "cut":
            seconds, error, within = rest
            world.cut(seconds, error * S)
            world.record(30)
            run(world, within)
            world.error = 0
            world.record(20)
            world.close()
        elif name == "close":
            world.close()
        else:
            getattr(world, name)(*rest)
            if name != "record":
                world.record(5)


@settings(max_examples=150, deadline=None)
@given(tells=st.booleans(), steps=st.lists(st.one_of(STEPS, WRONG), max_size=10))
def test_every_missing_second_is_told_with_its_cause(tells: bool, steps: list) -> None:
    world = World(tells)
    world.record(40)
    world.close()
    run(world, steps)
    world.error = 0
    for _ in range(3):
        world.record(700)
        world.close()
    holds(world)


SETS = st.tuples(st.just("set"), st.integers(-4000, 4000))


@settings(max_examples=150, deadline=None)
@given(tells=st.booleans(), steps=st.lists(st.one_of(STEPS, SETS, WRONG), max_size=12))
def test_a_clock_that_is_set_makes_neither_hole_nor_overlap(tells: bool, steps: list) -> None:
    """`close` checks the whole ledger each time; absences keep their lengths whatever the clock does."""
    world = World(tells)
    world.record(40)
    world.close()
    for step in steps:
        if step[0] == "set":
            world.error += step[1] * S
            world.record(20)
        else:
            run(world, [step])
        world.close()
    world.error = 0
    for _ in range(3):
        world.record(700)
        world.close()
    told = [one for block, _ in world.blocks for one in [*block.missing, *block.late] if isinstance(one, Missing)]
    for cause in {cause for _, _, cause in world.truth} - {"power"}:
        of = [end - start for start, end, why in world.truth if why == cause]
        assert total([one for one in told if one.cause == cause]) >= sum(of) - S * len(of), cause


def test_a_step_ahead_is_one_gap_and_a_step_back_is_told_late() -> None:
    world = World(tells=False)
    world.record(60)
    world.close()
    world.error = 100 * S
    world.record(60)
    world.close()
    assert [(one.cause, one.end_us - one.start_us) for one in world.blocks[-1][0].missing] == [("clock", 100 * S)]
    world.error = 0
    world.record(60)
    world.close()
    block = world.blocks[-1][0]
    assert (block.until_us - block.from_us, len(block.late)) == (1, 6) and block.recorded == []
    world.record(90)
    world.close()
    told = [(one.cause, one.end_us - one.start_us) for one in world.covered().gaps]
    assert told == [("clock", 60 * S), ("clock", 1)], "what was recorded under wrong dates stands under them"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(STEPS, st.tuples(st.just("cut"), SECONDS, st.just(0), st.just([]))), min_size=1, max_size=20))
def test_of_a_camera_whose_clock_is_ahead_nothing_to_come_is_told(steps: list) -> None:
    """The fault this was written for: what the camera dated an hour ahead was told as recorded an hour before it was."""
    world = World(tells=True, ahead=3600 * S, sure=True)
    for step in [("record", 60), ("close", 0), *steps]:
        run(world, [step])
        assert all(block.until_us <= world.at + S for block, _ in world.blocks), step
    world.record(60)
    world.close()
    holds(world)


def test_a_camera_found_ahead_later_and_set_right_later_is_told_by_true_time() -> None:
    world = World(tells=True, ahead=3600 * S)
    world.record(60)
    world.close()
    assert world.blocks[-1][0].until_us == world.at + 3600 * S, "nobody vouches for the machine's clock"
    world.sure = True
    world.record(60)
    world.close()
    assert {type(one) for one in world.blocks[-1][0].late} == {Recorded}, "told in the time that it was"
    world.lose(120)
    world.record(3500)
    world.close()
    lost = [one for one in world.covered().gaps if one.cause == "network"]
    assert abs(total(tuple(lost)) - 120 * S) <= S
    world.ahead = 0
    until = world.at
    world.record(60)
    world.close()
    assert [one for one in world.covered().gaps if one.end_us > until] == [], "the camera is believed again"
    assert world.state is not None and not world.state.cursor.ahead


def test_a_machine_that_starts_in_the_past_waits_for_its_clock() -> None:
    """The fault this was written for: an outage of an hour that was noted with no length."""
    world = World(tells=False)
    world.record(60)
    world.close()
    before = len(world.blocks)
    world.cut(3600, -86_400 * S)
    world.record(120)
    world.close()
    assert len(world.blocks) == before, "nothing is told by a clock that cannot be right"
    world.error = 0
    world.record(10)
    world.close()
    (gap,) = world.covered().gaps
    assert (gap.cause, gap.end_us - gap.start_us) == ("power", 3600 * S)


def test_a_clock_that_nobody_sets_is_told_as_unknown_and_corrected_when_it_is() -> None:
    world = World(tells=False)
    world.record(60)
    world.close()
    world.cut(3600, -86_400 * S)
    world.record(610)
    world.close()
    assert world.blocks[-1][0].clock == "unknown" and world.covered().recorded_us == 670 * S
    world.error = 0
    world.record(10)
    world.close()
    gaps = world.covered().gaps
    assert {gap.cause for gap in gaps} == {"power"} and total(gaps) == 3600 * S
    assert world.covered().recorded_us == 680 * S


def test_the_index_keeps_that_a_camera_is_ahead_over_a_restart_and_dates_its_segments(tmp_path: Path) -> None:
    """With real rows and events: a recorder that starts anew while the kernel no longer vouches goes on as before."""
    index, spool = Index(tmp_path), Spool(tmp_path / "spool")
    boot_us, lead = 50 * S, BEGIN

    def recorded(number: int, *, run: str) -> Segment:
        start = lead + boot_us + number * 10 * S + 3600 * S
        return Segment(
            "cam-1", start, start + 10 * S, run, 0, number * 10.0, number * 10.0 + 10, f"{number}.mp4", 1, "0" * 64, 250,
            0, "h264", 640, 360, "unknown", boot="boot-1", boot_us=boot_us + number * 10 * S, lead_us=lead,
            by_camera=True,
        )  # fmt: skip

    for turn, sure in enumerate((True, False)):
        index.add(recorded(3 * turn + one, run=f"run-{turn}") for one in range(3))
        ledger = Ledger(index, spool, "box-1", {"cam-1": ("station", "0" * 64)})
        ledger.close("cam-1", Here("boot-1", boot_us + 30 * (turn + 1) * S, lead, sure))
        ledger.hand_over()
    told = [parse_data(one.item.event) for one in spool.take()]
    assert [(one.from_us - lead - boot_us, one.until_us - lead - boot_us) for one in told] == [
        (0, 30 * S), (30 * S, 60 * S),
    ]  # fmt: skip
    assert all(isinstance(one, Block) and len(one.recorded) == 3 and one.missing == [] for one in told)
    assert [one.start_us for one in index.segments("cam-1")] == [lead + boot_us + 10 * one * S for one in range(6)]
    index.close()
