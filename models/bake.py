"""From `.pt` to a package, in a process of its own so that torch's memory and threads go with it.

    python -m models.bake --weights yolov8n.pt --out FOLDER --size 384 640 [--int8] [--frames PATH]

Fills FOLDER with network.xml, network.bin and sightline.yaml, with the measured agreement in it. One line on standard
error and exit status 2 when it cannot.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import openvino as ov

from contract.errors import ModelError, SightlineError
from edge.detect.engine import PictureDetector
from edge.detect.openvino import OpenVinoEngine
from edge.detect.package import IOU, SCORE, Agreement, Manifest, sha256_of, write_manifest
from edge.detect.protocol import Picture
from edge.detect.ultralytics import UltralyticsEngine, load_ultralytics
from models import pictures
from models.agreement import agree
from models.catalogue import catalogue
from models.quantise import quantise

NETWORK = "network.xml"
#: Pictures to calibrate on and, others, to compare on.
CALIBRATE, COMPARE = 128, 24


def bake(weights: Path, out: Path, size: tuple[int, int], int8: bool, frames: Path | None) -> Manifest:
    """Export, quantise when asked, compare with the original, describe. Raises ModelError or MediaError."""
    yolo = load_ultralytics().YOLO(str(weights), task="detect")
    if yolo.task != "detect":
        raise ModelError(f"{weights}: is a {yolo.task} model - give a detector")
    network = _export(weights, size)
    if int8:
        if frames is None:
            raise ModelError(f"{weights}: INT8 is calibrated on frames - give --frames, or use --f32")
        network = quantise(network, "yolo", size, pictures.sample(frames, CALIBRATE))
    ov.save_model(network, out / NETWORK, compress_to_fp16=False)
    names = [yolo.names[index] for index in range(len(yolo.names))]
    manifest = _describe(weights, out, size, names, int8)
    write_manifest(out, manifest)
    compared = pictures.sample(frames, COMPARE) if frames else pictures.shipped()
    manifest = manifest.model_copy(update={"agreement": _compare(weights, out, size, compared)})
    write_manifest(out, manifest)
    return manifest


def _export(weights: Path, size: tuple[int, int]) -> Any:
    """Ultralytics' OpenVINO export. It writes beside the weights, so they are copied where nothing else is."""
    ultralytics = load_ultralytics()
    with tempfile.TemporaryDirectory(prefix="sightline-export-") as temporary:
        copied = Path(shutil.copy(weights, temporary))
        with redirect_stdout(sys.stderr):
            made = ultralytics.YOLO(str(copied), task="detect").export(
                format="openvino", imgsz=size, batch=1, verbose=False
            )
        found = list(Path(made).glob("*.xml"))
        if len(found) != 1:
            raise ModelError(f"{weights}: Ultralytics exported no OpenVINO network - see its messages above")
        core = ov.Core()
        core.set_property({"ENABLE_MMAP": False})  # the folder goes away below
        return core.read_model(found[0])


def _describe(weights: Path, out: Path, size: tuple[int, int], names: list[str], int8: bool) -> Manifest:
    precision = "int8" if int8 else "f32"
    digest = sha256_of(weights)
    entry = catalogue().of_weights(digest)
    ultralytics = load_ultralytics()
    return Manifest(
        name=f"{weights.stem}-{size[0]}x{size[1]}-{precision}",
        version=f"{weights.stem}+ultralytics{ultralytics.__version__}",
        kind="yolo",
        network=NETWORK,
        files={name: sha256_of(out / name) for name in (NETWORK, Path(NETWORK).with_suffix(".bin").name)},
        classes=names,
        input=size,
        precision="int8" if int8 else "f32",
        score=entry.score if entry else SCORE,
        iou=entry.iou if entry else IOU,
        source=entry.source if entry else weights.name,
        source_sha256=digest,
        licence=entry.licence if entry else "as the weights' owner says",
        published_map=entry.map if entry else None,
        made_with={"ultralytics": ultralytics.__version__, "openvino": ov.__version__},
    )


def _compare(weights: Path, out: Path, size: tuple[int, int], compared: list[Picture]) -> Agreement:
    reference = PictureDetector(UltralyticsEngine(weights, size))
    export = PictureDetector(OpenVinoEngine(out))
    try:
        return agree(reference, export, compared, f"{weights.name} run by Ultralytics")
    finally:
        reference.close()
        export.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m models.bake", description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, nargs=2, required=True, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--frames", type=Path)
    options = parser.parse_args(argv)
    try:
        bake(options.weights, options.out, (options.size[0], options.size[1]), options.int8, options.frames)
    except SightlineError as error:
        sys.stderr.write(f"sightline: {error}\n")
        return error.exit_status
    except Exception as error:  # Ultralytics raises whatever its many parts raise; the parent wants one line
        first = (str(error) or type(error).__name__).strip().splitlines()[0]
        sys.stderr.write(
            f"sightline: {options.weights}: cannot be exported ({first[:160]}) - is it a detector's .pt?\n"
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
