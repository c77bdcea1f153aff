"""A model package: a folder with an OpenVINO IR and one `sightline.yaml` that says what it is.

The manifest names every file with its SHA-256; nothing runs before they hold. A raw Ultralytics export folder
(`metadata.yaml` beside one `.xml`/`.bin`) is read too: it carries no hashes, so its own become its identity.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.errors import ModelError
from contract.events import Hex64, ModelRef

MANIFEST = "sightline.yaml"
#: Objects below this score are not reported. ByteTrack's second association lives on low scores, so the detector
#: reports more than a rule believes; measured on real clips (docs/models.md).
SCORE = 0.15
#: People and two-wheelers that overlap more than this are the same one (vehicles: see `edge.detect.boxes`).
IOU = 0.6


class Agreement(BaseModel):
    """How the exported network agrees with the original on the same frames: boxes matched at IoU 0.5, same class."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: int = Field(ge=0)
    reference: str = Field(description="what it was compared with")
    score: float = Field(description="boxes of the reference at or above this score are what must be found again")
    reference_boxes: int = Field(ge=0)
    recall: float = Field(ge=0, le=1, description="share of the reference's boxes that the export found again")
    precision: float = Field(ge=0, le=1, description="share of the export's boxes that the reference has")
    mean_iou: float = Field(ge=0, le=1, description="of the matched pairs")


class Manifest(BaseModel):
    """`sightline.yaml`. `input` is (height, width) in pixels; `classes` are the network's own, in its order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    version: str
    kind: Literal["yolo", "nanodet"]
    network: str = Field(description="file name of the IR's .xml in this folder", pattern=r"^[^/\\]+\.xml$")
    files: dict[str, Hex64] = Field(min_length=1)
    classes: list[str] = Field(min_length=1)
    input: tuple[int, int]
    precision: Literal["f32", "f16", "int8"]
    score: float = Field(default=SCORE, gt=0, lt=1, description="objects below it are not reported")
    iou: float = Field(default=IOU, gt=0, lt=1, description="boxes that overlap more are one object")
    source: str
    source_sha256: Hex64 | None = None
    licence: str
    published_map: float | None = Field(default=None, description="COCO val mAP50-95 of the original weights")
    made_with: dict[str, str] = {}
    agreement: Agreement | None = None

    @property
    def sha256(self) -> str:
        """One hash for the whole: SHA-256 over the sorted `name hash` lines of its files."""
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def ref(self) -> ModelRef:
        """How an event names it."""
        return ModelRef(name=self.name, version=self.version, sha256=self.sha256)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises ModelError when it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}) - run `sightline models prepare`") from error


def read_package(folder: Path) -> Manifest:
    """The manifest of a package or raw Ultralytics export, hashes checked.

    Raises ModelError that names the file which is missing, altered or not understood.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: is no model package folder - `sightline models list` names what is prepared")
    if (folder / MANIFEST).is_file():
        manifest = _manifest(folder / MANIFEST)
    elif (folder / "metadata.yaml").is_file():
        manifest = _ultralytics_export(folder)
    else:
        raise ModelError(f"{folder}: has neither {MANIFEST} nor metadata.yaml - run `sightline models prepare`")
    check_files(folder, manifest)
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise ModelError naming the first file whose SHA-256 is not the manifest's."""
    if manifest.network not in manifest.files:
        raise ModelError(f"{folder / MANIFEST}: files: {manifest.network} has no hash - prepare the package anew")
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise ModelError(f"{folder / MANIFEST}: files: {name!r} is not a plain file name - prepare it anew")
        found = sha256_of(folder / name)
        if found != expected:
            raise ModelError(
                f"{folder / name}: SHA-256 is {found[:12]}..., {MANIFEST} says {expected[:12]}...: the file was "
                "altered or cut short - run `sightline models prepare --again`"
            )


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: is not YAML ({str(error).splitlines()[0]}) - prepare the package anew") from error


def _manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"{path}: {key}: {first['msg']} - prepare the package anew") from error


def _ultralytics_export(folder: Path) -> Manifest:
    """A manifest for a raw export: its own input size, its class names in order, hashes as found."""
    path = folder / "metadata.yaml"
    networks = sorted(folder.glob("*.xml"))
    if len(networks) != 1:
        raise ModelError(f"{folder}: holds {len(networks)} .xml networks instead of one - export it again")
    data = _yaml(path)
    try:
        if data.get("task", "detect") != "detect":
            raise ModelError(f"{path}: task: {data['task']!r} is not a detector - export a detect model")
        names: dict[int, str] = data["names"]
        size = data["imgsz"] if isinstance(data["imgsz"], list) else [data["imgsz"]] * 2
        return Manifest(
            name=networks[0].stem,
            version=str(data.get("version", "unknown")),
            kind="yolo",
            network=networks[0].name,
            files={p.name: sha256_of(p) for p in (networks[0], networks[0].with_suffix(".bin"))},
            classes=[names[index] for index in range(len(names))],
            input=(size[0], size[1]),
            precision="int8" if data.get("args", {}).get("int8") else "f32",
            source=str(data.get("description", "Ultralytics export")),
            licence=str(data.get("license", "unknown")),
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValidationError) as error:
        raise ModelError(f"{path}: is not what Ultralytics writes ({error!r:.80}) - export it again") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `sightline.yaml` into a folder still being made (the store renames the whole folder into place)."""
    data = manifest.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
