"""Packages: nothing runs whose hash does not hold, and each fault names its file."""

import hashlib
from pathlib import Path

import pytest
import yaml

from contract.errors import ModelError
from edge.detect.open import open_detector, open_engine
from edge.detect.package import MANIFEST, Manifest, read_package, sha256_of, write_manifest


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder whose manifest holds (the network in it is not one: hashes come first)."""
    (tmp_path / "network.xml").write_text("<net/>")
    (tmp_path / "network.bin").write_bytes(b"\x00" * 64)
    files = {name: sha256_of(tmp_path / name) for name in ("network.xml", "network.bin")}
    manifest = Manifest(
        name="toy",
        version="1",
        kind="yolo",
        network="network.xml",
        files=files,
        classes=["person", "car"],
        input=(384, 640),
        precision="f32",
        source="here",
        licence="MIT",
    )
    write_manifest(tmp_path, manifest)
    return tmp_path


def change(package: Path, **values: object) -> None:
    path = package / MANIFEST
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def test_what_was_written_is_read(package: Path) -> None:
    manifest = read_package(package)
    assert manifest.input == (384, 640)
    lines = "".join(f"{name} {manifest.files[name]}\n" for name in ("network.bin", "network.xml"))
    assert manifest.ref.sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("name", ["network.xml", "network.bin"])
def test_an_altered_file_is_named_before_anything_runs(package: Path, name: str) -> None:
    (package / name).write_bytes((package / name).read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match=rf"{name}: SHA-256 is .*altered.*sightline models prepare") as caught:
        open_detector(package)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.exit_status == 2


def test_a_missing_file_is_named(package: Path) -> None:
    (package / "network.bin").unlink()
    with pytest.raises(ModelError, match=r"network\.bin: cannot be read"):
        read_package(package)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "transformer"}, r"sightline\.yaml: kind"),
        ({"colour": "red"}, r"sightline\.yaml: colour"),
        ({"network": "../../etc/passwd.xml"}, r"sightline\.yaml: network"),
        ({"network": "other.xml"}, r"other\.xml has no hash"),
        ({"score": 0}, r"sightline\.yaml: score"),
    ],
)
def test_a_manifest_that_says_nonsense_names_the_key(package: Path, values: dict[str, object], said: str) -> None:
    change(package, **values)
    with pytest.raises(ModelError, match=said):
        read_package(package)


def test_a_manifest_reaches_no_file_outside_its_folder(package: Path) -> None:
    files = yaml.safe_load((package / MANIFEST).read_text())["files"]
    change(package, files=files | {"../secret": "0" * 64})
    with pytest.raises(ModelError, match="not a plain file name"):
        read_package(package)


def test_what_holds_but_is_no_network_is_told(package: Path) -> None:
    with pytest.raises(ModelError, match=r"network\.xml: OpenVINO cannot run it") as caught:
        open_detector(package)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["\t- [", "just words", "names: [a, b]"])
def test_a_raw_export_with_a_broken_description_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata.yaml").write_text(text)
    (tmp_path / "yolo.xml").write_text("<net/>")
    (tmp_path / "yolo.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"metadata\.yaml"):
        read_package(tmp_path)


def test_folders_that_are_no_packages(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{tmp_path.name}: has neither"):
        read_package(tmp_path)
    with pytest.raises(ModelError, match="is no model package"):
        read_package(tmp_path / "nowhere")


def test_wishes_that_cannot_be_met(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="sightline models prepare"):
        open_engine(None)
    with pytest.raises(ModelError, match="'tensorflow' is not known"):
        open_engine(tmp_path, backend="tensorflow")
    with pytest.raises(ModelError, match=r"gone\.pt: is not there"):
        open_engine(tmp_path / "gone.pt", backend="ultralytics")
