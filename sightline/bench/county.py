"""Which camera of a benchmark shows which stream, and from where in its loop."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from contract.errors import InputError
from sightline.bench.mix.stream import FPS, Planted, Stream, streams_in, write_stream

#: With offsets `soon`, who stays arrives this long after the epoch, spread over so many seconds.
SOON_S, SPREAD_S = 25.0, 15.0


@dataclass(frozen=True, slots=True)
class Mount:
    """One virtual camera: `offset` frames into the loop at the epoch."""

    camera_id: str
    stream: Stream
    folder: Path
    offset: int

    @property
    def path(self) -> str:
        """Its path at the RTSP server."""
        return f"/{self.camera_id}"

    def times(self, planted: Planted, epoch: float, until: float) -> list[tuple[float, float]]:
        """(begins, ends) in Unix s of every showing of `planted` that ends after `epoch` and begins before `until`."""
        loop = self.stream.seconds
        first = epoch + planted.begins - self.offset / FPS
        lasts = planted.ends - planted.begins
        shown = []
        turn = int(np.floor((epoch - first - lasts) / loop))
        while (begins := first + turn * loop) < until:
            if begins + lasts > epoch:
                shown.append((begins, begins + lasts))
            turn += 1
        return shown


def mounts(folder: Path, parking: int, crossings: int, *, soon: bool = False, only: str | None = None) -> list[Mount]:
    """`parking` + `crossings` cameras over the streams of `folder`, each with an offset of its own.

    Offsets are spread evenly over each loop, so that at any time one kerb in five has somebody standing; with `soon`
    everything planted begins within the first minute, for runs that are shorter than a loop. Raises InputError.
    """
    streams = [one for one in streams_in(folder) if only in {None, one.name}]
    found: list[Mount] = []
    wanted: tuple[tuple[Literal["parking", "yield"], str, int], ...] = (
        ("parking", "kerb", parking),
        ("yield", "zebra", crossings),
    )
    for kind, name, count in wanted:
        of_kind = [one for one in streams if one.kind == kind]
        if count and not of_kind:
            raise InputError(f"{folder}: holds no {kind} stream - run `sightline bench compose --out {folder}`")
        for index in range(count):
            stream = of_kind[index % len(of_kind)]
            offset = _offset(stream, index, count, soon=soon)
            found.append(Mount(f"{name}-{index + 1:02d}", stream, folder / stream.name, offset))
    return found


def without_rest(streams: Path, out: Path) -> Path:
    """The zebras of `streams` with nothing but the take in which somebody does not yield, over and over, in `out`.

    What a box costs that can never rest. The encoded files stay where they are. Raises InputError.
    """
    shutil.rmtree(out, ignore_errors=True)
    for stream in streams_in(streams):
        if stream.kind != "yield":
            continue
        index = stream.playlist.index("offends")
        before = stream.begins(index)
        planted = [replace(one, begins=one.begins - before, ends=one.ends - before) for one in stream.planted]
        segment = stream.segments["offends"]
        at = (streams / stream.name / segment.file).resolve()
        folder = out / f"{stream.name}-moving"
        folder.mkdir(parents=True)
        alone = {"offends": replace(segment, file=str(at))}
        write_stream(folder, replace(stream, name=folder.name, segments=alone, playlist=["offends"], planted=planted))
    return out


def _offset(stream: Stream, index: int, count: int, *, soon: bool) -> int:
    """Frames; an odd step keeps the keyframes of the cameras from falling together."""
    frames = round(stream.seconds * FPS)
    if soon and stream.planted:
        late = SOON_S + SPREAD_S * index / max(1, count)
        return round((stream.planted[0].begins - late) * FPS) % frames
    return (index * frames // max(1, count) + 13 * index) % frames


def site_of(all_mounts: list[Mount], port: int, permitted_wait_s: float | None) -> dict[str, Any]:
    """One site file with every camera. `permitted_wait_s` shortens what the streams' own sites permit."""
    cameras = []
    for mount in all_mounts:
        camera = {"id": mount.camera_id, "url": f"rtsp://127.0.0.1:{port}{mount.path}", **mount.stream.camera}
        zones = [dict(zone) for zone in camera["zones"]]
        for zone in zones:
            if permitted_wait_s is not None and "permitted_wait_s" in zone:
                zone["permitted_wait_s"] = permitted_wait_s
        cameras.append({**camera, "zones": zones})
    return {
        "site": "county",
        "name": "County mix",
        "timezone": "Asia/Shanghai",
        "jurisdiction": "cn-default",
        "cameras": cameras,
    }


def permitted_wait(mount: Mount, permitted_wait_s: float | None) -> float:
    """Seconds that one may stand before this camera."""
    waits = [zone["permitted_wait_s"] for zone in mount.stream.camera["zones"] if "permitted_wait_s" in zone]
    return permitted_wait_s if permitted_wait_s is not None else float(waits[0]) if waits else 0.0
