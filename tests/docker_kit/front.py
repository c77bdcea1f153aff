"""The front (nginx): what it listens at, whom it passes requests to, and how much it lets through."""

import re
from collections.abc import Iterator

from central.config import Media
from tests.docker_kit import references
from tests.docker_kit.deployment import Deployment, Service, Stack

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def _text(deployment: Deployment, name: str) -> str:
    path = deployment.folder / "front" / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return "\n".join(line.partition("#")[0] for line in lines)


def _mounted(service: Service) -> list[str]:
    """The files of docker/front that a service runs with."""
    return [one.source.rpartition("/")[2] for one in service.mounts if one.source.startswith("./front/")]


def listening(deployment: Deployment, service: Service) -> set[int]:
    """Ports of a front; none for any other service."""
    return {
        int(port)
        for name in _mounted(service)
        for port in re.findall(r"listen (?:[\d.]+:)?(\d+)", _text(deployment, name))
    }


def paths(deployment: Deployment) -> set[str]:
    """What the server for health checks passes on."""
    server = _text(deployment, "nginx.conf").partition("listen 127.0.0.1:")[2]
    return set(re.findall(r"location = (\S+) \{\s*proxy_pass", server))


def check(deployment: Deployment, stack: Stack, service: Service) -> Iterator[str]:
    """Findings on a service that runs with files of docker/front."""
    for name in _mounted(service):
        text = _text(deployment, name)
        yield from _passed_on(deployment, stack, service, name, text)
        for path in re.findall(r"ssl_certificate\w* (\S+);", text):
            if service.mount_of(path) is None:
                yield f"front/{name}: {path} is not mounted"
        for path in re.findall(r"(?:pid|_temp_path) (\S+);", text):
            if (mount := service.mount_of(path)) is None or mount.kind != "tmpfs":
                yield f"front/{name}: {path} cannot be written"
        for size, unit in re.findall(r"client_max_body_size (\d+)([kmg]?);", text):
            if int(size) * _UNITS[unit] < Media().max_bytes:
                yield f"front/{name}: client_max_body_size {size}{unit} is less than media.max_bytes"
        if name == "nginx.conf":
            yield from _http(text)


def _http(text: str) -> Iterator[str]:
    wanted = {
        "client_max_body_size": "central decides what is too large",
        "proxy_request_buffering off;": "uploads would be kept whole before central sees them",
        "proxy_set_header X-Forwarded-For $remote_addr;": "central would not know who asks",
        "proxy_set_header Upgrade $http_upgrade;": "WebSockets would end here",
    }
    yield from (f"front/nginx.conf: {line} is missing: {why}" for line, why in wanted.items() if line not in text)
    outside = text.partition("listen 8443")[2].partition("server {")[0]
    for path in ("/healthz", "/metrics", "/edge/v1/broker/access"):
        if f"location = {path} {{ return 404; }}" not in outside:
            yield f"front/nginx.conf: {path} is shown to everybody"


def _passed_on(deployment: Deployment, stack: Stack, service: Service, name: str, text: str) -> Iterator[str]:
    targets = re.findall(r"set \$\w+ (?:http://)?([\w.-]+):(\d+);", text)
    if not targets:
        yield f"front/{name}: passes nothing on"
    for host, port in targets:
        found = stack.named(host, service)
        if not found:
            yield f"front/{name}: nobody near has the name {host}"
        for one in found:
            if int(port) not in references.ports(deployment, one):
                yield f"front/{name}: {one.name} does not listen at {port}"
