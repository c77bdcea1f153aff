"""What the settings files of both sides have in common: how one is read, and how a fault in it is told in a line."""

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.errors import ConfigError


def _no_nul(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("holds a NUL character - no path does")
    return path


#: A path that an operating system can be asked about.
Readable = Annotated[Path, AfterValidator(_no_nul)]


class Settings(BaseModel):
    """Unknown keys are errors; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Broker(Settings):
    """Where the MQTT 5 broker is. The password stands in a file of its own (mode 0600), never here."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8883, ge=1, le=65535)
    username: str | None = None
    password_file: Readable | None = None
    tls_ca: Readable | None = Field(default=None, description="CA of the broker's certificate; TLS is used when given")
    tls_cert: Readable | None = None
    tls_key: Readable | None = None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together - give both or none")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        return self

    def seen_from(self, base: Path) -> Self:
        """The same with its files as they are seen from the folder `base`."""
        files = {name: getattr(self, name) for name in ("password_file", "tls_ca", "tls_cert", "tls_key")}
        return self.model_copy(update={name: base / file for name, file in files.items() if file is not None})


_Loaded = TypeVar("_Loaded", bound=BaseModel)


def read_settings(
    model: type[_Loaded],
    path: Path | Traversable,
    absent: str = "give the path of the settings file",
    manual: str = "docs/configuration.md",
) -> _Loaded:
    """A file of settings as it stands, paths not yet resolved. Raises ConfigError with file, key and remedy.

    `absent` is the remedy where it cannot be read, `manual` the page that says what stands in such a file.
    """
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}) - {absent}") from error
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: {why_unread(error)} - mend it") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {key}: {why_refused(first)} - see {manual}") from error


def why_unread(error: Exception) -> str:
    """Why a file is not the YAML it should be, with the line where the parser names one."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1})" if mark else ""
        return f"is not YAML: {error.problem or error.context}{where}"
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return "is not YAML: not a text in UTF-8"
    if isinstance(error, RecursionError):
        return "is not YAML: too deep"
    return f"holds a value that cannot be read ({(str(error).splitlines() or ['?'])[0][:80]})"


def why_refused(first: Any) -> str:
    """One complaint of pydantic (an item of `ValidationError.errors()`) as part of a sentence."""
    if first["type"] == "extra_forbidden":
        return "is not a setting"
    if first["type"] == "missing":
        return "is missing"
    if first["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return "must be keys with values"
    return str(first["msg"]).removeprefix("Value error, ")


__all__ = ["Broker", "Readable", "Settings", "read_settings", "why_refused", "why_unread"]
