"""Settings of central: one YAML file, unknown keys are errors. `docs/configuration.md` is held to this by a test."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from socket import gethostname
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from central.accounts.oidc.settings import Oidc
from central.accounts.roles import Role
from central.accounts.rules import AccountRules
from central.duty.escalation import DEFAULT, Step, Table
from central.duty.webhook import Hooks
from central.notices.rules import NoticeRules, Office, checked_number
from central.recordings.rules import RecordingRules
from contract.errors import ConfigError
from contract.settings import Broker, Readable, Settings, read_settings


def _network(value: str) -> str:
    ip_network(value)
    return value


def _role(value: str) -> str:
    if value not in set(Role):
        raise ValueError(f"is no role - one of {', '.join(Role)}")
    return value


class DatabaseSettings(Settings):
    """Where the database is, as SQLAlchemy writes addresses. A relative SQLite path is seen from the settings file."""

    # Not in its repr: once resolved it carries the password.
    url: str = Field(
        default="sqlite:///central.sqlite", description="sqlite:///FILE or postgresql+psycopg://...", repr=False
    )
    password_file: Readable | None = Field(default=None, description="file with the password of the user in `url`")


class Bucket(Settings):
    """A bucket of S3 for stills and clips. Its keys stand in a file of their own (mode 0600), never here."""

    name: str = Field(min_length=3, max_length=63)
    endpoint: str | None = Field(default=None, pattern="^https?://", description="default: AWS's own")
    region: str = Field(default="us-east-1", min_length=1)
    prefix: str = Field(default="media/", pattern=r"^([A-Za-z0-9._-]+/)*$")
    credentials_file: Readable | None = Field(default=None, description="AWS credentials file, profile `default`")
    retention_days: int = Field(default=0, ge=0, le=36_500, description="Object Lock of new objects")
    retention_mode: Literal["compliance", "governance"] = "compliance"
    cache_bytes: int = Field(default=4 * 1024**3, ge=0, description="copies on disk for viewers, bytes")


class Media(Settings):
    """What the media store takes, where it is, and when it lets go."""

    max_bytes: int = Field(default=512 * 1024**2, ge=1_000_000, description="largest still or clip, bytes")
    quota_bytes: int | None = Field(default=None, ge=0, description="most bytes of one box")
    quotas: dict[str, Annotated[int, Field(ge=0)]] = Field(default={}, description="the same for single boxes, by id")
    orphan_days: float = Field(default=14.0, ge=1.0, description="grace of what no event names")
    bucket: Bucket | None = None


class Ingest(Settings):
    """How events are taken in."""

    batch: int = Field(default=200, ge=1, le=1000, description="most events in one database commit")
    in_flight: int = Field(
        default=400, ge=1, le=60_000, description="most events unacknowledged; then the broker waits"
    )
    quarantine_rows: int = Field(default=10_000, ge=1, description="most refused messages kept; more are only counted")


class CertificateAuthority(Settings):
    """Central's own certificate authority, where `sightline central ca init` made one."""

    folder: Readable | None = Field(default=None, description="default: `ca` in data_dir")
    certificate_days: int = Field(default=90, ge=1, le=825, description="a box renews when a third is left")


class Ledger(Settings):
    """The ledger of everything admitted, decided, viewed and exported: who signs its heads, and who stamps them."""

    key_file: Readable | None = Field(default=None, description="default: `office.jwk` in data_dir; back it up")
    heads_file: Readable | None = Field(default=None, description="default: `heads.jsonl` in data_dir; publish it")
    timestamp_url: str | None = Field(default=None, pattern=r"^https?://", description="RFC 3161 authority")
    timestamp_ca: Readable | None = Field(default=None, description="its root certificate, PEM")

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.timestamp_url is None) != (self.timestamp_ca is None):
            raise ValueError("timestamp_url and timestamp_ca belong together - give both or none")
        return self


class ContentCredentials(Settings):
    """Who signs the C2PA manifests of exported stills and clips."""

    signer_file: Readable | None = Field(default=None, description="default: `c2pa.pem` in data_dir; back it up")
    organisation: str = Field(default="Sightline", min_length=1, max_length=64, description="whom verifiers name")


