"""The box as it runs in the field: supervisor, inference, worker and deliver as processes, a camera over RTSP."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from deliver_peers import MediaReceiver, Subscriber, until
from edge_peers import USERS, Field, enrolled
from secret_search import leaks, of_jwk, of_text

from contract.events import EventType
from contract.sealing import verify_detached
from sightline.broker import EmbeddedBroker
from tests.scenes.rtsp import leftovers


@pytest.mark.timeout(240)
def test_a_stay_on_a_real_stream_becomes_sealed_evidence(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field]
) -> None:
    receiver = MediaReceiver()
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Subscriber(free_port, USERS["central"])
        box = enrolled(field(free_port, receiver.url))
        site = yaml.safe_load(box.site.read_text(encoding="utf-8"))  # a camera that is away: its address is told
        site["cameras"].append({"id": "cam-2", "url": "rtsp://viewer:top-secret@127.0.0.1:9/", "frame": [640, 360]})
        box.site.write_text(yaml.safe_dump(site), encoding="utf-8")
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
        until(lambda: box.report().get("cameras") == {"cam-1": "live", "cam-2": "lost"}, 30)
        until(lambda: 'sightline_edge_camera_packs_total{camera="cam-1"} 1.0' in box.metrics(), 20, box.told())
        assert box.end() == 0
        central.close()
    receiver.close()
    assert leftovers(str(tmp_path)) == []
    _holds_no_secret(tmp_path, box, central, receiver)


def _holds_no_secret(folder: Path, box: Field, central: Subscriber, receiver: MediaReceiver) -> None:
    """Logs, states, databases, evidence, and what left the box; test_secrets_of_a_run.py looks at central as well."""
    heard = [*(raw for raw, _ in central.received), *central.states.values(), *receiver.done.values()]
    (folder / "heard").write_bytes(b"\n".join(heard))
    broker = folder / "broker" / "broker.toml"
    secrets = {
        "password of the camera": of_text("top-secret", box.site),
        "password of the box": of_text(USERS["box-7"], box.folder / "pw", broker),
        "password of central": of_text(USERS["central"], broker),
        "sealing key": of_jwk(box.data / "keys" / "edge.jwk"),
    } | {f"token {n}": of_text(token) for n, token in enumerate(sorted(set(receiver.tokens)))}
    assert len(secrets) > 4 and leaks(folder, secrets) == []
    for name, secret in secrets.items():
        assert all(any(form in path.read_bytes() for form in secret.forms.values()) for path in secret.own), name


@pytest.mark.long  # every run of the tests: test_edge_goes_on.py kills one part after the other, and the supervisor
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
