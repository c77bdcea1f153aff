"""What a stack says of the code: command lines, settings that load, names and ports that somebody answers to."""

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from sqlalchemy.engine import make_url

from central import background
from central import serve as central_serve
from central.config import CentralConfig
from central.config import load_config as load_central
from contract.errors import ConfigError, SightlineError
from contract.sitefile import load_site
from edge import supervisor
from edge.config import EdgeConfig
from edge.config import load_config as load_edge
from tests.docker_kit import commands, front
from tests.docker_kit.deployment import Deployment, Service, Stack
from tests.docker_kit.mqtt import listener_ports

#: Which roles do what: who speaks with the broker, who keeps media.
_SPEAKS, _KEEPS = {"all", "ingest", "jobs", "tool"}, {"all", "web", "jobs", "tool"}


def check(deployment: Deployment, stack: Stack) -> list[str]:
    """Findings on one compose file."""
    found: list[str] = []
    for service in stack.services.values():
        lines = [*_started(deployment, service), *_asked(deployment, service), *_published(deployment, stack, service)]
        lines += list(front.check(deployment, stack, service))
        found += [f"docker/{stack.path.name}: {service.name}: {line}" for line in lines]
    for service in _of(stack, "central"):
        found += [f"docker/{stack.path.name}: {service.name}: {line}" for line in _central(deployment, stack, service)]
    for service in _of(stack, "edge"):
        found += [f"docker/{stack.path.name}: {service.name}: {line}" for line in _edge(deployment, stack, service)]
    return found


def _of(stack: Stack, image: str) -> list[Service]:
    return [one for one in stack.services.values() if one.image is not None and one.image.name == image]


def _started(deployment: Deployment, service: Service) -> Iterator[str]:
    words = service.command
    if words[:1] == ["sightline"] and (why := commands.wrong(words[1:])):
        yield f"command {' '.join(words[1:])}: {why}"
    if words[:1] == ["sightline"] and not service.tool and _settings(deployment, service) is None:
        yield f"command {' '.join(words[1:])}: its settings are not mounted"
    wanted = _patience(service)
    given = _seconds(str(service.body.get("stop_grace_period", "10s")))
    if wanted > given:
        yield f"stop_grace_period: {given:.0f} s, while it may take {wanted:.0f} s to end in order"


def _patience(service: Service) -> float:
    """How long our processes may take to end, by the code."""
    name = service.image.name if service.image and not service.tool else ""
    if name == "edge":
        return supervisor.WORKER_END_S + supervisor.DELIVER_END_S + supervisor.OTHER_END_S
    return central_serve._GRACE_S + 2 * background._END_S if name == "central" else 0.0


def _seconds(text: str) -> float:
    units = {"s": 1.0, "m": 60.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)([sm])", text))


def _settings(deployment: Deployment, service: Service) -> Path | None:
    """The settings file on this side of the mount."""
    words = service.command
    path = words[words.index("--config") + 1] if "--config" in words else f"/etc/sightline/{_image_of(service)}.yaml"
    mount = service.mount_of(path)
    return deployment.folder / mount.source if mount is not None and mount.kind == "bind" else None


def _mounted(deployment: Deployment, service: Service) -> Path:
    path = _settings(deployment, service)
    if path is None:
        raise ConfigError("its settings are not mounted where its command looks for them")
    return path


def _image_of(service: Service) -> str:
    return service.image.name if service.image else ""


def _asked(deployment: Deployment, service: Service) -> Iterator[str]:
    """The health check asks for something that is answered, where it is answered."""
    said = " ".join(service.health)
    for address in re.findall(r"http://[^'\" ]+", said):
        parts = urlsplit(address)
        if parts.hostname != "127.0.0.1":
            yield f"healthcheck {address}: asks somebody else"
        if parts.port not in ports(deployment, service):
            yield f"healthcheck {address}: nobody listens at {parts.port}"
        if not _answers(deployment, service, parts.path):
            yield f"healthcheck {address}: {parts.path} is not answered"
    if "broker-is-well" in said and service.health[-1] != str(listener_ports(deployment)["loopback.conf"]):
        yield "healthcheck: asks at a port where no listener of configs/mosquitto is"
    if "pg_isready" in said:
        environment = service.body["environment"]
        for option, name in (("--username", "POSTGRES_USER"), ("--dbname", "POSTGRES_DB")):
            if service.health[service.health.index(option) + 1] != environment.get(name):
                yield f"healthcheck {option}: is not {name}"


