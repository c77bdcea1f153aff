"""Secrets of a box: encrypted on disk, named in site files, opened for cameras alone, shown nowhere."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contract.errors import ConfigError, SiteError
from contract.secretref import filled, in_the_clear, references
from contract.sitefile import load_site
from edge.box import places
from edge.cameras import address
from edge.cameras.address import hide, scrubbed, shown
from edge.config import load_config
from edge.logs import quiet
from edge.secrets import SecretStore, secrets_of
from sightline.cli import app

DEMO = Path(__file__).resolve().parents[2] / "configs" / "sites" / "demo.yaml"
SECRET = "p/w@x#1 密码"


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test hides must not be hidden in the next."""
    monkeypatch.setattr(address, "_HIDDEN", set())


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / "data" / "secrets.json", tmp_path / "data" / "keys" / "secrets.key")


def box(tmp_path: Path, url: str) -> Path:
    text = DEMO.read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(text.replace("rtsp://127.0.0.1:8554/cam-1", url), encoding="utf-8")
    config = tmp_path / "edge.yaml"
    config.write_text("edge_id: box-1\nsites: [site.yaml]\ndata_dir: data\n")
    return config


def test_it_comes_back_and_is_not_on_disk(store: SecretStore) -> None:
    store.set("cam-1", SECRET)
    store.set("cam-2", "another-one")
    assert (store.get("cam-1"), store.get("cam-2"), store.names()) == (SECRET, "another-one", ["cam-1", "cam-2"])
    for file in (store.path, store.key_file):
        assert file.stat().st_mode & 0o777 == 0o600
        assert SECRET.encode() not in file.read_bytes() and b"another-one" not in file.read_bytes()
    store.set("cam-1", "changed")
    store.remove("cam-2")
    assert (store.get("cam-1"), store.names()) == ("changed", ["cam-1"])
    with pytest.raises(KeyError):
        store.remove("cam-2")


def test_the_same_secret_twice_does_not_look_the_same(store: SecretStore) -> None:
    store.set("a", SECRET)
    store.set("b", SECRET)
    kept = json.loads(store.path.read_text())
    assert kept["a"] != kept["b"]


def test_entries_that_were_swapped_or_altered_do_not_open(store: SecretStore) -> None:
    store.set("a", "first-secret")
    store.set("b", "second-secret")
    kept = json.loads(store.path.read_text())
    store.path.write_text(json.dumps({"a": kept["b"], "b": kept["a"][:-8] + "AAAAAAA="}))
    for name in ("a", "b"):
        with pytest.raises(ConfigError, match="does not open") as said:
            store.get(name)
        assert "secret" not in str(said.value).split("does not open")[1].replace("secrets.key", "")


def test_without_its_key_nothing_opens_and_no_new_one_is_made_over_it(store: SecretStore) -> None:
    store.set("a", SECRET)
    store.key_file.rename(store.key_file.with_suffix(".away"))
    with pytest.raises(ConfigError, match="the key of the secrets is gone"):
        store.get("a")
    with pytest.raises(ConfigError, match="the key of the secrets is gone"):
        store.set("b", "x")
    store.key_file.with_suffix(".away").rename(store.key_file)
    assert store.get("a") == SECRET
    store.key_file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        store.get("a")


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', "\x00"])
def test_a_file_that_is_none_is_told(store: SecretStore, text: str) -> None:
    store.set("a", SECRET)
    store.path.write_text(text)
    with pytest.raises(ConfigError, match="is not a file of secrets"):
        store.names()


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("a b", "x"), ("../x", "x"), ("a", ""), ("a", "x\ny"), ("a", "x" * 513)])  # fmt: skip
def test_what_no_camera_could_use_is_refused(store: SecretStore, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"name|one line"):
        store.set(name, value)


