"""Pictures to calibrate and compare on: from a folder of images and videos, or one video, evenly spaced."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2

from contract.errors import MediaError
from edge.detect.protocol import Picture

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
VIDEOS = {".mp4", ".mkv", ".avi", ".mov", ".ts", ".webm"}


def sample(path: Path, count: int) -> list[Picture]:
    """Up to `count` BGR pictures (H, W, 3) uint8, spread evenly over what is at `path`.

    Raises MediaError when there is nothing there that can be read.
    """
    if not path.exists():
        raise MediaError(f"{path}: is not there - give a folder of pictures or a video")
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    images = [p for p in files if p.suffix.lower() in IMAGES]
    videos = [p for p in files if p.suffix.lower() in VIDEOS]
    if not images and not videos:
        raise MediaError(f"{path}: holds no picture or video - give frames of the cameras that will be watched")
    share = max(1, count // (len(videos) + bool(images)))
    found = [_image(p) for p in images[:: max(1, len(images) // share)][:share]]
    for video in videos:
        found.extend(_of_video(video, share))
    return found[:count]


def shipped() -> list[Picture]:
    """The photographs that come in Ultralytics' wheel, plain and mirrored: for comparing, too few to calibrate on."""
    from importlib.util import find_spec

    spec = find_spec("ultralytics")
    if spec is None or spec.origin is None:
        return []
    found = [_image(path) for path in sorted((Path(spec.origin).parent / "assets").glob("*.jpg"))]
    return found + [cv2.flip(picture, 1) for picture in found]


def _image(path: Path) -> Picture:
    picture: Picture | None = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise MediaError(f"{path}: is not a picture that can be read - remove it")
    return picture


def _of_video(path: Path, count: int) -> list[Picture]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            total = stream.frames or 300
            step = max(1, total // count)
            return list(_every(container.decode(stream), step, count))
    except (av.FFmpegError, IndexError, OSError) as error:
        raise MediaError(f"{path}: cannot be decoded ({str(error)[:80]}) - give another video") from error


def _every(frames: Iterator[av.VideoFrame], step: int, count: int) -> Iterator[Picture]:
    given = 0
    for index, frame in enumerate(frames):
        if index % step == 0:
            yield frame.to_ndarray(format="bgr24")
            given += 1
        if given == count:
            return
