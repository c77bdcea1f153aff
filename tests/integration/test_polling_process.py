"""Feed health as a box runs it: real taps, real spool, real files; a mask that goes, a restart, a camera that ends."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from contract.events import now
from contract.states import CameraStatus, Kept, Learned
from edge.config import EdgeConfig, load_config
from edge.config import FeedHealth as FeedHealthSettings
from edge.deliver.spool import Spool
from edge.onvif.told import write_told
from edge.polling import examine, rules
from edge.polling.bare import Bare
from edge.polling.kept import ask_anew
from edge.polling.process import FeedHealth
from edge.record.tap import Tap
from tests.bench import tamper_scenes as scenes

SIZE = 640, 360
MASK = [[0.0, 0.25], [0.3, 0.25], [0.3, 0.75], [0.0, 0.75]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EdgeConfig:
    monkeypatch.setitem(rules.RULES, "mask", rules.Rule(0.0, 1.0))  # type: ignore[index] - a box waits for 10 s
    window = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T15:00:00+08:00"}
    site = {
        "site": "station-2", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
        "polling": {"station": "2", "township": "T", "village": "V", "windows": [window], "masks": "camera"},
        "cameras": [{
            "id": "hall-1", "url": "rtsp://127.0.0.1:9/hall-1", "frame": list(SIZE), "recording": {},
            "zones": [{"id": "booth", "type": "privacy_mask", "polygon": MASK}],
        }],
    }  # fmt: skip
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    (tmp_path / "edge.yaml").write_text(
        yaml.safe_dump({"edge_id": "box-1", "sites": ["site.yaml"], "data_dir": "data"})
    )
    return load_config(tmp_path / "edge.yaml")


class Camera:
    """A recorder's tap that shows a room, and its heartbeat, twice a second."""

    def __init__(self, data_dir: Path) -> None:
        self.painted = True
        self.gives = True
        self._run = data_dir / "run"
        self._tap = Tap(self._run / "taps", ["hall-1"])
        self._rng = np.random.default_rng(3)
        self._room = cv2.resize(self._rng.integers(30, 220, (18, 32, 3), np.uint8), SIZE, interpolation=0)
        self._encode = scenes.Encoder(*SIZE, 0.5)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show)
        self._tap.start()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._tap.stop()

    def _show(self) -> None:
        began, last = time.monotonic(), 0.0
        status = CameraStatus(camera_id="hall-1", state="live", since=now(), fps=25.0)
        while not self._ended.wait(0.5):
            if self.gives:
                t, last = round(time.monotonic() - began, 3), time.time()
                noise = self._rng.normal(0, 2, self._room.shape)
                picture = np.asarray(np.clip(self._room + noise, 0, 255), np.uint8)
                picture = scenes.masked(picture) if self.painted else picture
                packet = replace(self._encode(picture, t).packet, t=t, dts=t)
                self._tap.give("hall-1", packet, round(last * 1e6))
            else:
                status = status.model_copy(update={"state": "lost", "cause": "cable cut"})
            told = {"state": status.state, "cause": status.cause, "at": last, "link": status.model_dump(mode="json")}
            told["kept"] = {"days": 30, "oldest": "2026-01-05T00:00:00Z"}
            beat = {"at": time.time(), "recording": {"hall-1": told}}
            (self._run / "recorder-1.json").write_text(json.dumps(beat))


