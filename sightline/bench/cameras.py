"""The virtual cameras' process: GStreamer's RTSP server under the system's Python."""

import json
import subprocess
from pathlib import Path

from contract.errors import RunError
from sightline.bench.county import Mount
from sightline.demo.parts import Part

PYTHON = "/usr/bin/python3"
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)
_TRY = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstApp", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstApp, GstRtspServer
Gst.init(None)
missing = [name for name in ("appsrc", "h264parse", "rtph264pay") if Gst.ElementFactory.find(name) is None]
raise SystemExit(", ".join(missing) or 0)
"""
_SERVER = Path(__file__).with_name("camera_server.py")


def require_gstreamer() -> None:
    """Raises RunError that names the packages when GStreamer's RTSP server is not here."""
    try:
        said = subprocess.run([PYTHON, "-c", _TRY], capture_output=True, text=True, timeout=60, check=False)
        missing = said.returncode != 0
    except (OSError, subprocess.TimeoutExpired):
        missing = True
    if missing:
        raise RunError(f"the virtual cameras need GStreamer's RTSP server - apt-get install {PACKAGES}")


def cameras_part(run: Path, log: Path, port: int, epoch: float, mounts: list[Mount]) -> Part:
    """The process that serves `mounts`, not started yet; its plan is written into `run`."""
    plan = run / "cameras.json"
    told = [{"path": one.path, "folder": str(one.folder.resolve()), "offset": one.offset} for one in mounts]
    plan.write_text(json.dumps({"port": port, "epoch": epoch, "mounts": told}), encoding="utf-8")
    return Part("cameras", [PYTHON, str(_SERVER), str(plan)], log)
