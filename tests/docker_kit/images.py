"""What an image is made of: every path it copies is in git, it runs as nobody special, and its commands are ours."""

import re
import shlex
import tomllib
from fnmatch import fnmatchcase
from importlib import metadata

from tests.docker_kit import commands
from tests.docker_kit.deployment import Deployment
from tests.docker_kit.dockerfile import Image, Stage

#: What must never get to the builder.
_PRIVATE = ("docker/secrets/db_password", "docker/.env", ".git/config", ".venv/bin/python", "tests/conftest.py")
_TAG = re.compile(r"[a-z0-9./_-]+:(?P<tag>[\w.-]+)(@sha256:[0-9a-f]{64})?")
SECRET = re.compile(r"PASS|SECRET|TOKEN|COOKIE|CREDENTIAL|(^|_)KEY", re.IGNORECASE)
#: Read by programs that are not ours.
_OTHERS = {"PATH": "the system"}


def check(deployment: Deployment, image: Image) -> list[str]:
    """Findings on one Dockerfile."""
    found = [*_bases(image), *_copies(deployment, image), *_runs(deployment, image), *_final(image)]
    found += [f"{word}: is not kept from the builder by .dockerignore" for word in _PRIVATE if _sent(deployment, word)]
    return [f"docker/{image.path.name}: {line}" for line in found]


def pinned(name: str) -> bool:
    """Whether an image is named with a tag that says which version it is."""
    tag = _TAG.fullmatch(name)
    return (
        tag is not None and tag["tag"] != "latest" and (any(c.isdigit() for c in tag["tag"]) or "-slim" in tag["tag"])
    )


def _bases(image: Image) -> list[str]:
    names: list[str] = []
    found = []
    for stage in image.stages:
        if stage.base not in names and not pinned(stage.base):
            found.append(f"FROM {stage.base}: names no version")
        names.append(stage.name)
    return found


def _copies(deployment: Deployment, image: Image) -> list[str]:
    found = []
    stages: list[str] = []
    for stage in image.stages:
        for origin, sources, _ in stage.copies:
            if origin is not None:
                found += [] if origin in stages else [f"COPY --from={origin}: no stage before has that name"]
                continue
            found += [f"COPY {one}: git has no such path" for one in sources if not deployment.has(one)]
            found += [
                f"COPY {one}: .dockerignore keeps it from the builder" for one in sources if _kept(deployment, one)
            ]
        stages.append(stage.name)
    return found


def _kept(deployment: Deployment, source: str) -> bool:
    below = [one for one in deployment.tracked if one == source or one.startswith(source + "/")]
    return bool(below) and not any(_sent(deployment, one) for one in below)


def _sent(deployment: Deployment, path: str) -> bool:
    """Whether .dockerignore lets a path through: its last line that matches decides."""
    sent = True
    for line in (deployment.root / ".dockerignore").read_text(encoding="utf-8").splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        if _matches(rule.removeprefix("!"), path):
            sent = rule.startswith("!")
    return sent


def _matches(rule: str, path: str) -> bool:
    parts = path.split("/")
    heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    if rule.startswith("**/"):
        return any(fnmatchcase(part, rule[3:]) for part in parts)
    if "/" not in rule:
        return fnmatchcase(parts[0], rule)
    return any(fnmatchcase(head, rule) for head in heads)


def _runs(deployment: Deployment, image: Image) -> list[str]:
    found = []
    for stage in image.stages:
        for line in stage.all("RUN"):
            found += _pip(deployment, line)
            for part in re.split(r"&&|\|\|", line):
                words = shlex.split(part)
                at = next((n for n, word in enumerate(words) if word.rpartition("/")[2] == "sightline"), None)
                if at is not None and words[at:][1:2] == ["models"]:
                    why = commands.wrong(words[at + 1 :])
                    found += [f"RUN {part.strip()}: {why}"] if why else []
    return found


def _pip(deployment: Deployment, line: str) -> list[str]:
    known = tomllib.loads((deployment.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = known["optional-dependencies"]
    found = []
    for group in re.findall(r"\.\[([\w,]+)\]", line):
        for extra in group.split(","):
            found += [] if extra in extras else [f"pip install .[{extra}]: pyproject.toml has no such extra"]
            heavy = [one for one in extras.get(extra, []) if re.match(r"torch|ultralytics|nncf", one)]
            found += [f"pip install .[{extra}]: brings {one}" for one in heavy]
    for name, version in re.findall(r"\b([a-z][\w-]+)==([\w.]+)", line):
        if metadata.version(name) != version:
            found.append(f"pip install {name}=={version}: the tests run {metadata.version(name)}")
    return found


def _final(image: Image) -> list[str]:
    final = image.final
    user = final.last("USER")
    found = []
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user):
        found.append(f"USER {user or 'root'}: is not a number of nobody special")
    found += [
        f"{need} is missing" for need in ("STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "WORKDIR") if not final.last(need)
    ]
    found += [f"{need} is not a list: a shell would stand before the program" for need in ("ENTRYPOINT", "HEALTHCHECK")
              if final.last(need) and not final.words(need)]  # fmt: skip
    found += _variables(final)
    if final.words("ENTRYPOINT") == ["sightline"]:
        why = commands.wrong(final.words("CMD"))
        found += [f"CMD: {why}"] if why else []
    return found


def _variables(final: Stage) -> list[str]:
    known = commands.environment_read() | set(_OTHERS)
    found = [f"ENV {name}: nothing reads it" for name in final.env if name not in known]
    names = [*final.env, *(one.partition("=")[0] for one in final.all("ARG"))]
    return found + [f"{name}: a secret does not belong into an image" for name in names if SECRET.search(name)]