@contextmanager
def health(config: EdgeConfig) -> Iterator[None]:
    signals: list[int] = []
    thread = threading.Thread(target=FeedHealth(config, ["hall-1"], "health-1").run, args=(signals,))
    thread.start()
    try:
        yield
    finally:
        signals.append(15)
        thread.join(10)
    assert not thread.is_alive()


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_mask_that_goes_cuts_the_live_view_and_is_one_matter_over_a_restart(config: EdgeConfig) -> None:
    spool = Spool(config.data_dir / "spool")
    cut = config.data_dir / "run" / "cut" / "hall-1"
    status = config.data_dir / "status" / "hall-1.json"

    def events(kind: str) -> list[dict]:
        taken = [one.item.event for one in spool.take()]
        return [one.data for one in taken if one.type == f"sightline.feed.{kind}"]

    (config.data_dir / "run").mkdir(parents=True)
    camera = Camera(config.data_dir)
    try:
        with health(config):
            until(lambda: status.exists() and CameraStatus.model_validate_json(status.read_bytes()).state == "live")
            time.sleep(2.5)
            assert not cut.exists() and events("trouble") == []
            camera.painted = False
            until(cut.exists, 6)
            until(lambda: events("trouble"))
        with health(config):
            time.sleep(2.5)
            (begun,) = events("trouble")
            assert cut.exists(), "a restart shows nobody what is hidden"
            camera.painted = True
            until(lambda: events("cleared"))
            until(lambda: not cut.exists())
            ((bare_from, bare_until),) = Bare(config.data_dir / "polling", "hall-1").spans()
            assert 2.0 < (bare_until - bare_from) / 1e6 < 20.0
            camera.gives = False
            until(lambda: len(events("trouble")) == 2)
    finally:
        camera.stop()
    (ended,) = events("cleared")
    assert begun["check"] == ended["check"] == "mask" and begun["case_key"] == ended["case_key"]
    still = (spool.media / begun["still"]["sha256"]).read_bytes()
    picture = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR)
    inside = picture[100:260, 10:180]
    assert inside.max() < 30, "a still has its masks painted whatever the camera does"
    lost = events("trouble")[1]
    assert lost["check"] == "lost" and "cable cut" in lost["reason"]
    assert CameraStatus.model_validate_json(status.read_bytes()).state == "lost"
    beat = json.loads((config.data_dir / "run" / "health-1.json").read_text())
    assert beat["feed_health"]["hall-1"]["looks"] > 0 and beat["cpu_s"] > 0


def test_what_the_camera_itself_notices_is_a_warning_that_begins_and_ends(
    config: EdgeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules.RULES, "dark", rules.Rule(1.0, 1.0))  # type: ignore[index]
    spool = Spool(config.data_dir / "spool")
    told = config.data_dir / "run" / "onvif"
    told.mkdir(parents=True)
    camera = Camera(config.data_dir)

    def events() -> list[dict]:
        return [one.item.event.data for one in spool.take() if "feed" in one.item.event.type]

    try:
        with health(config):
            write_told(told, "hall-1", {"dark": True, "covered": False}, None)
            until(events)
            write_told(told, "hall-1", {"dark": False, "covered": False}, None)
            until(lambda: len(events()) == 2)
    finally:
        camera.stop()
    begun, ended = events()
    assert (begun["check"], begun["source"], begun["severity"]) == ("dark", "onvif", "warning")
    assert ended["case_key"] == begun["case_key"] and ended["how"] == "well"


def test_central_is_told_whether_a_picture_is_learned_and_since_when(
    config: EdgeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "FIRST", 2)  # a box takes a minute
    config = config.model_copy(update={"feed_health": FeedHealthSettings(look_s=1.0)})
    status = config.data_dir / "status" / "hall-1.json"

    def learned() -> Learned | None:
        return CameraStatus.model_validate_json(status.read_bytes()).learned if status.exists() else None

    def done() -> bool:
        said = learned()
        return said is not None and said.done

    (config.data_dir / "run").mkdir(parents=True)
    camera = Camera(config.data_dir)
    try:
        begun = now()
        with health(config):
            until(lambda: learned() is not None)
            until(done)
            first = learned()
            assert first is not None and first.since is not None and begun <= first.since <= now()
        with health(config):
            until(lambda: learned() == first)
            ask_anew(config.data_dir / "polling", "hall-1")
            until(lambda: not done())
            until(done)
    finally:
        camera.stop()
    again, kept = learned(), CameraStatus.model_validate_json(status.read_bytes()).kept
    assert again is not None and again.since is not None and again.since > first.since
    assert kept == Kept.model_validate({"days": 30, "oldest": "2026-01-05T00:00:00Z"})
