"""The store: packages appear whole or not at all, and the best one is found."""

from multiprocessing import get_context
from pathlib import Path

import pytest

from contract.errors import ModelError
from edge.detect.package import MANIFEST, Manifest, read_package, sha256_of
from models import store
from models.catalogue import catalogue


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def builder(content: bytes, weights: str | None, name: str = "toy"):  # type: ignore[no-untyped-def]
    def build(folder: Path) -> Manifest:
        (folder / "n.xml").write_bytes(content)
        return Manifest(
            name=name,
            version="1",
            kind="yolo",
            network="n.xml",
            files={"n.xml": sha256_of(folder / "n.xml")},
            classes=["car"],
            input=(64, 64),
            precision="f32",
            source="test",
            source_sha256=weights,
            licence="MIT",
        )

    return build


def weights_of(name: str) -> str:
    entry = catalogue().entry(name)
    return entry.sha256 or next(iter(entry.files.values()))


def test_better_weights_win_whatever_was_prepared_last() -> None:
    assert store.prepared() is None
    weak = store.put(builder(b"weak", weights_of("nanodet"), "nanodet"))
    assert store.prepared() == weak.folder
    strong = store.put(builder(b"strong", weights_of("yolo11n_int8_openvino_model"), "yolo11n"))
    store.put(builder(b"weak again", weights_of("nanodet"), "nanodet"))
    assert store.prepared() == strong.folder
    assert store.prepared("nanodet") is not None
    assert store.prepared("unheard-of") is None


def test_weights_that_nobody_knows_run_only_by_name() -> None:
    own = store.put(builder(b"own", None, "my-own"))
    assert store.prepared() is None
    assert store.prepared("my-own") == own.folder == store.prepared(own.folder.name)


def test_a_build_that_fails_leaves_nothing(own_store: Path) -> None:
    def fails(folder: Path) -> Manifest:
        (folder / "n.xml").write_bytes(b"half")
        raise ModelError("no")

    with pytest.raises(ModelError, match="no"):
        store.put(fails)
    assert list(own_store.iterdir()) == []


def test_a_build_whose_hash_does_not_hold_is_not_kept(own_store: Path) -> None:
    def lies(folder: Path) -> Manifest:
        manifest = builder(b"one", None)(folder)
        (folder / "n.xml").write_bytes(b"two")
        return manifest

    with pytest.raises(ModelError, match=r"n\.xml: SHA-256"):
        store.put(lies)
    assert list(own_store.iterdir()) == []


def test_a_damaged_package_is_replaced_by_preparing_again() -> None:
    first = store.put(builder(b"content", None))
    (first.folder / "n.xml").write_bytes(b"rotten")
    second = store.put(builder(b"content", None))
    assert second.folder == first.folder
    assert read_package(second.folder).name == "toy"


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIGHTLINE_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(ModelError, match="set SIGHTLINE_MODELS"):
        store.put(builder(b"x", None))


def test_rubbish_in_the_store_is_passed_over(own_store: Path) -> None:
    for name, text in (("a", "\t- ["), ("b", "format: 99"), (".building-x", "format: 1")):
        (own_store / name).mkdir(parents=True)
        (own_store / name / MANIFEST).write_text(text)
    good = store.put(builder(b"good", weights_of("nanodet")))
    assert [package.folder for package in store.packages()] == [good.folder]


def _put_often(content: bytes) -> None:
    for _ in range(20):
        store.put(builder(content, weights_of("nanodet")))


def test_many_processes_at_once_leave_one_whole_package(own_store: Path) -> None:
    context = get_context("spawn")
    processes = [context.Process(target=_put_often, args=(b"same",)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    (only,) = (path for path in own_store.iterdir() if path.is_dir())
    assert read_package(only).name == "toy"


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIGHTLINE_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.root() == tmp_path / "sightline" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert store.root() == tmp_path / "home" / ".cache" / "sightline" / "models"
