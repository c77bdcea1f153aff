"""docker/ as it is read for its checks: images, stacks (compose files) with their services, and what git has."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.docker_kit.dockerfile import Image

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}")


@dataclass
class Mount:
    """Something that is at `target` in a container: `kind` is volume, bind, tmpfs or secret."""

    kind: str
    source: str
    target: str
    writable: bool


@dataclass
class Service:
    """One service of a stack, variables filled in."""

    name: str
    body: dict[str, Any]
    image: Image | None

    @property
    def tool(self) -> bool:
        """Whether it is only run by hand."""
        return "tools" in self.body.get("profiles", [])

    @property
    def networks(self) -> dict[str, list[str]]:
        """Each network with the names that the service has there."""
        given = self.body.get("networks") or {}
        pairs = given.items() if isinstance(given, dict) else ((name, None) for name in given)
        return {name: [self.name, *((more or {}).get("aliases", []))] for name, more in pairs}

    @property
    def command(self) -> list[str]:
        """What runs in the container, entry point included."""
        default = self.image.final if self.image else None
        entry = self.body.get("entrypoint") or (default.words("ENTRYPOINT") if default else [])
        said = self.body.get("command")
        return [*entry, *(said if said is not None else default.words("CMD") if default else [])]

    @property
    def health(self) -> list[str]:
        """The command of its health check, [] for none."""
        own = self.body.get("healthcheck")
        if own is not None:
            return [] if own.get("disable") else [str(word) for word in own["test"][1:]]
        return self.image.final.words("HEALTHCHECK") if self.image else []

    @property
    def mounts(self) -> list[Mount]:
        """Everything mounted, secrets too."""
        return [*self._volumes(), *self._tmpfs(), *self._secrets()]

    def mount_of(self, path: str) -> Mount | None:
        """What `path` lies on."""
        under = [one for one in self.mounts if path == one.target or path.startswith(one.target.rstrip("/") + "/")]
        return max(under, key=lambda one: len(one.target), default=None)

    def _volumes(self) -> Iterator[Mount]:
        for one in self.body.get("volumes", []):
            if isinstance(one, dict):
                yield Mount(one["type"], one["source"], one["target"], not one.get("read_only", False))
            else:
                source, target, *mode = one.split(":")
                yield Mount("bind" if source[0] in "./" else "volume", source, target, mode != ["ro"])

    def _tmpfs(self) -> Iterator[Mount]:
        for one in self.body.get("tmpfs", []):
            yield Mount("tmpfs", one, one.partition(":")[0], True)

    def _secrets(self) -> Iterator[Mount]:
        for name in self.body.get("secrets", []):
            yield Mount("secret", name, f"/run/secrets/{name}", False)


@dataclass
class Stack:
    """One compose file."""

    path: Path
    body: dict[str, Any]
    services: dict[str, Service]
    unknown: list[str] = field(default_factory=list)

    def named(self, host: str, near: Service) -> list[Service]:
        """The services that `near` reaches under the name `host`."""
        return [
            one
            for one in self.services.values()
            if any(host in names for network, names in one.networks.items() if network in near.networks)
        ]


@dataclass
class Deployment:
    """All of docker/ in a checkout at `root`; `tracked` are the paths that git knows."""

    root: Path
    tracked: frozenset[str]
    images: dict[str, Image]
    stacks: list[Stack]
    made: frozenset[str]

    @property
    def folder(self) -> Path:
        return self.root / "docker"

    def has(self, path: str) -> bool:
        """Whether git has that file, or files below that folder."""
        return path in self.tracked or any(one.startswith(path.rstrip("/") + "/") for one in self.tracked)

    @classmethod
    def read(cls, root: Path) -> "Deployment":
        folder = root / "docker"
        images = {image.name: image for image in map(Image.read, sorted(folder.glob("*.Dockerfile")))}
        known = _variables(folder / ".env.example")
        stacks = [_stack(path, images, known) for path in sorted(folder.glob("*.yaml"))]
        return cls(root, tracked(), images, stacks, _made(folder / "secrets.sh"))


@cache
def tracked() -> frozenset[str]:
    """Every path that git has or is about to have."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return frozenset(said.stdout.splitlines())


def _variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _stack(path: Path, images: dict[str, Image], known: dict[str, str]) -> Stack:
    unknown: list[str] = []

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        return _VARIABLE.sub(put, value) if isinstance(value, str) else value

    def put(hit: re.Match[str]) -> str:
        if hit[0] == "$$":
            return "$"
        if known.get(hit[1]) != hit[2]:
            unknown.append(f"{path.name}: ${{{hit[1]}}} is {known.get(hit[1])} in .env.example and {hit[2]} here")
        return hit[2] or ""

    body = filled(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    services = {name: Service(name, one, images.get(_dockerfile(one))) for name, one in body["services"].items()}
    return Stack(path, body, services, unknown)


def _dockerfile(service: dict[str, Any]) -> str:
    return Path(service.get("build", {}).get("dockerfile", "")).name.removesuffix(".Dockerfile")


def _made(script: Path) -> frozenset[str]:
    """What secrets.sh makes or asks for, as compose files name it."""
    text = script.read_text(encoding="utf-8")
    files = re.findall(r"\bkeep ([a-z0-9_]+)", text)
    folders = re.findall(r'"\$(folder|here)/([\w/]+)"', text)
    return frozenset(
        {f"./secrets/{name}" for name in files}
        | {f"./secrets/{path}" if where == "folder" else f"./{path}" for where, path in folders}
    )
