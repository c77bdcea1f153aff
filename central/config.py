"""Settings of central: one YAML file, unknown keys are errors. `docs/configuration.md` is held to this by a test."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from contract.errors import ConfigError
from contract.settings import Readable, why_refused, why_unread


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
    def _pairs(self) -> "Broker":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together - give both or none")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        return self


class DatabaseSettings(Settings):
    """Where the database is, as SQLAlchemy writes addresses. A relative SQLite path is seen from the settings file."""

    url: str = Field(default="sqlite:///central.sqlite", description="sqlite:///FILE or postgresql+psycopg://...")


class Media(Settings):
    """What the media store takes."""

    max_bytes: int = Field(default=512 * 1024**2, ge=1_000_000, description="largest still or clip, bytes")


class Ingest(Settings):
    """How events are taken in."""

    batch: int = Field(default=50, ge=1, le=1000, description="most events in one database commit")
    in_flight: int = Field(
        default=200, ge=1, le=60_000, description="most events unacknowledged; then the broker waits"
    )
    quarantine_rows: int = Field(default=10_000, ge=1, description="most refused messages kept; more are only counted")


class Logs(Settings):
    """How central speaks of itself, on standard error."""

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CentralConfig(Settings):
    """Central. Paths are relative to the settings file."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=1, le=65535)
    https: bool = Field(default=False, description="served to browsers over https: cookies are then marked Secure")
    data_dir: Readable
    media_dir: Readable | None = Field(default=None, description="default: `media` in data_dir")
    database: DatabaseSettings = DatabaseSettings()
    broker: Broker = Broker()
    media: Media = Media()
    ingest: Ingest = Ingest()
    logs: Logs = Logs()

    @property
    def media_folder(self) -> Path:
        """Where stills and clips are kept."""
        return self.media_dir or self.data_dir / "media"


def load_config(path: Path) -> CentralConfig:
    """Read central's settings. Raises ConfigError with file, key and remedy."""
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}) - give the path of the settings file") from error
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: {why_unread(error)} - mend it") from error
    try:
        config = CentralConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"{path}: {key}: {why_refused(first)} - see docs/configuration.md") from error
    return _resolved(config, path)


def _resolved(config: CentralConfig, path: Path) -> CentralConfig:
    """The same settings with every path absolute, seen from the settings file."""
    base = path.resolve().parent

    def absolute(value: Path | None) -> Path | None:
        return None if value is None else base / value

    files = ("password_file", "tls_ca", "tls_cert", "tls_key")
    broker = config.broker.model_copy(update={name: absolute(getattr(config.broker, name)) for name in files})
    database = config.database.model_copy(update={"url": _database_url(config.database.url, base, path)})
    return config.model_copy(
        update={
            "data_dir": base / config.data_dir,
            "media_dir": absolute(config.media_dir),
            "broker": broker,
            "database": database,
        }
    )


def _database_url(url: str, base: Path, path: Path) -> str:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            f"{path}: database.url: is not an address such as sqlite:///central.sqlite - see docs/configuration.md"
        ) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(f"{path}: database.url: {parsed.get_backend_name()} is not kept here - sqlite or postgresql")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigError(f"{path}: database.url: evidence needs a file - for example sqlite:///central.sqlite")
        parsed = parsed.set(database=str(base / str(parsed.database)))
    return parsed.render_as_string(hide_password=False)


def broker_password(broker: Broker) -> str | None:
    """The password from its file, None where none is used. Raises ConfigError when the file cannot be read."""
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not text"
        raise ConfigError(
            f"{broker.password_file}: cannot be read ({cause}) - it holds the broker's password"
        ) from error
