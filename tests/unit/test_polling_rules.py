"""What numbers of a look mean, and how troubles begin and end: no pictures, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.feedhealth import Check
from edge.polling.matters import Begun, Ended, Matters
from edge.polling.rules import Finding, Look, Stream, of_clock, of_look, of_silence, of_stream

WELL = Look(
    mean=120, std=50, usual_std=50, contrast=50, edges=1.0, edge_density=0.08, sharpness=1.0, same=0.1, usual_same=0.1,
    noise=1.0, noise_level=2.0, in_place=0.9, shift=0.0, unmasked=0.0,
)  # fmt: skip


def said(look: Look, open_: Iterable[Check] = ()) -> Mapping[str, bool | None]:
    return {one.check: one.bad for one in of_look(look, set(open_))}


def test_nothing_is_wrong_with_a_usual_picture() -> None:
    assert not any(said(WELL).values())


@pytest.mark.parametrize(
    ("check", "look"),
    [
        ("dark", replace(WELL, mean=29)),
        ("bright", replace(WELL, mean=221)),
        ("covered", replace(WELL, edges=0.29)),
        ("covered", replace(WELL, std=20, contrast=20, edges=0.5)),
        ("frozen", replace(WELL, same=1.0)),
        ("frozen", replace(WELL, same=0.98)),
        ("frozen", replace(WELL, noise=0.1, noise_level=0.2)),
        ("looped", replace(WELL, lag=60.0)),
        ("moved", replace(WELL, in_place=0.1, shift=0.021)),
        ("scene", replace(WELL, in_place=0.0, shift=None, likeness=0.3)),
        ("defocused", replace(WELL, sharpness=0.49)),
        ("mask", replace(WELL, unmasked=0.05)),
    ],
)
def test_each_check_alone_is_bad(check: Check, look: Look) -> None:
    assert [name for name, bad in said(look).items() if bad] == [check]


@pytest.mark.parametrize(
    "look",
    [
        replace(WELL, std=20, contrast=50, mean=40),  # a dim lamp
        replace(WELL, noise=0.2, noise_level=1.5),  # a full room that emptied
        replace(WELL, noise=0.2, noise_level=0.2, steady=False),  # another light, another noise
        replace(WELL, same=0.98, usual_same=0.9),  # a camera that always looks so
        replace(WELL, in_place=0.1, shift=None, likeness=None),  # a crowd hides the landmarks
        replace(WELL, in_place=0.5, likeness=0.1),
    ],
)
def test_what_is_none_of_a_tamperers_doing(look: Look) -> None:
    assert not any(said(look).values())


def test_nobody_says_of_a_covered_camera_whether_it_is_sharp_or_moved() -> None:
    covered = said(replace(WELL, edges=0.1, sharpness=0.1, shift=0.5, in_place=0.0, likeness=0.0, same=1.0))
    assert [name for name, bad in covered.items() if bad] == ["covered"]
    assert covered["defocused"] is covered["moved"] is covered["scene"] is covered["frozen"] is None


def test_without_a_baseline_a_camera_that_shows_nothing_is_suspicious() -> None:
    bare = Look(mean=90, std=12, edge_density=0.001)
    assert said(bare)["covered"] is True
    assert said(replace(bare, std=40, edge_density=0.06))["covered"] is False


def test_a_trouble_begins_after_its_time_once_and_ends_after_another() -> None:
    matters, bad = Matters(), Finding("covered", bad=True)
    assert matters.hear([bad], 0, 1000) == []
    (begun,) = matters.hear([bad], 5, 1005)
    assert isinstance(begun, Begun) and (begun.first, begun.at) == (1000, 1005)
    assert matters.hear([bad], 6, 1006) == []
    well = Finding("covered", bad=False)
    assert matters.hear([well], 7, 1007) == []
    assert matters.hear([bad], 8, 1008) == [], "well for a moment is not well"
    assert matters.hear([well], 9, 1009) == []
    (ended,) = matters.hear([well], 19, 1019)
    assert isinstance(ended, Ended) and (ended.begun, ended.at) == (1000, 1009)


def test_one_look_is_none_however_long_ago_it_was() -> None:
    matters, bad = Matters(), Finding("covered", bad=True)
    assert matters.hear([bad], 0, 1000) == []
    assert matters.hear([bad], 600, 1600) == [], "nobody looked in between"
    assert matters.hear([Finding("covered", None)], 603, 1603) == []
    assert len(matters.hear([bad], 606, 1606)) == 1


def test_a_cameras_own_events_are_a_matter_of_their_own() -> None:
    matters = Matters()
    seen, told = Finding("mask", bad=True), Finding("mask", bad=True, source="onvif")
    assert [one.key for one in matters.hear([seen, told], 0, 0)] == ["mask/picture/alarm", "mask/onvif/alarm"]
    assert matters.hear([Finding("mask", bad=False, source="onvif")], 1, 1) == []
    (ended,) = matters.hear([Finding("mask", bad=False, source="onvif")], 11, 11)
    assert ended.key == "mask/onvif/alarm" and matters.checks == {"mask"}


@given(st.lists(st.tuples(st.floats(0.1, 20), st.sampled_from([True, False, None])), max_size=60))
def test_beginnings_and_ends_alternate_whatever_is_found(findings: list[tuple[float, bool | None]]) -> None:
    matters, t, told = Matters(), 0.0, []
    for step, bad in findings:
        t += step
        told += matters.hear([Finding("moved", bad=bad)], t, t)
    assert [type(one) for one in told] == [Begun, Ended] * (len(told) // 2) + [Begun] * (len(told) % 2)
    assert bool(matters.open) == bool(len(told) % 2)


def test_clock_silence_and_stream() -> None:
    assert [one.bad for one in of_clock(1.2, set())] == [True, False]
    assert [one.bad for one in of_clock(-5.2, set())] == [True, True]
    assert [one.bad for one in of_clock(0.9, {"time/clock/warning"})] == [True, False]
    assert list(of_clock(None, set())) == []
    assert (of_silence(4.9, "").bad, of_silence(5.0, "").bad) == (False, True)
    known = Stream("h264", 1920, 1080, "aa", 2.0)
    assert of_stream(None, known).bad is None
    assert of_stream(known, replace(known, gop_s=None)).bad is False
    for other in (replace(known, codec="hevc"), replace(known, width=1280), replace(known, sets="bb"),
                  replace(known, gop_s=4.0)):  # fmt: skip
        assert of_stream(known, other).bad is True
