"""The link to a camera: connect, put packets on stream time, notice loss, and come back with patience.

What the camera sends goes into the ring whatever analysis does. A connection that breaks, stamps that go back, leap or
drift, or a picture that changes its codec or size begin a new epoch; the cause is kept for the status.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from contract.errors import CameraError, MediaError
from contract.events import Clock, now
from contract.states import CameraStatus
from edge.cameras.address import is_local, shown
from edge.cameras.clock import StreamClock
from edge.cameras.drift import Drift, Rate
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.cameras.patience import Patience
from edge.cameras.raw import OPEN_S
from edge.cameras.rtsp import GATHER_S, RtspSource
from edge.cameras.source import RawPacket, Source, Transport, open_source, require_decoder
from edge.cameras.trouble import login_refused

#: Time stamps that go back by more than this, or leap ahead of arrival by more than that, are a new epoch. Seconds.
_BACK_S = 1.0
_LEAP_S = 5.0
#: A connection that lasted this long was well: the next failure waits short again. Seconds.
WELL_S = 10.0
State = Literal["starting", "live", "lost"]
Sink = Callable[[CameraPacket], None]


@dataclass(frozen=True, slots=True)
class Change:
    """The link's state changed at `at`, because of `cause`. Live with a cause: a new epoch in mid-stream."""

    state: State
    at: datetime
    cause: str
    epoch: int


class CameraLink:
    """Feeds one camera's packets to `sink` until `stop`; `changed` hears of every change of state."""

    def __init__(
        self,
        camera_id: str,
        url: str,
        sink: Sink,
        transport: Transport = "tcp",
        changed: Callable[[Change], None] | None = None,
        gather_s: float = GATHER_S,
    ) -> None:
        """`gather_s`: how long packets may wait to be taken together; longer is cheaper."""
        self.camera_id = camera_id
        self.clock = StreamClock(same_host=is_local(url), measured=not url.startswith("file:"))
        self.packets_seen = 0
        self.bytes_seen = 0
        self.packets_lost = 0
        self.losses = 0
        self.jumps = 0
        self.info: StreamInfo | None = None
        self._url = url
        self._sink = sink
        self._transport: Transport = transport
        self._tell = changed or (lambda _: None)
        self._stop = threading.Event()
        self._change = Change("starting", now(), "", -1)
        self._paced = url.startswith("file:")
        self._gather_s = gather_s
        self._source: Source | None = None
        self._given: StreamInfo | None = None
        self._drift = Drift()
        self._rate = Rate()
        self._last: RawPacket | None = None
        self._dts = -1.0
        self._pace = 1.0

    def run(self) -> None:
        """Connect and feed until stopped, or, for a file, until its end. Never raises for what a camera does."""
        patience = Patience(self._url)
        while not self._stop.is_set():
            began, refused = time.monotonic(), False
            try:
                self._once()
                cause = f"{shown(self._url)}: ended the stream"
            except (CameraError, MediaError) as error:
                cause, refused = str(error), login_refused(error.__cause__)
            if self._stop.is_set():
                return
            self.losses += 1
            self._set("lost", cause)
            if self._paced:
                return
            well = self._last is not None and time.monotonic() - began > WELL_S
            # It took the connection, or the knock before it, and then nothing came for as long as it was given.
            silent = self._last is None and time.monotonic() - began >= 0.9 * OPEN_S
            patience.wait(self._stop, well, refused=refused, silent=silent)

    def stop(self) -> None:
        """Let `run` return; within the silence time-out at the latest."""
        self._stop.set()
        if (source := self._source) is not None:
            source.hang_up()

    def gather(self, seconds: float) -> None:
        """From now on packets may wait so long to be taken together. To be called from `sink` alone."""
        if seconds != self._gather_s:
            self._gather_s = seconds
            if isinstance(self._source, RtspSource):
                self._source.gather(seconds)

    def status(self) -> CameraStatus:
        """What is published about this camera."""
        change = self._change
        return CameraStatus(
            camera_id=self.camera_id,
            state=change.state,
            since=change.at,
            cause=change.cause,
            clock=self.clock.clock() if change.state == "live" else Clock(),
            fps=self._rate.measured or (round(self.info.rate, 2) if self.info and self.info.rate else None),
            epoch=max(self.clock.epoch, 0),
        )

    def _once(self) -> None:
        self._last = None
        source = open_source(self._url, self._transport, gather_s=self._gather_s)
        self._source = source
        lost = self.packets_lost
        try:
            require_decoder(source.info, self._url)
            for raw in self._in_pace(source):
                if self._stop.is_set():
                    return
                self._take(raw, source.info)
                self.packets_lost = lost + source.lost
        finally:
            self._source = None
            source.close()

    def _in_pace(self, source: Source) -> Iterator[RawPacket]:
        """Packets of a camera as they come; those of a file no faster than they were recorded."""
        start = time.monotonic()
        first: float | None = None
        for raw in source.packets():
            if self._paced:
                first = raw.dts if first is None else first
                self._stop.wait(max(0.0, raw.dts - first - (time.monotonic() - start)))
                yield replace(raw, monotonic=time.monotonic(), arrived=time.time())
            else:
                yield raw

    def _take(self, raw: RawPacket, info: StreamInfo) -> None:
        if (why := self._broken(raw, info)) is not None:
            self._begin(raw, info, why)
        self._last = raw
        t = self.clock.t_of(raw.pts)
        if raw.reported is not None:
            self.clock.report(t, raw.reported, raw.arrived)
        dts = max(self.clock.t_of(raw.dts) if raw.dts < raw.pts else t, self._dts + 1e-6)
        self._dts = dts
        self.packets_seen += 1
        self.bytes_seen += len(raw.data)
        self._rate.see(raw.dts)
        assert self.info is not None
        self._sink(CameraPacket(t, round(dts, 6), raw.duration, raw.data, raw.keyframe, raw.disposable, self.info))

    def _broken(self, raw: RawPacket, info: StreamInfo) -> str | None:
        """Why this packet cannot follow the one before in one epoch; None when it can."""
        last = self._last
        if last is None:
            return ""
        if info is not self._given:
            return f"the picture changed to {info.codec} {info.width}x{info.height}"
        step = raw.dts - last.dts
        if step < -_BACK_S:
            return f"time stamps went back by {-step:.1f} s"
        if (leap := step - (raw.monotonic - last.monotonic)) > _LEAP_S:
            return f"time stamps leapt by {leap:.1f} s"
        if raw.keyframe and (drifted := self._drift.see(raw.dts, raw.monotonic)) is not None:
            self._pace = drifted
            return f"time stamps run at {drifted:.4f} of this machine's clock"
        return None

    def _begin(self, raw: RawPacket, info: StreamInfo, why: str) -> None:
        """A new epoch: after a connection (`why` is empty), or in the midst of one."""
        self.jumps += bool(why)
        if info.codec != (self._given.codec if self._given else info.codec) or not why:
            self._pace = 1.0
        self.clock.begin(raw.pts, raw.monotonic, raw.arrived, self._pace)
        self._drift = Drift(self._pace)
        self._rate = Rate()
        self._given = info
        self.info = replace(info, epoch=self.clock.epoch)
        self._set("live", why)

    def _set(self, state: State, cause: str) -> None:
        if state == self._change.state == "lost" and cause == self._change.cause:
            return
        self._change = Change(state, now(), cause, self.clock.epoch)
        self._tell(self._change)
