"""The virtual cameras' process."""

import json
import sys
from pathlib import Path

from sightline.bench.county import Mount
from sightline.demo.parts import Part


def cameras_part(run: Path, log: Path, port: int, epoch: float, mounts: list[Mount]) -> Part:
    """The process that serves `mounts`, not started yet; its plan is written into `run`."""
    plan = run / "cameras.json"
    told = [{"path": one.path, "folder": str(one.folder.resolve()), "offset": one.offset} for one in mounts]
    plan.write_text(json.dumps({"port": port, "epoch": epoch, "mounts": told}), encoding="utf-8")
    return Part("cameras", [sys.executable, "-m", "sightline.bench.camera_server", str(plan)], log)
