"""A made scene - site file, boxes, label - and how it is written to a folder."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from tests.scenes.generate.sensing import DAY, NIGHT, Faults, instants
from tests.scenes.generate.view import View

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """How the scene is recorded: rate, irregularities, light, and whether ids are given or left to the tracker."""

    fps: float
    unsteady: str
    light: str
    ids: str

    @property
    def faults(self) -> Faults:
        """The detector's faults in this light."""
        return DAY if self.light == "day" else NIGHT

    def times(self, rng: np.random.Generator, t0: float, t1: float) -> Array:
        """Time stamps (T,) of the frames."""
        return instants(rng, t0, t1, self.fps, self.unsteady)


def some_recording(rng: np.random.Generator, rates: dict[float, float]) -> Recording:
    """A recording drawn at random; `rates` are frame rates with their weights."""
    values, weights = list(rates), np.array(list(rates.values()))
    return Recording(
        fps=float(rng.choice(values, p=weights / weights.sum())),
        unsteady=str(rng.choice(["steady", "jitter", "vfr", "drop"], p=[0.45, 0.25, 0.15, 0.15])),
        light="night" if rng.uniform() < 0.25 else "day",
        ids="given" if rng.uniform() < 0.5 else "tracker",
    )


@dataclass(frozen=True)
class Made:
    """A whole scene. `site` and `expect` are plain data, `lines` one object a frame, `view` the camera that saw it."""

    name: str
    site: dict[str, Any]
    lines: list[dict[str, Any]]
    expect: dict[str, Any]
    view: View | None = None

    def renamed(self, name: str) -> "Made":
        """The same under another name."""
        return replace(self, name=name)

    def write(self, folder: Path) -> None:
        """`<name>.site.yaml`, `<name>.jsonl`, `<name>.expect.json`."""
        text = yaml.safe_dump(self.site, allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000)
        (folder / f"{self.name}.site.yaml").write_text(text, encoding="utf-8")
        with (folder / f"{self.name}.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in self.lines)
        (folder / f"{self.name}.expect.json").write_text(json.dumps(self.expect, indent=1) + "\n", encoding="utf-8")


def window(low: float, high: float) -> list[float]:
    """A window of stream seconds as labels have it."""
    return [round(float(low), 2), round(float(high), 2)]