class Accounts(Settings):
    """People: how long a session lasts that nobody uses, and who must have a second factor."""

    idle_minutes: int = Field(default=30, ge=1, le=720, description="a session nobody uses ends; 12 h is the most")
    second_factor_for: list[Annotated[str, AfterValidator(_role)]] = Field(
        default=["chief", "admin"], description="roles that enrol one at their first sign-in"
    )
    key_file: Readable | None = Field(default=None, description="default: `people.key` in data_dir; back it up")
    oidc: Oidc | None = Field(default=None, description="the office's OpenID provider, to sign in there, too")


class Review(Settings):
    """What the office has of its own beside the project's: profiles of places, and calendars of working days."""

    jurisdictions: Readable | None = Field(default=None, description="folder of profiles, as beside site files")
    calendars: Readable | None = Field(default=None, description="folder of calendars, they go before ours")


class Learning(Settings):
    """When a camera goes to shadow: the floor under its precision, and how many decisions say so."""

    floor: float = Field(default=0.5, ge=0.0, le=1.0, description="precision below which it goes to shadow; 0: never")
    floor_cases: int = Field(default=30, ge=10, le=10_000, description="fewest final decisions that are judged by")
    floor_days: int = Field(default=90, ge=1, le=3650, description="only captures of so many days count")


class ExportSettings(Settings):
    """What is handed to the police system: which columns it takes, and where archives are kept."""

    map: Readable | None = Field(default=None, description="field map (YAML); default: configs/exports/cn-default.yaml")
    folder: Readable | None = Field(default=None, description="default: `exports` in data_dir; for archives under way")


class OfficeSettings(Settings):
    """Who writes, as letters and the public page say it. What is empty is left out."""

    name: str = Field(default="", max_length=100)
    address: str = Field(default="", max_length=200)
    phone: str = Field(default="", max_length=60)
    hours: str = Field(default="", max_length=100)


class NoticeSettings(Settings):
    """What the party is told: how notices are numbered, where the public page is, who the office is."""

    number: Annotated[str, AfterValidator(checked_number)] = NoticeRules.number
    suffix: int = Field(default=NoticeRules.suffix, ge=3, le=8, description="last characters of the plate to be shown")
    public_url: str = Field(default="", pattern=r"^(https?://[^\s]+)?$", description="of the public page, without /q")
    office: OfficeSettings = OfficeSettings()
    copies: Readable | None = Field(default=None, description="redacted stills; default: `copies` in data_dir")


class LiveSettings(Settings):
    """Live view."""

    address: str | None = Field(
        default=None, pattern=r"^https?://[^\s/]+$", description="of this replica, for the others"
    )


class DutyStep(Settings):
    """Who of the duty roster is told of an alarm, and when."""

    level: int = Field(ge=1, le=5)
    after_s: float = Field(ge=0, le=86_400, description="seconds without anybody answering for it")


class DutySettings(Settings):
    """How alarms of polling stations reach the people on duty."""

    escalation: list[DutyStep] = Field(
        default=[DutyStep(level=1, after_s=0), DutyStep(level=2, after_s=180), DutyStep(level=3, after_s=600)],
        min_length=1,
        description="steps of an alarm; a warning is for level 1 alone",
    )
    address: str = Field(
        default="", pattern=r"^(https?://[^\s/]+)?$", description="of central as people on duty open it, for links"
    )
    webhook_hosts: list[Annotated[str, Field(pattern=r"^[a-z0-9.:\[\]-]+$", max_length=200)]] = Field(
        default=[], description="hosts (HOST or HOST:PORT) to which webhooks may go by http, or at a private address"
    )
    webhook_ca: Readable | None = Field(default=None, description="root certificates (PEM) of those hosts")
    key_file: Readable | None = Field(default=None, description="default: `duty.key` in data_dir; replicas share it")

    @property
    def table(self) -> Table:
        """What the watch goes by."""
        steps = [Step(one.level, timedelta(seconds=one.after_s)) for one in self.escalation]
        return {**DEFAULT, "alarm": steps}