def _answers(deployment: Deployment, service: Service, path: str) -> bool:
    match _image_of(service):
        case "central":
            return commands.central_answers(path)
        case "edge":
            return commands.edge_answers(path)
        case "s3":
            return path == "/healthz"  # of `weed s3`; tests/integration/test_docker_parts.py asks the real one
    return path in front.paths(deployment)


def ports(deployment: Deployment, service: Service) -> set[int]:
    """Where a service listens, by its own settings."""
    try:
        match _image_of(service):
            case "central":
                return {_loaded_central(deployment, service).port}
            case "edge":
                return {port for port in [_loaded_edge(deployment, service).health_port] if port}
            case "broker":
                return set(listener_ports(deployment).values())
            case "s3":
                return {int(word.partition("=")[2]) for word in service.command if word.startswith("-s3.port=")}
    except SightlineError:
        return set()  # that the settings do not load is told where they are looked at
    if str(service.body["image"]).startswith("emqx/"):
        return {listener_ports(deployment)["emqx.conf"]}
    return front.listening(deployment, service)


def _published(deployment: Deployment, stack: Stack, service: Service) -> Iterator[str]:
    for one in service.body.get("ports", []):
        port = int(str(one).rpartition(":")[2])
        if port not in ports(deployment, service):
            yield f"ports {one}: nobody listens at {port}"
        if _image_of(service) in {"central", "s3", "edge"} or "postgres" in str(service.body["image"]):
            yield f"ports {one}: is open to everybody, without the front"
    if service.image is not None:
        exposed = {int(word) for rest in service.image.final.all("EXPOSE") for word in rest.split()}
        if not exposed <= ports(deployment, service):
            yield f"EXPOSE {exposed}: {service.image.path.name} and the settings differ"


def _central(deployment: Deployment, stack: Stack, service: Service) -> Iterator[str]:
    try:
        config = _loaded_central(deployment, service)
    except SightlineError as error:
        yield str(error)
        return
    words = service.command
    role = words[words.index("--role") + 1] if "--role" in words else "tool"
    yield from _places(service, config, role)
    yield from _database(stack, service, config)
    yield from _spoken_to(deployment, stack, service, "broker", config.broker.host, config.broker.port)
    if config.host != "0.0.0.0":
        yield f"host {config.host}: nobody outside the container reaches it"
    if config.media.bucket is not None and config.media.bucket.endpoint is not None:
        where = urlsplit(config.media.bucket.endpoint)
        yield from _spoken_to(
            deployment, stack, service, "media.bucket.endpoint", where.hostname or "", where.port or 80
        )
    subnets = [ip_network(one["subnet"]) for one in stack.body["networks"]["inside"]["ipam"]["config"]]
    if [ip_network(one) for one in config.proxies] != subnets:
        yield f"proxies {config.proxies}: the front is in {', '.join(map(str, subnets))}"
    if not config.https:
        yield "https: the front ends TLS, so cookies must be marked Secure"


def _places(service: Service, config: CentralConfig, role: str) -> Iterator[str]:
    written = [("data_dir", config.data_dir), ("media_dir", config.media_folder)]
    for key, path in written:
        mount = service.mount_of(str(path))
        if mount is None or not mount.writable:
            yield f"{key} {path}: nothing that can be written is mounted there"
        elif mount.kind == "tmpfs" and role in _KEEPS:
            yield f"{key} {path}: is in memory, while {role} keeps something there"
    read = [("database.password_file", config.database.password_file)]
    if role in _SPEAKS:
        read += [(f"broker.{key}", getattr(config.broker, key)) for key in ("tls_ca", "tls_cert", "tls_key")]
    if config.media.bucket is not None:
        read.append(("media.bucket.credentials_file", config.media.bucket.credentials_file))
    for key, path in read:
        if path is None:
            yield f"{key}: is not set"
        elif service.mount_of(str(path)) is None:
            yield f"{key} {path}: nothing is mounted there"


