"""A recording encoded again with keyframes at a distance of one's choice, as cameras of a county send them."""

from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType


def recode(source: Path, target: Path, gop_s: float, codec: str = "libx264") -> Path:
    """Encode `source` anew into `target` with a keyframe every `gop_s` seconds; presentation times are kept."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        video = given.streams.video[0]
        rate = Fraction(video.average_rate or 25).limit_denominator(1000)
        options = {"preset": "veryfast", "crf": "20", "x264-params": "keyint=100000:scenecut=0:bframes=0"}
        stream = made.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height = video.width // 2 * 2, video.height // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        last, due = -1, float("-inf")
        for frame in given.decode(video):
            stamp = round(float(frame.time or 0.0) * 90_000)
            if stamp <= last:
                continue
            last = stamp
            picture = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
            picture.pts, picture.time_base = stamp, stream.time_base
            begins = stamp / 90_000 >= due - 1e-6
            due = stamp / 90_000 + gop_s if begins else due
            # Or the encoder would repeat the recording's own keyframes.
            picture.pict_type = PictureType.I if begins else PictureType.NONE
            made.mux(stream.encode(picture))
        made.mux(stream.encode(None))
    return target


def keyframes(path: Path) -> list[float]:
    """Presentation times of the keyframes of a recording [s]."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = (packet for packet in container.demux(stream) if packet.pts is not None and packet.is_keyframe)
        return [float(packet.pts * packet.time_base) for packet in packets]
