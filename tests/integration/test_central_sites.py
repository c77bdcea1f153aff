"""Sites at central: which version of a site file was in force, its zone, the inspection; and the same matter twice."""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from importlib import resources
from itertools import permutations
from pathlib import Path

import pytest
from central_kit import AT, Box, decision, evidence, intake_of, key_of, open_db, violation

from central.db.database import Database
from central.db.sites import SiteVersion
from central.ingest.admit import Message
from central.sites import areas, register
from central.sites.register import Terms
from central.tickets import precheck, service
from central.tickets.views import CaseView, Check
from contract.errors import InputError
from contract.events import VIOLATION_TYPE, EventType, Rule, Vehicle, Violation
from contract.sitefile import load_site

SITE = Path(__file__).resolve().parents[2] / "configs/sites/demo.yaml"
ON = (AT + timedelta(seconds=180)).date()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


def put(db: Database, file: Path = SITE, **changes: object) -> None:
    said = {"area": "330122003", "valid_from": date(2026, 4, 1), "inspection_until": None, "by": "cli:li"}
    said["published_on"] = date(2026, 3, 25)
    with db.write() as session:
        register.add(session, file, Terms(**(said | changes)))  # type: ignore[arg-type]


def seen(db: Database, **changes: object) -> dict[str, Check]:
    """Name -> result of the case of one decision at the demo's site."""
    site = load_site(SITE)
    camera = next(one for one in site.site.cameras if one.zones)
    said = {"site": site.site.site, "site_version": site.sha256, "camera_id": camera.id, "zone_id": camera.zones[0].id}
    data = violation(**(said | changes))
    with db.read() as session:
        places = precheck.places.known_places(session, [data.site_version])
        return {check.name: check for check in precheck.places.of_place(places, data)}


def test_a_version_that_nobody_registered_is_not_known(db: Database) -> None:
    assert {name: one.ok for name, one in seen(db).items()} == {"site": None, "zone": None, "device": None}


@pytest.mark.parametrize(
    ("terms", "site", "device"),
    [
        ({"inspection_from": ON, "inspection_until": ON}, True, True),
        ({"inspection_from": date(2026, 4, 1), "inspection_until": ON - timedelta(days=1)}, True, False),
        ({"inspection_from": ON + timedelta(days=1), "inspection_until": ON + timedelta(days=9)}, True, False),
        ({"inspection_until": ON}, True, None),
        ({"inspection_until": ON - timedelta(days=1)}, True, False),
        ({"valid_from": ON}, True, None),
        ({"valid_from": ON + timedelta(days=1)}, False, None),
        ({"valid_until": ON}, True, None),
        ({"valid_until": ON - timedelta(days=1)}, False, None),
        ({"published_on": ON}, True, None),
        ({"published_on": ON + timedelta(days=1)}, False, None),
        ({"published_on": None}, None, None),
        ({"published_on": None, "valid_until": ON - timedelta(days=1)}, False, None),
    ],
)
def test_in_force_published_and_inspected_on_that_day_of_the_site(
    db: Database, terms: dict[str, object], site: bool | None, device: bool | None
) -> None:
    put(db, **terms)
    found = seen(db)
    assert (found["site"].ok, found["zone"].ok, found["device"].ok) == (site, True, device)


def test_the_day_is_that_of_the_site_and_not_of_greenwich(db: Database) -> None:
    early = AT.replace(hour=0, minute=30)
    assert early.astimezone(UTC).date() < early.date()
    put(db, valid_from=early.date())
    assert seen(db, at_trigger=early)["site"].ok is True


def test_a_zone_a_camera_or_a_site_that_is_not_in_it(db: Database) -> None:
    put(db)
    assert seen(db, zone_id="elsewhere")["zone"].ok is False
    assert seen(db, camera_id="cam-99")["zone"].ok is False
    assert seen(db, site="elsewhere")["site"].ok is False


def mended(folder: Path, note: str = "mended") -> Path:
    """The same site file, with other bytes."""
    newer = folder / f"{note}.yaml"
    newer.write_text(SITE.read_text(encoding="utf-8") + f"\n# {note}\n", encoding="utf-8")
    return newer


def days_of(db: Database) -> list[tuple[date, date | None]]:
    with db.read() as session:
        return [(span.valid_from, span.valid_until) for _, span in register.spans(session)]


