"""docker/README.md: every command in it is one that the stack and the program take."""

import re
import shlex
from collections.abc import Iterator

from tests.docker_kit import commands
from tests.docker_kit.deployment import Deployment, Stack

_BLOCK = re.compile(r"```(?:console|sh)\n(.*?)```", re.DOTALL)
_COMPOSE = {"up", "run", "exec", "build", "stop", "restart", "down", "logs", "ps", "kill", "cp", "config"}
_WITH_VALUE = {"--entrypoint", "--volume", "--user", "--signal", "--scale", "--timeout", "--profile"}


def lines(deployment: Deployment) -> list[str]:
    """The commands of the page, each on one line, without prompt and comment."""
    text = (deployment.folder / "README.md").read_text(encoding="utf-8")
    found = []
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append(re.sub(r"\s{2,}#.*$", "", line.removeprefix("$ ")).strip())
    return found


def check(deployment: Deployment) -> list[str]:
    """Findings on the page."""
    stacks = {stack.path.name: stack for stack in deployment.stacks}
    found = [
        f"docker/README.md: {line}: {why}" for line in lines(deployment) for why in _line(stacks, deployment, line)
    ]
    told = (deployment.folder / "README.md").read_text(encoding="utf-8")
    return found + [f"docker/README.md: says nothing of {name}" for name in stacks if name not in told]


def _line(stacks: dict[str, Stack], deployment: Deployment, line: str) -> Iterator[str]:
    for part in re.split(r"\s[|;]\s|&&", line):
        words = [word for word in shlex.split(part.partition("<")[0].partition(">")[0]) if word != "sudo"]
        match words:
            case ["docker", "compose", "-f", file, *rest] if file in stacks:
                yield from _compose(stacks[file], rest)
            case ["docker", "compose", *_]:
                yield "names no compose file of this folder"
            case ["sightline", *rest]:
                yield from filter(None, [commands.wrong(rest)])
            case ["docker", "build", "--file", file, *_]:
                if not deployment.has(f"docker/{file}"):
                    yield f"{file} is not in git"
            case ["sh", script, *_]:
                if not deployment.has(f"docker/{script}"):
                    yield f"{script} is not in git"


def _compose(stack: Stack, words: list[str]) -> Iterator[str]:
    rest = _options(words)[1]
    if not rest or rest[0] not in _COMPOSE:
        yield f"docker compose has no {rest[:1]}"
        return
    options, rest = _options(rest[1:])
    yield from (
        f"{stack.path.name} has no service {name}" for name in _services(words, rest) if name not in stack.services
    )
    if "run" in words and "--entrypoint" not in options and rest and rest[0] in stack.services:
        service = stack.services[rest[0]]
        if service.image is not None and service.image.final.words("ENTRYPOINT") == ["sightline"]:
            yield from filter(None, [commands.wrong(rest[1:])])
            for word in (one for one in rest if one.startswith("/")):
                if service.mount_of(word) is None:
                    yield f"{word} is not mounted in {service.name}"


def _services(words: list[str], rest: list[str]) -> list[str]:
    if {"run", "exec"} & set(words):
        return rest[:1]
    return rest if {"up", "build", "stop", "restart", "logs", "kill"} & set(words) else []


def _options(words: list[str]) -> tuple[list[str], list[str]]:
    """What begins with a dash, with the value it takes; and the words from the first that does not."""
    found: list[str] = []
    while words and words[0].startswith("-"):
        found.append(words[0])
        words = words[2:] if words[0] in _WITH_VALUE or words[0] == "-s" else words[1:]
    return found, words