class RecordingSettings(Settings):
    """Recordings of polling stations that are handed out."""

    folder: Readable | None = Field(default=None, description="default: `recordings` in data_dir; replicas share it")
    longest_hours: float = Field(default=24.0, gt=0, le=48, description="of one request")
    keep_days: int = Field(default=30, ge=1, le=3650, description="archives and their segments, from when it is ready")
    wait_days: int = Field(default=7, ge=1, le=90, description="for segments that a box has not brought")
    bytes_per_s: int = Field(default=1_000_000, ge=16_000, le=1_000_000_000, description="of a box's line, at most")


class Logs(Settings):
    """How central speaks of itself, on standard error."""

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CentralConfig(Settings):
    """Central. Paths are relative to the settings file."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=1, le=65535)
    https: bool = Field(default=False, description="served to browsers over https: cookies are then marked Secure")
    proxies: list[Annotated[str, AfterValidator(_network)]] = Field(
        default=["127.0.0.1", "::1"], description="addresses or networks whose X-Forwarded-For says who asks"
    )
    data_dir: Readable
    media_dir: Readable | None = Field(default=None, description="default: `media` in data_dir")
    database: DatabaseSettings = DatabaseSettings()
    broker: Broker = Broker()
    media: Media = Media()
    ingest: Ingest = Ingest()
    ca: CertificateAuthority = CertificateAuthority()
    accounts: Accounts = Accounts()
    ledger: Ledger = Ledger()
    c2pa: ContentCredentials = ContentCredentials()
    review: Review = Review()
    learning: Learning = Learning()
    export: ExportSettings = ExportSettings()
    notices: NoticeSettings = NoticeSettings()
    live: LiveSettings = LiveSettings()
    duty: DutySettings = DutySettings()
    recordings: RecordingSettings = RecordingSettings()
    logs: Logs = Logs()

    @property
    def media_folder(self) -> Path:
        """Where stills and clips are kept."""
        return self.media_dir or self.data_dir / "media"

    @property
    def live_address(self) -> str:
        """Where other replicas reach this one: as told, else its host, else the machine's name."""
        host = gethostname() if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - to tell, not to listen
        return self.live.address or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def ca_folder(self) -> Path:
        """Where the certificate authority is kept."""
        return self.ca.folder or self.data_dir / "ca"

    @property
    def account_rules(self) -> AccountRules:
        """What sign-in and sessions go by."""
        said = self.accounts
        key = said.key_file or self.data_dir / "people.key"
        admins_only = said.oidc is not None and said.oidc.passwords == "admins"
        return AccountRules(
            timedelta(minutes=said.idle_minutes), frozenset(map(Role, said.second_factor_for)), key, admins_only
        )

    @property
    def ledger_key(self) -> Path:
        """Where the office's key is, which signs the ledger's heads."""
        return self.ledger.key_file or self.data_dir / "office.jwk"

    @property
    def heads_file(self) -> Path:
        """The file of published heads."""
        return self.ledger.heads_file or self.data_dir / "heads.jsonl"

    @property
    def export_folder(self) -> Path:
        """Where archives for the police system are kept."""
        return self.export.folder or self.data_dir / "exports"

    @property
    def notice_rules(self) -> NoticeRules:
        """What notices go by."""
        said = self.notices
        office = Office(said.office.name, said.office.address, said.office.phone, said.office.hours)
        return NoticeRules(said.number, said.suffix, said.public_url, office)

    @property
    def copies_folder(self) -> Path:
        """Where redacted stills are kept; each can be made anew."""
        return self.notices.copies or self.data_dir / "copies"

    @property
    def hooks(self) -> Hooks:
        """Where webhooks of people on duty may go, and what they are signed with."""
        said = self.duty
        key = said.key_file or self.data_dir / "duty.key"
        return Hooks(key, said.address, frozenset(said.webhook_hosts), said.webhook_ca)

    @property
    def recording_rules(self) -> RecordingRules:
        """What recordings that are handed out go by."""
        said = self.recordings
        return RecordingRules(
            said.folder or self.data_dir / "recordings", timedelta(hours=said.longest_hours),
            timedelta(days=said.keep_days), timedelta(days=said.wait_days), said.bytes_per_s,
        )  # fmt: skip

    @property
    def content_signer(self) -> Path:
        """Where the key and the certificates are with which C2PA manifests are signed."""
        return self.c2pa.signer_file or self.data_dir / "c2pa.pem"


