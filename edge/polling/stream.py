"""What recorders say of their cameras in their heartbeats: the state for central, and how long nothing came."""

import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from contract.events import now
from contract.states import CameraStatus, Kept, Learned
from edge.beats import FRESH_S, read_json
from edge.deliver.durable import write_durable

log = logging.getLogger("sightline.health")


def recorded(run: Path) -> dict[str, dict[str, Any]]:
    """Figures of every camera by those heartbeats of recorders in `run` that are fresh, with `beat_at`."""
    found: dict[str, dict[str, Any]] = {}
    for path in run.glob("recorder-*.json"):
        beat = read_json(path)
        if time.time() - float(beat.get("at", 0)) < FRESH_S:
            for camera, figures in beat.get("recording", {}).items():
                found[camera] = figures | {"beat_at": float(beat["at"])}
    return found


def silence(figures: dict[str, Any] | None, keyframe_s: float) -> tuple[float, str]:
    """How long (s) no packet came, and why; `keyframe_s` is the age of the last keyframe that was heard here.

    A recorder knows each packet, so a camera with rare keyframes is not silent; one whose disk is full still hears.
    """
    if figures is None:
        return keyframe_s, "its recorder does not run"
    cause = str(figures.get("cause") or "")
    if figures.get("state") == "full":
        return keyframe_s, cause
    last = float(figures.get("at") or 0.0)
    told_s = float(figures["beat_at"]) - last if last else keyframe_s
    return min(keyframe_s, max(0.0, told_s)), cause


class StatusFile:
    """The retained state of one camera, which deliver publishes when it changes."""

    def __init__(self, folder: Path, camera: str) -> None:
        self._path = folder / f"{camera}.json"
        self._camera = camera
        self._orphan: datetime | None = None
        self._known = False
        self._written = b""

    def write(self, figures: dict[str, Any] | None, learned: Learned | None = None) -> None:
        """Write what the recorder says, and whether the picture is `learned`.

        Without a recorder the camera is lost since that was seen.
        """
        status = _status(figures)
        if status is None:
            self._orphan = self._orphan or now()
            cause = "its recorder does not run"
            state: Literal["starting", "lost"] = "lost" if self._known else "starting"
            status = CameraStatus(camera_id=self._camera, state=state, since=self._orphan, cause=cause)
        else:
            self._orphan, self._known = None, True
        clock = status.clock
        if clock.offset_ms is not None:  # whole 50 ms, or every packet would be news
            unsure = None if clock.uncertainty_ms is None else -(-clock.uncertainty_ms // 50) * 50.0
            clock = clock.model_copy(update={"offset_ms": round(clock.offset_ms / 50) * 50.0, "uncertainty_ms": unsure})
        said = {"clock": clock, "learned": learned, "kept": _kept(figures)}
        raw = status.model_copy(update=said).model_dump_json(exclude_none=True).encode()
        if raw == self._written:
            return
        try:
            write_durable(self._path, raw)
            self._written = raw
        except OSError as error:
            log.warning("%s: its state cannot be written (%s)", self._camera, error.strerror)


def _status(figures: dict[str, Any] | None) -> CameraStatus | None:
    try:
        return None if figures is None else CameraStatus.model_validate(figures.get("link"))
    except ValidationError:
        return None


def _kept(figures: dict[str, Any] | None) -> Kept | None:
    try:
        return None if figures is None else Kept.model_validate(figures.get("kept"))
    except ValidationError:
        return None


__all__ = ["StatusFile", "recorded", "silence"]
