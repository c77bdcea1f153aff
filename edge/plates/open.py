"""Opens the plate reader of a jurisdiction, where its weights are on this machine."""

from collections.abc import Callable
from pathlib import Path

import yaml

from contract.errors import ModelError
from contract.plates import PlateSchema
from edge.detect.package import sha256_of
from edge.plates.protocol import PlateReader

#: Schemas that a shipped reader can read.
READABLE = frozenset({"cn"})


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
    from edge.plates.china import ChinaPlateReader

    return ChinaPlateReader(folder, schema.alphabet)


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
