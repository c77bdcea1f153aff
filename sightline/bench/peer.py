"""The usual pipelines, as their documentation writes them: `python -m sightline.bench.peer KIND WEIGHTS URL SECONDS`.

`ultralytics`: `YOLO(weights).track(url, stream=True)`. `supervision`: OpenCV's capture, the same weights,
supervision's detections and ByteTrack, which it has moved into the package `trackers`. Prints one JSON object: frames
processed, seconds of wall clock and cpu after the first frames (loading and connecting count for nobody), and objects
seen a frame.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

#: Frames before the clock starts: libraries compile and fill their buffers with the first.
_WARM_UP = 3


def main() -> int:
    """Run one pipeline for so many seconds."""
    kind, weights, url, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    from edge.detect.ultralytics import load_ultralytics

    load_ultralytics()
    _without_amx()
    seen = _ultralytics(weights, url) if kind == "ultralytics" else _supervision(weights, url)
    frames, objects, began, spent = 0, 0, 0.0, 0.0
    for number, count in enumerate(seen):
        if number == _WARM_UP:
            began, spent = time.monotonic(), _cpu()
        elif number > _WARM_UP:
            frames, objects = frames + 1, objects + count
            if time.monotonic() - began >= seconds:
                break
    told = {
        "frames": frames,
        "wall_s": round(time.monotonic() - began, 3),
        "cpu_s": round(_cpu() - spent, 3),
        "objects_per_frame": round(objects / max(1, frames), 2),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    return 0


def _without_amx() -> None:
    """Let OpenVINO count in f32 where the run is capped to a processor without AMX.

    It asks the real processor and takes bf16, for which there are then no kernels ("Supported primitive descriptors
    list is empty for node ... Softmax"). Ultralytics has no setting for it; the box's own detector sets the same.
    """
    if "ONEDNN_MAX_CPU_ISA" not in os.environ:
        return
    import openvino as ov

    compiled = ov.Core.compile_model

    def in_f32(core: Any, *given: Any, config: Any = None, **more: Any) -> Any:
        return compiled(core, *given, config={**(config or {}), "INFERENCE_PRECISION_HINT": "f32"}, **more)

    ov.Core.compile_model = in_f32


def _ultralytics(weights: str, url: str) -> Iterator[int]:
    from ultralytics import YOLO

    for result in YOLO(weights, task="detect").track(source=url, stream=True, verbose=False):
        yield len(result.boxes)


def _supervision(weights: str, url: str) -> Iterator[int]:
    import cv2
    import supervision as sv
    from trackers import ByteTrackTracker
    from ultralytics import YOLO

    model, tracker = YOLO(weights, task="detect"), ByteTrackTracker(frame_rate=25)
    capture = cv2.VideoCapture(url)
    while True:
        there, frame = capture.read()
        if not there:
            return
        tracked = tracker.update(sv.Detections.from_ultralytics(model(frame, verbose=False)[0]))
        yield len(tracked)


def _cpu() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
