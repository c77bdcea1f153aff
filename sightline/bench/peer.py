"""The usual pipelines, as their documentation writes them: `python -m sightline.bench.peer KIND WEIGHTS URL SECONDS`.

`ultralytics`: `YOLO(weights).track(url, stream=True)`. `supervision`: OpenCV's capture, the same weights,
supervision's detections and ByteTrack, which it has moved into the package `trackers`. Prints one JSON object: frames
processed, seconds of wall clock and cpu after the first frames (loading and connecting count for nobody), and objects
seen a frame.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator

#: Frames before the clock starts: libraries compile and fill their buffers with the first.
_WARM_UP = 3


def main() -> int:
    """Run one pipeline for so many seconds."""
    kind, weights, url, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    from edge.detect.ultralytics import load_ultralytics

    load_ultralytics()
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
