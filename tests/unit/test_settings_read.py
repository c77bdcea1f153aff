"""Both sides read their settings with one function: a broker's files are seen from the settings file, and go in pairs."""

from pathlib import Path
from types import ModuleType

import pytest

import central.config
import edge.config
from contract.errors import ConfigError

HEAD = {"edge.config": "edge_id: box-1\nsites: [s.yaml]\ndata_dir: d\n", "central.config": "data_dir: d\n"}
BOTH = pytest.mark.parametrize("side", [edge.config, central.config])


def written(folder: Path, side: ModuleType, broker: str) -> Path:
    file = folder / "settings.yaml"
    file.write_text(f"{HEAD[side.__name__]}broker: {broker}\n", encoding="utf-8")
    return file


@BOTH
@pytest.mark.parametrize(
    ("broker", "said"),
    [
        ("{tls_cert: c.pem}", "broker: tls_cert and tls_key belong together - give both or none"),
        ("{password_file: p}", "broker: password_file needs a username"),
        ("{host: ''}", "broker.host: "),
    ],
)
def test_half_a_pair_is_refused_in_one_line(tmp_path: Path, side: ModuleType, broker: str, said: str) -> None:
    file = written(tmp_path, side, broker)
    with pytest.raises(ConfigError) as caught:
        side.load_config(file)
    assert str(caught.value).startswith(f"{file}: {said}") and "\n" not in str(caught.value)


@BOTH
def test_the_brokers_files_are_seen_from_the_settings_file(tmp_path: Path, side: ModuleType) -> None:
    file = written(tmp_path, side, "{username: u, password_file: p, tls_cert: c.pem, tls_key: /k.pem}")
    broker = side.load_config(file).broker
    assert (broker.password_file, broker.tls_cert, broker.tls_key, broker.tls_ca) == (
        tmp_path / "p",
        tmp_path / "c.pem",
        Path("/k.pem"),
        None,
    )
