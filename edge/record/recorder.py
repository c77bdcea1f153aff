"""One camera recorded: a link of its own, packets into segments, and a gap with its cause for every second without.

Nothing is decoded, but where masks are painted (`edge.masking`), and nothing waits for detection. While the disk
refuses, packets are passed over, and recording goes on at the first keyframe for which there is room.
"""

import errno
import logging
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from av.error import FFmpegError

from contract.continuity import Cause
from edge.cameras.link import CameraLink, Change
from edge.cameras.packets import CameraPacket
from edge.cameras.raw import Transport
from edge.masking.plan import Plan
from edge.masking.stage import stage
from edge.record.absence import GAP_S, Absences, Begins, Ended
from edge.record.cause import cause_of
from edge.record.elapsed import STEP_US, boottime_us, here
from edge.record.index import Segment
from edge.record.recovery import repaired
from edge.record.sealer import Finished, Sealer
from edge.record.segment import GrowingSegment, Stamp, Template
from edge.record.space import Space
from edge.record.tap import Tap
from edge.record.waiting import WaitingGroup

log = logging.getLogger("sightline.recorder")
#: Packets of a recording may wait this long to be taken together.
GATHER_S = 0.25
#: The same while somebody watches: a quarter of a second would be most of what a picture needs to their screen.
WATCHED_GATHER_S = 0.04
#: How often a full disk is asked again. Seconds.
_ROOM_S = 0.4


@dataclass(slots=True)
class Figures:
    """Counts of one camera since its recorder started; `lost_s` seconds in gaps, `at` Unix s of the newest picture."""

    segments: int = 0
    bytes: int = 0
    pictures: int = 0
    gaps: int = 0
    lost_s: float = 0.0
    losses: int = 0
    jumps: int = 0
    packets_lost: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """What to record of a camera and where: `folder` is its own, `run` names this run, `boot` the machine's start."""

    camera: str
    url: str
    folder: Path
    run: str
    segment_s: float
    transport: Transport = "tcp"
    boot: str = ""
    masking: Plan | None = None


