"""Single keyframes as pictures: what a camera lives on while nothing happens (1.2 % of a core at 1080p25)."""

import av
from av.error import FFmpegError

from edge.cameras.decode import open_decoder
from edge.cameras.hardware import Decode
from edge.cameras.packets import CameraPacket, StreamInfo, ticks


class KeyframeDecoder:
    """Decodes keyframes one by one, without those between. `damaged` counts those that the codec refused.

    In software each has a decoder of its own: to open one costs a sixtieth of a keyframe, to keep one open costs
    the memory of several pictures, of every camera, all the time. A video unit's is kept: opening that is slow.
    """

    def __init__(self, decode: Decode = "software") -> None:
        self.damaged = 0
        self._decode = decode
        self._info: StreamInfo | None = None
        self._context: av.VideoCodecContext | None = None

    def frame(self, packet: CameraPacket) -> av.VideoFrame | None:
        """The picture of a keyframe; None when it cannot be decoded."""
        if self._context is None or packet.info is not self._info:
            self._context, self._info = open_decoder(packet.info, self._decode, rough=True), packet.info
        raw = av.Packet(packet.data)
        raw.pts = raw.dts = ticks(packet.t)
        try:
            frames = self._context.decode(raw) + self._context.decode(None)
            self._context.flush_buffers()
        except FFmpegError:
            self.damaged += 1
            self._context = None
            return None
        if self._decode == "software":
            self._context = None
        return frames[-1] if frames else None
