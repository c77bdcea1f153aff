"""Opens the plate reader of a jurisdiction, where its weights are on this machine."""

import threading
from collections.abc import Callable
from pathlib import Path

import yaml

from contract.errors import ModelError
from contract.plates import PlateSchema
from edge.detect.package import sha256_of
from edge.plates.protocol import Picture, PlateReader, PlateReading
from edge.rules.decision import Box

#: Schemas that a shipped reader can read.
READABLE = frozenset({"cn"})


class LazyReader:
    """A `PlateReader` that is made when the first plate is read, and that several threads may use.

    Most boxes accuse nobody for hours: networks that are not compiled cost no memory.
    """

    def __init__(self, make: Callable[[], PlateReader]) -> None:
        self._make = make
        self._reader: PlateReader | None = None
        self._lock = threading.Lock()

    def read(self, picture: Picture, vehicle: Box) -> PlateReading:
        """See `PlateReader.read`."""
        with self._lock:
            if self._reader is None:
                self._reader = self._make()
            return self._reader.read(picture, vehicle)


def open_reader(folder: Path | None, schema: PlateSchema, tell: Callable[[str], None]) -> PlateReader | None:
    """The reader of plates of `schema` with the weights in `folder`; None, said through `tell`, when there is none.

    Raises ModelError when the folder is not what its `bundle.yaml` says.
    """
    if schema.id not in READABLE:
        tell(f"plates are not read: no reader of {schema.name} is shipped")
        return None
    if folder is None:
        tell("plates are not read: their weights are not here - run `sightline models fetch plates-cn`")
        return None
    check(folder)

    def make() -> PlateReader:
        from edge.plates.china import ChinaPlateReader

        return ChinaPlateReader(folder, schema.alphabet)

    return LazyReader(make)


def check(folder: Path) -> None:
    """Raises ModelError when a file of the folder is missing or altered."""
    try:
        said = yaml.safe_load((folder / "bundle.yaml").read_text(encoding="utf-8"))
        for name, weights in said["files"].items():
            if sha256_of(folder / name) != weights["sha256"]:
                raise ModelError(f"{folder / name}: is altered - fetch it anew with `sightline models fetch`")
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror}) - `sightline models fetch`") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / 'bundle.yaml'}: does not say what it must - `sightline models fetch`") from error
