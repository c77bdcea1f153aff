"""The box as it runs in the field: supervisor, inference, worker and deliver as processes, a camera over RTSP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from deliver_peers import MediaReceiver, Subscriber, until

from contract.events import EventType
from contract.sealing import verify_detached
from contract.sitefile import load_site
from edge.deliver.keys import KeyRing
from sightline.broker import EmbeddedBroker
from tests.scenes.rtsp import FileServer, GstServer, has_gst, leftovers, open_port

ROOT = Path(__file__).resolve().parents[2]
CLIP, SITE = "road_illegal_parking_kevinjoy.mp4", "road_illegal_parking_kevinjoy.wait6.site.yaml"
USERS = {"central": "central-pw", "box-7": "box-pw"}


class Field:
    """A box with its settings on disk; `run` starts `sightline edge run`."""

    def __init__(self, folder: Path, site: Path, url: str, broker: int, central: str, weights: Path) -> None:
        self.folder, self.data, self.health = folder, folder / "data", open_port()
        self.site = folder / "site.yaml"
        text = site.read_text(encoding="utf-8")
        self.site.write_text(text.replace(load_site(site).site.cameras[0].url, url), encoding="utf-8")
        (folder / "pw").write_text(USERS["box-7"])
        (folder / "pw").chmod(0o600)
        settings = {
            "edge_id": "box-7",
            "sites": ["site.yaml"],
            "data_dir": "data",
            "broker": {"host": "127.0.0.1", "port": broker, "username": "box-7", "password_file": "pw"},
            "central": {"url": central},
            "health_port": self.health,
        }
        self.config = folder / "edge.yaml"
        self.config.write_text(yaml.safe_dump(settings))
        self.ring = KeyRing(self.data / "keys")
        self.log = folder / "run.log"
        self._environment = {**os.environ, "SIGHTLINE_WEIGHTS": str(weights), "PYTHONPATH": str(ROOT)}
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        command = [sys.executable, "-m", "sightline", "edge", "run", "--config", str(self.config)]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out, env=self._environment)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(90)

    def report(self) -> dict:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/healthz", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=5) as answer:
            return answer.read().decode()

    def part(self, marker: str) -> list[int]:
        return [pid for pid in leftovers(str(self.folder)) if marker in _command(pid)]

    def told(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.fixture
def camera(shared: Path) -> Iterator[str]:
    """The address of a real recording over RTSP, played from its beginning for each viewer."""
    server = GstServer(shared / "clips" / CLIP) if has_gst() else FileServer(shared / "clips")
    yield server.url if isinstance(server, GstServer) else server.url(CLIP)
    server.stop()


@pytest.fixture
def field(shared: Path, tmp_path: Path, camera: str) -> Iterator[Callable[[int, str], Field]]:
    made: list[Field] = []

    def make(broker: int, central: str) -> Field:
        url = camera.replace("://", "://viewer:top-secret@")
        made.append(Field(tmp_path, shared / "clips" / SITE, url, broker, central, shared / "weights"))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.end()


def enrolled(one: Field) -> Field:
    one.ring.pending()
    one.ring.accept()
    return one


@pytest.mark.timeout(240)
def test_a_stay_on_a_real_stream_becomes_sealed_evidence(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    receiver = MediaReceiver()
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Subscriber(free_port, USERS["central"])
        box = enrolled(field(free_port, receiver.url))
        box.run()

        def events() -> dict[str, dict]:
            return {json.loads(raw)["type"]: json.loads(raw) for raw, _ in list(central.received)}

        until(lambda: EventType.MANIFEST in events(), 120, box.told())
        manifest = events()[EventType.MANIFEST]["data"]
        named = {image["sha256"] for image in manifest["images"]} | {manifest["video"]["sha256"]}
        until(lambda: named <= set(receiver.done), 60, box.told())
        accused = events()[EventType.ILLEGAL_PARKING]["data"]
        assert accused["case_key"] == manifest["case_key"]
        assert accused["zone_id"] == "kerb" and accused["clock"]["source"] == "same_host"
        assert 6.0 <= accused["t_trigger"] - accused["t_first"] < 8.0
        moments = {image["moment"] for image in manifest["images"]}
        assert {"first", "trigger"} <= moments
        assert not any(line.startswith("still") for line in manifest["dropped"])
        for raw, seal in list(central.received):
            verify_detached(raw, seal, box.ring.load())
        until(lambda: box.report().get("cameras") == {"cam-1": "live"}, 30)
        until(lambda: 'sightline_edge_camera_packs_total{camera="cam-1"} 1.0' in box.metrics(), 20, box.told())
        assert box.end() == 0
        central.close()
    receiver.close()
    assert leftovers(str(tmp_path)) == []
    told = box.told() + "".join(path.read_text() for path in (box.data / "status").iterdir())
    assert "top-secret" not in told


@pytest.mark.timeout(240)
def test_a_killed_part_is_started_anew_and_a_killed_supervisor_leaves_nothing(
    free_port: int, field: Callable[[int, str], Field]
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))  # no broker: the box runs all the same
    box.run()
    until(lambda: box.report().get("cameras") == {"cam-1": "live"}, 90, box.told())
    for marker, name in (
        ("edge.worker", "worker-1"),
        ("edge.detect.service", "inference"),
        ("edge.deliver", "deliver"),
    ):
        (before,) = box.part(marker)
        os.kill(before, signal.SIGKILL)
        until(lambda m=marker, b=before: box.part(m) not in ([], [b]), 30, box.told())
        until(lambda n=name: box.report()["parts"][n] == {"running": True, "restarts": 1}, 30, box.told())
    until(lambda: box.report().get("cameras") == {"cam-1": "live"}, 60, box.told())
    looks = _looked(box)
    until(lambda: _looked(box) > looks, 30, box.told())
    assert box.process is not None
    box.process.kill()
    box.process.wait(10)
    until(lambda: leftovers(str(box.folder)) == [], 40, "parts outlive a supervisor that was killed")


def _looked(box: Field) -> int:
    beat = json.loads((box.data / "run" / "worker-1.json").read_text())
    return int(beat["cameras"]["cam-1"]["looked"])


@pytest.mark.timeout(120)
def test_a_box_without_a_key_says_how_to_enrol(free_port: int, field: Callable[[int, str], Field]) -> None:
    box = field(free_port, "http://127.0.0.1:9")
    box.run()
    assert box.end(0) == 2
    assert "enrol" in box.told() and "Traceback" not in box.told()


@pytest.mark.timeout(120)
def test_a_model_with_a_wrong_hash_stops_the_box_with_one_line(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    package = tmp_path / "package"
    package.mkdir()
    (package / "network.xml").write_text("not what the manifest says")
    settings = yaml.safe_load(box.config.read_text()) | {"detection": {"model": str(package)}}
    box.config.write_text(yaml.safe_dump(settings))
    began = time.monotonic()
    box.run()
    assert box.end(0) == 2
    assert time.monotonic() - began < 60
    told = [line for line in box.told().splitlines() if str(package) in line]
    assert len(told) == 1 and "Traceback" not in box.told()
    assert leftovers(str(tmp_path)) == []


def test_two_cameras_of_one_name_are_refused(free_port: int, field: Callable[[int, str], Field]) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    (box.folder / "again.yaml").write_text(box.site.read_text(encoding="utf-8"), encoding="utf-8")
    settings = yaml.safe_load(box.config.read_text()) | {"sites": ["site.yaml", "again.yaml"]}
    box.config.write_text(yaml.safe_dump(settings))
    box.run()
    assert box.end(0) == 2
    assert "camera 'cam-1' is in" in box.told()


def test_a_health_port_in_use_is_told(free_port: int, field: Callable[[int, str], Field]) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    with socket.create_server(("127.0.0.1", box.health)):
        box.run()
        assert box.end(0) == 2
    assert f"health_port {box.health}" in box.told() and "Traceback" not in box.told()


@pytest.mark.timeout(240)
def test_a_killed_worker_forgets_no_proven_wait(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    """What a stay has proved is on disk: a worker killed in mid-wait comes back and does not begin anew."""
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        box = enrolled(field(free_port, "http://127.0.0.1:9"))
        box.run()
        proven = box.data / "proven" / "cam-1.json"
        until(lambda: proven.exists() and json.loads(proven.read_bytes())["parking"]["stays"], 120, box.told())
        standing = json.loads(proven.read_bytes())["parking"]["stays"][0]
        for pid in box.part("edge.worker"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: box.told().count("cam-1: live") >= 2, 60, box.told())

        def carried() -> bool:
            stays = json.loads(proven.read_bytes())["parking"]["stays"]
            return any(stay["passage"] == standing["passage"] for stay in stays)

        assert carried()
        assert box.end() == 0
        assert carried()
    assert leftovers(str(tmp_path)) == []


@pytest.mark.timeout(240)
def test_what_the_control_room_says_reaches_the_cameras_worker(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    """An officer directs the traffic before the camera: the stay is seen, suppressed, and the log says who said why."""
    begin = datetime.now(UTC) - timedelta(minutes=1)
    said = {"id": "d-1", "fact": "officer_directing", "value": "yes", "camera_id": "cam-1", "by": "duty-7"}
    said |= {"from": begin.isoformat(), "until": (begin + timedelta(hours=1)).isoformat()}
    command = json.dumps({"id": "c-1", "command": "tell_fact", "statement": said}).encode()
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Subscriber(free_port, USERS["central"])
        box = enrolled(field(free_port, "http://127.0.0.1:9"))
        box.run()

        def taken() -> bool:
            central.send("sightline/v1/box-7/command", command)
            return "duty-7 says: officer_directing is yes" in box.told()

        until(taken, 60, box.told())
        until(lambda: "cam-1: no event - officer_directing is yes, said by duty-7" in box.told(), 120, box.told())
        assert box.end() == 0
        kinds = {json.loads(raw)["type"] for raw, _ in list(central.received)}
        central.close()
    assert EventType.ILLEGAL_PARKING not in kinds and EventType.MANIFEST not in kinds
    assert list((box.data / "evidence" / "cam-1").iterdir()) == []
