"""A Dockerfile as its stages and instructions (the part of the format that ours use: no heredocs, `\\` continues)."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One FROM: `base` with arguments filled in, and what follows as (instruction, rest of the line)."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.steps if name == instruction]

    def last(self, instruction: str) -> str:
        """The rest of the last such line, empty where there is none."""
        found = self.all(instruction)
        return found[-1] if found else ""

    def words(self, instruction: str) -> list[str]:
        """An instruction in exec form (a JSON list), [] for none or for the shell form."""
        said = self.last(instruction)
        try:
            read = json.loads(said[said.index("[") :]) if "[" in said else []
        except ValueError:
            return []
        return [str(one) for one in read]

    @property
    def copies(self) -> list[tuple[str | None, list[str], str]]:
        """(stage it comes from, sources, target) of each COPY."""
        made = []
        for rest in self.all("COPY"):
            words = shlex.split(rest)
            options = [word for word in words if word.startswith("--")]
            paths = [word for word in words if not word.startswith("--")]
            origin = next((word.partition("=")[2] for word in options if word.startswith("--from=")), None)
            made.append((origin, paths[:-1], paths[-1]))
        return made

    @property
    def env(self) -> dict[str, str]:
        """Variables that ENV sets."""
        pairs = [word.partition("=") for rest in self.all("ENV") for word in shlex.split(rest)]
        return {name: value for name, _, value in pairs}


@dataclass
class Image:
    """A Dockerfile: its name (`central` of central.Dockerfile), global arguments, stages; the last one is the image."""

    name: str
    path: Path
    arguments: dict[str, str]
    stages: list[Stage]

    @property
    def final(self) -> Stage:
        return self.stages[-1]

    @classmethod
    def read(cls, path: Path) -> "Image":
        arguments: dict[str, str] = {}
        stages: list[Stage] = []
        for name, rest in _instructions(path.read_text(encoding="utf-8")):
            if name == "ARG" and not stages:
                key, _, value = rest.partition("=")
                arguments[key] = value
            elif name == "FROM":
                words = re.sub(r"\$\{(\w+)\}", lambda hit: arguments.get(hit[1], hit[0]), rest).split()
                stages.append(Stage(words[0], words[2] if len(words) == 3 else ""))
            else:
                stages[-1].steps.append((name, rest))
        return cls(path.name.removesuffix(".Dockerfile"), path, arguments, stages)


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in filter(None, (line.strip() for line in whole.splitlines())):
        name, _, rest = line.partition(" ")
        found.append((name.upper(), rest.strip()))
    return found
