"""`make setup`: checks what must be there, makes `.venv` with all extras, builds the web front. Idempotent.

Run by the system's Python as a file, before anything is installed:

    python3 sightline/setup/install.py [--check]

Torch comes first and alone: on its own pip would fetch gigabytes of CUDA. Where PyTorch's index of CPU wheels does not
answer within five seconds, pip takes what the configured index has.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Nothing is installed yet: the package is found where it stands.
sys.path.insert(0, str(ROOT))

from sightline.setup.prerequisites import missing  # noqa: E402

VENV = ROOT / ".venv"
WEB = ROOT / "central" / "web"
TORCH = ["torch==2.13.0", "torchvision==0.28.0"]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
EXTRAS = "edge,central,s3,ultralytics,demo,dev"
_STAMPED = ("pyproject.toml", "central/web/package.json", "central/web/package-lock.json", "sightline/setup/install.py")
_PATIENCE_S = 5.0


def main(arguments: list[str]) -> int:
    """Exit status 2 when a prerequisite is missing, 1 when a step fails."""
    for line in (wrong := missing(ROOT)):
        print(f"setup: {line}", file=sys.stderr)  # noqa: T201
    if wrong:
        return 2
    if "--check" in arguments or _up_to_date():
        return 0
    began = time.monotonic()
    for title, command, folder in _steps():
        status = _run(title, command, folder)
        if status:
            return status
    if _run("fetching the weights that read plates and find faces (30 MB)", _weights(), ROOT):
        # Everything else works without them, and says that it does.
        print("setup: going on without them; later: sightline models fetch", file=sys.stderr)  # noqa: T201
    _stamp().write_text(_fingerprint(), encoding="utf-8")
    print(f"setup: done in {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201
    return 0


def _steps() -> list[tuple[str, list[str], Path]]:
    python = str(VENV / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
    index = ["--extra-index-url", CPU_INDEX] if _answers(CPU_INDEX + "/torch/") else []
    steps = (
        []
        if (VENV / "bin" / "python").exists()
        else [("making .venv", [sys.executable, "-m", "venv", str(VENV)], ROOT)]
    )
    return [
        *steps,
        ("installing torch (about 200 MB)", [*pip, *index, *TORCH], ROOT),
        ("installing Sightline and what it needs (about 400 MB)", [*pip, "--editable", f".[{EXTRAS}]"], ROOT),
        ("fetching the browser's libraries", ["npm", "ci", "--silent", "--no-audit", "--no-fund"], WEB),
        ("building the web front", ["npm", "run", "--silent", "build"], WEB),
    ]


def _weights() -> list[str]:
    return [str(VENV / "bin" / "python"), "-m", "sightline", "models", "fetch"]


def _run(title: str, command: list[str], folder: Path) -> int:
    """Run one step; a line every ten seconds, its output only when it fails."""
    began = time.monotonic()
    print(f"setup: {title}", file=sys.stderr, flush=True)  # noqa: T201
    log = VENV.parent / ".setup.log"
    with log.open("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            while True:
                try:
                    status = process.wait(10)
                    break
                except subprocess.TimeoutExpired:
                    print(f"setup: {title} ... {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            return 130
        out.seek(0)
        said = out.read().strip().splitlines()
    log.unlink()
    if status:
        for line in said[-15:]:
            print(f"  {line}", file=sys.stderr)  # noqa: T201
        what = (
            f"setup: {title} failed - mend what the lines above say (is the package registry reachable?), run it again"
        )
        print(what, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=_PATIENCE_S):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _stamp() -> Path:
    return VENV / ".sightline-setup"


def _up_to_date() -> bool:
    vendor = WEB / "static" / "vendor"
    return _stamp().is_file() and vendor.is_dir() and _stamp().read_text(encoding="utf-8") == _fingerprint()


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version_info[:3]} {ROOT} {os.uname().machine}".encode())
    for name in _STAMPED:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
