"""Where results go may fail as well: a full disk is one line and status 1, a reader that left is no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "configs" / "sites" / "demo.yaml"
CHECK = [sys.executable, "-m", "sightline", "edge", "check", str(DEMO)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(CHECK, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_left_is_no_traceback() -> None:
    with subprocess.Popen(CHECK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        said = command.stderr.read()
        assert command.wait(120) == 1
    assert "Traceback" not in said


def test_migrating_into_a_folder_that_cannot_be(tmp_path: Path) -> None:
    settings = tmp_path / "central.yaml"
    settings.write_text("data_dir: central.yaml/below\n")
    command = [sys.executable, "-m", "sightline", "central", "migrate", "--config", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(settings) in done.stderr
