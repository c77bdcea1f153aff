"""The usual pipelines on the same streams in the same run, and how many times dearer they are."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from contract.errors import RunError
from edge.detect.package import read_package
from models.catalogue import catalogue
from models.store import cache_home
from sightline.bench.county import Mount
from sightline.bench.field import CPU
from sightline.bench.measure import Say
from sightline.bench.mix.stream import FPS
from sightline.demo.parts import run_once

#: Loading torch and connecting may take so long beside the time measured, s.
_START_S = 240.0


def weights_of(package: Path, given: Path | None) -> Path:
    """The weights that `package` was made from, as Ultralytics loads them. Raises RunError when they are not here."""
    if given is not None:
        return given
    manifest = read_package(package)
    entry = catalogue().of_weights(manifest.source_sha256) if manifest.source_sha256 else None
    named = os.environ.get("SIGHTLINE_WEIGHTS")
    for folder in (Path(named) if named else None, cache_home() / "weights"):
        if entry is not None and folder is not None and (folder / entry.file).exists() and entry.kind == "yolo":
            return folder / entry.file
    raise RunError(
        f"the peer needs the weights that {manifest.name} was made from - set SIGHTLINE_WEIGHTS to their folder "
        "or give --peer-weights"
    )


def run_peer(
    kind: str, weights: Path, mounts: list[Mount], port: int, cpu: str, seconds: float, say: Say
) -> dict[str, Any]:
    """One pipeline on one parking and one yield stream, after one another; cost weighted as `mounts` are mixed.

    `at_full_rate`: cpu seconds a frame times 1,500, what a camera-minute would cost if no frame were left out.
    `as_run`: cpu seconds a minute while it ran, with the frames that it had to leave out. Raises RunError.
    """
    told: dict[str, Any] = {"pipeline": kind, "weights": weights.name, "streams": {}}
    cost: dict[str, tuple[float, float]] = {}
    for of_kind in ("parking", "yield"):
        mount = next((one for one in mounts if one.stream.kind == of_kind), None)
        if mount is None:
            continue
        say(f"{kind} on {mount.camera_id} for {seconds:.0f} s")
        one = _once(kind, weights, f"rtsp://127.0.0.1:{port}{mount.path}", cpu, seconds)
        if not one["frames"]:
            raise RunError(f"{kind}: processed no frame in {seconds:.0f} s - give it a quieter machine or more time")
        full, run = one["cpu_s"] / one["frames"] * FPS * 60, one["cpu_s"] / one["wall_s"] * 60
        cost[of_kind] = full, run
        per_frame = round(1000 * one["cpu_s"] / one["frames"], 1)
        told["streams"][of_kind] = {
            **one,
            "fps": round(one["frames"] / one["wall_s"], 2),
            "cpu_ms_per_frame": per_frame,
        }
    count = {kind_: sum(one.stream.kind == kind_ for one in mounts) for kind_ in cost}
    for index, name in enumerate(("at_full_rate", "as_run")):
        total = sum(cost[kind_][index] * number for kind_, number in count.items())
        told[f"{name}_cpu_s_per_camera_minute"] = round(total / sum(count.values()), 2)
    return told


def ratios(peer: dict[str, Any], own: float) -> dict[str, float]:
    """How many times dearer than `own` cpu seconds a camera-minute."""
    return {
        name: round(peer[f"{name}_cpu_s_per_camera_minute"] / own, 2) if own else 0.0
        for name in ("at_full_rate", "as_run")
    }


def _once(kind: str, weights: Path, url: str, cpu: str, seconds: float) -> dict[str, float]:
    capped = ["env", *(f"{key}={value}" for key, value in CPU[cpu].items())] if CPU[cpu] else []
    # RTSP over TCP, as the box reads it; OpenCV would take UDP and lose packets on a busy machine.
    tcp = ["env", "OPENCV_FFMPEG_CAPTURE_OPTIONS=rtsp_transport;tcp"]
    command = [*capped, *tcp, sys.executable, "-m", "sightline.bench.peer", kind, str(weights), url, str(seconds)]
    said = run_once(command, f"the pipeline {kind}", timeout_s=seconds * 4 + _START_S)
    return {str(key): float(value) for key, value in json.loads(said.strip().splitlines()[-1]).items()}
