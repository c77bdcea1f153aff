"""The ledger of a camera: whatever was recorded or missing, each second is told once, and no block can be changed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.continuity import Block, Missing, Recorded, block_hash, check, coverage, hash_of, tiling
from contract.events import EventType, as_json, new_event, now

S = 1_000_000


def recorded(start: int, end: int, name: str = "a") -> Recorded:
    return Recorded(start_us=start, end_us=end, name=name, sha256="a" * 64, bytes=1, pictures=1)


def missing(start: int, end: int, cause: Any = "network") -> Missing:
    return Missing(start_us=start, end_us=end, cause=cause)


def block(number: int, prev: str, *entries: Recorded | Missing, late: list[Any] | None = None) -> Block:
    return Block(
        edge_id="box-1",
        camera_id="cam-1",
        site="s",
        number=number,
        prev=prev,
        from_us=min(one.start_us for one in entries),
        until_us=max(one.end_us for one in entries),
        recorded=[one for one in entries if isinstance(one, Recorded)],
        missing=[one for one in entries if isinstance(one, Missing)],
        late=late or [],
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[Block]:
    """Blocks that follow one another, each tiled at random."""
    made: list[Block] = []
    at, prev = 1_000 * S, "0" * 64
    for number in range(draw(st.integers(1, 5))):
        entries: list[Recorded | Missing] = []
        for _ in range(draw(st.integers(1, 6))):
            length = draw(st.integers(1, 30 * S))
            kind = recorded if draw(st.booleans()) else missing
            entries.append(kind(at, at + length))
            at += length
        made.append(block(number, prev, *entries))
        prev = hash_of(made[-1])
    return made


def chained(blocks: list[Block]) -> list[tuple[Block, str]]:
    return [(one, hash_of(one)) for one in blocks]


@given(ledgers())
def test_what_tiles_holds_and_its_figures_add_up(blocks: list[Block]) -> None:
    assert check(chained(blocks)) == []
    first, last = blocks[0].from_us, blocks[-1].until_us
    told = coverage(blocks, first - S, last + S)
    gaps = sum(one.end_us - one.start_us for one in told.gaps)
    assert told.recorded_us + gaps == last - first
    assert told.unledgered_us == 2 * S and told.planned_us == last - first + 2 * S


@given(ledgers(), st.data())
def test_whatever_is_changed_afterwards_is_found(blocks: list[Block], data: st.DataObject) -> None:
    assert len(blocks) < 2 or check(chained([blocks[0], *blocks[2:]])) != [] or len(blocks) == 2
    index = data.draw(st.integers(0, len(blocks) - 1))
    one = blocks[index]
    entries = sorted([*one.recorded, *one.missing], key=lambda entry: entry.start_us)
    chosen = data.draw(st.sampled_from(entries))
    if isinstance(chosen, Recorded):
        other = one.model_copy(
            update={
                "recorded": [
                    entry.model_copy(update={"sha256": "b" * 64}) if entry is chosen else entry
                    for entry in one.recorded
                ]
            }
        )
    else:
        other = one.model_copy(update={"missing": [entry for entry in one.missing if entry is not chosen], "late": []})
    forged = [*blocks[:index], other, *blocks[index + 1 :]]
    last_may_only_be_known_by_its_seal = index == len(blocks) - 1 and isinstance(chosen, Recorded)
    assert check(chained(forged)) != [] or last_may_only_be_known_by_its_seal
    assert hash_of(other) != hash_of(one)


def test_a_hole_an_overlap_and_an_end_too_early_are_said() -> None:
    assert "neither" in str(tiling(block(0, "0" * 64, recorded(0, S), missing(2 * S, 3 * S))))
    assert "twice" in str(tiling(block(0, "0" * 64, recorded(0, 2 * S), missing(S, 3 * S))))
    short = block(0, "0" * 64, recorded(0, S)).model_copy(update={"until_us": 2 * S})
    assert "end" in str(tiling(short))


def test_what_comes_late_takes_the_place_of_what_was_said() -> None:
    first = block(0, "0" * 64, recorded(0, 10 * S), missing(10 * S, 20 * S))
    filled = Recorded(**(recorded(12 * S, 18 * S, "b").model_dump() | {"origin": "camera_store"}))
    second = block(1, hash_of(first), recorded(20 * S, 30 * S), late=[filled])
    told = coverage([first, second], 0, 30 * S)
    assert told.recorded_us == 26 * S
    assert [(one.start_us, one.end_us) for one in told.gaps] == [(10 * S, 12 * S), (18 * S, 20 * S)]
    assert check(chained([first, second])) == []


def test_the_hash_is_of_what_is_sent_whatever_the_sender_adds() -> None:
    one = block(0, "0" * 64, recorded(0, S), missing(S, 2 * S))
    event = new_event(EventType.RECORDING_BLOCK, "/edge/box-1/camera/cam-1", now(), one)
    sent = dict(event.data) | {"camera_seq": 7, "chain": {"id": "c", "seq": 3, "prev": "0" * 64}}
    assert block_hash(sent) == hash_of(one) == block_hash(as_json(one))
