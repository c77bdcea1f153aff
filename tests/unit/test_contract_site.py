"""Site files: the design's example loads, and every complaint names file, line, key and remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import SiteError
from contract.site import ZoneType
from contract.sitefile import load_site

EXAMPLE = """\
site: yingchun-road-03
name: 迎春南路 3 号
timezone: Asia/Shanghai
jurisdiction: cn-default            # a profile in configs/jurisdictions/
cameras:
  - id: cam-1
    url: rtsp://127.0.0.1:8554/cam-1
    frame: [1280, 720]
    ground:                         # at least 4 points; metres on the road plane
      image: [[100, 700], [1180, 700], [800, 300], [480, 300]]
      metres: [[0, 0], [12, 0], [12, 40], [0, 40]]
    lanes: [{id: r1, polygon: [[400, 300], [500, 300], [500, 700], [300, 700]], towards: [450, 710]}]
    zones:
      - {id: kerb, type: no_parking, polygon: [[900, 400], [1000, 400], [1000, 600]], permitted_wait_s: 180, hours: "Mo-Su 07:00-22:00"}
      - {id: q1, type: queue_area, polygon: [[600, 400], [700, 400], [700, 600]]}
      - id: zebra
        type: crosswalk
        polygon: [[100, 500], [1100, 500], [1100, 560], [100, 560]]
        policy: half_lane           # same_lane | half_lane | adjacent | half_road
        carriageway: [[100, 300], [1100, 300], [1100, 700], [100, 700]]
        centre: paint               # paint | barrier | island; optional: centre_line, refuge: polygon
        signal: none                # none (default) | {source: mqtt | lamp_roi | onvif, ...}
        lanes:
          - {id: l1, polygon: [[100, 300], [600, 300], [600, 700], [100, 700]], stop_line: [[100, 480], [600, 480]], towards: [350, 700]}
      - {id: booth, type: privacy_mask, polygon: [[10, 10], [60, 10], [60, 60]]}
      - {id: trees, type: ignore, polygon: [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]}
"""


def load(folder: Path, text: str):
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def test_the_example_of_the_design_loads(tmp_path: Path) -> None:
    loaded = load(tmp_path, EXAMPLE)
    camera = loaded.site.camera(None)
    assert [zone.type for zone in camera.zones][:3] == [ZoneType.NO_PARKING, ZoneType.QUEUE_AREA, ZoneType.CROSSWALK]
    assert camera.zones[0].wait_s == 180
    assert len(loaded.sha256) == 64


def test_a_detector_is_shown_the_kerb_alone_only_where_no_rule_needs_more(tmp_path: Path) -> None:
    asked = EXAMPLE.replace("    ground:  ", "    detect: zones\n    ground:  ")
    with pytest.raises(SiteError, match="hides who drives up to a crosswalk"):
        load(tmp_path, asked)
    zebra, booth = asked.index("      - id: zebra"), asked.index("      - {id: booth")
    kerbs = asked[:zebra] + asked[booth:]
    assert load(tmp_path, kerbs).site.cameras[0].detect == "zones"
    lanes, zones = kerbs.index("    lanes: [{id: r1"), kerbs.index("    zones:")
    with pytest.raises(SiteError, match="draw the running `lanes`"):
        load(tmp_path, kerbs[:lanes] + kerbs[zones:])


@pytest.mark.parametrize("topic", ["signal-7", "sightline/v1/box-1/sensor/signal-7"])
def test_a_sensor_does_not_take_a_crossings_signal_away(tmp_path: Path, topic: str) -> None:
    lit = EXAMPLE.replace("signal: none ", f"signal: {{source: mqtt, topic: {topic}}} ")
    declared = "sensors: [{id: %s, kind: smoke, place: hall}]\n"
    assert load(tmp_path, lit + declared % "smoke-01").site.lights == {"signal-7"}
    with pytest.raises(
        SiteError, match=r"sensor signal-7: a zone's `signal\.topic` names it as well - give the sensor"
    ):
        load(tmp_path, lit + declared % "signal-7")


def test_shares_become_pixels_of_the_frame(tmp_path: Path) -> None:
    trees = load(tmp_path, EXAMPLE).site.cameras[0].zones[-1]
    assert trees.polygon == [(0.0, 0.0), (640.0, 0.0), (640.0, 720.0)]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("policy: half_lane", "polcy: half_lane"), 19, ["zones[2].polcy", "not a key"]),
        (
            ("[[900, 400], [1000, 400], [1000, 600]]", "[[900, 400], [1000, 600], [1000, 400], [900, 600]]"),
            14,
            ["zones[0].polygon", "crosses itself"],
        ),
        (
            (
                "        lanes:\n          - {id: l1, polygon: [[100, 300], [600, 300], [600, 700], [100, 700]], "
                "stop_line: [[100, 480], [600, 480]], towards: [350, 700]}\n",
                "",
            ),
            16,
            ["zones[2]", "lane"],
        ),
        (("type: queue_area", "type: queue"), 15, ["zones[1].type"]),
        (("rtsp://127.0.0.1:8554/cam-1", "http://user:secret@host/x"), 7, ["cameras[0].url", "rtsp://"]),
        (("Asia/Shanghai", "Asia/Nowhere"), 3, ["timezone", "IANA"]),
        (("Mo-Su 07:00-22:00", "every day"), 14, ["hours", "opening-hours"]),
        (("id: q1", "id: kerb"), 6, ["'kerb' is used twice"]),
        (("frame: [1280, 720]", "frame: [1280]"), 8, ["frame"]),
        (("site: yingchun-road-03", "site: ../../etc"), 1, ["site"]),
        (("permitted_wait_s: 180", "permitted_wait_s: -1"), 14, ["permitted_wait_s"]),
        (("[100, 700], [1180", "[.nan, 700], [1180"), 10, ["ground.image"]),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path: Path, change, line: int, words: list[str]) -> None:
    assert change[0] in EXAMPLE
    with pytest.raises(SiteError) as told:
        load(tmp_path, EXAMPLE.replace(*change))
    message = str(told.value)
    assert f"site.yaml:{line}  " in message
    assert all(word in message for word in words)
    assert "secret" not in message


@pytest.mark.parametrize("text", ["", "- 1", "site: [", "a: &x 1\nb: *x", "site: a\nsite: b", "\x00"])
def test_what_is_no_site_file_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(SiteError) as told:
        load(tmp_path, text)
    assert "\n" not in str(told.value)
    assert "site.yaml" in str(told.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"nowhere\.yaml: cannot be read"):
        load_site(tmp_path / "nowhere.yaml")


@given(cut=st.integers(0, len(EXAMPLE)), junk=st.text(max_size=20))
def test_a_damaged_file_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: str
) -> None:
    folder = tmp_path_factory.mktemp("site")
    try:
        load(folder, EXAMPLE[:cut] + junk + EXAMPLE[cut + 5 :])
    except SiteError as told:
        assert str(told)


def test_every_site_file_of_the_clips_loads(shared: Path) -> None:
    files = sorted((shared / "clips").glob("*.site.yaml"))
    assert files
    for path in files:
        assert load_site(path).site.cameras
