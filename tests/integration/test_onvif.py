"""Cameras asked about themselves: `ipycam` for device and PTZ, a peer of the tests' own for events (see there)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from edge.onvif.device import Device
from edge.onvif.errors import LockedOut, NoAnswer, OnvifError, WrongClock, WrongPassword
from edge.onvif.events import PullPoint, Said
from edge.onvif.fitting import CannotHide, fitted, hides
from edge.onvif.masks import limits, masks, put
from edge.onvif.pointing import Pointing, pointing
from edge.onvif.told import findings, write_told
from edge.onvif.wsdl import MEDIA, PTZ
from tests.ipycam_peer import PASSWORD
from tests.onvif_peer import OnvifPeer

DARK = "tns1:VideoSource/ImageTooDark/ImagingService"


def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def station(folder: Path, *cameras: dict[str, object]) -> Path:
    """A box's settings whose station has these cameras, which mask their own pictures."""
    window = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T15:00:00+08:00"}
    stream = {"url": "rtsp://127.0.0.1:9/x", "frame": [640, 360], "recording": {}}
    site = {
        "site": "station-2", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
        "polling": {"station": "2", "township": "T", "village": "V", "windows": [window], "masks": "camera"},
        "cameras": [stream | camera for camera in cameras],
    }  # fmt: skip
    (folder / "site.yaml").write_text(json.dumps(site))
    settings = folder / "edge.yaml"
    settings.write_text(yaml.safe_dump({"edge_id": "box-1", "data_dir": "data", "sites": ["site.yaml"]}))
    return settings


@pytest.fixture
def camera() -> Iterator[OnvifPeer]:
    one = OnvifPeer()
    yield one
    one.close()


