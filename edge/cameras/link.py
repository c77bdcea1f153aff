"""The link to a camera: connect, put packets on stream time, notice loss, and come back with patience.

What the camera sends goes into the ring whatever analysis does. A connection that breaks, stamps that go back or
leap, or a codec that changes begin a new epoch; the cause is kept for the status.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from contract.errors import CameraError, MediaError
from contract.events import CameraStatus, Clock, now
from edge.cameras.address import is_local, shown
from edge.cameras.clock import StreamClock
from edge.cameras.packets import CameraPacket, StreamInfo
from edge.cameras.source import RawPacket, Source, Transport, open_source, require_decoder

#: Time stamps that go back by more than this, or leap ahead of arrival by more than that, are a new epoch. Seconds.
_BACK_S = 1.0
_LEAP_S = 5.0
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
State = Literal["starting", "live", "lost"]
Sink = Callable[[CameraPacket], None]


@dataclass(frozen=True, slots=True)
class Change:
    """The link's state changed at `at`, because of `cause` (empty when live)."""

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
    ) -> None:
        self.camera_id = camera_id
        self.clock = StreamClock(same_host=is_local(url), measured=not url.startswith("file:"))
        self.packets_seen = 0
        self.bytes_seen = 0
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
        self._last: RawPacket | None = None
        self._dts = -1.0

    def run(self) -> None:
        """Connect and feed until stopped, or, for a file, until its end. Never raises for what a camera does."""
        wait = FIRST_WAIT_S
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._once()
                cause = f"{shown(self._url)}: ended the stream"
            except (CameraError, MediaError) as error:
                cause = str(error)
            if self._stop.is_set():
                return
            self.losses += 1
            self._set("lost", cause)
            if self._paced:
                return
            if time.monotonic() - began > 10.0:
                wait = FIRST_WAIT_S
            self._stop.wait(wait * random.uniform(0.75, 1.25))  # noqa: S311 - spreads reconnects, guards nothing
            wait = min(wait * 2, LONGEST_WAIT_S)

    def stop(self) -> None:
        """Let `run` return; within the silence time-out at the latest."""
        self._stop.set()

    def status(self) -> CameraStatus:
        """What is published about this camera."""
        change = self._change
        return CameraStatus(
            camera_id=self.camera_id,
            state=change.state,
            since=change.at,
            cause=change.cause,
            clock=self.clock.clock() if change.state == "live" else Clock(),
            fps=round(self.info.rate, 2) if self.info and self.info.rate else None,
            epoch=max(self.clock.epoch, 0),
        )

    def _once(self) -> None:
        source = open_source(self._url, self._transport)
        try:
            require_decoder(source.info, self._url)
            self._last = None
            for raw in self._in_pace(source):
                if self._stop.is_set():
                    return
                self._take(raw, source.info)
        finally:
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
        if self._last is None or self._jumped(raw, self._last):
            self.jumps += self._last is not None
            self.clock.begin(raw.pts, raw.monotonic, raw.arrived)
            self.info = replace(info, epoch=self.clock.epoch)
            self._set("live", "")
        self._last = raw
        t = self.clock.t_of(raw.pts)
        if raw.reported is not None:
            self.clock.report(t, raw.reported, raw.arrived)
        dts = max(self.clock.t_of(raw.dts) if raw.dts < raw.pts else t, self._dts + 1e-6)
        self._dts = dts
        self.packets_seen += 1
        self.bytes_seen += len(raw.data)
        assert self.info is not None
        self._sink(CameraPacket(t, round(dts, 6), raw.duration, raw.data, raw.keyframe, raw.disposable, self.info))

    def _jumped(self, raw: RawPacket, last: RawPacket) -> bool:
        step = raw.dts - last.dts
        return step < -_BACK_S or step - (raw.monotonic - last.monotonic) > _LEAP_S

    def _set(self, state: State, cause: str) -> None:
        if state == self._change.state == "lost" and cause == self._change.cause:
            return
        self._change = Change(state, now(), cause, self.clock.epoch)
        self._tell(self._change)
