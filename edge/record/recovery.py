"""What an earlier run left: torn segments are cut back to what is whole, files without a row are adopted.

Called once for a camera before it is recorded again.
"""

import hashlib
import logging
import os
from datetime import timedelta
from pathlib import Path

import av
from av.error import FFmpegError

from edge.record.boxes import whole_length
from edge.record.index import Index, Segment
from edge.record.sealer import durable
from edge.record.segment import PART, stamp_in, start_of

log = logging.getLogger("sightline.recorder")
#: Folders of hours that may hold what the last run did not finish: a crash leaves it in the newest.
_NEWEST = 3


def recover(folder: Path, camera: str, index: Index) -> list[Segment]:
    """Put in order what lies in the camera's `folder`; the rows that were missing, oldest first. Raises OSError."""
    if not folder.is_dir():
        return []
    found = []
    for part in sorted(folder.glob(f"*/*/*{PART}")):
        if (row := repaired(part, folder, camera)) is not None:
            found.append(row)
    hours = sorted(path for path in folder.glob("*/*") if path.is_dir())[-_NEWEST:]
    names = {row.name for row in found}
    for path in (path for hour in hours for path in sorted(hour.glob("*.mp4"))):
        name = str(path.relative_to(folder))
        if name not in names and not index.knows(camera, name) and (row := _row(path, folder, camera, torn=False)):
            found.append(row)
    return sorted(found, key=lambda row: row.start_us)


def repaired(part: Path, folder: Path, camera: str) -> Segment | None:
    """The whole beginning of a torn file under a final name; None, and nothing left, when not a fragment is whole."""
    length = whole_length(part)
    if length == 0:
        part.unlink()
        return None
    os.truncate(part, length)
    path, number = part.with_suffix(".mp4"), 0
    while path.exists():
        number += 1
        path = part.with_name(f"{part.stem}-{number}.mp4")
    durable(part, path)
    return _row(path, folder, camera, torn=True)


def _row(path: Path, folder: Path, camera: str, *, torn: bool) -> Segment | None:
    """What the index should say of a file; None for one that cannot be read, which stays where it is."""
    try:
        start = start_of(path)
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            base = stream.time_base or 0
            packets = [
                (packet.pts, packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None
            ]
            end = max(pts + length for pts, length in packets)
            length_s = float((end - min(pts for pts, _ in packets)) * base)
            context = stream.codec_context
            codec, width, height = context.name, context.width, context.height
            stamp, t0 = stamp_in(container.metadata.get("comment", ""))
    except (FFmpegError, OSError, ValueError, IndexError) as error:
        log.warning("%s: cannot be read and is left out of the index (%s)", path, error)
        return None
    return Segment(
        camera=camera,
        start_us=round(start.timestamp() * 1e6),
        end_us=round((start + timedelta(seconds=length_s)).timestamp() * 1e6),
        run=stamp.run,
        epoch=stamp.epoch,
        t0=t0,
        t1=round(t0 + length_s, 6),
        name=str(path.relative_to(folder)),
        bytes=path.stat().st_size,
        sha256=_hash(path),
        pictures=len(packets),
        damaged=0,
        codec=codec,
        width=width,
        height=height,
        clock="unknown",
        torn=torn,
        boot=stamp.boot,
        boot_us=stamp.boot_us,
        lead_us=stamp.lead_us,
        by_camera=stamp.by_camera,
        cause=stamp.cause,
        masked=stamp.masked,
    )


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
