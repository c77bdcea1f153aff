"""Settings of a box: one YAML file, unknown keys are errors. `docs/configuration.md` is held to this by a test."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from contract.settings import Broker, Readable, Settings, read_settings
from contract.topics import check_identifier

#: What a backlog is sent at. Events a second.
MAX_EVENTS_PER_S = 20.0


class Central(Settings):
    """Where central's HTTP front is: enrolment and media."""

    url: str = "http://127.0.0.1:8080"
    tls_ca: Readable | None = Field(default=None, description="CA of central's certificate; default: the public ones")


class Detection(Settings):
    """Which detector runs and how often it looks."""

    model: Readable | None = Field(
        default=None, description="model package; default: what `sightline models prepare` made"
    )
    backend: Literal["openvino", "ultralytics"] = "openvino"
    parking_fps: float = Field(default=2.0, gt=0, le=60)
    yield_fps: float = Field(default=12.5, gt=0, le=60)
    plan: Literal["auto", "full"] = Field(default="auto", description="full: every picture decoded, nothing held back")
    decode: Literal["software", "vaapi", "qsv", "cuda"] = "software"
    heartbeat_s: float = Field(
        default=10.0, ge=2, le=60, description="the detector looks so often, whatever the gate says"
    )
    threads: int = Field(default=0, ge=0, le=64, description="threads of the inference service; 0: one a core")
    cpu: Literal["native", "avx2_vnni"] = Field(
        default="native", description="newest vector instructions that networks may use: measure as a smaller box"
    )


class Plates(Settings):
    """Whether the plate of an accused vehicle is read on the box."""

    read: bool = True
    weights: Readable | None = Field(default=None, description="folder; default: what `sightline models fetch` made")


class Outbox(Settings):
    """What waits on disk for central's acknowledgement."""

    max_media_bytes: int = Field(default=8 * 1024**3, ge=1_000_000)
    max_events_per_s: float = Field(default=MAX_EVENTS_PER_S, ge=1, le=10_000)
    max_media_bytes_per_s: int = Field(default=8_000_000, ge=32_000)


class Secrets(Settings):
    """How passwords of cameras are kept (`sightline edge secret`)."""

    key_file: Readable | None = Field(default=None, description="default: `keys/secrets.key` in data_dir")


class Recordings(Settings):
    """Where and how much is recorded, of the cameras whose site file says `recording`."""

    folder: Readable | None = Field(default=None, description="default: `recordings` in data_dir")
    max_bytes: int = Field(default=200 * 1024**3, ge=10_000_000)
    min_free_bytes: int = Field(default=2 * 1024**3, ge=0, description="below it the oldest go, then recording stops")
    block_s: float = Field(default=60.0, ge=1, le=60, description="a block of the continuity ledger is closed so often")
    cameras_per_recorder: int = Field(default=20, ge=1, le=25)
    masked_per_recorder: int = Field(
        default=4, ge=1, le=25, description="cameras whose masks the box paints: each costs up to half a core"
    )


class FeedHealth(Settings):
    """How the pictures of polling stations are looked after."""

    look_s: float = Field(default=5.0, ge=1, le=30, description="how often a picture is looked at while all is well")
    cameras_per_process: int = Field(default=50, ge=1, le=100)


class EdgeConfig(Settings):
    """A box. Paths are relative to the settings file."""

    edge_id: Annotated[str, AfterValidator(lambda value: check_identifier(value, "edge id"))]
    sites: list[Readable] = Field(min_length=1)
    data_dir: Readable
    broker: Broker = Broker()
    central: Central = Central()
    detection: Detection = Detection()
    plates: Plates = Plates()
    outbox: Outbox = Outbox()
    recording: Recordings = Recordings()
    feed_health: FeedHealth = FeedHealth()
    secrets: Secrets = Secrets()
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    cameras_per_worker: int = Field(default=28, ge=1, le=64)
    pre_roll_s: float = Field(default=20.0, ge=5, le=120)
    health_port: int | None = Field(default=None, ge=1, le=65535, description="127.0.0.1 only: /healthz and /metrics")


def load_config(path: Path) -> EdgeConfig:
    """Read a box's settings. Raises ConfigError with file, key and remedy."""
    return _resolved(read_settings(EdgeConfig, path), path.resolve().parent)


def _resolved(config: EdgeConfig, base: Path) -> EdgeConfig:
    """The same settings with every path absolute, seen from the settings file."""

    def absolute(value: Path | None) -> Path | None:
        return None if value is None else base / value

    return config.model_copy(
        update={
            "sites": [base / site for site in config.sites],
            "data_dir": base / config.data_dir,
            "broker": config.broker.seen_from(base),
            "central": config.central.model_copy(update={"tls_ca": absolute(config.central.tls_ca)}),
            "recording": config.recording.model_copy(update={"folder": absolute(config.recording.folder)}),
            "secrets": config.secrets.model_copy(update={"key_file": absolute(config.secrets.key_file)}),
            "plates": config.plates.model_copy(update={"weights": absolute(config.plates.weights)}),
            "detection": config.detection.model_copy(update={"model": absolute(config.detection.model)}),
        }
    )


__all__ = ["Broker", "Central", "Detection", "EdgeConfig", "FeedHealth", "Outbox", "Plates", "Secrets", "load_config"]
