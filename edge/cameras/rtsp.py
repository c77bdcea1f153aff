"""A camera's H.264 or H.265 over RTSP, without FFmpeg between: what costs a fifth of it, and tells more.

Packets with the camera's own time stamps and sender reports, the moment the first packet comes; parameter sets that
change in the stream change `info`; packets that were lost on the way are counted.
"""

import io
import random
import time
from collections.abc import Iterator
from dataclasses import replace

import av
from av.error import FFmpegError

from contract.errors import CameraError
from edge.cameras.conversation import Conversation
from edge.cameras.nal import START
from edge.cameras.order import DecodeOrder
from edge.cameras.packets import StreamInfo
from edge.cameras.raw import OPEN_S, SILENT_S, RawPacket, Transport
from edge.cameras.rtp import Codec, Depacketizer, Unit
from edge.cameras.sdp import Track, video_track
from edge.cameras.transport import Carrier, Datagrams, EndedError, Interleaved, receiver_report
from edge.cameras.trouble import why_lost, why_silent

_RAW = {"h264": "h264", "hevc": "hevc"}
#: A picture that can be read must come within this long while others come; long groups of pictures exist. Seconds.
_KEYFRAME_S = 30.0
_REPORT_S = 5.0
#: How long the kernel gathers what comes before we are woken. Seconds.
GATHER_S = 0.06


class UnreadableError(Exception):
    """The camera talks RTSP, but what it offers cannot be read here: `why` says what."""


class OtherCodecError(Exception):
    """A stream for FFmpeg: another codec, or no RTP that we know."""