def load_config(path: Path) -> CentralConfig:
    """Read central's settings. Raises ConfigError with file, key and remedy."""
    return _resolved(read_settings(CentralConfig, path), path)


_LEDGER_FILES = ("key_file", "heads_file", "timestamp_ca")


def _resolved(config: CentralConfig, path: Path) -> CentralConfig:
    """The same settings with every path absolute, seen from the settings file."""
    base = path.resolve().parent

    def absolute(value: Path | None) -> Path | None:
        return None if value is None else base / value

    database = config.database.model_copy(
        update={
            "url": _database_url(config.database, base, path),
            "password_file": absolute(config.database.password_file),
        }
    )
    media = config.media
    if media.bucket is not None:
        keys = absolute(media.bucket.credentials_file)
        media = media.model_copy(update={"bucket": media.bucket.model_copy(update={"credentials_file": keys})})
    return config.model_copy(
        update={
            "data_dir": base / config.data_dir,
            "media_dir": absolute(config.media_dir),
            "media": media,
            "broker": config.broker.seen_from(base),
            "database": database,
            "accounts": config.accounts.model_copy(update={"key_file": absolute(config.accounts.key_file)}),
            "ledger": config.ledger.model_copy(
                update={name: absolute(getattr(config.ledger, name)) for name in _LEDGER_FILES}
            ),
            "review": config.review.model_copy(
                update={name: absolute(getattr(config.review, name)) for name in ("jurisdictions", "calendars")}
            ),
            "notices": config.notices.model_copy(update={"copies": absolute(config.notices.copies)}),
            "export": config.export.model_copy(
                update={name: absolute(getattr(config.export, name)) for name in ("map", "folder")}
            ),
            "duty": config.duty.model_copy(
                update={name: absolute(getattr(config.duty, name)) for name in ("webhook_ca", "key_file")}
            ),
            "recordings": config.recordings.model_copy(update={"folder": absolute(config.recordings.folder)}),
            "ca": config.ca.model_copy(update={"folder": absolute(config.ca.folder)}),
            "c2pa": config.c2pa.model_copy(update={"signer_file": absolute(config.c2pa.signer_file)}),
        }
    )


def _database_url(database: DatabaseSettings, base: Path, path: Path) -> str:
    try:
        parsed = make_url(database.url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            f"{path}: database.url: is not an address such as sqlite:///central.sqlite - see docs/configuration.md"
        ) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(f"{path}: database.url: {parsed.get_backend_name()} is not kept here - sqlite or postgresql")
    if database.password_file is not None:
        if parsed.get_backend_name() == "sqlite" or parsed.password is not None or parsed.username is None:
            raise ConfigError(
                f"{path}: database.password_file: wants a url with a user and without a password, "
                "postgresql+psycopg://user@host/name - mend one of the two"
            )
        parsed = parsed.set(password=_password(base / database.password_file, "the database's"))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigError(f"{path}: database.url: evidence needs a file - for example sqlite:///central.sqlite")
        parsed = parsed.set(database=str(base / str(parsed.database)))
    return parsed.render_as_string(hide_password=False)


def broker_password(broker: Broker) -> str | None:
    """The password from its file, None where none is used. Raises ConfigError when the file cannot be read."""
    return None if broker.password_file is None else _password(broker.password_file, "the broker's")


def _password(file: Path, whose: str) -> str:
    """What a password's file holds, but for white space around it."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not text"
        raise ConfigError(f"{file}: cannot be read ({cause}) - it holds {whose} password") from error


__all__ = [
    "Broker",
    "Bucket",
    "CentralConfig",
    "CertificateAuthority",
    "ContentCredentials",
    "DatabaseSettings",
    "DutySettings",
    "DutyStep",
    "ExportSettings",
    "Ingest",
    "Learning",
    "Ledger",
    "LiveSettings",
    "Logs",
    "Media",
    "NoticeSettings",
    "OfficeSettings",
    "RecordingSettings",
    "Review",
    "broker_password",
    "load_config",
]
