"""What `/metrics` says of heartbeats and processes, and that docs/operations.md names all of it."""

import json
import re
import time
from pathlib import Path

import pytest

from contract.events import ModelRef
from edge import metrics
from edge.box import Folders
from edge.child import Child, Gap
from edge.detect.stats import SHED_S, CameraCount, Lateness, Stats
from edge.gaps import GapBook
from edge.metrics import STAGES
from edge.polling.metrics import of_feeds
from edge.record.metrics import of_recordings, recordings_of
from edge.sensors.metrics import of_sensors, sensors_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
FIGURES = {"state": "live", "mode": "stretch", "packets": 250, "clock_offset_ms": None, "zone_looked_at": 17.0}
FIGURES |= (
    {"look_gap_s": 2.0, "evidence_waiting": 1}
    | {f"cpu_{stage}_s": 0.5 for stage in STAGES}
    | {"late_s": [float(number) for number in range(1, 101)]}
)


def stats(**more: object) -> Stats:
    said = {"model": ModelRef(name="yolo11n", version="1", sha256="a" * 64), "pid": 7, "up_s": 1.0, "cpu_s": 1.0}
    said |= {
        "clients": 1,
        "looks": 9,
        "failed": 0,
        "queued": 0,
        "oldest_s": 0.0,
        "cameras": {"cam-1": CameraCount(late=4)},
    }
    return Stats.model_validate(said | more)


def samples(families) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (one.name, tuple(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


@pytest.fixture
def book(tmp_path: Path) -> GapBook:
    return GapBook("box-1", Folders(tmp_path).make(), {"worker-1": ["cam-1"]})


def everything(book: GapBook) -> dict[tuple[str, tuple[str, ...]], float]:
    parts = [Child("worker-1", ["-c", "pass"])]
    cameras = {"cam-1": FIGURES | {"figures_at": 18.0}}
    return (
        samples(metrics.of_cameras(cameras))
        | samples(metrics.of_parts(parts, book))
        | samples(metrics.of_inference(stats(shedding=["cam-1"], late=4, instructions="avx2")))
        | samples(of_recordings({"cam-1": {"state": "live", "gaps": 1}}))
        | samples(of_feeds({"hall-1": {"troubles": ["covered"], "learned": True, "looks": 4}}))
        | samples(of_sensors({"water-01": {"state": "raised", "value": 41.0, "refused": 2}}))
        | samples(metrics.of_outbox({"pending": 3, "connected": True, "problem": None}))
    )


def test_figures_of_a_camera_become_metrics(book: GapBook) -> None:
    told = everything(book)
    assert told["sightline_edge_camera_packets_total", ("cam-1",)] == 250
    assert told["sightline_edge_camera_mode", ("cam-1", "stretch")] == 1
    assert told["sightline_edge_camera_state", ("cam-1", "lost")] == 0
    assert told["sightline_edge_camera_cpu_seconds_total", ("cam-1", "decode")] == 0.5
    assert told["sightline_edge_camera_late_seconds", ("cam-1", "0.95")] == 96.0
    assert told["sightline_edge_camera_late_total", ("cam-1",)] == 4
    assert told["sightline_edge_camera_shedding", ("cam-1",)] == 1
    assert told["sightline_edge_detector_info", ("avx2", "yolo11n", "1")] == 1
    assert told["sightline_edge_outbox_connected", ()] == 1
    assert told["sightline_edge_feed_trouble", ("hall-1", "covered")] == 1
    assert told["sightline_edge_feed_trouble", ("hall-1", "frozen")] == 0
    assert told["sightline_edge_feed_looks_total", ("hall-1",)] == 4
    assert told["sightline_edge_sensor_state", ("water-01", "raised")] == 1
    assert told["sightline_edge_sensor_value", ("water-01",)] == 41.0
    assert told["sightline_edge_sensor_refused_total", ("water-01",)] == 2
    assert not any(name == "sightline_edge_camera_clock_offset_ms" for name, _ in told), "unknown is not zero"


def test_a_gap_is_counted(book: GapBook) -> None:
    book.gap(Gap("worker-1", "killed by signal 9", 100.0, 102.5))
    told = everything(book)
    assert told["sightline_edge_part_gaps_total", ("worker-1",)] == 1
    assert told["sightline_edge_part_gap_seconds_total", ("worker-1",)] == 2.5
    assert told["sightline_edge_part_memory_bytes", ("supervisor",)] > 5_000_000


def test_every_metric_is_on_the_page_and_no_other(book: GapBook) -> None:
    known = {name.removesuffix("_total") for name, _ in everything(book)}
    known |= {
        name.removesuffix("_total")
        for name, _ in samples(metrics.of_cameras({"c": FIGURES | dict.fromkeys(GAUGES, 1.0)}))
    }
    known = {name for name in known if not name.startswith("sightline_edge_outbox_")}
    named: set[str] = set()
    for row in re.findall(r"^\| (`sightline_edge_.+?`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        names = re.findall(r"`([a-z_*]+)`", row)
        whole = [name for name in names if name.startswith("sightline")]
        for name in names:
            named.add(name if name in whole else _family(whole[0]) + name)
    assert named - {"sightline_edge_outbox_*"} == known


GAUGES = ("queue_age_s", "behind_s", "ring_bytes", "clock_offset_ms", "figures_at")


def _family(name: str) -> str:
    """`_late` beside `sightline_edge_camera_shed` stands for `sightline_edge_camera_late`."""
    return "_".join(name.split("_")[:3])


def test_a_stale_heartbeat_says_nothing(tmp_path: Path) -> None:
    beat = tmp_path / "beat.json"
    child = Child("worker-1", ["-c", "import time; time.sleep(60)"], heartbeat=beat)
    child.start()
    try:
        for age, seen in ((1.0, {"cam-1"}), (60.0, set())):
            beat.write_text(json.dumps({"at": time.time() - age, "cameras": {"cam-1": {"state": "live"}}}))
            assert set(metrics.cameras_of([child])) == seen
    finally:
        child.kill()
        assert child.wait(10)


def test_what_a_part_that_does_not_run_last_said_is_told_of_recordings_alone(tmp_path: Path) -> None:
    beat = tmp_path / "beat.json"
    said = {key: {"one": {"state": "live"}} for key in ("cameras", "recording", "sensors")}
    beat.write_text(json.dumps({"at": time.time()} | said))
    parts = [Child("without figures", []), Child("ended", [], heartbeat=beat)]
    assert (metrics.cameras_of(parts), sensors_of(parts)) == ({}, {})
    assert recordings_of(parts) == {"one": {"state": "live"}}
    for unreadable in ('{"at": 1', "[]", "{}"):
        beat.write_text(unreadable)
        assert recordings_of(parts) == {}


def test_lateness_is_forgotten_after_its_time() -> None:
    late = Lateness()
    late.note("cam-2", 100.0)
    late.note("cam-1", 104.0)
    assert late.cameras(105.0) == ["cam-1", "cam-2"]
    assert late.cameras(100.5 + SHED_S) == ["cam-1"]
    assert late.recent(100.5 + SHED_S) == 1
    assert late.cameras(200.0) == [] and late.count == 2
