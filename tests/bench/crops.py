"""Does it pay to detect on a part of the picture? Recall by width of the vehicle, and cost by size of the input.

    python -m tests.bench.crops PACKAGE [--network YOLO.xml]

Vehicles that the detector finds in real clips of ../shared are made so many pixels wide in a 1920 x 1080 picture, and
looked for in the whole of it and in the part that edge.plan.crop cuts around the place where they stand. PACKAGE is a
prepared model; `--network` is the IR of a YOLO whose input may be reshaped, to try smaller inputs with.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from edge.cameras.packets import Picture
from edge.detect.boxes import class_table, read_head
from edge.detect.fit import letterbox
from edge.detect.openvino import _with_pixels
from edge.detect.package import Manifest, read_package
from edge.frames import VEHICLES, Detections
from edge.plan.crop import Crop

ROOT = Path(__file__).resolve().parents[2]
FRAME = (1920, 1080)
CLIPS = {
    "lot_cctv_leaving_prakhar.mp4": (0.0, 26.0),
    "road_illegal_parking_kevinjoy.mp4": (2.0, 19.0),
    "road_cctv_india_clumsyy29.mp4": (0.0, 12.0),
    "road_crosswalk_madison_roxa.mp4": (0.0, 12.0),
}
#: Widths of vehicles in the 1080p picture [px], and inputs (height, width) that are tried.
WIDTHS = (24, 36, 48, 72, 96)
SMALLER = ((384, 640), (320, 320), (256, 256))


@dataclass
class Network:
    """A detector of one input size, on one thread, with what it cost."""

    manifest: Manifest
    path: Path
    size: tuple[int, int]
    cpu_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        core = ov.Core()
        network = core.read_model(self.path)
        if network.input().partial_shape.is_dynamic:
            network.reshape([1, 3, *self.size])
        told = self.manifest.model_copy(update={"input": self.size})
        settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        self._request = core.compile_model(_with_pixels(network, told), "CPU", settings).create_infer_request()
        self._table = class_table(self.manifest.classes)
        self._out = np.zeros((*self.size, 3), np.uint8)

    def detect(self, picture: Picture) -> Detections:
        """Vehicles of score 0.25 and more, in px of `picture`."""
        fit = letterbox(picture, self._out)
        begun = time.process_time()
        self._request.infer({0: self._out[None]})
        self.cpu_s.append(time.process_time() - begun)
        raw = self._request.get_output_tensor(0).data
        seen = read_head(raw, self._table, 0.25, self.manifest.iou)
        seen = seen.rows(np.flatnonzero(np.isin(seen.classes, list(VEHICLES))))
        return Detections(fit.back(seen.boxes), seen.scores, seen.classes)


def pictures(path: Path, begin: float, end: float) -> list[Picture]:
    """A picture of a clip every 2 s, BGR."""
    found: list[Picture] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            if begin + 2.0 * len(found) <= float(frame.pts * stream.time_base) < end:
                found.append(frame.to_ndarray(format="bgr24"))
    return found


def placed(picture: Picture, box: NDArray[np.float32], width: int) -> tuple[Picture, NDArray[np.float32]] | None:
    """The clip's picture in a 1080p one, so small that `box` is `width` px wide, and where the box is then."""
    ratio = width / float(box[2] - box[0])
    high, wide = round(picture.shape[0] * ratio), round(picture.shape[1] * ratio)
    if ratio > 1.2 or high > FRAME[1] or wide > FRAME[0] or min(high, wide) < 8:
        return None
    top, left = (FRAME[1] - high) // 2, (FRAME[0] - wide) // 2
    small = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
    edges = top, FRAME[1] - high - top, left, FRAME[0] - wide - left
    whole = cv2.copyMakeBorder(small, *edges, cv2.BORDER_REFLECT_101)
    return np.asarray(whole, np.uint8), np.asarray(box * ratio + np.array([left, top] * 2), np.float32)


def found(seen: Detections, box: NDArray[np.float32]) -> bool:
    """Whether a box overlaps the true one by half."""
    if not len(seen):
        return False
    low, high = np.maximum(seen.boxes[:, :2], box[:2]), np.minimum(seen.boxes[:, 2:], box[2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    each = (seen.boxes[:, 2:] - seen.boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod() - common
    return bool((common / each).max() >= 0.5)


def tried(network: Network, whole: Picture, box: NDArray[np.float32]) -> tuple[bool, bool]:
    """Whether a vehicle is found in the whole picture, and in the part around the kerb under it."""
    size = network.size[1], network.size[0]
    small = cv2.resize(whole, (640, 360), interpolation=cv2.INTER_AREA)
    seen = network.detect(small)
    in_whole = found(Detections(seen.boxes * np.float32(3.0), seen.scores, seen.classes), box)
    wide, high = box[2] - box[0], box[3] - box[1]
    kerb = [(float(x), float(y)) for x in (box[0] - wide, box[2] + wide) for y in (box[3] - high * 0.3, box[3])]
    crop = Crop.around([kerb], FRAME)
    if crop is None:
        return in_whole, in_whole
    cut = crop.cut(av.VideoFrame.from_ndarray(whole, format="bgr24").reformat(format="yuv420p"), size)
    seen = network.detect(cut)
    ratio = np.array([FRAME[0] / cut.shape[1], FRAME[1] / cut.shape[0]] * 2, np.float32)
    return in_whole, found(crop.back(Detections(seen.boxes * ratio, seen.scores, seen.classes)), box)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crops", description=__doc__.split("\n")[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--network", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    manifest = read_package(options.package)
    own = Network(manifest, options.package / manifest.network, manifest.input)
    networks = [own] + [Network(manifest, options.network, size) for size in SMALLER if options.network]
    hits: dict[tuple[int, int], list[tuple[bool, bool]]] = defaultdict(list)
    clips = Path(os.environ.get("SIGHTLINE_SHARED", ROOT.parent / "shared")) / "clips"
    for clip, (begin, end) in CLIPS.items():
        for picture in pictures(clips / clip, begin, end):
            seen = own.detect(picture)
            for box in seen.boxes[seen.scores >= 0.4]:
                for width in WIDTHS:
                    scene = placed(picture, box, width)
                    for number, network in enumerate(networks if scene else []):
                        hits[number, width].append(tried(network, *scene))
        print(f"{clip}: done", file=sys.stderr)
    print("| input | cpu-ms | " + " | ".join(f"{width} px: whole, part" for width in WIDTHS) + " |")
    print("|---" * (2 + len(WIDTHS)) + "|")
    for number, network in enumerate(networks):
        cells = [" , ".join(f"{share:.2f}" for share in np.mean(hits[number, width], axis=0)) for width in WIDTHS]
        name = f"{(options.network if number else options.package).name} {network.size[1]}x{network.size[0]}"
        print(f"| {name} | {np.median(network.cpu_s) * 1e3:.1f} | " + " | ".join(cells) + " |")
    print("vehicles: " + ", ".join(str(len(hits[0, width])) for width in WIDTHS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