def test_a_newer_version_ends_the_one_before(db: Database, tmp_path: Path) -> None:
    put(db)
    newer = mended(tmp_path)
    with pytest.raises(InputError, match="begins later"):
        put(db, newer)
    put(db, newer, valid_from=ON, area="330122004")
    assert seen(db)["site"].ok is False
    assert seen(db, at_trigger=AT - timedelta(days=1))["site"].ok is True
    assert days_of(db) == [(date(2026, 4, 1), ON - timedelta(days=1)), (ON, None)]
    with db.read() as session:
        (_, _), (site, new) = register.spans(session)
        assert site.area == "330122004"
        assert areas.known(session) == {"330122004": [site.name]}
        assert session.get_one(SiteVersion, new.sha256).raw == newer.read_bytes()
    put(db, newer, valid_from=ON, inspection_until=date(2027, 3, 31))
    with db.read() as session:
        assert [one.inspection_until for _, one in register.spans(session)] == [None, date(2027, 3, 31)]


def test_a_version_that_is_taken_up_again_was_not_in_force_meanwhile(db: Database, tmp_path: Path) -> None:
    put(db, valid_from=date(2026, 4, 1))
    put(db, mended(tmp_path), valid_from=date(2026, 6, 1))
    put(db, valid_from=date(2026, 7, 1))
    assert days_of(db) == [
        (date(2026, 4, 1), date(2026, 5, 31)),
        (date(2026, 6, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), None),
    ]
    held = {(4, 1): True, (5, 31): True, (6, 1): False, (6, 30): False, (7, 1): True, (11, 21): True}
    for (month, day), ok in held.items():
        found = seen(db, at_trigger=AT.replace(year=2026, month=month, day=day))["site"]
        assert found.ok is ok, (month, day)
    found = seen(db, at_trigger=AT.replace(year=2026, month=6, day=15))["site"]
    assert found.figures == ["2026-04-01 to 2026-05-31, 2026-07-01 to -", "2026-06-15"]


def test_a_renewed_inspection_does_not_change_what_was_so_before(db: Database) -> None:
    put(db, inspection_from=date(2026, 3, 1), inspection_until=date(2026, 9, 30))
    put(db, valid_from=date(2026, 11, 1), inspection_from=date(2026, 10, 20), inspection_until=date(2027, 10, 19))
    for month, day, ok in ((9, 30, True), (10, 1, False), (10, 31, False), (11, 1, True)):
        found = seen(db, at_trigger=AT.replace(year=2026, month=month, day=day))
        assert (found["site"].ok, found["device"].ok) == (True, ok), (month, day)


