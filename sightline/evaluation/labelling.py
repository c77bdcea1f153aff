"""Decided cases as a folder that `sightline eval` runs on: clip, site file, label - and nothing that names anybody.

The purpose is to tune rules, so faces and every plate are blurred, the accused vehicle's too, sound goes, the site file
loses its addresses, and neither numbers of cases nor names of people are in it.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from central.learning.labelled import Labelled
from central.media.store import MediaStore
from central.redaction.video import redact_video
from contract.errors import InputError, MediaError
from contract.events import Violation
from contract.jurisdiction import LOCAL_FOLDER
from sightline.evaluation.labels import SUFFIX, Expected, LabelFile, Tags

if TYPE_CHECKING:
    from central.redaction.redactor import Redactor

#: How far from what the box sealed a time may be told anew: frames are decoded again, and looked at again [s].
_WINDOW_S = 1.5
_KEPT = ("site", "name", "timezone", "jurisdiction", "enforcing_since")
_CAMERA_KEPT = ("id", "frame", "ground", "lanes", "zones", "direction", "detect")


@dataclass(slots=True)
class Written:
    """How many scenes were written, by what they say, and how many were left out, by why."""

    scenes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def write(
    cases: Iterable[Labelled],
    store: MediaStore,
    redactor: "Redactor",
    target: Path,
    profiles: Path | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write a scene for each case that has one into `target`, which must be empty or new.

    `profiles` is the folder of the place's own. Raises InputError for a folder that holds something, OSError when the
    disk refuses.
    """
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise InputError(f"{target}: is not empty - give a new folder, nothing is written over")
    done = Written()
    for case in cases:
        why_not = case.why_not or _scene(case, store, redactor, target, profiles)
        if why_not is None:
            done.scenes[case.truth] += 1
            told(done.scenes.total())
        else:
            done.left_out[why_not] += 1
    return done


def _scene(case: Labelled, store: MediaStore, redactor: "Redactor", target: Path, profiles: Path | None) -> str | None:
    """Write one scene; why not, where it cannot be."""
    data = case.violation
    assert case.site_file is not None, "a case that lacks it says why it has no scene"
    name = f"{data.rule}-{hashlib.sha256(data.case_key.encode()).hexdigest()[:12]}"
    if case.boxes:
        (target / f"{name}.jsonl").write_text(_track(data), "utf-8")
    elif why_not := _clip(case, store, redactor, target / f"{name}.mp4"):
        return why_not
    site = _site(case.site_file, data.camera_id)
    (target / f"{name}.site.yaml").write_text(yaml.safe_dump(site, allow_unicode=True, sort_keys=False), "utf-8")
    own = profiles / f"{data.jurisdiction}.yaml" if profiles is not None else None
    if own is not None and own.is_file():
        (target / LOCAL_FOLDER).mkdir(exist_ok=True)
        shutil.copyfile(own, target / LOCAL_FOLDER / own.name)
    label = label_of(case, name)
    told = label.model_dump(mode="json", exclude_defaults=True) | {"events": label.model_dump(mode="json")["events"]}
    (target / f"{name}{SUFFIX}").write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")
    return None


def _clip(case: Labelled, store: MediaStore, redactor: "Redactor", clip: Path) -> str | None:
    """Write the redacted clip; why not, where it cannot be."""
    assert case.video is not None, "a case that lacks it says why it has no scene"
    try:
        redact_video(store.path(case.video.sha256), clip, redactor)
    except FileNotFoundError:
        return "its clip is not here (any more)"
    except MediaError:
        return "its clip cannot be decoded"
    return None


def _track(data: Violation) -> str:
    """The vehicle as the box sealed it, a line a sighting, from second 0 of the first one on."""
    begin = data.geometry.track[0].t
    seen = {"id": 1, "class": data.vehicle.class_, "score": 0.9}
    lines = (
        {"t": round(point.t - begin, 3), "objects": [seen | {"box": list(point.box)}]} for point in data.geometry.track
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


def label_of(case: Labelled, clip: str) -> LabelFile:
    """The label of a case, in seconds of its clip. What nobody can tell is tolerated, and so is another matter."""
    own = case.violation
    t0 = own.geometry.track[0].t if case.boxes or case.video is None else case.video.t0
    unclear = [own] if case.truth == "unclear" else []
    return LabelFile(
        clip=None if case.boxes else clip,
        camera=own.camera_id,
        start=(own.at_first - timedelta(seconds=own.t_first - t0)).isoformat(),
        events=[_expected(own, t0, _window(case))] if case.truth == "right" else [],
        tolerated=[_expected(one, t0, _WINDOW_S) for one in (*unclear, *case.others)],
        tags=Tags(kind=f"{case.truth}-{case.reason}" if case.reason else case.truth),
        note="decided by people; nobody can be recognised in it, for tuning only",
    )


def _window(case: Labelled) -> float:
    """Sealed tracks are thinned: times are told to two sightings."""
    track = case.violation.geometry.track
    if not case.boxes:
        return _WINDOW_S
    return max(_WINDOW_S, 2 * (track[-1].t - track[0].t) / max(1, len(track) - 1))


def _expected(data: Violation, t0: float, around_s: float) -> Expected:
    def window(t: float) -> tuple[float, float]:
        return round(t - t0 - around_s, 3), round(t - t0 + around_s, 3)

    # What sensors or lists told then cannot be told from the clip: a question is as good.
    told = any(fact.source is not None for fact in data.facts.values())
    return Expected(
        rule=data.rule.value,
        zone_id=data.zone_id,
        lane_id=data.lane_id,
        verdict=[data.verdict],
        t_first=window(data.t_first),
        t_trigger=window(data.t_trigger),
        needs_human_ok=told or data.verdict == "needs_human",
    )


def _site(raw: bytes, camera_id: str) -> dict[str, Any]:
    """The site file with this camera alone, without addresses, sensors and lists of plates."""
    said = yaml.safe_load(raw)
    kept = {key: said[key] for key in _KEPT if key in said}
    (camera,) = (one for one in said["cameras"] if one["id"] == camera_id)
    eye = {key: camera[key] for key in _CAMERA_KEPT if key in camera}
    zones = [_without_source(zone) for zone in eye.get("zones", [])]
    return kept | {"cameras": [eye | {"url": "rtsp://127.0.0.1/recorded", "zones": zones}]}


def _without_source(zone: dict[str, Any]) -> dict[str, Any]:
    """A signal that a sensor told is not in the clip: lamps in the picture are."""
    signal = zone.get("signal")
    if isinstance(signal, dict) and signal.get("source") != "lamp_roi":
        return {key: value for key, value in zone.items() if key != "signal"}
    return zone


__all__ = ["Written", "label_of", "write"]