def _database(stack: Stack, service: Service, config: CentralConfig) -> Iterator[str]:
    url = make_url(config.database.url)
    found = stack.named(url.host or "", service)
    if not found:
        yield f"database.url: nobody near has the name {url.host}"
    for one in found:
        has = one.body.get("environment", {})
        if (url.username, url.database) != (has.get("POSTGRES_USER"), has.get("POSTGRES_DB")):
            yield f"database.url: user or database is not that of {one.name}"
        if (url.port or 5432) != 5432:
            yield f"database.url: PostgreSQL does not listen at {url.port}"
    written = yaml.safe_load((stack.path.parent / service.mount_of("/etc/sightline/central.yaml").source).read_text())  # type: ignore[union-attr]
    if make_url(written["database"]["url"]).password is not None:
        yield "database.url: holds the password"


def _spoken_to(deployment: Deployment, stack: Stack, near: Service, key: str, host: str, port: int) -> Iterator[str]:
    found = stack.named(host, near)
    if not found:
        yield f"{key} {host}: nobody near has that name"
    yield from (f"{key} {host}:{port}: {one.name} does not listen there" for one in found
                if port not in ports(deployment, one))  # fmt: skip


def _edge(deployment: Deployment, stack: Stack, service: Service) -> Iterator[str]:
    try:
        config = _loaded_edge(deployment, service)
    except SightlineError as error:
        yield str(error)
        return
    mount = service.mount_of(str(config.data_dir))
    if mount is None or mount.kind != "volume":
        yield f"data_dir {config.data_dir}: is not on a volume"
    yield from _spoken_to(deployment, stack, service, "broker", config.broker.host, config.broker.port)
    where = urlsplit(config.central.url)
    yield from _spoken_to(deployment, stack, service, "central.url", where.hostname or "", where.port or 80)
    for name, value in service.image.final.env.items() if service.image else ():
        if name == "SIGHTLINE_MODELS" and ((place := service.mount_of(value)) is None or place.kind != "volume"):
            yield f"{name} {value}: is not on a volume, while a box locks it"


def _loaded_central(deployment: Deployment, service: Service) -> CentralConfig:
    """Central's settings by their own loader; files of /run/secrets stand in for those that the operator has."""
    text = _mounted(deployment, service).read_text(encoding="utf-8")
    return _central_of(text, tuple(service.body.get("secrets", [])))


@cache
def _central_of(text: str, secrets: tuple[str, ...]) -> CentralConfig:
    with tempfile.TemporaryDirectory() as folder:
        for name in secrets:
            (Path(folder) / name).write_text("x")
        path = Path(folder) / "central.yaml"
        path.write_text(text.replace("/run/secrets/", f"{folder}/"), encoding="utf-8")
        config = load_central(path)

    def back(file: Path | None) -> Path | None:
        return Path("/run/secrets") / file.name if file is not None and str(file).startswith(folder) else file

    database = config.database.model_copy(update={"password_file": back(config.database.password_file)})
    media = config.media
    if media.bucket is not None:
        keys = back(media.bucket.credentials_file)
        media = media.model_copy(update={"bucket": media.bucket.model_copy(update={"credentials_file": keys})})
    return config.model_copy(update={"database": database, "media": media})


def _loaded_edge(deployment: Deployment, service: Service) -> EdgeConfig:
    """A box's settings by their own loader, and each of its site files as well."""
    config = _edge_of(_mounted(deployment, service).read_text(encoding="utf-8"))
    for site in config.sites:
        mount = service.mount_of(f"/etc/sightline/{site}")
        if mount is None or mount.kind != "bind":
            raise ConfigError(f"sites {site}: is not mounted")
        _read_site((deployment.folder / mount.source).read_text(encoding="utf-8"))
    return config


@cache
def _edge_of(text: str) -> EdgeConfig:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edge.yaml"
        path.write_text(text, encoding="utf-8")
        config = load_edge(path)
        return config.model_copy(update={"sites": [site.relative_to(path.resolve().parent) for site in config.sites]})


@cache
def _read_site(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.yaml"
        path.write_text(text, encoding="utf-8")
        load_site(path)
