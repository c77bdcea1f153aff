"""Number plates of a jurisdiction as data: which texts can stand on one, and what its colour then says.

One YAML file a schema in `configs/plates/`. A reading is *checked* against it, never bent until it fits: what does not
fit is unreadable, and a person reads the plate.
"""

import re
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from contract.errors import ConfigError
from contract.events import Model

Colour = Literal["blue", "yellow", "green", "white", "black"]
#: A reading whose least certain character is below this is for a person to compare (0..1).
PLATE_SURE = 0.9
_SET = re.compile(r"<([a-z]+)>")


class PlateType(Model):
    """One kind of plate. `pattern` is a regular expression in which `<name>` is one character of that set."""

    code: str | None = Field(description="code of the jurisdiction's list; None where no public source tells it")
    name: str
    colours: list[Colour] = Field(min_length=1)
    pattern: str


class PlateSchema(Model):
    """All plates of a jurisdiction, and where that is known from."""

    id: str
    name: str
    sources: list[str] = Field(min_length=1)
    sets: dict[str, str]
    types: list[PlateType] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "PlateSchema":
        for kind in self.types:
            for name in _SET.findall(kind.pattern):
                if name not in self.sets:
                    raise ValueError(f"pattern of {kind.name} names the set {name!r}, which is not there")
            try:
                re.compile(self._expression(kind))
            except re.error as error:
                raise ValueError(f"pattern of {kind.name} is no regular expression ({error})") from error
        return self

    @property
    def alphabet(self) -> str:
        """Every character that can stand on a plate, each once."""
        return "".join(dict.fromkeys("".join(self.sets.values())))

    def fitting(self, text: str) -> list[PlateType]:
        """The kinds of plate on which `text` can stand; empty when it can stand on none."""
        return [kind for kind in self.types if re.fullmatch(self._expression(kind), text)]

    def holds(self, text: str) -> bool:
        """Whether `text` can stand on a plate."""
        return bool(self.fitting(text))

    def type_of(self, text: str, colour: str | None) -> PlateType | None:
        """The kind of plate that text and colour leave; None when they leave none or several."""
        left = [kind for kind in self.fitting(text) if colour is None or colour in kind.colours]
        return left[0] if len(left) == 1 else None

    def _expression(self, kind: PlateType) -> str:
        return _SET.sub(lambda found: f"[{re.escape(self.sets.get(found[1], ''))}]", kind.pattern)


def schema_names() -> list[str]:
    """The schemas that come with the project."""
    folder = resources.files("configs") / "plates"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


@cache
def load_plates(name: str) -> PlateSchema:
    """The schema of that name (a profile's `plate_schema`). Raises ConfigError when there is no such or it fails."""
    entry = resources.files("configs") / "plates" / f"{name}.yaml"
    if not entry.is_file():
        raise ConfigError(f"plate schema {name!r} is not there - known are: {', '.join(schema_names())}")
    data: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
    try:
        schema = PlateSchema.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"configs/plates/{name}.yaml: {key}: {first['msg']}") from error
    if schema.id != name:
        raise ConfigError(f"configs/plates/{name}.yaml: id is {schema.id!r} - it must be the file's name")
    return schema
