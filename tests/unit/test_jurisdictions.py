"""Jurisdictions are data: what each profile claims, permits and asks for, and that nothing is claimed without a source."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from contract.errors import ConfigError, SiteError
from contract.events import Rule
from contract.jurisdiction import load_profile, names
from contract.plates import schema_names
from contract.profile import OverlayField, Profile
from contract.site import Camera, Zone
from contract.sitefile import load_site
from sightline.commands.replay import check
from tests.scenes.sites import write_site

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ["cn-beijing", "cn-default", "uk", "us-nyc"]
SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
#: Keys of domain B6, wherever the model keeps them.
B6 = [
    "images_min",
    "roles",
    "min_gap_s",
    "permitted_wait_s",
    "grace_s",
    "video_min_s",
    "fps_min",
    "overlay_fields",
    "two_person",
    "warning_until",
    "review_days",
    "notice_days",
    "retention",
    "mask_driver",
    "allowed_zone_types",
    "signage_required",
    "language",
    "plate_schema",
]


def zone(kind: str, **more: object) -> Zone:
    return Zone.model_validate({"id": "z", "type": kind, "polygon": SQUARE, **more})


def test_these_profiles_come_with_the_project() -> None:
    assert names() == PROFILES


def test_the_model_has_every_key_of_domain_b6() -> None:
    evidence = Profile.model_fields["evidence"].annotation.model_fields
    assert [key for key in B6 if key not in Profile.model_fields and key not in evidence] == []


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_what_it_claims_and_where_from(name: str) -> None:
    profile = load_profile(name)
    assert len(profile.claims) > 80 and len(profile.sources) >= 2
    assert all(entry.source for entry in (*profile.codes, *profile.points, *profile.fines))
    assert profile.plate_schema in schema_names()


CONFORMITY = re.compile(
    r"(compl(y|ies|iant|iance)|conform(s|ity|ant)?|certified|meets?)\s+(with|to|by|under)?\s*(the\s+)?"
    r"(GA/?T|GB/?T|DB\s?11|DB\d|SI \d|VCA)|(符合|通过|满足)[^。\n]{0,12}(GA/?T|GB/?T|DB\s?11)",
    re.IGNORECASE,
)


def test_nobody_claims_conformity_to_a_standard_whose_text_is_not_public() -> None:
    assert CONFORMITY.search("Sightline complies with GA/T 1426") and CONFORMITY.search("本系统符合国家标准GA/T 995")
    places = [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").glob("*.md")]
    places += [
        file
        for room in ("configs", "contract", "survey", "edge", "central", "sightline")
        for file in _texts(ROOT / room)
    ]
    said = {str(file.relative_to(ROOT)): CONFORMITY.findall(file.read_text(encoding="utf-8")) for file in places}
    assert len(said) > 100
    assert {file: found for file, found in said.items() if found} == {}


def _texts(room: Path) -> list[Path]:
    kinds = {".py", ".yaml", ".json", ".html", ".md"}
    return [file for file in room.rglob("*") if file.suffix in kinds and "node_modules" not in file.parts]


@pytest.mark.parametrize("name", PROFILES)
def test_points_are_never_read_off_the_code(name: str) -> None:
    profile = load_profile(name)
    other = profile.model_copy(
        update={"codes": [code.model_copy(update={"code": "1999", "source": "other"}) for code in profile.codes]}
    )
    assert [other.points_for(rule) for rule in Rule] == [profile.points_for(rule) for rule in Rule]
    assert profile.model_copy(update={"points": []}).points_for(Rule.FAILURE_TO_YIELD) is None


def test_yielding_costs_three_points_in_china_whose_code_says_otherwise() -> None:
    profile = load_profile("cn-default")
    points = profile.points_for(Rule.FAILURE_TO_YIELD)
    assert points is not None and points.points == 3 and "11" in points.source
    assert load_profile("us-nyc").points_for(Rule.ILLEGAL_PARKING) is None


def test_the_closest_code_is_taken_and_a_zone_may_name_its_own() -> None:
    uk = load_profile("uk")
    assert uk.code_for(Rule.ILLEGAL_PARKING, zone("bus_stop")) == "47"
    assert uk.code_for(Rule.ILLEGAL_PARKING, zone("no_stopping", marking="school_keep_clear")) == "48"
    assert uk.code_for(Rule.ILLEGAL_PARKING, zone("no_parking")) is None
    assert uk.code_for(Rule.ILLEGAL_PARKING, zone("bus_stop", violation_code="99")) == "99"


@pytest.mark.parametrize(
    ("name", "kind", "marking", "allowed"),
    [
        ("cn-default", "no_parking", None, True),
        ("cn-beijing", "crosswalk", None, True),
        ("uk", "bus_stop", None, True),
        ("uk", "no_stopping", "red_route", True),
        ("uk", "no_stopping", "school_keep_clear", True),
        ("uk", "no_stopping", "yellow_line", False),
        ("uk", "no_stopping", None, False),
        ("uk", "no_parking", None, False),
        ("uk", "loading_bay", None, False),
        ("us-nyc", "bus_stop", None, True),
        ("us-nyc", "no_parking", None, False),
    ],
)
def test_where_a_camera_may_judge(name: str, kind: str, marking: str | None, allowed: bool) -> None:
    lanes = {"lanes": [{"id": "l", "polygon": SQUARE, "towards": (5, 5)}]} if kind == "crosswalk" else {}
    assert load_profile(name).allows(zone(kind, marking=marking, **lanes)) is allowed


def test_the_profiles_wait_and_grace_stand_in_where_the_zone_is_silent() -> None:
    camera = Camera.model_validate(
        {
            "id": "c",
            "url": "rtsp://127.0.0.1/c",
            "frame": [200, 200],
            "zones": [
                {"id": "a", "type": "loading_bay", "polygon": SQUARE},
                {"id": "b", "type": "loading_bay", "polygon": SQUARE, "permitted_wait_s": 60, "grace_s": 0},
                {"id": "c", "type": "no_stopping", "polygon": SQUARE},
                {"id": "d", "type": "parking_bay", "polygon": SQUARE},
            ],
        }
    )
    done = load_profile("uk").completed(camera)
    assert [one.wait_s for one in done.zones[:3]] == [1200 + 600, 60, 60]
    assert [one.grace_s for one in done.zones] == [600, 0, None, 600]
    assert load_profile("uk").completed(done) == done


@pytest.mark.parametrize(
    ("since", "until"), [(None, None), (date(2026, 1, 1), date(2026, 3, 1)), (date(2024, 2, 1), date(2024, 3, 31))]
)
def test_new_york_begins_with_sixty_days_of_warnings(since: date | None, until: date | None) -> None:
    assert load_profile("us-nyc").warns_until(since) == until
    assert load_profile("cn-default").warns_until(since) is None


def test_a_day_set_by_the_place_wins_over_the_count() -> None:
    profile = load_profile("us-nyc").model_copy(update={"warning_until": date(2026, 5, 1)})
    assert profile.warns_until(date(2020, 1, 1)) == date(2026, 5, 1)


def test_beijing_asks_for_three_pictures_and_prints_the_hours() -> None:
    evidence = load_profile("cn-beijing").evidence
    assert evidence.images_min[Rule.ILLEGAL_PARKING] == 3 and evidence.gap_over_wait
    assert OverlayField.HOURS in evidence.overlay_fields
    assert load_profile("uk").evidence.fps_min == 5


def test_a_jurisdiction_that_is_not_there_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = write_site(tmp_path, "atlantis")
    line = path.read_text(encoding="utf-8").splitlines().index("jurisdiction: atlantis") + 1
    with pytest.raises(
        SiteError, match=rf"site\.yaml:{line}  jurisdiction 'atlantis' has no profile - known are: cn-b"
    ):
        check(path)


def test_check_says_which_zones_will_accuse_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(write_site(tmp_path, "us-nyc"))
    said = capsys.readouterr().out
    assert "zone kerb will accuse nobody: us-nyc does not allow it" in said
    assert "enforcing_since: not given" in said
    check(write_site(tmp_path, enforcing_since="2026-01-01"))
    assert "accuse nobody" not in capsys.readouterr().out


def local(folder: Path, name: str, **changes: object) -> Path:
    data = yaml.safe_load((ROOT / "configs/jurisdictions/cn-default.yaml").read_text(encoding="utf-8"))
    file = folder / "jurisdictions" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({**data, "id": name, **changes}, allow_unicode=True), encoding="utf-8")
    return file


def test_a_place_may_bring_a_profile_of_its_own(tmp_path: Path) -> None:
    local(tmp_path, "cn-tonglu", permitted_wait_s={"no_parking": 420})
    site = load_site(write_site(tmp_path, "cn-tonglu"))
    profile = load_profile("cn-tonglu", site.path)
    assert profile.completed(Camera.model_validate({**_camera(), "zones": [zone("no_parking")]})).zones[0].wait_s == 420
    assert "cn-tonglu" in names(site.path) and "cn-tonglu" not in names()


def _camera() -> dict[str, object]:
    return {"id": "c", "url": "rtsp://127.0.0.1/c", "frame": [200, 200]}


def test_a_name_of_the_projects_is_not_taken_over(tmp_path: Path) -> None:
    local(tmp_path, "uk")
    with pytest.raises(ConfigError, match="give yours a name of its own"):
        load_profile("uk", tmp_path / "site.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "other"}, "id is 'other' - it must be the file's name"),
        ({"grace": {}}, r"grace: Extra inputs are not permitted - see docs/jurisdictions\.md"),
        ({"permitted_wait_s": {"no_parking": -1}}, r"permitted_wait_s\.no_parking: Input should be greater than 0"),
        ({"points": [{"rule": "failure_to_yield", "points": 3}]}, r"points\.0\.source: Field required"),
        ({"sources": []}, "sources: List should have at least 1 item"),
    ],
)
def test_a_profile_that_does_not_hold_is_one_line_with_its_key(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    local(tmp_path, "cn-x", **changes)
    with pytest.raises(ConfigError, match=said) as caught:
        load_profile("cn-x", tmp_path / "site.yaml")
    assert "\n" not in str(caught.value) and "cn-x.yaml" in str(caught.value)


def test_images_min_for_one_rule_only_is_refused(tmp_path: Path) -> None:
    evidence = yaml.safe_load((ROOT / "configs/jurisdictions/uk.yaml").read_text(encoding="utf-8"))["evidence"]
    local(tmp_path, "cn-x", evidence={**evidence, "images_min": {"illegal_parking": 2}})
    with pytest.raises(ConfigError, match="images_min says nothing of failure_to_yield"):
        load_profile("cn-x", tmp_path / "site.yaml")


def test_text_that_is_no_yaml_is_one_line(tmp_path: Path) -> None:
    local(tmp_path, "cn-x").write_text("id: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read as a profile"):
        load_profile("cn-x", tmp_path / "site.yaml")