@pytest.fixture
def head(free_port: int) -> Iterator[str]:
    """Address of an `ipycam` that believes it stands at 192.168.1.64."""
    command = [sys.executable, "-m", "tests.ipycam_peer", str(free_port), "192.168.1.64"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        address = f"http://admin:{PASSWORD}@127.0.0.1:{free_port}"

        def answers() -> bool:
            try:
                Device(address).connect()
            except NoAnswer:
                return False
            return True

        try:
            until(answers)
            yield address
        finally:
            peer.kill()


def turn(address: str, pan: float) -> None:
    device = Device(address)
    device.connect()
    device.read(PTZ, "AbsoluteMove", ProfileToken="Profile_Main", Position={"PanTilt": {"x": pan, "y": 0.0}})
    device.close()


def test_a_camera_behind_nat_is_reached_at_the_address_we_have_and_tells_where_it_points(head: str) -> None:
    device = Device(head)
    device.connect()
    assert device.offset is not None and abs(device.offset) < timedelta(seconds=3)
    assert device.has(MEDIA) and device.has(PTZ)
    assert pointing(device) == Pointing(0.0, 0.0, 0.0)
    turn(head, 0.25)
    until(lambda: pointing(device) == Pointing(0.25, 0.0, 0.0))
    device.close()


def test_each_cause_is_told_apart(head: str, camera: OnvifPeer) -> None:
    def fault(address: str) -> OnvifError:
        device = Device(address, timeout_s=1.0)
        with pytest.raises(OnvifError) as caught:
            device.connect()
        device.close()
        assert PASSWORD not in str(caught.value) and "wrong-1" not in str(caught.value)
        return caught.value

    wrong = camera.address.replace(PASSWORD, "wrong-1")
    assert type(fault(head.replace(PASSWORD, "wrong-1"))) is WrongPassword
    assert type(fault(wrong)) is WrongPassword
    assert type(fault(f"http://admin:{PASSWORD}@127.0.0.1:9")) is NoAnswer
    assert type(fault(f"{head}/index.html")) is NoAnswer
    camera.clock = timedelta(hours=-9)
    Device(camera.address).connect()  # dated by its own clock
    said = fault(wrong)
    assert type(said) is WrongClock and "-324" in str(said)
    camera.locked = True
    assert type(fault(camera.address)) is LockedOut


def test_events_are_pulled_renewed_and_given_back(camera: OnvifPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.onvif.events.LIFE_S", 0.9)
    camera.say(DARK, "State", "true")
    device = Device(camera.address)
    device.connect()
    with PullPoint(device) as point:
        assert point.pull() == [Said("dark", True)], "a property's state is told to who comes later"
        camera.say("tns1:Device/Trigger/DigitalInput", "LogicalState", "true")
        camera.say("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper", "1")
        camera.say(DARK, "State", "false")
        camera.say("tns1:VideoSource/GlobalSceneChange/ImagingService", "State", "who knows")
        assert point.pull() == [Said("covered", True), Said("dark", False), Said("scene", None)]
        time.sleep(0.4)
        assert point.pull() == [] and camera.renewed >= 1
    assert (camera.given_back, camera.subscriptions) == (1, {})
    with pytest.raises(ZeroDivisionError), PullPoint(device):
        raise ZeroDivisionError
    assert camera.given_back == 2


def test_an_answer_without_an_end_is_given_up(camera: OnvifPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.onvif.transport.MOST_BYTES", 200_000)
    device = Device(camera.address)
    device.connect()
    with PullPoint(device) as point:
        for _ in range(1000):
            camera.say(DARK, "State", "true")
        with pytest.raises(NoAnswer):
            point.pull()


BOOTH = [(64.0, 36.0), (320.0, 36.0), (320.0, 180.0), (64.0, 180.0)]
STAR = [(400.0, 60.0), (430.0, 130.0), (500.0, 140.0), (440.0, 190.0), (460.0, 280.0), (400.0, 220.0), (330.0, 280.0)]


@pytest.mark.parametrize("options", [(4, 4, False), (4, 20, False), (2, 4, True), (8, 4, True)])
def test_a_camera_is_given_its_masks_and_asked_for_them(
    camera: OnvifPeer, options: tuple[int, int, bool], tmp_path: Path
) -> None:
    camera.mask_options = options
    device = Device(camera.address)
    device.connect()
    zones, frame = [BOOTH, STAR], (640, 360)
    assert not hides([one.corners for one in masks(device)], zones, frame)
    for _ in range(2):  # and again over what stands there
        put(device, fitted(zones, frame, limits(device)))
        found = masks(device)
        assert len(found) == 2 and all(one.enabled for one in found)
        assert hides([one.corners for one in found], zones, frame)
    if options[0] == 8:
        assert [one.split()[0] for one in camera.mask_changes] == ["create"] * 4 + ["delete"] * 2
    (mask,) = fitted([BOOTH], frame, limits(device))
    assert sorted(mask) == [(-0.8, 0.0), (-0.8, 0.8), (0.0, 0.0), (0.0, 0.8)]
    camera.mask_options = (1, 4, False)
    with pytest.raises(CannotHide, match="takes 1 masks, the site file has 2"):
        fitted(zones, frame, limits(device))


def test_masks_are_set_shown_and_missed_from_the_command_line(camera: OnvifPeer, tmp_path: Path) -> None:
    zone = {"id": "booth", "type": "privacy_mask", "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]}
    config = station(tmp_path, {"id": "hall-1", "onvif_url": camera.address, "zones": [zone]})

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sightline", "edge", "masks", *words, "--config", str(config)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    bare = run("show", "hall-1")
    assert bare.returncode == 1 and "DOES NOT hide" in bare.stdout
    done = run("set", "hall-1")
    assert done.returncode == 0, done.stderr
    assert "hall-1: hides every privacy_mask zone" in done.stdout
    (token,) = camera.masks
    camera.masks[token] = camera.masks[token].replace("Enabled>true", "Enabled>false")
    assert run("show", "hall-1").returncode == 1
    for words in (("show", "hall-9"), ("show", "../x")):
        said = run(*words)
        assert said.returncode == 2 and said.stderr.count("\n") == 1 and "it has: hall-1" in said.stderr


def test_what_is_old_or_odd_says_nothing(tmp_path: Path) -> None:
    write_told(tmp_path, "hall-1", {"dark": True}, 0.2)
    assert [(one.check, one.bad, one.source, one.severity) for one in findings(tmp_path, "hall-1")] == [
        ("dark", True, "onvif", "warning"),
        ("moved", True, "onvif", None),
    ]
    told = json.loads((tmp_path / "hall-1.json").read_text())
    for odd in (
        told | {"at": time.time() - 60},
        told | {"at": time.time() + 3600},
        {"at": time.time(), "states": {"nonsense": True, "dark": "yes"}, "turned": "far"},
    ):
        (tmp_path / "hall-1.json").write_text(json.dumps(odd))
        assert list(findings(tmp_path, "hall-1")) == []
    assert list(findings(tmp_path, "hall-2")) == []


def test_the_part_hears_cameras_and_puts_down_what_they_say(head: str, camera: OnvifPeer, tmp_path: Path) -> None:
    booth = {"id": "booth", "type": "privacy_mask", "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}
    config = station(
        tmp_path,
        {"id": "hall-1", "onvif_url": camera.address, "zones": [booth]},
        {"id": "hall-2", "onvif_url": head},
        {"id": "hall-3", "onvif_url": "http://admin:x@127.0.0.1:9"},
    )
    run = tmp_path / "data" / "run"
    command = [sys.executable, "-m", "edge.onvif.process", "--config", str(config)]
    camera.say(DARK, "State", "true")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as part:
        try:
            heard = [("dark", True), ("mask", True)]
            until(lambda: [(one.check, one.bad) for one in findings(run / "onvif", "hall-1")] == heard)
            until(lambda: [(one.check, one.bad) for one in findings(run / "onvif", "hall-2")] == [("moved", False)])
            turn(head, 0.4)
            until(lambda: [(one.check, one.bad) for one in findings(run / "onvif", "hall-2")] == [("moved", True)])
            camera.say(DARK, "State", "false")
            until(lambda: [one.bad for one in findings(run / "onvif", "hall-1")] == [False, True])
            part.send_signal(signal.SIGTERM)
            assert part.wait(20) == 0
        finally:
            part.kill()
            assert part.stderr is not None
            said = part.stderr.read()
            print(said)
    assert camera.subscriptions == {} and "hall-3: does not tell" in said and PASSWORD not in said
    assert json.loads((tmp_path / "data" / "polling" / "hall-2.pointing").read_text())["pan"] == 0.0
