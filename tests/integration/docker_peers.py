"""docker/ without Docker: the files of a stack with this machine's paths and ports in place of a container's.

Nothing is rewritten but paths, ports and names that only exist between containers; every replacement must be found.
"""

import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from deliver_peers import until
from sqlalchemy import make_url
from typer.testing import CliRunner

from sightline.cli import app
from tests.conftest import ROOT
from tests.docker_kit import Deployment, handbook
from tests.docker_kit.deployment import Service, Stack
from tests.ports import open_port

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def stack(name: str) -> Stack:
    """A compose file as it is shipped."""
    return next(one for one in Deployment.read(ROOT).stacks if one.path.name == name)


def needs(program: str, package: str) -> str:
    """The path of a program; skip without it, fail in CI."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        message = f"{program} is not installed (apt-get install {package})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def moved(text: str, places: Mapping[str, object]) -> str:
    """A shipped text with what is a container's replaced; each must be in it."""
    for old, new in places.items():
        assert old in text, f"{old!r} is not in the shipped file any more"
        text = text.replace(old, str(new))
    return text


class Part:
    """A process of a container: its words go to a file, and it is ended as Docker ends it."""

    def __init__(self, log: Path, words: list[str], **environment: str) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                words, cwd=log.parent, stdout=out, stderr=out, env={**ENVIRONMENT, **environment}
            )

    def told(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def healthy(service: Service, places: Mapping[str, object]) -> bool:
    """Whether the service's own health check, run here, says that it is well."""
    words = [
        word.replace(old, str(new)) if old else word for word in service.health for old, new in [_in(word, places)]
    ]
    assert words != service.health
    words[0] = sys.executable if words[0] == "python" else words[0]
    return subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 0


def well(service: Service, places: Mapping[str, object], part: Part) -> None:
    """Wait until the health check says so."""
    until(lambda: healthy(service, places) or part.process.poll() is not None, 60, f"{service.name} is well")
    assert part.process.poll() is None, part.told()


class Office:
    """central of county.yaml, set up by the very commands of docker/README.md."""

    def __init__(self, folder: Path, database: str, broker_port: int) -> None:
        self.folder, self.port = folder, open_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = stack("county.yaml").services["central"]
        url = make_url(database)
        (folder / "db_password").write_text(f"{url.password}\n")
        self.config = folder / "central.yaml"
        shipped = (ROOT / "docker" / "county" / "central.yaml").read_text()
        places = {
            "host: 0.0.0.0 ": "host: 127.0.0.1 ",
            "port: 8080": f"port: {self.port}",
            "172.30.71.0/24": "127.0.0.1/32",
            "/var/lib/sightline-media": folder / "media",
            "/var/lib/sightline ": f"{folder / 'office'} ",
            "sightline@db:5432/sightline": f"{url.username}@127.0.0.1:{url.port}/{url.database}",
            "/run/secrets/": f"{folder}/",
            "host: broker": "host: 127.0.0.1",
            "port: 8883": f"port: {broker_port}",
            "/certs/": f"{folder}/certs/central/",
        }
        self.config.write_text(moved(shipped, places))
        self.said: list[str] = []
        for line in handbook.lines(Deployment.read(ROOT)):
            words = shlex.split(line)
            if "county.yaml" in line and "up" in words and "db" not in words:
                break
            if "tool" in words:
                self.run(words[words.index("tool") + 1 :])
        self.part: Part | None = None

    def run(self, words: list[str]) -> str:
        """What `docker compose run --rm tool WORDS` does; passwords are typed in."""
        places = {"/etc/sightline/central.yaml": self.config, "/issued": self.folder / "certs"}
        words = [word.replace(old, str(new)) if old else word for word in words for old, new in [_in(word, places)]]
        if words[:3] == ["central", "ca", "broker"]:
            words.insert(3, "127.0.0.1")
        done = CliRunner().invoke(app, words, input="a long password\na long password\n")
        assert done.exit_code == 0, (words, done.output, done.exception)
        self.said.append(" ".join(words[:3]))
        return done.output

    def start(self) -> Part:
        words = [str(self.config) if word == "/etc/sightline/central.yaml" else word for word in self.service.command]
        assert words[0] == "sightline"
        self.part = Part(self.folder / "central.log", [sys.executable, "-m", *words])
        return self.part

    @property
    def places(self) -> dict[str, object]:
        return {"127.0.0.1:8080": f"127.0.0.1:{self.port}"}


def _in(word: str, places: Mapping[str, object]) -> tuple[str, object]:
    """What of a word is a container's, and what stands for it here; nothing for nothing."""
    return next(((old, new) for old, new in places.items() if old in word), ("", ""))


class BrokerPart:
    """The broker's container: docker/broker/start.sh around Debian's mosquitto, with what the image copies."""

    def __init__(self, folder: Path, port: int, certs: Path, revoked: str) -> None:
        needs("mosquitto", "mosquitto")
        self.folder, self.port, self.health_port = folder, port, open_port()
        self.service = stack("county.yaml").services["broker"]
        self._certs, self._revoked = certs, revoked
        shutil.copytree(ROOT / "configs" / "mosquitto", folder / "shipped")
        (folder / "store").mkdir()
        for name, old, new in (
            ("tls.conf.example", "listener 8883\n", f"listener {port} 127.0.0.1\n"),
            ("loopback.conf", "listener 1883 127.0.0.1", f"listener {self.health_port} 127.0.0.1"),
        ):
            path = folder / "shipped" / "listeners" / name
            path.write_text(moved(path.read_text(), {old: new}))
        if os.geteuid() == 0:  # as root it would become user mosquitto, who cannot look into a test's folder
            with (folder / "shipped" / "mosquitto.conf").open("a") as settings:
                settings.write("\nuser root\n")
        self.part: Part | None = None

    def start(self) -> Part:
        entry = self.service.command
        assert entry == ["bash", "/usr/local/bin/start-broker"]
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        where = {
            "SHIPPED": self.folder / "shipped",
            "CERTS": self._certs,
            "STORE": self.folder / "store",
            "RUN": self.folder / "run",
        }
        environment = {f"BROKER_{name}": str(place) for name, place in where.items()}
        self.part = Part(
            self.folder / "broker.log", ["bash", str(ROOT / "docker" / "broker" / "start.sh")],
            PATH=path, BROKER_REVOKED=self._revoked, BROKER_REVOKED_EVERY="1", **environment,
        )  # fmt: skip
        return self.part

    @property
    def places(self) -> dict[str, object]:
        return {"1883": self.health_port, "/usr/local/bin/broker-is-well": ROOT / "docker" / "broker" / "is-well.sh"}


class Front:
    """A real nginx with docker/front/nginx.conf and brokers.conf."""

    def __init__(self, folder: Path, central: str, broker: int) -> None:
        binary = needs("nginx", "nginx")
        self.port, self.inner, self.mqtt = open_port(), open_port(), open_port()
        self.service = stack("replicas.yaml").services["front"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", folder / "tls_key", "-out", folder / "tls_certificate"],
            check=True, capture_output=True,
        )  # fmt: skip
        shipped = (ROOT / "docker" / "front" / "nginx.conf").read_text()
        places = {
            "/tmp/": f"{folder}/",  # first: the folder is in /tmp itself
            "listen 8443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen 127.0.0.1:8081": f"listen 127.0.0.1:{self.inner}",
            "http://web:8080": central,
            "/run/secrets/": f"{folder}/",
            "/dev/stdout": folder / "access.log",
            "/etc/nginx/streams/": f"{folder}/streams/",
        }
        text = moved(shipped, places)
        passed = (ROOT / "docker" / "front" / "brokers.conf").read_text()
        there = {"listen 8883": f"listen 127.0.0.1:{self.mqtt}", "brokers:8883": f"127.0.0.1:{broker}"}
        (_made(folder / "streams") / "brokers.conf").write_text(moved(passed, there))
        if (
            module := Path("/usr/lib/nginx/modules/ngx_stream_module.so")
        ).exists():  # Debian loads what others build in
            text = f"load_module {module};\n{text}"
        if os.geteuid() == 0:  # as root its workers would become somebody who cannot look into a test's folder
            text += "\nuser root;\n"
        (folder / "nginx.conf").write_text(text)
        words = [binary, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"]
        self.part = Part(folder / "front.log", words)
        self.certificate = folder / "tls_certificate"
        self.trust = ssl.create_default_context(cafile=self.certificate)
        self.url = f"https://127.0.0.1:{self.port}"

    def client(self, **more: object) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=self.trust, local_address="127.0.0.2")
        return httpx.Client(base_url=self.url, transport=transport, **more)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
