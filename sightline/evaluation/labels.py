"""Labelled scenes of a folder: `<name>.expect.json` beside a site file and a file of boxes or a video.

The label file says every event that is right; anything else is a false accusation. Times are stream seconds. Keys
beside those of the real clips (`clip`, `site`, `events`, `note`) are optional: `objects` (the file of boxes, default
`<name>.jsonl`), `start` (wall clock of second 0), `tags`, `tolerated` (events that are neither asked for nor wrong),
and of an event `lane_id`, `truth` (exact figures where they are known) and `needs_human_ok`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.errors import InputError
from edge.replay import DEFAULT_START

Window = tuple[float, float]
Verdict = Literal["candidate", "needs_human"]
SUFFIX = ".expect.json"


class Label(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Truth(Label):
    """What really happened, in stream seconds; `t_end` and `dwell_s` are those of a stay."""

    t_first: float | None = None
    t_trigger: float | None = None
    t_last: float | None = None
    t_end: float | None = None
    dwell_s: float | None = None


class Expected(Label):
    """One event that is right: every verdict of `verdict` is, within the windows."""

    rule: Literal["illegal_parking", "failure_to_yield"]
    zone_id: str
    lane_id: str | None = None
    verdict: Annotated[list[Verdict], Field(min_length=1)]
    t_first: Window | None = None
    t_trigger: Window | None = None
    t_last: Window | None = None
    truth: Truth | None = None
    needs_human_ok: bool = Field(default=False, description="a question to a person is right here, no abstention")


class Tags(Label):
    """What a scene is of, to count kinds apart."""

    kind: str = "unnamed"
    light: Literal["day", "night"] = "day"
    policy: str | None = None
    calibrated: bool | None = None
    fps: float | None = None
    ids: Literal["given", "tracker"] | None = None
    seed: int | None = None


class LabelFile(Label):
    """A `.expect.json`."""

    clip: str | None = None
    objects: str | None = None
    site: str | None = None
    camera: str | None = None
    start: str = DEFAULT_START
    events: list[Expected]
    tolerated: list[Expected] = []
    tags: Tags = Tags()
    note: str = ""


@dataclass(frozen=True, slots=True)
class LabelledScene:
    """A scene with what must be said of it. Exactly one of `objects` and `video` is given."""

    name: str
    site: Path
    objects: Path | None
    video: Path | None
    label: LabelFile


def find_scenes(folder: Path) -> list[LabelledScene]:
    """The labelled scenes of a folder, by name. Raises InputError naming the file and what to do."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder - give one that holds *{SUFFIX} files")
    scenes = [_scene(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if not scenes:
        raise InputError(f"{folder}: holds no *{SUFFIX} file - see docs/evaluation.md for how a scene is labelled")
    return scenes


def _scene(path: Path) -> LabelledScene:
    name = path.name.removesuffix(SUFFIX)
    label = _read(path)
    site = path.with_name(label.site or f"{name}.site.yaml")
    if not site.is_file():
        raise InputError(f"{path}: its site file {site.name} is not there - put it beside the label")
    if label.clip is not None:
        return LabelledScene(name, site, None, _video(path, label.clip), label)
    objects = path.with_name(label.objects or f"{name}.jsonl")
    if objects.is_file():
        return LabelledScene(name, site, objects, None, label)
    return LabelledScene(name, site, None, _video(path, name), label)


def _video(path: Path, clip: str) -> Path:
    for suffix in (".mp4", ".avi", ".mkv", ""):
        video = path.with_name(clip + suffix)
        if video.is_file():
            return video
    raise InputError(f"{path}: neither {clip}.mp4 nor a file of boxes stands beside it - name `clip` or `objects`")


def _read(path: Path) -> LabelFile:
    try:
        return LabelFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}) - check its permissions") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key}: {first['msg']} - see docs/evaluation.md") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}) - mend it") from error
