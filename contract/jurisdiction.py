"""Finding and reading jurisdiction profiles: one YAML file each, of the project or of the place itself.

A place whose police have published numbers of their own puts its profile into a folder `jurisdictions` beside its site
file; one of the project's names there is refused, so that nobody enforces under a name that says something else.
"""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contract.errors import ConfigError
from contract.profile import Code, Evidence, Profile

LOCAL_FOLDER = "jurisdictions"


def names(beside: Path | None = None) -> list[str]:
    """The profiles that come with the project, and those in the folder of a site file at `beside`."""
    return _names(beside.parent / LOCAL_FOLDER if beside else None)


def _names(folder: Path | None) -> list[str]:
    own = {entry.name for entry in _shipped().iterdir()}
    local = {entry.name for entry in folder.glob("*.yaml")} if folder else set()
    return sorted(name.removesuffix(".yaml") for name in own | local if name.endswith(".yaml"))


def load_profile(name: str, beside: Path | None = None, folder: Path | None = None) -> Profile:
    """The profile of that name; `beside` is the site file that names it, or `folder` that of the place's own profiles.

    Raises ConfigError, one line with file and key, when there is none or it does not hold.
    """
    entry = _find(name, beside.parent / LOCAL_FOLDER if beside else folder)
    try:
        data: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
        profile = Profile.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        said = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"{entry}: {key}: {said} - see docs/jurisdictions.md") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        why = str(error).splitlines()[0]
        raise ConfigError(f"{entry}: cannot be read as a profile ({why}) - see docs/jurisdictions.md") from error
    if profile.id != name:
        raise ConfigError(f"{entry}: id is {profile.id!r} - it must be the file's name")
    return profile


def _shipped() -> Traversable:
    return resources.files("configs") / "jurisdictions"


def _find(name: str, folder: Path | None) -> Traversable:
    own = _shipped() / f"{name}.yaml"
    local = folder / f"{name}.yaml" if folder else None
    if local is not None and local.is_file():
        if own.is_file():
            raise ConfigError(f"{local}: {name} is a profile of the project - give yours a name of its own")
        return local
    if not own.is_file():
        raise ConfigError(f"jurisdiction {name!r} has no profile - known are: {', '.join(_names(folder))}")
    return own


__all__ = ["LOCAL_FOLDER", "Code", "Evidence", "Profile", "load_profile", "names"]
