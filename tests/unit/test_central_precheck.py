"""Precheck: what GA/T 832-2014 and DB11 ask of clock, count, spacing and size, seen from both sides of each limit."""

import pytest
from central_kit import evidence, violation

from central.tickets import precheck
from contract.events import Clock, Rule, Vehicle


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
    assert bool(list(precheck.clock_question(clock))) is not ok


def test_a_seal_that_does_not_hold_is_shown() -> None:
    assert not {check.name: check.ok for check in precheck.of_decision(violation(), sealed=False)}["seal"]


def results(rule: Rule = Rule.ILLEGAL_PARKING, **changes: object) -> dict[str, bool]:
    manifest, _ = evidence(rule=rule)
    images = [image.model_copy(update=changes) for image in manifest.images]
    return {
        check.name: check.ok for check in precheck.of_evidence(rule, manifest.model_copy(update={"images": images}))
    }


def test_a_whole_pack_passes() -> None:
    assert results() == {"images": True, "spacing": True, "size": True}


def test_copies_and_sheets_are_no_evidence() -> None:
    assert not results(overlay=True)["images"]
    assert not results(role="composite")["images"]


def test_stills_of_one_instant_do_not_show_a_stay() -> None:
    assert not results(t=10.0)["spacing"]
    assert "spacing" not in results(Rule.FAILURE_TO_YIELD, t=10.0)


@pytest.mark.parametrize(("w", "h", "ok"), [(1280, 720, True), (1279, 720, False), (1280, 719, False)])
def test_small_stills_are_flagged(w: int, h: int, ok: bool) -> None:
    assert results(w=w, h=h)["size"] is ok


def test_what_the_box_says_is_lacking_is_shown() -> None:
    manifest, _ = evidence(dropped=["clip: no room"], below_profile=["640x360"])
    failed = {
        check.name: check.detail for check in precheck.of_evidence(Rule.ILLEGAL_PARKING, manifest) if not check.ok
    }
    assert failed == {"dropped": "clip: no room", "profile": "640x360"}


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