class RtspSource:
    """An open stream of a camera. `info` tells the decoder what to expect and changes with the stream."""

    live = True

    def __init__(self, url: str, transport: Transport = "tcp", timeout: float = OPEN_S, gather_s: float = GATHER_S):
        """Connect and ask to play. Raises OSError, RefusedError, GarbledError, UnreadableError or OtherCodecError."""
        self._url = url
        self._talk = Conversation(url, timeout)
        self._closed = False
        self._carrier: Carrier | None = None
        try:
            track, self._carrier, self._packets = self._begun(transport, gather_s)
            self.track = track
            self._sets = _sets(track.parameters, self._codec)
            self._order = DecodeOrder(track.clock)
            self._held: list[RawPacket] = []
            self._own = random.getrandbits(32)
            self._next_report = self._next_ask = 0.0
            self.info = self._first(timeout)
        except BaseException:
            self.close()
            raise

    @property
    def lost(self) -> int:
        """RTP packets that never came."""
        return self._packets.lost

    def packets(self) -> Iterator[RawPacket]:
        """Packets in decode order, the first one a keyframe. Raises CameraError when they stop."""
        held, self._held = self._held, []
        yield from held
        while not self._closed:
            try:
                yield from self._read()
            except (OSError, EndedError) as error:
                if self._closed:
                    return
                raise CameraError(why_lost(self._url, error)) from error

    def seek(self, pts: float) -> None:
        """A camera stays where it is."""

    def gather(self, seconds: float) -> None:
        """From now on packets may wait so long to be taken together; by the thread that walks `packets`."""
        if self._carrier is not None:
            self._carrier.gather(seconds)

    def hang_up(self) -> None:
        """Let `packets` end soon; may be called by another thread."""
        self._closed = True

    def close(self) -> None:
        """Say goodbye and hang up. Calling it twice is allowed."""
        self._closed = True
        if self._talk.session:
            try:
                self._talk.socket.settimeout(0.5)
                self._talk.tell("TEARDOWN", self.track.aggregate)
            except (OSError, AttributeError):
                pass
            self._talk.session = ""
        if self._carrier is not None:
            self._carrier.close()
        self._talk.close()

    @property
    def _codec(self) -> Codec:
        assert self.track.codec is not None
        return self.track.codec

    def _begun(self, transport: Transport, gather_s: float) -> tuple[Track, Carrier, Depacketizer]:
        talk = self._talk
        public = talk.ask("OPTIONS", talk.url).headers.get("public", "")
        self._keep = "GET_PARAMETER" if "GET_PARAMETER" in public.upper() else "OPTIONS"
        answer = talk.ask("DESCRIBE", talk.url, {"Accept": "application/sdp"})
        base = answer.headers.get("content-base") or answer.headers.get("content-location") or talk.url
        track = video_track(answer.body, base)
        if track is None:
            raise UnreadableError("has no video that can be read - choose a stream with H.264 or H.265 video")
        if track.codec is None:
            raise OtherCodecError(track.name)
        packets = Depacketizer(track.codec, track.payload_type)
        carrier: Carrier
        if transport == "udp":
            carrier = datagrams = Datagrams(packets, gather_s)
            self._carrier = carrier
            setup = talk.ask("SETUP", track.control, {"Transport": datagrams.transport})
            talk.ask("PLAY", track.aggregate, {"Range": "npt=0.000-"})
            datagrams.begin(talk, setup.headers.get("transport", ""))
        else:
            setup = talk.ask("SETUP", track.control, {"Transport": Interleaved.TRANSPORT})
            talk.ask("PLAY", track.aggregate, {"Range": "npt=0.000-"})
            carrier = Interleaved(talk, packets, gather_s, setup.headers.get("transport", ""))
        return track, carrier, packets

    def _first(self, timeout: float) -> StreamInfo:
        """Wait for a keyframe whose parameter sets are known; it and what follows are held for `packets`."""
        began = time.monotonic()
        seen = 0
        while True:
            for unit, arrived, monotonic in self._units():
                seen += 1
                if self._held:
                    self._held.append(self._raw(unit, arrived, monotonic))
                elif unit.keyframe and (info := self._described(unit)) is not None:
                    self.info = info
                    self._held.append(self._raw(unit, arrived, monotonic))
            if self._held:
                return self.info
            if time.monotonic() - began > (_KEYFRAME_S if seen else timeout):
                raise UnreadableError(
                    f"offers {self._codec} but sends no picture that can be read within {OPEN_S:.0f} s - "
                    "look whether the camera's encoder runs, or try the other rtsp_transport"
                )

    def _read(self) -> Iterator[RawPacket]:
        for unit, arrived, monotonic in self._units():
            if unit.keyframe and unit.parameters and self._changed(unit):
                self.info = self._described(unit) or self.info
            yield self._raw(unit, arrived, monotonic)
        assert self._carrier is not None
        if time.monotonic() - self._carrier.heard > SILENT_S:
            raise CameraError(why_silent(self._url))

    def _units(self) -> list[tuple[Unit, float, float]]:
        """What came, each with when (Unix, monotonic): of several, the earlier came earlier by their stamps."""
        assert self._carrier is not None
        units = self._carrier.read()
        self._say_alive()
        arrived, monotonic = time.time(), time.monotonic()
        if len(units) < 2:
            return [(unit, arrived, monotonic) for unit in units]
        newest, clock = max(unit.stamp for unit in units), self.track.clock
        ago = [min(max((newest - unit.stamp) / clock, 0.0), 5.0) for unit in units]
        return [(unit, arrived - back, monotonic - back) for unit, back in zip(units, ago, strict=True)]

    def _raw(self, unit: Unit, arrived: float, monotonic: float) -> RawPacket:
        pts, dts, duration = self._order.place(unit.stamp, self.info.reorder)
        report = self._carrier.report if self._carrier else None
        told = None
        if report is not None:
            told = report.wall + (unit.stamp - self._packets.unwrapped(report.stamp)) / self.track.clock
        return RawPacket(
            pts=pts,
            dts=dts,
            duration=duration,
            data=unit.data,
            keyframe=unit.keyframe,
            disposable=False,
            reported=told,
            arrived=arrived,
            monotonic=monotonic,
        )

    def _changed(self, unit: Unit) -> bool:
        sets = _sets(unit.parameters, self._codec)
        return bool(sets) and not sets <= self._sets

    def _described(self, unit: Unit) -> StreamInfo | None:
        """What a decoder must know, from the picture's own parameter sets or else those of the SDP."""
        parameters = unit.parameters or self.track.parameters
        info = described(self._codec, parameters, unit.data)
        if info is None:
            return None
        self._sets = _sets(parameters, self._codec)
        return replace(info, rate=info.rate or self.track.rate)

    def _say_alive(self) -> None:
        """A receiver's report now and then, and a request before the session runs out."""
        now = time.monotonic()
        if now < self._next_report or self._carrier is None:
            return
        if self._next_report:
            self._carrier.send_report(receiver_report(self._own))
        self._next_report = now + _REPORT_S
        if now >= self._next_ask:
            if self._next_ask:
                self._talk.tell(self._keep, self.track.aggregate)
            self._next_ask = now + min(self._talk.session_s, 60.0) / 2


def described(codec: Codec, parameters: bytes, picture: bytes) -> StreamInfo | None:
    """What FFmpeg reads in parameter sets and a first picture; None when it can make nothing of them."""
    try:
        with av.open(io.BytesIO(parameters + picture), "r", _RAW[codec]) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if not context.width:
                return None
            rate = context.framerate
            return StreamInfo(
                codec=codec,
                width=context.width,
                height=context.height,
                extradata=parameters or None,
                rate=float(rate) if rate else None,
                reorder=int(context.reorder_depth),
            )
    except (FFmpegError, IndexError, ValueError):
        return None


def _sets(parameters: bytes, codec: Codec) -> frozenset[bytes]:
    """The sequence (and video) parameter sets among `parameters`: what tells size and kind of the pictures."""
    chosen = []
    for unit in parameters.split(START):
        if unit:
            kind = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
            if kind in ({7} if codec == "h264" else {32, 33}):
                chosen.append(unit)
    return frozenset(chosen)


__all__ = ["EndedError", "OtherCodecError", "RtspSource", "UnreadableError", "described"]
