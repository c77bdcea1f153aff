"""How each service of a stack is run: hardened, limited, watched, and with nothing that is not there."""

import re
from collections.abc import Iterator
from typing import Any

from tests.docker_kit.deployment import Deployment, Service, Stack
from tests.docker_kit.images import SECRET, pinned

#: What the entry points of images that are not ours read (their own documentation).
_THEIRS = {
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"},
    "emqx/emqx": {"EMQX_NODE__NAME"},
}
_MADE_BY_HAND = {"./secrets/certs/broker", "./secrets/certs/central", "./secrets/certs", "./exports"}


def check(deployment: Deployment, stack: Stack) -> list[str]:
    """Findings on one compose file."""
    found = list(stack.unknown)
    for service in stack.services.values():
        lines = [
            *_run_as(service),
            *_limits(service),
            *_image(deployment, service),
            *_mounted(deployment, stack, service),
        ]
        lines += [*_environment(service), *_waits(stack, service), *_networks(stack, service)]
        found += [f"docker/{stack.path.name}: {service.name}: {line}" for line in lines]
    return [*found, *(f"docker/{stack.path.name}: {line}" for line in _unused(deployment, stack))]


def _run_as(service: Service) -> Iterator[str]:
    body = service.body
    user = str(body.get("user", ""))
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user):
        yield f"user {user or 'of the image'}: is not a number of nobody special"
    if service.image and user != service.image.final.last("USER"):
        yield f"user {user}: the image has {service.image.final.last('USER')}, and so have its volumes"
    wanted: dict[str, Any] = {
        "read_only": True,
        "init": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    for key, value in wanted.items():
        if body.get(key) != value:
            yield f"{key}: is {body.get(key)}, not {value}"
    for key in ("privileged", "cap_add", "network_mode", "pid", "ipc", "devices"):
        if key in body:
            yield f"{key}: opens what was closed"
    if service.mount_of("/tmp/x") is None:
        yield "tmpfs: /tmp cannot be written"


def _limits(service: Service) -> Iterator[str]:
    body = service.body
    yield from (f"{key}: no limit" for key in ("mem_limit", "cpus", "pids_limit") if not body.get(key))
    options = body.get("logging", {}).get("options", {})
    if not {"max-size", "max-file"} <= options.keys():
        yield "logging: the log is never turned over"
    restart = "no" if service.tool else "unless-stopped"
    if body.get("restart") != restart:
        yield f"restart: is {body.get('restart')}, not {restart}"
    if not service.tool and not service.health:
        yield "healthcheck: nobody looks whether it is well"


def _image(deployment: Deployment, service: Service) -> Iterator[str]:
    name, build = str(service.body.get("image", "")), service.body.get("build")
    if not pinned(name):
        yield f"image {name}: names no version"
    if build is None:
        return
    if build.get("context") != ".." or not deployment.has(str(build.get("dockerfile"))) or service.image is None:
        yield f"build {build}: git has no such Dockerfile"
    elif not name.startswith(f"sightline/{service.image.name}:"):
        yield f"image {name}: is built from {service.image.path.name}"


def _mounted(deployment: Deployment, stack: Stack, service: Service) -> Iterator[str]:
    for mount in service.mounts:
        if mount.kind == "volume" and mount.source not in stack.body.get("volumes", {}):
            yield f"volumes: {mount.source} is not declared"
        if mount.kind == "secret" and mount.source not in stack.body.get("secrets", {}):
            yield f"secrets: {mount.source} is not declared"
        if mount.kind != "bind":
            continue
        if "docker.sock" in mount.source:
            yield "volumes: Docker itself is handed over"
        path = mount.source.removeprefix("./")
        if not deployment.has(f"docker/{path}") and mount.source not in deployment.made:
            yield f"volumes: {mount.source} is neither in git nor made by secrets.sh"
        if mount.writable and mount.source not in _MADE_BY_HAND:
            yield f"volumes: {mount.source} can be written from inside"


def _environment(service: Service) -> Iterator[str]:
    given = service.body.get("environment", {})
    pairs = given.items() if isinstance(given, dict) else (one.partition("=")[::2] for one in given)
    known = _THEIRS.get(str(service.body.get("image")).partition(":")[0], set())
    for name, value in pairs:
        if SECRET.search(name) and not (name.endswith("_FILE") and str(value).startswith("/run/secrets/")):
            yield f"environment {name}: a secret stands in a file of /run/secrets"
        if name not in known:
            yield f"environment {name}: nothing reads it"
        if name.endswith("_FILE") and service.mount_of(str(value)) is None:
            yield f"environment {name}: {value} is not mounted"


def _waits(stack: Stack, service: Service) -> Iterator[str]:
    for name, how in service.body.get("depends_on", {}).items():
        other = stack.services.get(name)
        if other is None:
            yield f"depends_on: there is no {name}"
        elif how.get("condition") != "service_healthy" or not other.health:
            yield f"depends_on: {name} is not waited for until it is well"


def _networks(stack: Stack, service: Service) -> Iterator[str]:
    if not service.networks:
        yield "networks: none, so it joins the default one"
    yield from (f"networks: {name} is not declared" for name in service.networks if name not in stack.body["networks"])


def _unused(deployment: Deployment, stack: Stack) -> Iterator[str]:
    mounts = [mount for service in stack.services.values() for mount in service.mounts]
    for kind, section in (("volume", "volumes"), ("secret", "secrets")):
        used = {mount.source for mount in mounts if mount.kind == kind}
        yield from (f"{section}: nothing uses {name}" for name in stack.body[section] if name not in used)
    for name, where in stack.body["secrets"].items():
        if where.get("file") not in deployment.made:
            yield f"secrets: {name}: {where.get('file')} is not made by secrets.sh"
