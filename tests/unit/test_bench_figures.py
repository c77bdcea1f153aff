"""Benchmarks say what happened: truth against decisions, costs of processes, percentiles, history and page."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from contract.errors import InputError
from edge.box import Folders
from sightline.bench.county import Mount, mounts, site_of, without_rest
from sightline.bench.edge import shortfalls
from sightline.bench.heartbeat import Watch
from sightline.bench.history import LAST, SHARE, floor_of, keep, read_history
from sightline.bench.listener import Heard
from sightline.bench.measure import percentiles, slope
from sightline.bench.mix.stream import FPS, Planted, Segment, Stream, write_stream
from sightline.bench.page import page
from sightline.bench.process import costs, cpu_seconds, family
from sightline.bench.truth import SLACK_S, judge, shown

EPOCH = 1_000_000.0
WAIT = 60.0


def stream(kind: str = "parking", planted: tuple[Planted, ...] = (), seconds: float = 600.0) -> Stream:
    """A stream whose loop is one segment."""
    zone = {"id": "kerb", "type": "no_parking", "polygon": [[0, 0], [10, 0], [10, 10]], "permitted_wait_s": WAIT}
    camera = {"name": kind, "frame": [1920, 1080], "zones": [zone] if kind == "parking" else []}
    segment = Segment("flow.h264", 50, [1000] * round(seconds * FPS))
    return Stream(f"a-{kind}", kind, "drawn here", "0", camera, {"flow": segment}, ["flow"], list(planted))


STAY = Planted("illegal_parking", "kerb", 200.0, 320.0)
RUSH = Planted("failure_to_yield", "zebra", 90.0, 95.0)


def heard(at: float, camera: str = "kerb-01", rule: str = "illegal_parking", zone: str = "kerb") -> Heard:
    """A decision whose trigger was at `at`, heard half a second after its last picture."""
    return Heard(camera, rule, zone, "candidate", f"{camera}{at}", at, at + 0.2, at + 0.7)


def kerb(offset_s: float = 0.0) -> Mount:
    return Mount("kerb-01", stream("parking", (STAY,)), Path("nowhere"), round(offset_s * FPS))


def test_a_stay_is_shown_once_a_loop_wherever_the_loop_begins() -> None:
    whole = kerb(0).times(STAY, EPOCH, EPOCH + 1300)
    assert whole == [(EPOCH + 200, EPOCH + 320), (EPOCH + 800, EPOCH + 920)]
    begun = kerb(250).times(STAY, EPOCH, EPOCH + 600)
    assert begun == [(EPOCH - 50, EPOCH + 70), (EPOCH + 550, EPOCH + 670)]


def test_a_stay_must_be_found_only_when_the_box_could_see_enough_of_it() -> None:
    live = {"kerb-01": EPOCH + 10}
    whole = shown([kerb()], EPOCH, live, EPOCH + 600, None)
    assert [(one.complete, one.must) for one in whole] == [(EPOCH + 260, True)]
    assert shown([kerb()], EPOCH, live, EPOCH + 260 - SLACK_S - 1, None) == []
    edge = shown([kerb()], EPOCH, live, EPOCH + 262, None)
    assert [one.must for one in edge] == [False]
    # It stood already when the camera became live: the wait counts from then.
    late = shown([kerb(250)], EPOCH, live, EPOCH + 500, None)
    assert [(one.complete, one.must) for one in late] == [(EPOCH + 70, False)]


def test_decisions_are_found_missed_false_and_double() -> None:
    wanted = shown([kerb()], EPOCH, {"kerb-01": EPOCH}, EPOCH + 600, None)
    found = judge(wanted, [heard(EPOCH + 260.1)])
    assert (found.found, found.missed, found.false) == (1, [], [])
    assert found.from_frame["illegal_parking"] == [pytest.approx(0.5)]
    assert found.from_truth["illegal_parking"] == [pytest.approx(0.8)]
    missed = judge(wanted, [])
    assert (missed.found, len(missed.missed), missed.expected) == (0, 1, 1)
    double = judge(wanted, [heard(EPOCH + 260.1), heard(EPOCH + 261.0)])
    assert (double.found, len(double.false)) == (1, 1)
    elsewhere = judge(wanted, [heard(EPOCH + 100)])
    assert (elsewhere.found, len(elsewhere.missed), len(elsewhere.false)) == (0, 1, 1)


def test_a_passage_whose_pedestrian_came_before_the_camera_was_live_need_not_be_found() -> None:
    zebra = Mount("zebra-01", stream("yield", (RUSH,), 110.0), Path("nowhere"), 0)
    live = {"zebra-01": EPOCH + 92}
    once = shown([zebra], EPOCH, live, EPOCH + 150, None)
    assert [(one.complete, one.must) for one in once] == [(EPOCH + 95, False)]
    again = shown([zebra], EPOCH, live, EPOCH + 230, None)
    assert [one.must for one in again] == [False, True]


def test_cameras_share_streams_from_offsets_that_scatter_their_keyframes(tmp_path: Path) -> None:
    for kind, planted in (("parking", STAY), ("yield", RUSH)):
        (tmp_path / f"a-{kind}").mkdir()
        write_stream(tmp_path / f"a-{kind}", stream(kind, (planted,)))
    county = mounts(tmp_path, 50, 6)
    assert len({one.camera_id for one in county}) == 56
    phases = {one.offset % (2 * FPS) for one in county if one.stream.kind == "parking"}
    assert len(phases) > 20
    soon = mounts(tmp_path, 8, 0, soon=True)
    begins = [one.times(STAY, EPOCH, EPOCH + 60)[-1][0] - EPOCH for one in soon]
    assert all(20 < at < 45 for at in begins)
    cameras = site_of(county, 8554, 20.0)["cameras"]
    assert cameras[0]["zones"][0]["permitted_wait_s"] == 20.0
    assert cameras[0]["url"] == "rtsp://127.0.0.1:8554/kerb-01"


def test_a_zebra_without_rest_shows_its_offence_over_and_over(tmp_path: Path) -> None:
    (tmp_path / "streams" / "a-yield").mkdir(parents=True)
    segments = {name: Segment(f"{name}.h264", 50, [10] * 20 * FPS) for name in ("empty", "offends")}
    whole = stream("yield", (Planted("failure_to_yield", "zebra", 33.0, 35.0),), 40.0)
    write_stream(tmp_path / "streams" / "a-yield", replace(whole, segments=segments, playlist=["empty", "offends"]))
    moving = mounts(without_rest(tmp_path / "streams", tmp_path / "moving"), 0, 2)
    assert moving[0].stream.seconds == 20
    times = moving[0].times(moving[0].stream.planted[0], EPOCH, EPOCH + 60)
    assert [(begins - EPOCH, ends - EPOCH) for begins, ends in times] == [(13, 15), (33, 35), (53, 55)]
    assert (tmp_path / "streams" / "a-yield" / "offends.h264") == Path(moving[0].stream.segments["offends"].file)


def test_a_busy_machine_that_starves_cameras_judges_nobody() -> None:
    told = result(2.0)
    box, on = told["box"], told["machine"]
    assert isinstance(box, dict)
    assert isinstance(on, dict)
    box["planted"] |= {"missed": ["kerb-01 illegal_parking"], "false": ["kerb-02 illegal_parking candidate"]}
    assert len(shortfalls(told, 3.0)) == 3
    assert len(shortfalls(told, 1.5)) == 2
    box["sustained_cameras"] = 1
    assert len(shortfalls(told, 3.0)) == 3
    on["load_before"] = 9.0
    assert shortfalls(told, 3.0) == []


def test_a_folder_without_streams_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sightline bench compose"):
        mounts(tmp_path, 1, 0)


def test_the_cost_of_a_family_counts_its_children() -> None:
    burn = (
        "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass\nprint('done', flush=True)"
    )
    child = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {burn!r} + chr(10) + 'time.sleep(60)']); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == "done"
        assert len(family(parent.pid)) == 2
        assert cpu_seconds(parent.pid) < 0.4
        found = costs(parent.pid)["other"]
        assert found.cpu_s >= 0.5
        assert found.pss_bytes > 1_000_000
    finally:
        for pid in reversed(family(parent.pid)):
            os.kill(pid, 9)
        parent.wait()
        parent.stdout.close()
    assert family(parent.pid) == []


def test_percentiles_and_slope() -> None:
    assert percentiles([]) is None
    told = percentiles([float(value) for value in range(101)])
    assert told == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "of": 101}
    assert slope([(0.0, 100), (30.0, 150), (60.0, 200)]) == pytest.approx(100)


def test_figures_come_from_heartbeats_and_what_is_not_told_is_unknown(tmp_path: Path) -> None:
    folders = Folders(tmp_path).make()
    watch = Watch(folders)

    def beat(packets: int, looked: int, ago: float) -> None:
        now = time.time()
        one = {"packets": packets, "looked": looked, "looked_at": now - ago, "state": "live"}
        folders.heartbeat("worker-1").write_text(json.dumps({"at": now, "cameras": {"kerb-01": one}}))

    beat(100, 10, 0.5)
    watch.begin()
    beat(150, 12, 1.5)
    watch.look()
    assert watch.counters() == {"packets": 50.0, "looked": 2.0}
    assert watch.unseen_s["kerb-01"] == pytest.approx(1.5, abs=0.01)
    share, worst = watch.starved(1.0, 0.0)
    assert 0.0 < share < 1.0 and worst == watch.unseen_s["kerb-01"]
    assert watch.starved(1.0, 1e6) == (0.0, 0.0)
    assert watch.stages() == {}


def result(ratio: float, detector: str = "yolo") -> dict[str, object]:
    """A whole result, as `sightline bench edge` writes it."""
    box = {
        "cameras": 4,
        "seconds": 50.0,
        "sustained_cameras": 4,
        "cpu_s_per_camera_minute": 12.5,
        "by_process": {"workers": 10.0},
        "by_stage": {},
        "beside_the_box": {"cameras": 0.7},
        "detections_per_frame": 0.08,
        "counters": {"packets": 5000, "shed": 0},
        "unseen_s_worst": 0.6,
        "unseen_share": {"share": 0.01, "worst_s": 0.6},
        "unseen_share_after_a_minute": {"share": 0.0, "worst_s": 0.4},
        "queue_age_s_worst": 0.0,
        "memory_mb": {"start": 500, "end": 510, "most": 520, "slope_per_minute": 1.0},
        "planted": {"expected": 2, "found": 2, "missed": [], "false": []},
        "latency_s": {
            "illegal_parking": {"from_frame": {"p50": 0.2, "p95": 0.3, "p99": 0.3, "of": 2}, "from_truth": None}
        },
        "evidence_packs": 2,
    }
    machine = {
        "processor": "a cpu",
        "cores": 2,
        "load_before": 0.1,
        "python": "3.11",
        "versions": {},
        "revision": "abc",
    }
    peer = {"pipeline": "ultralytics", "weights": "w.pt", "at_full_rate_cpu_s_per_camera_minute": ratio * 12.5}
    return {
        "at": "2026-01-05T10:00:00+00:00",
        "parking": 3,
        "yield": 1,
        "cpu": "native",
        "detector": detector,
        "streams": {"a": {}},
        "machine": machine,
        "box": box,
        "peer": peer,
        "ratio": {"at_full_rate": ratio, "as_run": ratio},
    }


def test_the_floor_is_a_share_of_what_was_kept_for_the_same_detector(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert floor_of(read_history(path), result(5.0)) is None
    for ratio in (90.0, 10.0, 10.0, 12.0, 8.0, 10.0):
        keep(path, result(ratio))
    keep(path, result(1.0, "another"))
    assert len(read_history(path)) == LAST + 2
    assert floor_of(read_history(path), result(5.0)) == pytest.approx(SHARE * 10.0)
    path.write_text('{"ratio": "much"}\n')
    with pytest.raises(InputError, match=r"history\.jsonl:1"):
        read_history(path)


def test_the_page_shows_every_result_and_names_one_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "county.json").write_text(json.dumps(result(6.5)))
    keep(tmp_path / "history.jsonl", result(6.5))
    text = page(tmp_path)
    assert "| county | `abc` | 3 + 1 | 4 | 12.50 |" in text
    assert "| 6.5 |" in text
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(InputError, match=r"broken\.json"):
        page(tmp_path)
