"""Precheck: what GA/T 832-2014 and DB11 ask of clock, count, spacing and size, seen from both sides of each limit."""

import pytest
from central_kit import evidence, violation

from central.tickets import precheck
from contract.events import Clock, Rule


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
