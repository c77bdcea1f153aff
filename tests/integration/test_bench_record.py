"""`sightline bench record`, small: it runs, and it sees what is missing."""

import json
import time
from pathlib import Path

import pytest

from edge.child import Child
from edge.config import load_config
from edge.record.index import Gap, Index, Segment
from edge.record.metrics import of_recordings, recordings_of
from edge.supervisor import Supervisor
from sightline.bench import record as bench
from sightline.bench import recorded as judged


@pytest.mark.timeout(240)
def test_real_streams_are_recorded_whole(tmp_path: Path) -> None:
    told: list[str] = []
    result = bench.bench_record(bench.RecordWish(3, 2, 12.0, tmp_path / "run", 10**9, True, 60.0), told.append)
    kept = result["recorded"]
    assert kept["segments"] >= 6 and kept["pictures"] > 3 * 20 * 25
    assert (kept["missing_pictures"], kept["gaps"], kept["lost_s"], kept["silent"]) == (0, 0, 0.0, [])
    assert result["core_percent_per_stream"] > 0 and result["memory_mb"]["end"] > 20
    looks = result["health"]
    assert looks["troubles"] == {} and looks["looks"] >= 3 * 3 and looks["core_percent_per_stream"] > 0
    # Winding up is most of so short a run: only what is missing and what is told counts here.
    said = judged.shortfalls(result, most_percent=0.0)
    assert not [line for line in said if "missing" in line or "ledger" in line or "told" in line or "never" in line]
    assert any("of a core a stream is over 0 %" in line for line in said)


def test_recorders_are_seen_at_metrics(tmp_path: Path) -> None:
    beat = tmp_path / "recorder-1.json"
    told = {"cam-1": {"state": "full", "segments": 3, "lost_s": 2.5, "at": 5.0}, "cam-2": {"state": "live"}}
    beat.write_text(json.dumps({"at": time.time(), "recording": told}))
    part = Child("recorder-1", [], heartbeat=beat)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in of_recordings(recordings_of([part]))
        for sample in family.samples
    }
    assert found["sightline_edge_recording_state", "cam-1", "full"] == 1.0
    assert found["sightline_edge_recording_state", "cam-2", "full"] == 0.0
    assert found["sightline_edge_recording_lost_s_total", "cam-1"] == 2.5
    beat.write_text(json.dumps({"at": time.time() - 60, "recording": told}))
    assert recordings_of([part]) == {}, "a recorder that is away says nothing of now"


def test_what_is_missing_is_seen(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add(
        [
            Segment("a", 0, 1, "r", 0, 0.0, 10.0, "1.mp4", 1, "0" * 64, 240, 3, "h264", 1, 1, "rtcp"),
            Gap("a", 1, 2, "camera", "x"),
            Segment("a", 2, 3, "r", 0, 12.0, 22.0, "2.mp4", 1, "0" * 64, 250, 0, "h264", 1, 1, "rtcp"),
        ]
    )
    index.close()
    kept = judged.recorded(tmp_path / "index.sqlite", ["a", "b"])
    assert (kept["lost_s"], kept["missing_pictures"], kept["gaps"]) == (2.0, 60, 1)
    assert kept["silent"] == ["b"] and kept["damaged_pictures"] == 3
    lines = judged.shortfalls({"recorded": kept, "core_percent_per_stream": 0.1})
    assert len(lines) == 2 and "2.0 s in 1 gaps and 60 pictures" in lines[1]


def test_a_box_starts_recorders_for_the_cameras_that_are_recorded(tmp_path: Path) -> None:
    cameras = "".join(
        f"  - {{id: cam-{number}, url: 'rtsp://127.0.0.1:9/{number}', frame: [640, 360]{extra}}}\n"
        for number, extra in enumerate([", recording: {}", "", ", recording: {keep_days: 2}", ", recording: {}"])
    )
    head = "site: s\nname: S\ntimezone: Asia/Shanghai\njurisdiction: cn-default\ncameras:\n"
    (tmp_path / "site.yaml").write_text(head + cameras)
    settings = "edge_id: box-1\nsites: [site.yaml]\ndata_dir: data\nrecording: {cameras_per_recorder: 2}\n"
    (tmp_path / "edge.yaml").write_text(settings)
    config = load_config(tmp_path / "edge.yaml")
    box = Supervisor(config, tmp_path / "edge.yaml", tmp_path, lambda _: None)
    assert [part.name for part in box.recorders] == ["recorder-1", "recorder-2"]
    asked = [part._arguments[part._arguments.index("--cameras") + 1] for part in box.recorders]
    assert sorted(",".join(asked).split(",")) == ["cam-0", "cam-2", "cam-3"]
    assert all(part in box.parts for part in box.recorders)
