"""Where prepared packages live: folders that never change once they are there.

    <root>/<name>-<first 8 of its hash>/sightline.yaml, network.xml, network.bin

`root` is $SIGHTLINE_MODELS, else $XDG_CACHE_HOME/sightline/models, else ~/.cache/sightline/models. A package is built
in a hidden folder beside them and renamed into place, so two processes may prepare at once and a reader never sees
half of one.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from contract.errors import ModelError
from edge.detect.package import MANIFEST, Manifest, check_files, write_manifest
from models.catalogue import catalogue

_BUILDING = ".building-"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A package in the store: its manifest is read, its hashes are checked when it is opened."""

    folder: Path
    manifest: Manifest
    rank: int


def root() -> Path:
    """The folder of the store; not made until something is put there."""
    if chosen := os.environ.get("SIGHTLINE_MODELS"):
        return Path(chosen)
    return cache_home() / "models"


def cache_home() -> Path:
    """$XDG_CACHE_HOME/sightline or ~/.cache/sightline."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sightline"


def rank_of(manifest: Manifest) -> int:
    """How good the weights are by the catalogue; -1 for weights it does not know, which are used only by name."""
    entry = catalogue().of_weights(manifest.source_sha256) if manifest.source_sha256 else None
    return entry.rank if entry else -1


def packages() -> list[Prepared]:
    """All prepared packages, best first; of equal weights the one prepared last."""
    found: list[tuple[int, float, Prepared]] = []
    for path in root().glob(f"[!.]*/{MANIFEST}"):
        try:
            manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            made = path.stat().st_mtime
        except (OSError, ValidationError, yaml.YAMLError, UnicodeDecodeError):
            continue  # another version's package, or one that is being removed
        rank = rank_of(manifest)
        found.append((rank, made, Prepared(path.parent, manifest, rank)))
    return [prepared for _, _, prepared in sorted(found, key=lambda item: item[:2], reverse=True)]


def best() -> Prepared | None:
    """The best package whose weights the catalogue knows."""
    return next((package for package in packages() if package.rank > 0), None)


def prepared(name: str | None = None) -> Path | None:
    """A prepared package folder: the best, or the one of that name (as `models list` prints). None when not there."""
    if name is None:
        found = best()
        return found.folder if found else None
    return next((p.folder for p in packages() if name in (p.manifest.name, p.folder.name)), None)


def put(build: Callable[[Path], Manifest]) -> Prepared:
    """Let `build` fill an empty folder, check its hashes, write its manifest and move it into place.

    Raises what `build` raises, with nothing left behind, and ModelError when the disk refuses.
    """
    base = root()
    try:
        base.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=base))
    except OSError as error:
        raise ModelError(f"{base}: cannot be written ({error.strerror}) - set SIGHTLINE_MODELS") from error
    try:
        manifest = build(temporary)
        check_files(temporary, manifest)
        write_manifest(temporary, manifest)
        temporary.chmod(0o755)
        return Prepared(_move(temporary, base, manifest), manifest, rank_of(manifest))
    except OSError as error:
        raise ModelError(f"{base}: cannot be written ({error.strerror}) - free some space") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def one_at_a_time(waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the store's lock, so that two processes do not prepare the same twice; `waiting` is called once if held."""
    base = root()
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{base}: cannot be written ({error.strerror}) - set SIGHTLINE_MODELS") from error
    with _held(base / ".preparing", waiting):
        yield


@contextmanager
def _held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """An advisory lock that the kernel gives back when its holder dies."""
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _move(temporary: Path, base: Path, manifest: Manifest) -> Path:
    """Rename into place. A folder that is there already and holds is kept, a damaged one makes way."""
    target = base / f"{manifest.name}-{manifest.sha256[:8]}"
    with _held(base / ".moving", lambda: None):
        if _holds(target, manifest):
            (temporary / MANIFEST).replace(target / MANIFEST)  # a newer comparison, a newer date
            return target
        if target.exists():
            aside = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=base))
            target.rename(aside / "old")
            shutil.rmtree(aside, ignore_errors=True)
        temporary.rename(target)
    return target


def _holds(folder: Path, manifest: Manifest) -> bool:
    try:
        check_files(folder, manifest)
    except ModelError:
        return False
    return (folder / MANIFEST).is_file()
