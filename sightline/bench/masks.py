"""`sightline bench masks`: what painting privacy masks costs of a core, and what it does to pictures."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from contract.errors import InputError, RunError
from edge.cameras.decode import Decoder
from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket
from edge.cameras.planes import luma
from edge.masking.plan import Plan
from edge.masking.stage import Masks
from sightline.bench.machine import machine

FILE = "masks.json"
#: Width, height and bits/s of what stations have, 25 pictures/s, a keyframe every 2 s.
_STREAMS = ((1280, 720, 2_000_000), (1920, 1080, 4_000_000))
_FPS = 25
#: The mask, as shares: a fifth of the width and two thirds of the height, as a booth has.
_BOOTH = ((0.02, 0.30), (0.22, 0.30), (0.22, 0.92), (0.02, 0.92))
_HEAD = """
## Privacy masks

`sightline bench masks` makes streams as cameras send them (25 pictures/s, a keyframe every 2 s) of a real room,
and puts them through what a recorder does where it paints masks: decode, paint, encode. *Core* is processor time
over stream time in one thread; *PSNR* is of luma beside the mask, against the camera's pictures.
"""
_COLUMNS = ("room", "stream", "pictures", "core", "kbit/s in", "kbit/s out", "PSNR dB")


def bench_masks(clips: list[Path], folder: Path, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure each clip at each size; streams are made in `folder`. Raises InputError for what is no video."""
    folder.mkdir(parents=True, exist_ok=True)
    on, rows = machine(), []
    for clip in clips:
        for width, height, rate in _STREAMS:
            say(f"{clip.stem} at {width}x{height}")
            path = _stream(clip, folder, (width, height), rate, seconds)
            rows.append({"room": clip.stem, "stream": f"{height}p{_FPS}"} | _measured(path, (width, height)))
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": on, "rows": rows}


def keep(path: Path, result: dict[str, Any]) -> None:
    """Write a result in place of the one before. Raises RunError."""
    try:
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}) - choose another place") from error


def section(path: Path) -> list[str]:
    """Lines of docs/benchmarks.md; none where nothing is kept. Raises InputError."""
    if not path.exists():
        return []
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        lines = [
            _HEAD,
            _line(_COLUMNS),
            _line(["---"] * len(_COLUMNS)),
            *(_line(_cells(one)) for one in result["rows"]),
        ]
        on = result["machine"]
        said = f"{result['at']}, `{on['revision']}`: {on['cores']} cores of {on['processor']}, load before"
        return [*lines, "", f"- {said} {on['load_before']:g}; av {on['versions']['av']}."]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no costs of masks ({error}) - measure again or take it away") from error


def _stream(clip: Path, folder: Path, size: tuple[int, int], rate: int, seconds: float) -> Path:
    """The clip as a camera would send it."""
    path = folder / f"{clip.stem}-{size[1]}.mp4"
    params = f"keyint={2 * _FPS}:min-keyint={2 * _FPS}:scenecut=0:bframes=0"
    try:
        with av.open(str(clip)) as source, av.open(str(path), "w") as target:
            out = target.add_stream("libx264", rate=_FPS, options={"preset": "fast", "x264-params": params})
            (out.width, out.height), out.pix_fmt, out.bit_rate = size, "yuv420p", rate
            for number, frame in enumerate(source.decode(video=0)):
                if number >= seconds * _FPS:
                    break
                fitting = frame.reformat(*size, format="yuv420p")
                fitting.pts, fitting.time_base, fitting.pict_type = number, Fraction(1, _FPS), 0
                target.mux(out.encode(fitting))
            target.mux(out.encode(None))
    except (FFmpegError, OSError, IndexError) as error:
        raise InputError(f"{clip}: cannot be read as video ({error})") from error
    return path


def _measured(path: Path, size: tuple[int, int]) -> dict[str, Any]:
    packets = FilePackets(path, lambda t: datetime.fromtimestamp(t, UTC)).packets(0.0, 1e6)
    plan = Plan((tuple((x * size[0], y * size[1]) for x, y in _BOOTH),), size, size[1])
    out: list[CameraPacket] = []
    spent = time.thread_time()
    stage = Masks("bench", plan, out.append, _refused)
    for packet in packets:
        stage.take(packet)
    stage.flush()
    length = len(packets) / _FPS
    return {
        "pictures": len(out),
        "core": round((time.thread_time() - spent) / length, 3),
        "kbit_s_in": round(sum(len(one.data) for one in packets) * 8 / length / 1000),
        "kbit_s_out": round(sum(len(one.data) for one in out) * 8 / length / 1000),
        "psnr_db": round(_psnr(packets, out, round(0.3 * size[0])), 1),
    }


def _refused(why: str) -> None:
    raise RunError(why)


def _psnr(before: list[CameraPacket], after: list[CameraPacket], left: int) -> float:
    pairs = zip(Decoder().through(before), Decoder().through(after), strict=True)
    wrong = [np.mean((luma(a)[:, left:].astype(np.int16) - luma(b)[:, left:]) ** 2) for (_, a), (_, b) in pairs]
    return float(10 * np.log10(255**2 / max(float(np.mean(wrong)), 1e-9)))


def _cells(row: dict[str, Any]) -> list[str]:
    core = f"{row['core']:.2f}"
    told = [row["pictures"], core, row["kbit_s_in"], row["kbit_s_out"], row["psnr_db"]]
    return [row["room"], row["stream"], *(str(one) for one in told)]


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