def test_what_was_told_wrongly_is_told_anew(db: Database, tmp_path: Path) -> None:
    put(db, valid_from=date(2026, 4, 1))
    put(db, mended(tmp_path), valid_from=date(2026, 6, 1))
    with pytest.raises(InputError, match="begins on 2026-06-02"):
        put(db, valid_from=date(2026, 8, 1), instead_of=date(2026, 6, 2))
    with pytest.raises(InputError, match="lies beyond"):
        put(db, valid_from=date(2026, 6, 1), instead_of=date(2026, 4, 1))
    put(db, mended(tmp_path), valid_from=date(2026, 8, 1), instead_of=date(2026, 6, 1))
    assert days_of(db) == [(date(2026, 4, 1), date(2026, 7, 31)), (date(2026, 8, 1), None)]
    put(db, valid_from=date(2026, 4, 1), valid_until=date(2026, 5, 31))
    put(db, mended(tmp_path), valid_from=date(2026, 9, 1), instead_of=date(2026, 8, 1))
    assert days_of(db) == [(date(2026, 4, 1), date(2026, 5, 31)), (date(2026, 9, 1), None)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"area": ""}, "area"),
        ({"area": "3301 22"}, "area"),
        ({"inspection_until": date(2026, 3, 31)}, "the inspection ended on 2026-03-31"),
        ({"inspection_from": date(2026, 4, 1)}, "give both of its days"),
        ({"inspection_from": date(2026, 9, 1), "inspection_until": date(2026, 8, 31)}, "give both of its days"),
        ({"valid_until": date(2026, 3, 31)}, "before it begins"),
    ],
)
def test_terms_that_cannot_be(db: Database, changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        put(db, **changes)
    with db.read() as session:
        assert register.spans(session) == []


# The same matter twice.

PLATE = "皖A195K9"
CAR = Vehicle(class_="car", plate=PLATE)


def at(seconds: float, box: Box, passage: str, rule: Rule, **changes: object) -> Violation:
    moment = AT + timedelta(seconds=seconds)
    times = {"at_first": moment, "at_trigger": moment, "at_last": moment}
    key = key_of(passage, rule, box.edge_id)
    said = {"vehicle": CAR, "violation_code": "1039", "edge_id": box.edge_id, "case_key": key, **times}
    return violation(passage, rule, **(said | changes))


def told(box: Box, data: Violation) -> Message:
    return box.say(VIOLATION_TYPE[data.rule], data, source=f"/edge/{box.edge_id}/camera/{data.camera_id}")


@pytest.mark.parametrize(
    ("rule", "apart", "changes", "same"),
    [
        (Rule.ILLEGAL_PARKING, 3540.0, {}, True),
        (Rule.ILLEGAL_PARKING, 3601.0, {}, False),
        (Rule.FAILURE_TO_YIELD, 9.9, {}, True),
        (Rule.FAILURE_TO_YIELD, 10.1, {}, False),
        (Rule.ILLEGAL_PARKING, 60.0, {"camera_id": "cam-2"}, True),
        (Rule.ILLEGAL_PARKING, 60.0, {"site": "elsewhere"}, False),
        (Rule.ILLEGAL_PARKING, 60.0, {"violation_code": "1344"}, False),
        (Rule.ILLEGAL_PARKING, 60.0, {"vehicle": Vehicle(class_="car", plate="皖A195K8")}, False),
        (Rule.ILLEGAL_PARKING, 60.0, {"vehicle": Vehicle(class_="car", plate="皖a·195Ｋ９")}, True),
        (Rule.ILLEGAL_PARKING, 60.0, {"vehicle": Vehicle(class_="car", plate="皖A195K?")}, False),
    ],
)
@pytest.mark.parametrize("order", list(permutations((0, 1))))
def test_the_same_matter_of_two_boxes_is_shown_on_both(
    db: Database, rule: Rule, apart: float, changes: dict[str, object], same: bool, order: tuple[int, int]
) -> None:
    boxes = [Box("edge-01"), Box("edge-02")]
    for box in boxes:
        box.enrol(db)
    data = [at(0, boxes[0], "p1", rule), at(apart, boxes[1], "p2", rule, **changes)]
    messages = [told(boxes[place], data[place]) for place in order]
    if order == (0, 1):
        intake_of(db).take(messages)
    else:
        for message in messages:
            intake_of(db).take([message])
    with db.read() as session:
        numbers = [item.number for item in service.queue(session, state="CANDIDATE").items]
        views = [service.case(session, number, None) for number in numbers]
    assert len(views) == 2
    for view, other in zip(views, reversed(numbers), strict=True):
        (found,) = [check for check in view.checks if check.name == "duplicates"]
        assert (found.ok, found.cases) == (not same, [other] if same else [])
        assert view.state == "CANDIDATE"


def test_a_place_sets_the_window_of_duplicates(db: Database, tmp_path: Path) -> None:
    shipped = resources.files("configs").joinpath("jurisdictions/cn-default.yaml").read_text(encoding="utf-8")
    own = shipped.replace("id: cn-default", "id: our-town") + "merge_s: {illegal_parking: 120}\n"
    (tmp_path / "our-town.yaml").write_text(own, encoding="utf-8")
    box = Box()
    box.enrol(db)
    intake_of(db).take(
        [told(box, at(apart, box, f"p{apart}", Rule.ILLEGAL_PARKING, jurisdiction="our-town")) for apart in (0, 130)]
    )
    before = precheck.own_profiles(tmp_path)
    try:
        with db.read() as session:
            number = service.queue(session, state="CANDIDATE").items[0].number
            (found,) = [one for one in service.case(session, number, None).checks if one.name == "duplicates"]
    finally:
        precheck.own_profiles(before)
    assert (found.ok, found.figures) == (True, ["120"])


def test_every_result_stands_in_the_fixed_order(db: Database) -> None:
    box = Box()
    box.enrol(db)
    manifest, _ = evidence(vehicle=CAR)
    intake_of(db).take([box.say(EventType.MANIFEST, manifest), decision(box, violation())])
    with db.read() as session:
        (item,) = service.queue(session, state="CANDIDATE").items
        view: CaseView = service.case(session, item.number, None)
    names = list(dict.fromkeys(check.name for check in view.checks))
    assert names == [name for name in precheck.ORDER if name in names]
    assert set(precheck.ORDER) - set(names) <= {"dropped"}
