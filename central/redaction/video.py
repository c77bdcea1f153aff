"""A redacted copy of a clip: decoded, blurred, encoded anew as H.264. Sound is left out, for voices are people too.

What was found in the pictures just before and just after is blurred in a picture as well: a face that the finder
misses for a moment does not flash up.
"""

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from central.redaction.blur import blurred
from central.redaction.finder import Box, Picture
from central.redaction.redactor import Redactor
from contract.errors import MediaError

#: Boxes hold this many pictures back and ahead.
_HOLD = 3
Accused = Callable[[float], Box | None]
Progress = Callable[[float, float], None]
Looked = Iterator[tuple[av.VideoFrame, Picture, list[Box]]]


def redact_video(
    source: Path,
    target: Path,
    redactor: Redactor,
    accused: Accused | None = None,
    progress: Progress | None = None,
    plate: str | None = None,
) -> int:
    """Write a redacted copy of `source` to `target` (MP4), whole or not at all; how many pictures it has.

    `accused` gives the accused vehicle's box (px) at a second of the clip, `plate` the one that stays where it is read.
    `progress` hears seconds done and in all. Times of pictures are those of the original. Raises MediaError for what
    cannot be decoded, OSError when the disk refuses.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with av.open(str(source)) as read, av.open(str(part), "w", "mp4", {"movflags": "faststart"}) as written:
            if not read.streams.video:
                raise MediaError(f"{source}: holds no video - give a clip")
            looked = _looked(read, redactor, accused or (lambda _: None), plate)
            count = _copy(read, written, looked, progress or (lambda *_: None))
        if not count:
            raise MediaError(f"{source}: holds no picture that can be decoded - give a clip")
        part.replace(target)
    except FFmpegError as error:
        raise MediaError(f"{source}: cannot be redacted ({error.strerror}) - is it a whole video?") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _copy(read: Any, written: Any, looked: Looked, progress: Progress) -> int:
    stream = read.streams.video[0]
    whole = float(stream.duration * stream.time_base) if stream.duration else float(read.duration or 0) / av.time_base
    out = _encoder(written, stream)
    count, first = 0, None
    for frame, picture, boxes in _held(looked):
        first = frame.time if first is None else first
        copy = av.VideoFrame.from_ndarray(_even(blurred(picture, boxes)), format="bgr24")
        copy.pts, copy.time_base = frame.pts, frame.time_base
        written.mux(out.encode(copy))
        count += 1
        progress(frame.time - first, whole)
    if count:
        written.mux(out.encode(None))
    return count


def _encoder(written: Any, stream: Any) -> Any:
    """H.264 of visually the same quality, sized evenly as 4:2:0 needs it; B-frames would shift times."""
    out = written.add_stream(
        "libx264", rate=stream.average_rate or 25, options={"crf": "18", "preset": "fast", "bf": "0"}
    )
    out.width, out.height, out.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
    out.codec_context.time_base = stream.time_base or Fraction(1, 90_000)
    return out


def _looked(read: Any, redactor: Redactor, accused: Accused, plate: str | None) -> Looked:
    """Frames with what was found in each."""
    for frame in read.decode(read.streams.video[0]):
        if frame.pts is None:
            continue
        picture = np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
        yield frame, picture, redactor.boxes(picture, accused(frame.time), plate)


def _held(looked: Looked) -> Looked:
    """The same frames, each with what was found in those around it too."""
    before: deque[list[Box]] = deque(maxlen=_HOLD)
    waiting: deque[tuple[av.VideoFrame, Picture, list[Box]]] = deque()
    for one in looked:
        waiting.append(one)
        if len(waiting) > _HOLD:
            yield _first(before, waiting)
    while waiting:
        yield _first(before, waiting)


def _first(
    before: deque[list[Box]], waiting: deque[tuple[av.VideoFrame, Picture, list[Box]]]
) -> tuple[av.VideoFrame, Picture, list[Box]]:
    around = [*before, *(boxes for _, _, boxes in waiting)]
    frame, picture, own = waiting.popleft()
    before.append(own)
    return frame, picture, [box for boxes in around for box in boxes]


def _even(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])
