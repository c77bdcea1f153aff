"""Packs under a profile: a large enough camera's pack holds, the clip has the profile's roll, copies and sheet its fields."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from central.tickets import precheck
from contract.events import Clock, Manifest, Vehicle, Violation, parse_data, parse_event
from contract.jpeg import jpeg_header
from contract.jurisdiction import load_profile
from contract.pack_check import Asked, lacks, whole
from contract.profile import OverlayField
from contract.site import Camera, Site
from contract.sitefile import SiteFile
from edge.analysis import Analysis
from edge.cameras.file import FilePackets
from edge.evidence.demands import Demands, demands_of
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.kept import Decided
from edge.evidence.label import Label, Stamp, label_of
from edge.evidence.pack import Pack
from edge.evidence.sheet import WIDTH, Closeup, Panel, sheet
from edge.evidence.stills import MAX_JPEG_BYTES, encode_within, labelled
from edge.frames import CAR, Tracks
from edge.judgement import Place, law_of
from edge.replay_evidence import CaseFolder
from edge.rules.decision import Decision, Keep, Moment, Outcome
from edge.rules.policy import PlateTells
from tests.scenes.recordings import record

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
BOX = (500.0, 300.0, 900.0, 560.0)
SQUARE = [(300, 200), (1000, 200), (1000, 700), (300, 700)]
SOUND = Clock(offset_ms=30, uncertainty_ms=20, source="rtcp")


def wall(t: float) -> datetime:
    return START + timedelta(seconds=t)


def place(jurisdiction: str = "cn-default", **camera: Any) -> Place:
    site = Site.model_validate(
        {
            "site": "s-1",
            "name": "迎春南路 3 号",
            "timezone": "Asia/Shanghai",
            "jurisdiction": jurisdiction,
            "cameras": [
                {
                    "id": "cam-1",
                    "url": "rtsp://127.0.0.1/c",
                    "frame": [1280, 720],
                    "direction": "由北向南",
                    "zones": [
                        {"id": "kerb", "type": "bus_stop", "polygon": SQUARE, "hours": "Mo-Su 07:00-22:00"},
                        {
                            "id": "zebra",
                            "type": "crosswalk",
                            "polygon": SQUARE,
                            "lanes": [{"id": "l1", "polygon": SQUARE, "towards": (600, 100)}],
                        },
                    ],
                    **camera,
                }
            ],
        }
    )
    file = SiteFile(site, "0" * 64, Path("site.yaml"))
    return Place("edge-1", file, site.cameras[0], law_of(file))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FilePackets:
    """1280x720, H.264, 32 s."""
    return FilePackets(record(tmp_path_factory.mktemp("clip") / "road.mp4", 32.0), wall)


def decision(store: FilePackets, rule: str, *times: float) -> Decision:
    first, trigger, last = (Moment(store.picture_at(t)[0], BOX) for t in times)
    zone = "kerb" if rule == "illegal_parking" else "zebra"
    return Decision(
        rule=rule,
        outcome=Outcome.VIOLATION,
        passage="p|1",
        zone_id=zone,
        track_id=1,
        vehicle_class="car",
        first=first,
        trigger=trigger,
        last=last,
        reason="as the test says",
    )


def packed(store: FilePackets, folder: Path, where: Place, made: Decision, clock: Clock = SOUND) -> Pack:
    keeper = EvidenceKeeper(
        store, folder, label=label_of(where), frame=(1280, 720), demands=demands_of(where, lambda: clock)
    )
    if made.rule == "illegal_parking":
        keeper.keep(Keep(made.passage, "spacing", store.picture_at(made.first.t + 10.5)[0], BOX))
    keeper.decided(made, "ab" * 32)
    (pack,) = keeper.flush()
    return pack


@pytest.mark.parametrize(
    ("rule", "times"), [("illegal_parking", (4.0, 26.0, 26.0)), ("failure_to_yield", (12.0, 13.5, 15.0))]
)
def test_the_pack_of_a_large_enough_camera_lacks_nothing(
    store: FilePackets, tmp_path: Path, rule: str, times: tuple[float, ...]
) -> None:
    pack = packed(store, tmp_path, place(), decision(store, rule, *times))
    assert (pack.below_profile, pack.dropped) == ([], [])
    far = [image.moment for image in pack.images if image.role == "far" and not image.overlay]
    assert far == (["first", "spacing", "trigger"] if rule == "illegal_parking" else ["first", "trigger", "last"])
    assert [image.role for image in pack.images].count("composite") == 1
    assert all(image.bytes <= MAX_JPEG_BYTES for image in pack.images)


def test_an_unknown_clock_and_a_site_without_direction_are_below_the_profile(
    store: FilePackets, tmp_path: Path
) -> None:
    made = decision(store, "failure_to_yield", 12.0, 13.5, 15.0)
    pack = packed(store, tmp_path, place(direction=None), made, Clock())
    assert pack.below_profile == [
        "the camera's clock offset is unknown",
        "the copies lack the direction: the camera's `direction` is not in the site file",
    ]


def test_beijing_wants_two_pictures_further_apart_than_the_permitted_wait(store: FilePackets, tmp_path: Path) -> None:
    made = decision(store, "illegal_parking", 4.0, 26.0, 26.0)
    pack = packed(store, tmp_path, place("cn-beijing"), made)
    assert pack.below_profile == ["pictures 22.0 s apart; more than the permitted 180 s is asked for"]


WAIT_S = 18.0
KERB = {"id": "kerb", "type": "bus_stop", "polygon": SQUARE, "hours": "Mo-Su 07:00-22:00", "permitted_wait_s": WAIT_S}


def stayed(folder: Path, store: FilePackets, jurisdiction: str, until: float) -> Path:
    """The folder of cases that a vehicle makes which stands from second 2 to `until`: boxes -> rule -> policy -> pack."""
    where = place(jurisdiction, zones=[KERB])
    analysis = Analysis(where, wall, lambda: SOUND, replay=True)
    cases = CaseFolder(store, folder, analysis.events, pytest.fail)
    for t in np.arange(2.0, until, 0.52):  # no whole fraction of the wait
        seen = Tracks(np.array([1]), np.array([BOX], np.float32), np.array([0.9], np.float32), np.array([CAR], np.int8))
        cases.take(analysis.take(float(t), seen))
        cases.due(float(t))
    cases.take(analysis.finish())
    cases.finish()
    return folder


def test_beijings_three_stills_go_through_the_whole_pack(store: FilePackets, tmp_path: Path) -> None:
    """DB11 as reported (domain B2): three stills while it stands, one with the plate, two further apart than the wait."""
    (case,) = [path for path in stayed(tmp_path, store, "cn-beijing", 30.0).iterdir() if path.is_dir()]
    violation = parse_data(parse_event((case / "violation.json").read_bytes()))
    manifest = parse_data(parse_event((case / "manifest.json").read_bytes()))
    assert isinstance(violation, Violation) and isinstance(manifest, Manifest)
    assert (violation.jurisdiction, violation.numbers["permitted_wait_s"]) == ("cn-beijing", WAIT_S)
    stills = whole(manifest.images)
    assert [one.moment for one in stills] == ["first", "spacing", "trigger"]
    times = [one.at for one in stills]
    assert (times[1] - times[0]).total_seconds() >= 10.0
    assert (times[2] - times[0]).total_seconds() > WAIT_S
    assert all(violation.at_first <= at <= violation.at_last for at in times)
    for one in stills:
        header = jpeg_header((case / f"{one.moment}-far.jpg").read_bytes())
        assert header.colour_24 and (header.w, header.h) == (one.w, one.h) == (1280, 720)
        assert (case / f"{one.moment}-far-overlay.jpg").stat().st_size <= MAX_JPEG_BYTES
    assert "near" in {one.role for one in manifest.images}  # in which the plate is read
    assert manifest.below_profile == [] and manifest.dropped == []
    checks = list(precheck.of_evidence(violation, manifest))
    assert {check.name for check in checks} == {"images", "size", "spacing"} and all(check.ok for check in checks)


def test_a_pack_with_one_of_beijings_stills_less_is_marked_on_both_sides(store: FilePackets, tmp_path: Path) -> None:
    (case,) = [path for path in stayed(tmp_path, store, "cn-beijing", 30.0).iterdir() if path.is_dir()]
    violation = parse_data(parse_event((case / "violation.json").read_bytes()))
    manifest = parse_data(parse_event((case / "manifest.json").read_bytes()))
    assert isinstance(violation, Violation) and isinstance(manifest, Manifest)
    for moment, said in (("spacing", "2 whole picture(s); at least 3"), ("trigger", "more than the permitted 18 s")):
        images = [one for one in manifest.images if one.moment != moment]
        asked = Asked(violation.rule, load_profile("cn-beijing").evidence, WAIT_S)
        assert any(said in lack for lack in lacks(asked, images, manifest.video))
        less = manifest.model_copy(update={"images": images})
        assert any(said in check.detail for check in precheck.of_evidence(violation, less) if not check.ok)


def test_the_profile_sets_the_roll_and_length_of_the_clip(store: FilePackets, tmp_path: Path) -> None:
    evidence = load_profile("cn-default").evidence.model_copy(
        update={"pre_roll_s": 8.0, "post_roll_s": 6.0, "video_min_s": 20.0}
    )
    keeper = EvidenceKeeper(store, tmp_path, frame=(1280, 720), demands=Demands(evidence))
    made = decision(store, "failure_to_yield", 14.0, 15.0, 16.0)
    keeper.decided(made)
    assert keeper.due(made.last.t + 5.9) == []
    (pack,) = keeper.due(made.last.t + 6.0)
    assert pack.video is not None
    # The clip begins at the keyframe (every 2 s) at or before the wanted instant.
    assert made.last.t + 6.0 - 20.0 - 2.0 <= pack.video.t0 <= made.last.t + 6.0 - 20.0 + 0.04
    assert pack.video.t1 >= made.last.t + 5.9


# What is printed


def stamp(**changes: Any) -> Stamp:
    values = {
        "at": wall(3.1234),
        "moment": "trigger",
        "rule": "illegal_parking",
        "zone_id": "kerb",
        "number": "abababababab-2/3",
        "sha256": "f" * 64,
    }
    return Stamp(**{**values, **changes})


def test_a_copy_carries_date_time_place_direction_device_and_number() -> None:
    label = label_of(place(code="33012200001320000001"))
    printed = " ".join(part for row in label.rows(stamp()) for part in row)
    for said in (
        "2026-01-05",
        "10:00:03.123 +0800",
        "地点 迎春南路 3 号",
        "方向 由北向南",
        "设备 cam-1 33012200001320000001",
        "编号 abababababab-2/3",
        "超过允许时间",
        "疑似违法停车 kerb",
        "原图 SHA-256 " + "f" * 64,
    ):
        assert said in printed
    assert "时段" not in printed


def test_beijing_prints_the_hours_of_time_limited_rules() -> None:
    printed = " ".join(part for row in label_of(place("cn-beijing")).rows(stamp()) for part in row)
    assert "时段 Mo-Su 07:00-22:00" in printed and "允许停留 180 s" in printed


def test_the_language_and_the_code_are_the_jurisdictions() -> None:
    printed = " ".join(part for row in label_of(place("uk")).rows(stamp()) for part in row)
    assert "Suspected illegal parking kerb" in printed and "Code 47" in printed and "Place 迎春南路" in printed


def test_a_field_that_is_not_asked_for_is_not_printed() -> None:
    label = Label("here", "cam-1", ZoneInfo("UTC"), "north", fields=(OverlayField.DATE,), language="en")
    assert label.rows(stamp()) == [["2026-01-05"], ["permitted time is over"]]
    assert label.lacking == []


@pytest.mark.parametrize("width", [352, 640, 1280, 3840])
def test_the_band_hides_nothing_and_runs_over_no_edge(width: int) -> None:
    picture = np.full((width * 9 // 16, width, 3), 90, np.uint8)
    copy = labelled(picture, label_of(place("cn-beijing")).rows(stamp()))
    assert np.array_equal(copy[: picture.shape[0]], picture)
    band = copy[picture.shape[0] :]
    assert band.max() > 200
    assert band[:, -2:].max() < 60 and band[-1:].max() < 60


@pytest.mark.parametrize("shape", [(720, 1280), (360, 640), (996, 576), (1080, 1920)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sheet_holds_its_pictures_and_marks_the_vehicle_meant(shape: tuple[int, int], count: int) -> None:
    height, width = shape
    picture = np.full((height, width, 3), (40, 120, 40), np.uint8)
    box = (width * 0.4, height * 0.4, width * 0.6, height * 0.6)
    near = np.full((160, 260, 3), (200, 40, 40), np.uint8)
    plate = np.full((40, 130, 3), (255, 90, 0), np.uint8)
    drawn = sheet(
        [Panel(picture, box, ("10:00:00.000", "SHA-256"))] * count, Closeup(near, plate, ("near",)), "疑似", "地点"
    )
    assert drawn.shape[1] == WIDTH and drawn.dtype == np.uint8
    assert len(encode_within(drawn, MAX_JPEG_BYTES)) <= MAX_JPEG_BYTES
    marks = cv2.inRange(drawn, (0, 205, 245), (10, 225, 255))
    assert cv2.connectedComponents(marks)[0] - 1 == 4 * count
    for colour in ((200, 40, 40), (255, 90, 0)):
        assert cv2.inRange(drawn, colour, colour).sum() > 0


def test_a_sheet_of_a_noisy_night_stays_under_a_megabyte() -> None:
    night = np.random.default_rng(3).normal(60, 25, (1290, WIDTH, 3)).clip(0, 255).astype(np.uint8)
    assert len(cv2.imencode(".jpg", night, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]) > MAX_JPEG_BYTES
    assert len(encode_within(night, MAX_JPEG_BYTES)) <= MAX_JPEG_BYTES


def test_the_waits_of_demands_are_without_the_grace() -> None:
    zones = [{"id": "bay", "type": "loading_bay", "polygon": SQUARE}]
    assert demands_of(place("uk", zones=zones), lambda: SOUND).waits == {"bay": 1200.0}
    assert Camera.model_validate(place("uk", zones=zones).camera.model_dump()).zones[0].grace_s is None


def test_the_lists_are_asked_of_the_plate_that_was_read_and_of_none_that_was_not(tmp_path: Path) -> None:
    (tmp_path / "stolen.txt").write_text("浙A12345, 2026-01-05\n", encoding="utf-8")
    bare = place()
    site = bare.site_file.site.model_copy(update={"exempt_lists": {"stolen_or_cloned": "stolen.txt"}})
    file = SiteFile(site, "0" * 64, tmp_path / "site.yaml")
    demands = demands_of(Place("edge-1", file, bare.camera, law_of(file)), lambda: SOUND)
    # Midnight of the site, not of Greenwich, ends the day.
    late = datetime(2026, 1, 5, 15, 59, tzinfo=UTC)

    def decided(at: datetime) -> Decided:
        times = {"t_first": 0.0, "t_trigger": 0.0, "t_last": 0.0, "at_last": at}
        return Decided(case_key="c", rule="illegal_parking", zone_id="kerb", **times)

    read = Vehicle(class_="car", plate="浙A12345", conf=0.95, per_char_conf=[0.95] * 7)
    found = demands.of_plate(decided(late), read).facts["stolen_or_cloned"]
    assert (found.value, found.ask) == ("yes", True)
    tomorrow = demands.of_plate(decided(late + timedelta(minutes=2)), read)
    assert tomorrow.facts["stolen_or_cloned"].value == "no"
    unsure = read.model_copy(update={"per_char_conf": [0.95] * 6 + [0.89]})
    assert demands.of_plate(decided(late), unsure).facts["stolen_or_cloned"].value == "unknown"
    assert demands.of_plate(decided(late), Vehicle(class_="car")) == PlateTells()
    assert demands.of_plate(decided(late), None) == PlateTells()
    assert demands_of(bare, lambda: SOUND).of_plate(decided(late), read) == PlateTells()
