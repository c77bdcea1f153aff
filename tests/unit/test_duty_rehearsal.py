"""The rehearsal's sheet: each check fails, waits, is not known or passes for its reason, and nothing passes unknown."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.duty.rehearsal import (
    WORDS,
    CameraFacts,
    DiskFacts,
    Facts,
    Verdict,
    Word,
    overall,
    rehearsal_of,
    sheet,
)
from contract.polling import Window

BEGIN = datetime(2026, 12, 11, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OVER = BEGIN + 3 * HOUR
US = 2 * 3600 * 1_000_000


def window(phase: str = "rehearsal", begin: datetime = BEGIN) -> Window:
    return Window.model_validate({"phase": phase, "from": begin, "until": begin + 2 * HOUR})


GOOD = CameraFacts("hall", True, US, US, 0, False, 40.0, 1, True)


def words(**changes: object) -> list[Word]:
    said = [Word(kind, True, "li", BEGIN + HOUR, "seen") for kind in WORDS]
    return [*said, Word("booth", True, "wang", BEGIN + HOUR, "seen")]


ALL_GOOD = Facts(window(), [GOOD, replace(GOOD, name="count")], (), "edge", (), 2, words())


#: A station whose box tells of its disk and of what it has learned; nobody says so.
MINE = replace(GOOD, learned=True, box="box-1")
TOLD = replace(ALL_GOOD, cameras=[MINE], words=(), disks=[DiskFacts("box-1", None)], last=OVER)


def of(facts: Facts, check: str, now: datetime = OVER) -> tuple[str, str]:
    item = next(one for one in sheet(facts, now) if one.check == check)
    return str(item.verdict), item.key


def test_a_station_of_which_everything_is_known_and_good_passes() -> None:
    assert overall(sheet(ALL_GOOD, OVER)) is Verdict.PASS
    assert {item.verdict for item in sheet(ALL_GOOD, OVER)} == {Verdict.PASS}


def test_a_station_of_which_nothing_is_known_passes_nothing() -> None:
    for facts in (Facts(None, []), Facts(window(), []), Facts(window(), [CameraFacts("hall")], words=words()[:0])):
        for now in (BEGIN - HOUR, BEGIN + HOUR, OVER):
            assert Verdict.PASS not in {item.verdict for item in sheet(facts, now)}


def one(**changes: object) -> Facts:
    return replace(ALL_GOOD, cameras=[GOOD, replace(GOOD, **changes)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "facts", "said"),
    [
        ("recorded", one(recorded_us=int(US * 0.9989)), ("fail", "missing")),
        ("recorded", one(recorded_us=int(US * 0.9991)), ("pass", "whole")),
        ("recorded", one(recorded_us=0, untold_us=US), ("fail", "missing")),
        ("recorded", one(fault=True), ("fail", "fault")),
        ("recorded", replace(ALL_GOOD, rehearsal=None), ("not_yet", "no_window")),
        ("troubles", replace(ALL_GOOD, troubles=("dark",)), ("fail", "open")),
        ("troubles", one(heard=False), ("not_yet", "silent")),
        ("clock", one(offset_ms=1000.1), ("fail", "off")),
        ("clock", one(offset_ms=-1000.1), ("fail", "off")),
        ("clock", one(offset_ms=-999.9), ("pass", "good")),
        ("clock", one(offset_ms=None), ("unknown", "unknown")),
        ("masks", replace(ALL_GOOD, troubles=("mask",)), ("fail", "gone")),
        ("masks", replace(ALL_GOOD, masked_by=None, words=()), ("unknown", "no_file")),
        ("masks", replace(ALL_GOOD, cameras=[replace(GOOD, masks=0)], words=()), ("unknown", "none_drawn")),
        ("masks", replace(ALL_GOOD, cameras=[replace(GOOD, masks=0)]), ("pass", "said_good")),
        ("masks", one(recorded_us=0), ("not_yet", "not_recorded")),
        ("resolution", one(recorded_us=0), ("not_yet", "not_recorded")),
        ("live", one(watched=False), ("not_yet", "not_tried")),
        ("roster", replace(ALL_GOOD, holes=[(BEGIN, OVER)]), ("fail", "holes")),
        ("roster", replace(ALL_GOOD, to_come=0), ("not_yet", "no_window")),
        ("disk", replace(ALL_GOOD, words=()), ("unknown", "not_told")),
        ("baseline", replace(ALL_GOOD, words=()), ("unknown", "not_told")),
        ("disk", TOLD, ("pass", "fits")),
        ("disk", replace(TOLD, disks=[DiskFacts("box-1", OVER)]), ("pass", "until")),
        ("disk", replace(TOLD, disks=[DiskFacts("box-1", OVER - HOUR)]), ("fail", "full")),
        ("disk", replace(TOLD, disks=[DiskFacts("box-1", OVER - HOUR)], words=words()), ("fail", "full")),
        ("disk", replace(TOLD, disks=[DiskFacts("box-2", None)]), ("unknown", "not_told")),
        ("disk", replace(TOLD, disks=[DiskFacts("box-2", None)], words=words()), ("pass", "said_good")),
        ("disk", replace(TOLD, last=None), ("unknown", "not_told")),
        ("baseline", TOLD, ("pass", "learned")),
        ("baseline", replace(TOLD, cameras=[MINE, replace(MINE, learned=False)]), ("not_yet", "learning")),
        ("baseline", replace(TOLD, cameras=[MINE, replace(MINE, learned=False)], words=words()), ("not_yet", "learning")),
        ("baseline", replace(TOLD, cameras=[MINE, replace(MINE, learned=None)]), ("unknown", "not_told")),
        ("message", replace(ALL_GOOD, words=()), ("not_yet", "none")),
        ("view", replace(ALL_GOOD, words=[*words(), Word("view", False, "mo", OVER, "a pillar")]), ("fail", "said_bad")),
        ("view", replace(ALL_GOOD, words=[Word("view", True, "li", BEGIN - HOUR, "last week")]), ("not_yet", "nobody")),
        ("booth", replace(ALL_GOOD, words=words()[:-1]), ("not_yet", "looks")),
        ("booth", replace(ALL_GOOD, words=[Word("booth", True, "li", BEGIN + n * HOUR, "x") for n in (0, 1)]), ("not_yet", "looks")),
        ("booth", replace(ALL_GOOD, words=[*words(), Word("booth", False, "mo", OVER, "seen!")]), ("fail", "said_bad")),
        ("booth", replace(ALL_GOOD, words=[*words(), Word("booth", False, "li", BEGIN, "moved")]), ("pass", "looks")),
    ],
)  # fmt: skip
def test_each_check_for_its_reason(check: str, facts: Facts, said: tuple[str, str]) -> None:
    assert of(facts, check) == said
    if said[0] != "pass":
        assert overall(sheet(facts, OVER)) is not Verdict.PASS


def test_while_it_runs_what_nobody_has_told_yet_is_not_lost_and_what_is_lost_fails_at_once() -> None:
    running = BEGIN + HOUR
    half = replace(GOOD, planned_us=US // 2, recorded_us=US // 2 - 60_000_000, untold_us=60_000_000)
    assert of(replace(ALL_GOOD, cameras=[half]), "recorded", running) == ("not_yet", "running")
    lost = replace(half, recorded_us=US // 2 - 70_000_000)
    assert of(replace(ALL_GOOD, cameras=[lost]), "recorded", running) == ("fail", "missing")
    assert of(ALL_GOOD, "recorded", BEGIN - HOUR) == ("not_yet", "before")


def test_the_rehearsal_that_counts_is_the_one_begun_last() -> None:
    days = [window(begin=BEGIN + n * 24 * HOUR) for n in range(3)] + [window("voting", BEGIN + 100 * HOUR)]
    assert rehearsal_of(days, BEGIN - HOUR) == days[0]
    assert rehearsal_of(days, BEGIN + 30 * HOUR) == days[1]
    assert rehearsal_of(days, BEGIN + 300 * HOUR) == days[2]
    assert rehearsal_of(days[3:], BEGIN) is None


CAMERA = st.builds(
    CameraFacts, st.sampled_from(["a", "b"]), st.booleans(), st.just(US), st.sampled_from([0, US // 2, US]),
    st.sampled_from([0, US // 2]), st.booleans(), st.sampled_from([None, 10.0, 5000.0]), st.sampled_from([None, 0, 2]), st.booleans(),
    st.sampled_from([None, False, True]), st.sampled_from([None, "box-1"]),
)  # fmt: skip
FACTS = st.builds(
    Facts, st.sampled_from([None, window()]), st.lists(CAMERA, max_size=2), st.lists(st.sampled_from(["dark", "mask"]), max_size=2),
    st.sampled_from([None, "edge", "camera"]), st.sampled_from([[], [(BEGIN, OVER)]]), st.integers(0, 1),
    st.lists(st.builds(Word, st.sampled_from(WORDS), st.booleans(), st.sampled_from(["li", "mo"]), st.sampled_from([BEGIN, OVER]), st.just("x")), max_size=8),
    st.lists(st.builds(DiskFacts, st.just("box-1"), st.sampled_from([None, BEGIN, OVER])), max_size=1), st.sampled_from([None, OVER]),
)  # fmt: skip


@given(FACTS, st.integers(-2, 5))
def test_learning_something_bad_never_makes_a_station_better(facts: Facts, hours: int) -> None:
    now = BEGIN + hours * HOUR
    rank = list(Verdict).index
    was = overall(sheet(facts, now))
    worse = [
        replace(facts, troubles=[*facts.troubles, "lost"]),
        replace(facts, holes=[*facts.holes, (BEGIN, OVER)]),
        replace(facts, disks=[*facts.disks, DiskFacts("box-2", BEGIN)]),
        replace(facts, cameras=[replace(one, learned=False) for one in facts.cameras]),
        *([replace(facts, cameras=[*facts.cameras, CameraFacts("dark")])] if facts.cameras else []),
        *(replace(facts, words=[*facts.words, Word(kind, False, "zz", OVER + HOUR, "bad")]) for kind in WORDS),
    ]
    for each in worse:
        assert rank(overall(sheet(each, now))) <= rank(was)
    assert len({field.name for field in fields(Facts)}) == 9
