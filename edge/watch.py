"""One camera under watch: a thread that captures, a thread that analyses, and evidence beside them.

Capture puts packets into the ring whatever analysis does. Analysis is woken by keyframes, decodes and detects what the
camera's plan asks for, lets the rules judge and hands events to the spool at once. Their evidence is kept, and handed
over when its clip is complete: at a kerb in a thread beside (`edge.evidence.lane`), so that no zone waits for stills.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract.events import EventType, Feed, new_event, now
from edge.analysis import Analysis, Judged, Output
from edge.attention import Attention
from edge.box import Folders, crossing
from edge.cameras.link import CameraLink, Change
from edge.cameras.live import LiveReader
from edge.cameras.packets import CameraPacket
from edge.cameras.ring import PacketRing
from edge.cameras.rtsp import GATHER_S
from edge.cameras.substream import sub_stream
from edge.config import EdgeConfig
from edge.deliver.durable import write_durable
from edge.deliver.spool import Spool
from edge.detect.client import RemoteDetector
from edge.detect.protocol import Detector
from edge.evidence.demands import demands_of
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.label import label_of
from edge.evidence.lane import Lane
from edge.evidence.pack import Pack
from edge.evidence.plate import PlateWitness
from edge.figures import Figures
from edge.judgement import Place
from edge.outgoing import Outgoing
from edge.proven import ProvenFile
from edge.rules.decision import Keep, Release
from edge.told import Told

log = logging.getLogger("sightline.camera")
#: How long analysis waits for a packet before it looks after evidence that became due. Seconds.
TURN_S = 0.5
#: A kerb is looked at every two seconds: its packets may wait so long in the kernel, to be taken together. Seconds.
KERB_GATHER_S = 0.2
#: A camera whose analysis does not come round, or that is live and brings no packet, for this long hangs. Seconds.
HUNG_S = 25.0
#: A box that is told to stop waits this long for a plate that is being read. Seconds.
PLATE_LAST_S = 4.0


class CameraWatch:
    """Runs one camera until `stop`. `failed` holds what no plan foresaw; the worker then ends and is restarted."""

    def __init__(
        self,
        place: Place,
        config: EdgeConfig,
        spool: Spool,
        detector: Detector,
        evidence: ThreadPoolExecutor | None = None,
        plates: PlateWitness | None = None,
        turns: threading.Semaphore | None = None,
    ) -> None:
        """`detector` is its own, closed with it; `evidence` (see `Lane`), `plates` and `turns` are the worker's."""
        camera = place.camera
        self.camera_id = camera.id
        self.failed: BaseException | None = None
        self.figures = Figures()
        self._place = place
        self._spool = spool
        self._detector = detector
        self._folders = Folders(config.data_dir)
        gather_s = GATHER_S if crossing(place) else KERB_GATHER_S
        self.link = CameraLink(camera.id, camera.url, self._arrived, config.rtsp_transport, self._changed, gather_s)
        self.ring = PacketRing(config.pre_roll_s, self.link.clock.wall)
        self._sub = sub_stream(camera, self.link.clock, config.pre_roll_s, config.rtsp_transport, self._tell)
        self._reader = LiveReader(self.ring, self._sub.ring if self._sub else None)
        self._told = Told(self._folders.told, camera.id)  # the evidence's thread has one of its own
        self._keeper = EvidenceKeeper(
            self.ring,
            self._folders.evidence(camera.id),
            label=label_of(place),
            frame=camera.frame,
            tell=self._tell,
            plates=plates,
            demands=demands_of(place, self.link.clock.clock, Told(self._folders.told, camera.id).statements),
        )
        self._lane = Lane(evidence)
        self._proven = ProvenFile(self._folders.proven(camera.id))
        self._attention = Attention(
            place, config.detection, self._reader, detector, self.figures, self._analysis, turns
        )
        self._stop = threading.Event()
        self._state = "starting"
        self._last = (0.0, time.monotonic())
        self._written = b""
        self._outgoing = Outgoing(spool, place, self.figures.tally, self._safe, self._tell, self.figures.handed_over)
        self._brought = (0, time.monotonic())
        self._threads = [
            threading.Thread(target=self._guarded, args=(self.link.run,), name=f"capture-{camera.id}", daemon=True),
            threading.Thread(target=self._guarded, args=(self._analyse,), name=f"analyse-{camera.id}", daemon=True),
        ]
        if self._sub:
            run = self._sub.link.run
            self._threads.append(
                threading.Thread(target=self._guarded, args=(run,), name=f"capture-{camera.id}-sub", daemon=True)
            )

    def start(self) -> None:
        """Start its threads."""
        self._attention.turned = time.monotonic()
        self.write_status()
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Let the stream end here; does not wait."""
        self.link.stop()
        self._stop.set()
        self.ring.close()
        if self._sub:
            self._sub.link.stop()
            self._sub.ring.close()

    def join(self, timeout: float) -> None:
        """Wait, after `halt`, until what is open is decided, packed and handed over, or `timeout` seconds."""
        self._threads[1].join(timeout)
        self._detector.close()

    @property
    def alive(self) -> bool:
        """Whether analysis still runs (capture of a file ends with the file)."""
        return self._threads[1].is_alive() and self.failed is None

    def hangs(self) -> str | None:
        """Why the worker must be started anew, asked every few seconds; None while its threads come round."""
        now, packets = time.monotonic(), self.link.packets_seen
        if packets != self._brought[0] or self._state != "live":
            self._brought = packets, now
        if now - self._attention.turned > HUNG_S:
            return f"its analysis hangs for {now - self._attention.turned:.0f} s"
        if self._lane.busy_s > HUNG_S:
            return f"its evidence hangs for {self._lane.busy_s:.0f} s"
        if now - self._brought[1] > HUNG_S:
            return f"its capture hangs: live, and no packet for {now - self._brought[1]:.0f} s"
        return None

    def measure(self) -> dict[str, Any]:
        """The figures as of now."""
        newest, t = self.ring.span()[1], self._attention.t
        behind = 0.0 if t is None else max(0.0, newest - t)
        held = self.ring.held_bytes + (self._sub.ring.held_bytes if self._sub else 0)
        beat = self.figures.beat(self.link, held, behind, max(0.0, newest - self._last[0]))
        return beat | {"evidence_waiting": self._lane.waiting}

    def write_status(self) -> None:
        """Write the camera's state for deliver to publish, when it differs from what is there."""
        status = self.link.status()
        clock = status.clock
        if clock.offset_ms is not None:  # whole 50 ms, or every packet would be news
            clock = clock.model_copy(update={"offset_ms": round(clock.offset_ms / 50) * 50.0})
            if clock.uncertainty_ms is not None:
                clock = clock.model_copy(update={"uncertainty_ms": -(-clock.uncertainty_ms // 50) * 50.0})
        raw = status.model_copy(update={"clock": clock, "shedding": self._sheds()}).model_dump_json().encode()
        if raw != self._written:
            try:
                write_durable(self._folders.status / f"{self.camera_id}.json", raw)
                self._written = raw
            except OSError as error:
                self._tell(f"its state cannot be written ({error.strerror})")

    def _sheds(self) -> bool:
        return isinstance(self._detector, RemoteDetector) and self._detector.shedding

    def _guarded(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:
            log.exception("%s: stopped by what nobody foresaw", self.camera_id)
            self.failed = error

    def _arrived(self, packet: CameraPacket) -> None:
        self.ring.append(packet)
        if packet.keyframe:
            self.figures.tally.captured_s = time.thread_time()

    def _changed(self, change: Change) -> None:
        """The link's state changed (capture thread)."""
        if change.state == "live":
            info = self.link.info
            log.info("%s: live%s", self.camera_id, f", {info.codec} {info.width}x{info.height}" if info else "")
        else:
            log.warning("%s: lost - %s", self.camera_id, change.cause)
        self.write_status()
        if change.state != "starting" and change.state != self._state:  # noqa: PLR1714 - narrows the type
            feed = Feed(
                edge_id=self._place.edge_id, camera_id=self.camera_id, state=change.state, cause=change.cause[:300]
            )
            self._put(EventType.FEED, feed)
        self._state = change.state

    def _analyse(self) -> None:
        attention = self._attention
        while not self._stop.is_set() and self._lane.failed is None:
            attention.turned = time.monotonic()
            if packets := self._reader.next(TURN_S, eager=attention.running):
                self._last = (packets[-1].t, time.monotonic())
                for outputs in attention.look(packets):
                    self._act(outputs)
            self._look_after_evidence()
        if attention.analysis is not None:
            self._act(attention.analysis.suspend())
        self._lane.do(self._hand_over_rest, time.monotonic() + PLATE_LAST_S)
        self._lane.finish()
        if self._lane.failed is not None:
            raise self._lane.failed
        self._outgoing.send()
        self._remember()

    def _look_after_evidence(self) -> None:
        """Have handed over what is complete or was refused; put on disk what stays have proved."""
        with self.figures.costs.of("evidence"):
            self._outgoing.send()
            if self._proven.due():
                self._remember()
        self.figures.costs.add("evidence", self._lane.spent_s())
        if self._keeper.waiting and self._lane.idle:
            self._lane.do(self._hand_over_due, self._t_now())

    def _remember(self) -> None:
        """Put on disk what stays have proved, unless an event or a still that it presupposes is not yet safe."""
        if self._attention.analysis is not None and not self._outgoing and self._lane.idle:
            self._proven.write(self._attention.analysis.proven())

    def _analysis(self) -> Analysis:
        """The camera's rules, going on with what stays had proved. Raises RunError while the detector is away."""
        clock = self.link.clock
        analysis = Analysis(self._place, clock.wall, clock.clock, self._detector, told=self._told)
        if (proven := self._proven.read()) is not None:
            analysis.resume(proven)
        return analysis

    def _act(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Keep):
                self._lane.do(self._keeper.keep, output)
            elif isinstance(output, Release):
                self._lane.do(self._keeper.release, output)
            else:
                self._judged(output)

    def _judged(self, judged: Judged) -> None:
        """The decision goes out before anything is done for its evidence."""
        event = judged.event
        if event is None:
            if judged.decision.facts:  # the law, not the road, keeps it from being an accusation: people ask why
                log.info("%s: no event - %s", self.camera_id, judged.decision.reason)
            self._lane.do(self._keeper.decided, judged.decision)
            return
        log.info("%s: %s - %s", self.camera_id, judged.decision.rule, judged.decision.reason)
        with self.figures.costs.of("evidence"):
            t = self._attention.t
            self._outgoing.add(event, None if t is None else self.link.clock.wall(t))
            self._outgoing.send()
        self._lane.do(self._keeper.decided, judged.decision, str(event.data["case_key"]))

    def _hand_over_due(self, t: float) -> None:
        """A pack whose clip is complete at stream second `t`, then the next: other cameras' come between."""
        if packs := self._keeper.due(t, 1):
            self._hand_over(packs)
            self._lane.do(self._hand_over_due, t)

    def _hand_over_rest(self, until: float) -> None:
        """All packs; plates that are being read are waited for until that monotonic second."""
        self._hand_over(self._keeper.flush(max(0.0, until - time.monotonic())))

    def _hand_over(self, packs: list[Pack]) -> None:
        for pack in packs:
            self._outgoing.add_pack(pack)
        self._outgoing.send()

    def _safe(self, pack: Pack) -> None:
        """A pack is in the spool (either thread)."""
        self._lane.do(self._keeper.done, pack)

    def _t_now(self) -> float:
        """Stream time as it would be had the stream not stopped: evidence of a camera that fell silent falls due."""
        t, seen = self._last
        return t + (time.monotonic() - seen) if self._state == "lost" else t

    def _put(self, kind: EventType, data: Feed) -> None:
        try:
            self._spool.put(new_event(kind, self._place.source, now(), data), {})
        except OSError as error:
            self._tell(f"an event cannot be written ({error.strerror}) - free space on the disk")

    def _tell(self, why: str) -> None:
        log.warning("%s: %s", self.camera_id, why)


__all__ = ["CameraWatch"]
