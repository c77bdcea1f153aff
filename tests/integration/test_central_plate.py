"""The plate that a box read from its evidence, at central: on the case, in the queue, beside the picture's doubts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, person, violation

from central.accounts.service import SignedInUser
from central.db.database import Database
from central.tickets import decisions, service
from central.tickets.errors import Unfit
from central.tickets.views import CaseView
from central.web.language import load
from central.web.page import Page
from contract.events import EventType, FactSaid, Vehicle

CONF = [0.98, 1.0, 1.0, 0.72, 1.0, 1.0, 0.99]
READ = Vehicle(class_="car", plate="皖A195K9", plate_type="02", plate_color="blue", conf=min(CONF), per_char_conf=CONF)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def officer(db: Database) -> SignedInUser:
    return person(db)


def case(db: Database, told: Vehicle, seen: Vehicle | None, evidence_first: bool = False) -> CaseView:
    """The one case that a box's two events make."""
    box = Box()
    box.enrol(db)
    manifest, _ = evidence(vehicle=seen)
    messages = [decision(box, violation(vehicle=told)), box.say(EventType.MANIFEST, manifest)]
    intake_of(db).take(messages[::-1] if evidence_first else messages)
    with db.read() as session:
        (item,) = service.queue(session, state="CANDIDATE").items
        assert item.plate == (told.plate or (seen.plate if seen else None))
        return service.case(session, item.number, None)


@pytest.mark.parametrize("evidence_first", [False, True])
def test_a_plate_that_the_evidence_shows_is_the_cases(db, officer, evidence_first: bool) -> None:
    view = case(db, Vehicle(class_="car", color="white"), READ, evidence_first)
    assert view.violation.vehicle.plate is None
    assert (view.vehicle.plate, view.vehicle.color, view.vehicle.plate_type) == ("皖A195K9", "white", "02")
    (check,) = [check for check in view.checks if check.name == "plate"]
    assert check.ok is False and check.detail.startswith("0.72")
    english, chinese = Page(view, officer, load("en")), Page(view, officer, load("zh-CN"))
    assert english.vehicle == "Car · white · 皖A195K9"
    for page in (english, chinese):
        assert page.plate is not None and page.plate.unsure
        assert [(one.sign, one.percent) for one in page.plate.characters if not one.sure] == [("9", "72%")]


def test_a_plate_told_with_the_decision_stands_and_a_contradiction_is_shown(db, officer) -> None:
    view = case(db, Vehicle(class_="car", plate="皖A195K8"), READ)
    assert view.vehicle.plate == "皖A195K8"
    (check,) = [check for check in view.checks if check.name == "plate"]
    assert not check.ok and "皖A195K9" in check.detail and "皖A195K8" in check.detail
    plate = Page(view, officer, load("en")).plate
    assert plate is None or not plate.unsure


@pytest.mark.parametrize("seen", [None, Vehicle(class_="car", plate_color="blue")])
def test_a_plate_nobody_read_is_not_read(db, officer, seen: Vehicle | None) -> None:
    view = case(db, Vehicle(class_="car"), seen)
    assert view.vehicle.plate is None
    assert not [check for check in view.checks if check.name == "plate"]
    assert Page(view, officer, load("en")).vehicle.endswith("plate not read")


@pytest.mark.parametrize("evidence_first", [False, True])
@pytest.mark.parametrize(
    ("fact", "code"), [("emergency_on_task", "R06"), ("disabled_permit", "R16"), ("works_vehicle", "R16")]
)
def test_a_case_whose_vehicle_is_exempt_is_set_aside_by_the_system(
    db, officer, fact: str, code: str, evidence_first: bool
) -> None:
    """The plate was read after the decision; nobody is to review, and the record says why."""
    box = Box()
    box.enrol(db)
    told = FactSaid(value="yes", sources=["plate_list"], source="plate_list")
    manifest, _ = evidence(vehicle=READ, facts={fact: told}, suppression=[fact])
    messages = [decision(box, violation(vehicle=Vehicle(class_="car"))), box.say(EventType.MANIFEST, manifest)]
    intake_of(db).take(messages[::-1] if evidence_first else messages)
    with db.read() as session:
        assert service.counts(session)["REVIEW1"] == service.counts(session)["CANDIDATE"] == 0
        (item,) = service.queue(session, state="REJECTED").items
        view = service.case(session, item.number, None)
    assert (view.reason_code, view.note, view.decided_by) == (code, fact, "system")
    assert view.history[-1].action == "set aside" and view.facts[fact].source == "plate_list"
    assert "suppression" in item.flags
    for language in ("en", "zh-CN"):
        page = Page(view, officer, load(language))
        assert page.decision is not None and page.decision.note == fact and not page.can_decide
        assert page.history[-1].what.split(" · ")[0] in {"Set aside: the vehicle is exempt", "车辆属豁免情形，不予立案"}
    with pytest.raises(Unfit), db.write() as session:
        decisions.approve(session, view.number, view.version, officer, {})


def test_a_plate_that_was_not_read_surely_leaves_the_case_to_an_officer(db, officer) -> None:
    box = Box()
    box.enrol(db)
    asked = FactSaid(sources=["plate_list"], source="plate_list", ask=True, question="The plate was read as 皖A195K9")
    manifest, _ = evidence(vehicle=READ, facts={"disabled_permit": asked})
    messages = [decision(box, violation(vehicle=Vehicle(class_="car"))), box.say(EventType.MANIFEST, manifest)]
    intake_of(db).take(messages)
    with db.read() as session:
        (item,) = service.queue(session, state="CANDIDATE").items
        view = service.case(session, item.number, None)
    assert [one.fact for one in view.questions] == ["disabled_permit"]
