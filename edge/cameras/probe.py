"""What one camera sends, found out by listening for a few seconds: what will work with it and what will not."""

import time
from dataclasses import dataclass

from contract.errors import CameraError
from contract.events import Clock
from edge.cameras.address import is_local, shown
from edge.cameras.clock import StreamClock, host_error_ms
from edge.cameras.decode import Decoder
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.cameras.source import RawPacket, Transport, open_source, require_decoder

#: What a browser plays from a clip without help.
_PLAYS = frozenset({"h264"})
#: Of the pictures: B-frames stamped in decode order are every other one, a server's stray packet is one.
_STRAY = 0.02


@dataclass(frozen=True, slots=True)
class Probe:
    """Figures of a stream. `fps`, `gop_s` (seconds from keyframe to keyframe) and `kbit_s` were measured."""

    address: str
    codec: str
    width: int
    height: int
    fps: float
    gop_s: float | None
    kbit_s: float
    b_frames: bool
    open_s: float
    pictures: int
    damaged: int
    disordered: int
    clock: Clock
    camera_clock: bool
    advice: list[str]


def probe(url: str, transport: Transport = "tcp", seconds: float = 6.0) -> Probe:
    """Listen to `url` for `seconds` of stream and decode it.

    Raises CameraError (or MediaError for a file) with one line when nothing can be had.
    """
    began = time.monotonic()
    source = open_source(url, transport)
    open_s = time.monotonic() - began
    try:
        require_decoder(source.info, url)
        clock = StreamClock(same_host=is_local(url), measured=source.live)
        raws: list[RawPacket] = []
        for raw in source.packets():
            if not raws:
                clock.begin(raw.pts, raw.monotonic, raw.arrived)
            raws.append(raw)
            if raw.reported is not None:
                clock.report(clock.t_of(raw.pts), raw.reported, raw.arrived)
            if raw.dts - raws[0].dts >= seconds or time.monotonic() - began > open_s + 2 * seconds + 5:
                break
    finally:
        source.close()
    if len(raws) < 2:
        raise CameraError(f"{shown(url)}: sent {len(raws)} picture(s) and ended - choose a stream that goes on")
    return _judged(url, source.info, raws, open_s, clock)


def _judged(url: str, info: StreamInfo, raws: list[RawPacket], open_s: float, clock: StreamClock) -> Probe:
    decoder, pictures = Decoder(), 0
    packets = (CameraPacket(r.pts, r.dts, r.duration, r.data, r.keyframe, r.disposable, info) for r in raws)
    for _ in decoder.through(packets):
        pictures += 1
    stamps = sorted(raw.pts for raw in raws)
    length = max(stamps[-1] - stamps[0], 1e-6)
    keys = [raw.pts for raw in raws if raw.keyframe]
    gop_s = (keys[-1] - keys[0]) / (len(keys) - 1) if len(keys) > 1 else None
    measured = clock.clock()
    camera_clock = any(raw.reported is not None for raw in raws)
    seen = Probe(
        address=shown(url),
        codec=info.codec,
        width=info.width,
        height=info.height,
        fps=round((len(stamps) - 1) / length, 2),
        gop_s=round(gop_s, 2) if gop_s else None,
        kbit_s=round(sum(len(raw.data) for raw in raws) * 8 / 1000 / length, 0),
        b_frames=any(raw.pts - raw.dts > 1e-4 for raw in raws),
        open_s=round(open_s, 2),
        pictures=pictures,
        damaged=decoder.damaged,
        disordered=decoder.disordered,
        clock=measured,
        camera_clock=camera_clock,
        advice=[],
    )
    seen.advice.extend(_advice(seen))
    return seen


def _advice(seen: Probe) -> list[str]:
    """What a person should change at the camera, each with its reason."""
    said = []
    if (seen.width, seen.height) < (1280, 720) or seen.height < 720:
        said.append(f"{seen.width}x{seen.height} is below 1280x720, which GA/T 832 asks of evidence - set it higher")
    if seen.codec not in _PLAYS:
        said.append(f"{seen.codec} is kept and judged, but browsers seldom play it - set the camera to H.264")
    if seen.gop_s is None:
        said.append("only one keyframe came while listening - set a keyframe at least every 2 s")
    elif seen.gop_s > 4:
        said.append(f"keyframes are {seen.gop_s:.1f} s apart, so that clips begin early - set 2 s")
    if seen.disordered > seen.pictures * _STRAY:
        said.append("time stamps go back (B-frames stamped in decode order) - switch B-frames off")
    if seen.pictures == 0:
        said.append("not one picture could be decoded - try the other transport, or another stream of the camera")
    if not seen.camera_clock:
        said.append("no RTCP sender report came: wall clock is that of arrival - switch on NTP and RTCP at the camera")
    if seen.clock.source == "unknown" and seen.camera_clock and host_error_ms() is None:
        said.append("this machine's own clock is not synchronised (adjtimex), so the camera's cannot be judged")
    offset = seen.clock.offset_ms
    if offset is not None and abs(offset) > 1000:
        said.append(f"the camera's clock is {offset / 1000:+.1f} s off; over 1.0 s no evidence passes - set NTP there")
    return said