def test_references_are_read_and_filled_as_an_address_needs_it() -> None:
    url = "rtsp://admin:${secret:cam-1}@10.0.0.5/s?token=${secret:t.2}"
    assert references(url) == ["cam-1", "t.2"]
    whole = filled(url, {"cam-1": "p/w@x#1", "t.2": "a&b"}.__getitem__)
    assert whole == "rtsp://admin:p%2Fw%40x%231@10.0.0.5/s?token=a%26b"
    assert in_the_clear("rtsp://admin:pw@h/") and not in_the_clear(url) and not in_the_clear("rtsp://admin@h/")
    for bad in ("rtsp://a:${secret:}@h/", "rtsp://a:${pw}@h/", "rtsp://a:${secret:a b}@h/", "rtsp://a:${secret:x@h/"):
        with pytest.raises(ValueError, match=r"write \$\{secret:name\}"):
            references(bad)


def test_a_site_file_with_a_broken_reference_names_its_line(tmp_path: Path) -> None:
    box(tmp_path, "rtsp://admin:${cam-1}@127.0.0.1:8554/cam-1")
    with pytest.raises(SiteError, match=r"site\.yaml:\d+  cameras\[0\]\.url: .*write \$\{secret:name\}"):
        load_site(tmp_path / "site.yaml")


def test_a_camera_gets_its_password_and_nobody_else_sees_it(tmp_path: Path) -> None:
    config = load_config(box(tmp_path, "rtsp://admin:${secret:cam-1}@127.0.0.1:8554/cam-1"))
    with pytest.raises(SiteError, match=r"site\.yaml:\d+  cameras\[0\]\.url: this box has no secret 'cam-1' - run "):
        places(config)
    secrets_of(config).set("cam-1", SECRET)
    (place, *_) = places(config)
    assert "${" not in place.camera.url and place.site_file.site.cameras[0].url.count("${secret:cam-1}") == 1
    for text in (place.camera.url, f"camera says {SECRET} is wrong", SECRET):
        assert SECRET not in quiet(text) and "p%2Fw%40x%231" not in quiet(text)
    assert shown(place.camera.url) == "rtsp://admin:***@127.0.0.1:8554/cam-1"


def test_a_secret_that_stands_where_no_password_stands_is_hidden_too() -> None:
    hide("t0k3n-of-the-camera")
    assert "t0k3n" not in shown("rtsp://h/live/t0k3n-of-the-camera?k=t0k3n-of-the-camera")
    assert "t0k3n" not in scrubbed("404 for /live/t0k3n-of-the-camera", "rtsp://h/live")
    assert "t0k3n" not in quiet("worker: t0k3n-of-the-camera")


def test_the_command_takes_it_from_standard_input_and_shows_names_alone(tmp_path: Path) -> None:
    config = box(tmp_path, "rtsp://admin:${secret:cam-1}@127.0.0.1:8554/cam-1")
    runner = CliRunner()

    def run(*words: str, given: str | None = None) -> str:
        done = runner.invoke(
            app, ["edge", "secret", *words, "--config", str(config)], input=given, catch_exceptions=False
        )
        assert done.exit_code == 0 and SECRET not in done.output
        return done.output

    assert run("list") == "cam-1  is missing\n"
    run("set", "cam-1", given=SECRET + "\n")
    run("set", "spare", given="no-newline")
    assert secrets_of(load_config(config)).get("cam-1") == SECRET
    assert run("list") == "cam-1  in use\nspare  named by no site file\n"
    run("remove", "spare")
    assert run("list") == "cam-1  in use\n"


def test_check_warns_of_a_password_in_the_site_file_without_showing_it(tmp_path: Path) -> None:
    box(tmp_path, "rtsp://admin:Pa55w0rd@127.0.0.1:8554/cam-1")
    done = CliRunner().invoke(app, ["edge", "check", str(tmp_path / "site.yaml")], catch_exceptions=False)
    assert "warning: cam-1: its password stands in the site file" in done.output and "Pa55w0rd" not in done.output
