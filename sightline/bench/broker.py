"""The broker of a benchmark: Mosquitto, with the settings that are shipped, where it is installed; else our own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

import configs
from contract.errors import RunError
from sightline.bench.listener import USER
from sightline.demo.parts import Part

_PLACES = "/usr/sbin:/usr/local/sbin"


def broker_part(folder: Path, log: Path, port: int, users: Mapping[str, str]) -> Part:
    """A broker on 127.0.0.1:`port` for `users` (name: password), not started yet. `folder` is made."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_PLACES}")
    if binary is None or shutil.which("mosquitto_passwd") is None:
        config = folder / "broker.yaml"
        _private(config, yaml.safe_dump({"port": port, "users": dict(users)}))
        return Part("broker", [sys.executable, "-m", "sightline.demo.broker", "--config", str(config)], log)
    shipped = Path(configs.__file__).parent / "mosquitto"
    shutil.copytree(shipped, folder, dirs_exist_ok=True)
    # Tests and benchmarks are the only ones who listen beside central.
    (folder / "acl").write_text((shipped / "acl").read_text() + f"\nuser {USER}\ntopic read sightline/v1/#\n")
    (folder / "listeners" / "loopback.conf").write_text(f"listener {port} 127.0.0.1\n")
    if os.geteuid() == 0:  # as root it would become user mosquitto, who cannot look into our folder
        (folder / "listeners" / "user.conf").write_text("user root\n")
    _private(folder / "passwords", "")
    for name, password in users.items():
        # Standard input keeps the password out of the list of processes.
        said = subprocess.run(
            ["mosquitto_passwd", "passwords", name],
            cwd=folder,
            input=f"{password}\n{password}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise RunError(f"mosquitto_passwd: {said.stderr.strip()} - reinstall mosquitto")
    return Part("broker", ["env", "--chdir", str(folder), binary, "-c", "mosquitto.conf"], log)


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
