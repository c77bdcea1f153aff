"""Precheck: what GA/T 832-2014 and DB11 ask of clock, count, spacing and size, seen from both sides of each limit."""

import re
from importlib import resources
from pathlib import Path

import pytest
from central_kit import AT, evidence, violation

from central.tickets import precheck
from contract.events import Clock, Manifest, Rule, Vehicle, Violation
from contract.jurisdiction import load_profile
from contract.pack_check import clock_lack


@pytest.mark.parametrize(
    ("clock", "ok"),
    [
        (Clock(), False),
        (Clock(offset_ms=0.0, source="rtcp"), True),
        (Clock(offset_ms=1000.0, source="ntp"), True),
        (Clock(offset_ms=-1000.1, source="ntp"), False),
        (Clock(offset_ms=900.0, uncertainty_ms=100.0, source="onvif"), True),
        (Clock(offset_ms=-900.0, uncertainty_ms=101.0, source="onvif"), False),
    ],
)
def test_clock(clock: Clock, ok: bool) -> None:
    found = {check.name: check.ok for check in precheck.of_decision(violation(clock=clock), sealed=True)}
    assert found["clock"] is ok
    assert bool(list(precheck.clock_question(violation(clock=clock)))) is not ok


def test_a_seal_that_does_not_hold_is_shown() -> None:
    assert not {check.name: check.ok for check in precheck.of_decision(violation(), sealed=False)}["seal"]


def results(rule: Rule = Rule.ILLEGAL_PARKING, jurisdiction: str = "cn-default", **changes: object) -> dict[str, bool]:
    """Check -> whether it holds, of a pack of three whole pictures at 0, 15 and 180 s, each changed so."""
    manifest, _ = evidence(rule=rule)
    images = [image.model_copy(update=changes) for image in manifest.images]
    data = manifest.model_copy(update={"images": images})
    return found(violation(rule=rule, jurisdiction=jurisdiction, numbers={"permitted_wait_s": 180.0}), data)


def found(decided: Violation, data: Manifest) -> dict[str, bool]:
    kept = [check for check in precheck.of_evidence(decided, data) if check.name != "profile"]
    return {check.name: check.ok for check in sorted(kept, key=lambda check: not check.ok)}


def test_a_whole_pack_passes() -> None:
    assert results() == results(jurisdiction="cn-beijing") == {"images": True, "spacing": True, "size": True}


def test_copies_and_sheets_are_no_evidence() -> None:
    assert not results(overlay=True)["images"]
    assert not results(role="composite")["images"]


def test_stills_of_one_instant_do_not_show_a_stay() -> None:
    assert not results(at=AT)["images"] and "spacing" not in results(at=AT)
    assert "spacing" not in results(Rule.FAILURE_TO_YIELD)


@pytest.mark.parametrize(("w", "h", "ok"), [(1280, 720, True), (1279, 720, False), (1280, 719, False)])
def test_small_stills_are_flagged(w: int, h: int, ok: bool) -> None:
    assert results(w=w, h=h)["size"] is ok


@pytest.mark.parametrize(
    ("jurisdiction", "count", "images", "spacing"),
    [("cn-default", 2, True, True), ("cn-beijing", 2, False, False), ("cn-beijing", 3, True, True)],
)
def test_each_jurisdiction_is_measured_by_its_own_profile(
    jurisdiction: str, count: int, images: bool, spacing: bool
) -> None:
    manifest, _ = evidence()
    decided = violation(jurisdiction=jurisdiction, numbers={"permitted_wait_s": 180.0})
    checks = found(decided, manifest.model_copy(update={"images": manifest.images[:count]}))
    assert (checks["images"], checks["spacing"]) == (images, spacing)


def test_what_the_box_says_is_lacking_is_shown_and_nothing_twice() -> None:
    twice = "no picture of role plate"
    manifest, _ = evidence(dropped=["clip: no room"], below_profile=["640x360", twice])
    failed = [(one.name, one.detail) for one in precheck.of_evidence(violation(), manifest) if not one.ok]
    assert failed == [
        ("profile", twice),
        ("profile", "3 whole picture(s) without a copy that carries date, time and place"),
        ("profile", "640x360"),
        ("dropped", "clip: no room"),
    ]


def test_a_places_own_profile_is_not_known_here_and_that_is_said() -> None:
    manifest, _ = evidence(below_profile=["640x360"])
    failed = [(one.name, one.detail) for one in precheck.of_evidence(violation(jurisdiction="our-town"), manifest)]
    assert failed == [
        ("profile", "profile our-town is not known here: what a pack must have was measured by the box alone"),
        ("profile", "640x360"),
    ]


def test_a_places_own_profile_is_used_where_the_office_has_it(tmp_path: Path) -> None:
    shipped = resources.files("configs").joinpath("jurisdictions/cn-default.yaml").read_text(encoding="utf-8")
    own = shipped.replace("id: cn-default", "id: our-town").replace("frame_min: [1280, 720]", "frame_min: [1281, 720]")
    (tmp_path / "our-town.yaml").write_text(own, encoding="utf-8")
    before = precheck.own_profiles(tmp_path)
    try:
        manifest, _ = evidence()
        checks = found(violation(jurisdiction="our-town", numbers={"permitted_wait_s": 180.0}), manifest)
        assert checks == {"images": True, "spacing": True, "size": False}
    finally:
        precheck.own_profiles(before)
    assert precheck.profile_of("our-town") is None


def test_the_limits_are_those_of_the_profiles() -> None:
    profile = load_profile("us-nyc").evidence
    clock = Clock(offset_ms=profile.clock_max_ms + 1, source="ntp")
    assert precheck.clock_error(violation(jurisdiction="us-nyc", clock=clock)) == clock_lack(clock, profile)
    for part in ("clock", "pack", "profiles"):
        text = (
            Path(precheck.__file__)
            .with_name(f"{part}.py")
            .read_text(encoding="utf-8")
            .replace("GA/T 832-2014: 1.0 s", "")
        )
        assert not re.search(r"\b(1280|720|1000|10\.0|3)\b", text), "a number of a profile stands here again"


def plate_check(told: str | None, seen: Vehicle | None) -> tuple[bool, str] | None:
    found = list(precheck.of_plate(told, seen))
    return (found[0].ok, found[0].detail) if found else None


def test_a_plate_is_as_sure_as_its_least_certain_character() -> None:
    sure = Vehicle(class_="car", plate="皖A195K9", conf=0.97, per_char_conf=[0.97, 1, 1, 1, 1, 1, 1])
    assert plate_check(None, sure) == (True, "0.97 is the certainty of the least certain of 7 characters")
    unsure = sure.model_copy(update={"per_char_conf": [0.97, 1, 1, 0.89, 1, 1, 1]})
    found = plate_check(None, unsure)
    assert found is not None and found[0] is False and found[1].startswith("0.89")


def test_two_sources_that_tell_two_plates_are_shown() -> None:
    seen = Vehicle(class_="car", plate="皖A195K9", conf=1.0, per_char_conf=[1.0] * 7)
    found = plate_check("皖A195K8", seen)
    assert found == (False, "read as 皖A195K9, while another source says 皖A195K8")
    assert plate_check("皖A195K9", seen) == (True, "1.00 is the certainty of the least certain of 7 characters")


def test_no_plate_is_not_checked() -> None:
    assert plate_check("皖A195K9", None) is None
    assert plate_check(None, Vehicle(class_="car")) is None