class Recorder:
    """Records one camera until `stop`. `full` says why nothing is written, None while it is."""

    def __init__(
        self,
        target: Target,
        sealer: Sealer,
        space: Space,
        ended: Ended | None,
        tap: Tap | None = None,
    ) -> None:
        """`ended`: where the recording of the run before did, and why; None when there was none.

        `tap` is given each picture, also while the disk refuses.
        """
        self.camera = target.camera
        self.figures = Figures()
        self.full: str | None = None
        self.failed: BaseException | None = None
        self._target = target
        self._sealer = sealer
        self._space = space
        self._tap = tap
        self.absences = Absences(target.camera, ended)
        self._lead_us = here(target.boot).lead_us
        self._open: GrowingSegment | None = None
        self._template: Template | None = None
        self._ask_room_at = 0.0
        self._begins: Begins | None = None
        self._waiting = WaitingGroup()
        self._why: tuple[Cause, str] = ("unknown", "")
        self._lost_before = 0
        self._damaged = 0
        plan = target.masking
        self._masks = None if plan is None else stage(target.camera, plan, self._take, self._hidden)
        take = self._take if self._masks is None else self._masks.take
        self.link = CameraLink(target.camera, target.url, take, target.transport, self._changed, gather_s=GATHER_S)
        self._thread = threading.Thread(target=self._run, name=f"record-{target.camera}", daemon=True)

    def start(self) -> None:
        """Start its thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end; does not wait."""
        self.link.stop()

    def join(self, timeout: float) -> None:
        """Wait until what is open is handed to the sealer."""
        self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether it still records."""
        return self._thread.is_alive() and self.failed is None

    def measure(self) -> dict[str, object]:
        """The figures as of now."""
        link = self.link
        figures = self.figures
        figures.losses, figures.jumps, figures.packets_lost = link.losses, link.jumps, link.packets_lost
        hidden = self._masks.refused if self._masks is not None else None
        state = "full" if self.full else "refused" if hidden else link.status().state
        told = {"state": state, "cause": self.full or hidden or link.status().cause}
        return asdict(figures) | told | {"link": link.status().model_dump(mode="json")}

    def _run(self) -> None:
        try:
            self.link.run()
            self._drain()
            self._cut(None)
        except BaseException as error:
            log.exception("%s: recording stopped by what nobody foresaw", self.camera)
            self.failed = error

    def _changed(self, change: Change) -> None:
        """The link's state changed (this camera's thread)."""
        if change.state == "lost":
            log.warning("%s: recording is interrupted - %s", self.camera, change.cause)
            self._drain()
            self._cut(None)
            self._waiting.clear()
            self.absences.because(cause_of(self._target.url, change.cause), change.cause)
        else:
            log.info("%s: recording%s", self.camera, f" - {change.cause}" if change.cause else "")
            self._lead_us = here(self._target.boot).lead_us  # what the new epoch's wall clock is made of
            if change.cause:
                self.absences.noticed("camera", change.cause)

    def _drain(self) -> None:
        """What the masks' decoder still holds is taken before anything is cut."""
        if self._masks is not None:
            self._masks.flush()

    def _hidden(self, why: str) -> None:
        """Nothing may be kept from here on: masks cannot be painted, or the picture is too high."""
        self._cut(None)
        self._waiting.clear()
        self.absences.because("camera", why)

    def _take(self, packet: CameraPacket) -> None:
        """One packet, of which nothing is left to hide."""
        if self._tap is not None:
            self._tap.give(self.camera, packet, _micros(self.link.clock.wall(packet.t)))
            self.link.gather(WATCHED_GATHER_S if self._tap.watched(self.camera) else GATHER_S)
        if packet.keyframe:
            self._follow_clock()
        growing = self._open
        if growing is not None and self._must_cut(growing, packet):
            self._cut(packet)
            growing = None
        if growing is None:
            growing = self._grown(packet)
            if growing is None:
                return
        try:
            growing.add(packet)
        except (OSError, FFmpegError) as error:
            self._refused(error)
            return
        self.figures.at = time.time()
        if self._begins is not None and growing.taken:
            self._confirm()
        if (lost := self.link.packets_lost + (self._masks.dropped if self._masks else 0)) != self._lost_before:
            self._lost_before = lost
            self._damaged += 1

    def _follow_clock(self) -> None:
        """A machine's clock that was set dates what comes, not what came; a camera that tells its own needs none."""
        lead = here(self._target.boot).lead_us
        if not self.link.clock.reported and abs(lead - self._lead_us) > STEP_US:
            self.link.clock.set_by((lead - self._lead_us) / 1e6)
            self._lead_us = lead

    def _must_cut(self, growing: GrowingSegment, packet: CameraPacket) -> bool:
        """Whether `packet` belongs to another segment: it is time, the stream changed, or there is a hole before it."""
        if packet.info is not growing.info or packet.dts - growing.last.dts > GAP_S + packet.duration:
            return True
        return packet.keyframe and packet.t - growing.t0 >= self._target.segment_s - 0.05

    def _grown(self, packet: CameraPacket) -> GrowingSegment | None:
        """A segment with all that goes before `packet`; None while nothing can begin.

        While the disk refuses, the group under way waits: when there is room the recording begins with its keyframe,
        and loses no time until the next.
        """
        if self.full is None:
            growing = self._begun(packet, packet) if packet.keyframe else None
            if packet.keyframe and growing is None:
                self._waiting.add(packet)
            return growing
        self._waiting.add(packet)
        first = self._waiting.first
        if first is None or time.monotonic() < self._ask_room_at:
            return None
        growing = self._begun(first, packet)
        if growing is None:
            return None
        try:
            for one in self._waiting.take()[:-1]:
                growing.add(one)
        except (OSError, FFmpegError) as error:
            self._refused(error)
            return None
        return growing

    def _begun(self, packet: CameraPacket, newest: CameraPacket) -> GrowingSegment | None:
        """A segment that begins with this keyframe, None while there is no room or FFmpeg cannot write it.

        `newest` is the packet that came just now.
        """
        now = time.monotonic()
        self._ask_room_at = now + _ROOM_S
        try:
            if (lack := self._space.lack) is not None:
                raise OSError(errno.ENOSPC, lack)
            if self._template is None or self._template.info is not packet.info:
                self._template = Template(packet)
            start = self.link.clock.wall(packet.t)
            stamp = self._stamp(packet, round((newest.t - packet.t) * 1e6))
            growing = GrowingSegment(self._target.folder, start, self._template, packet, stamp)
        except (OSError, FFmpegError, ValueError) as error:
            self._refused(error)
            return None
        self._why = self.absences.why
        self._begins = Begins(_micros(growing.start), packet.t, growing.stamp.boot, growing.stamp.boot_us)
        self._open = growing
        self.absences.over()
        return growing

    def _stamp(self, packet: CameraPacket, age_us: int) -> Stamp:
        """Of a segment whose first picture came `age_us` ago."""
        return Stamp(
            boot=self._target.boot,
            boot_us=boottime_us() - age_us,
            lead_us=self._lead_us,
            by_camera=self.link.clock.reported,
            run=self._target.run,
            epoch=packet.info.epoch,
            cause=self.absences.why[0],
            masked=packet.info.masked,
        )

    def _confirm(self) -> None:
        """The disk took the first of a new segment: from here on there is recording again."""
        begins, self._begins = self._begins, None
        if begins is None:
            return
        if self.full is not None:
            log.warning("%s: there is room again, recording goes on", self.camera)
            self.full = None
        for gap in self.absences.closed(begins):
            if gap.cause != "clock":
                self.figures.gaps += 1
                self.figures.lost_s = round(self.figures.lost_s + (gap.end_us - gap.start_us) / 1e6, 3)
            self._sealer.put(gap)

    def _cut(self, following: CameraPacket | None) -> None:
        """Close what is open and hand it to the sealer; `following` begins where it ends when nothing is missing."""
        growing, self._open = self._open, None
        if growing is None:
            return
        try:
            growing.finish()
        except (OSError, FFmpegError) as error:
            self._open = growing
            self._refused(error)
            return
        last = growing.last
        end_t = last.t + last.duration
        if following is not None and following.info is growing.info and following.dts - last.dts <= GAP_S:
            end_t = max(end_t, following.t) if following.t - end_t < GAP_S else end_t
            end_t = following.t if following.keyframe and following.t > growing.t0 else end_t
        self._seal(growing, end_t)

    def _seal(self, growing: GrowingSegment, end_t: float) -> None:
        why, detail = self._why
        self._confirm()
        stamp, start = growing.stamp, _micros(growing.start)
        row = Segment(
            camera=self.camera,
            start_us=start,
            end_us=start + round((end_t - growing.t0) * 1e6),
            run=self._target.run,
            epoch=growing.info.epoch,
            t0=growing.t0,
            t1=round(end_t, 6),
            name=growing.name,
            bytes=growing.file.size,
            sha256=growing.file.digest,
            pictures=growing.pictures,
            damaged=self._damaged,
            codec=growing.info.codec,
            width=growing.info.width,
            height=growing.info.height,
            clock=self.link.clock.clock().source,
            boot=stamp.boot,
            boot_us=stamp.boot_us,
            lead_us=stamp.lead_us,
            by_camera=stamp.by_camera,
            cause=why,
            detail=detail,
            masked=growing.info.masked,
        )
        self._damaged = 0
        self.figures.segments += 1
        self.figures.bytes += row.bytes
        self.figures.pictures += row.pictures
        self._sealer.put(Finished(growing.part, growing.path, row))
        self._ended(row, "camera", "pictures are missing in the stream")

    def _ended(self, row: Segment, cause: Cause, detail: str) -> None:
        """A segment was handed over."""
        end_boot_us = row.boot_us + row.end_us - row.start_us
        self.absences.ends(Ended(row.end_us, row.t1, row.boot, end_boot_us, cause, detail))
        self.absences.nothing_open()

    def _refused(self, error: Exception) -> None:
        """The disk (or FFmpeg) refuses: let the open segment go for repair, say so once, and try again later."""
        growing, self._open = self._open, None
        text = getattr(error, "strerror", None) or str(error)
        if growing is not None:
            growing.abandon()
            self._salvage(growing)
            self._begins = None
        if self.full is None:
            log.error("%s: recording stops - %s; it goes on when there is room", self.camera, text)
        self.full = text
        self.absences.because("storage", text)
        self.absences.nothing_open()
        self._ask_room_at = time.monotonic() + _ROOM_S

    def _salvage(self, growing: GrowingSegment) -> None:
        """Keep the whole beginning of a segment that could not be finished."""
        try:
            row = repaired(growing.part, self._target.folder, self.camera)
        except OSError as error:
            log.error("%s: %s stays as it is (%s)", self.camera, growing.part, error.strerror)
            return
        if row is None:
            return
        why, detail = self._why
        self._confirm()
        row = replace(row, cause=why, detail=detail)
        self.figures.segments += 1
        self._sealer.put(row)
        self._ended(row, "storage", "the disk refused")


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


__all__ = ["GAP_S", "Figures", "Recorder", "Target"]
