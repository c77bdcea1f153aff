"""Central's settings: what is wrong is told in one line with file and key."""

from pathlib import Path
from socket import gethostname

import pytest

from central.config import broker_password, load_config
from central.db.database import Database
from contract.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    file = folder / "central.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, "data_dir: d\ndatabase: {url: 'sqlite:///d/x.sqlite'}\nbroker: {tls_ca: ca.pem}")
    )
    assert config.data_dir == tmp_path / "d"
    assert config.media_folder == tmp_path / "d" / "media"
    assert config.broker.tls_ca == tmp_path / "ca.pem"
    assert config.database.url == f"sqlite:///{tmp_path}/d/x.sqlite"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data_dir: d\nprot: 1", "prot: is not a setting"),
        ("port: 1", "data_dir: "),
        ("data_dir: d\nport: 0", "port: "),
        ("data_dir: d\nlive: {address: '10.0.0.3:81'}", "live.address: "),
        ("data_dir: d\nbroker: {hots: x}", "broker.hots: is not a setting"),
        ("data_dir: d\nbroker: {password_file: x}", "password_file needs a username"),
        ("data_dir: d\nbroker: {tls_cert: x}", "belong together"),
        ("data_dir: d\ndatabase: {url: 'mysql://x'}", "sqlite or postgresql"),
        ("data_dir: d\ndatabase: {url: 'sqlite://'}", "needs a file"),
        ("data_dir: d\ndatabase: {url: nonsense}", "database.url"),
        ("data_dir: d\ndatabase: {password_file: pw}", "database.password_file: wants a url with a user"),
        ("data_dir: d\ndatabase: {url: 'postgresql+psycopg://h/n', password_file: pw}", "wants a url with a user"),
        ("data_dir: d\ndatabase: {url: 'postgresql+psycopg://u:p@h/n', password_file: pw}", "without a password"),
        ("data_dir: d\nproxies: [10.0.0.0/33]", "proxies.0: "),
        ("data_dir: d\nproxies: ['*']", "proxies.0: "),
        ("data_dir: d\nnotices: {number: '{date}{serial:05d}'}", "notices.number: numbers can be counted through"),
        ("- 1", "the file"),
        ("", "the file"),
        ("a: [", "is not YAML"),
        ("[" * 5000, "is not YAML"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")
    config = load_config(written(tmp_path, "data_dir: d\nbroker: {username: u, password_file: none}"))
    with pytest.raises(ConfigError, match="holds the broker's password"):
        broker_password(config.broker)


def test_a_database_is_named_without_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        Database("postgresql+nothing://u:secret@h/db")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("port: 81", "http://127.0.0.1:81"),
        ("host: '::1'", "http://[::1]:8080"),
        ("host: 0.0.0.0", f"http://{gethostname()}:8080"),
        ("host: 0.0.0.0\nlive: {address: 'http://10.0.0.3:81'}", "http://10.0.0.3:81"),
    ],
)
def test_where_other_replicas_reach_this_one(tmp_path: Path, text: str, address: str) -> None:
    assert load_config(written(tmp_path, f"data_dir: d\n{text}")).live_address == address


def test_the_password_of_the_database_stands_in_its_own_file(tmp_path: Path) -> None:
    text = "data_dir: d\ndatabase: {url: 'postgresql+psycopg://u@h:5433/n', password_file: pw}"
    with pytest.raises(ConfigError, match=r"pw: cannot be read .* the database's password"):
        load_config(written(tmp_path, text))
    (tmp_path / "pw").write_text("p@ss/w:rd\n")
    config = load_config(written(tmp_path, text))
    shown = f"{config!r} {config} {config.database!r}"
    assert "p%40ss" in config.database.url and not any(
        secret in shown for secret in ("p%40ss", "p@ss", "w:rd", "w%3Ard")
    )
    db = Database(config.database.url)
    assert (db.engine.url.username, db.engine.url.password, db.engine.url.port) == ("u", "p@ss/w:rd", 5433)
    assert "p@ss" not in db.name
    db.close()
