"""One polling camera at its post: what is seen of it is kept on disk, told to central, and cuts the live view."""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any

import av

from contract.errors import MediaError
from contract.events import now as wall_now
from contract.feedhealth import Still
from contract.site import ZoneType
from contract.states import Learned
from edge.box import Folders
from edge.deliver.spool import Spool
from edge.judgement import Place
from edge.live.cut import begun_us
from edge.masking.plan import painted
from edge.onvif.told import findings
from edge.polling.bare import Bare
from edge.polling.kept import KeptCamera, Told, folder_of
from edge.polling.matters import Begun, Ended, Matters
from edge.polling.pixels import Area
from edge.polling.stream import StatusFile, silence
from edge.polling.telling import moment, still_of, teller_of
from edge.polling.watch import FeedWatch
from edge.record.tapped import Tapped

log = logging.getLogger("sightline.health")
#: How often what was learned is written. Seconds.
KEEP_S = 300.0
#: A recorder and its cameras may take so long to begin, from this process's own start. Seconds.
BEGIN_S = 10.0


class Post:
    """Judges one camera and acts on what it judged. Not thread-safe."""

    def __init__(self, place: Place, folders: Folders, kept: KeptCamera, look_s: float, now: float) -> None:
        """`now` is by the monotonic clock, in seconds."""
        self.camera = place.camera.id
        self._kept = kept
        self._teller = teller_of(place)
        self._area = area_of(place)
        self._cut = folders.run / "cut" / self.camera
        self._told = folders.run / "onvif"
        self._bare = Bare(folder_of(folders.data_dir), self.camera)
        self._status = StatusFile(folders.status, self.camera)
        self._look_s = look_s
        polling = place.site_file.site.polling
        self._by_camera = polling is not None and polling.masks == "camera"
        self._begun = wall_now()
        self._watch = self._made(Matters(kept.open()))
        self._heard = now + BEGIN_S
        self._keep_at = now + KEEP_S
        self._learned = self._watch.baseline is not None

    def connected(self) -> None:
        """Its recorder is heard again."""
        self._watch.connected()

    def keyframe(self, one: Tapped, now: float, at: float) -> None:
        """One keyframe, heard at `now` (monotonic) and `at` (Unix) seconds."""
        self._heard = now
        try:
            told, frame = self._watch.keyframe(one, now, at)
        except MediaError as error:
            self._watch.counts.damaged += 1
            log.debug("%s: %s", self.camera, error)
            return
        if frame is not None:
            self._cut_or_show()
        self._tell(told, frame, at)
        if not self._learned and (baseline := self._watch.baseline) is not None:
            log.info("%s: its picture is learned", self.camera)
            self._learned, baseline.since = True, at
            self._kept.write_baseline(baseline)

    def turn(self, figures: dict[str, Any] | None, spool: Spool, now: float, at: float) -> None:
        """Every second: silence, the published state, and what is still to be handed over or kept."""
        self._status.write(figures, self._known())
        silent_s, cause = silence(figures, max(0.0, now - self._heard))
        self._tell(self._watch.silence(silent_s, cause, now, at), None, at)
        self._tell(self._watch.hear(findings(self._told, self.camera), now, at), None, at)
        self._kept.send(spool, self._watch.matters.open)
        if self._kept.told_anew():
            log.info("%s: is learned anew, as was asked", self.camera)
            self._learned, self._begun = False, wall_now()
            self._watch = self._made(self._watch.matters)
        if now >= self._keep_at:
            self._keep_at = now + KEEP_S
            self.keep()

    def keep(self) -> None:
        """Write what was learned."""
        if self._watch.baseline is not None:
            self._kept.write_baseline(self._watch.baseline)

    def measure(self) -> dict[str, Any]:
        """Figures for the heartbeat."""
        counts = self._watch.counts
        return {
            "troubles": sorted(self._watch.matters.checks),
            "learned": self._watch.baseline is not None,
            "keyframes": counts.keyframes,
            "looks": counts.looks,
            "damaged": counts.damaged,
        }

    def _known(self) -> Learned:
        """Whether its picture is learned, as central is told."""
        baseline = self._watch.baseline
        if baseline is None:
            return Learned(done=False, since=self._begun)
        return Learned(done=True, since=None if baseline.since is None else moment(baseline.since))

    def _made(self, matters: Matters) -> FeedWatch:
        return FeedWatch(self._area, self._look_s, self._kept.baseline(), matters, masked_by_camera=self._by_camera)

    def _tell(self, told: list[Begun | Ended], frame: av.VideoFrame | None, at: float) -> None:
        for one in told:
            if isinstance(one, Ended):
                log.info("%s: %s is over", self.camera, one.check)
                self._kept.unsent.append(Told(event=self._teller.ended(one)))
                continue
            log.warning("%s: %s - %s", self.camera, one.finding.check, one.finding.reason)
            still, files = self._still(frame, at)
            self._kept.unsent.append(Told(event=self._teller.begun(one, still), files=files))
        if told:
            self._kept.write(self._watch.matters.open)

    def _still(self, frame: av.VideoFrame | None, at: float) -> tuple[Still | None, dict[str, Path]]:
        """What it shows, also where the trouble is told without: a disk that refuses costs the still alone."""
        if frame is None:
            return None, {}
        try:
            still, path = still_of(frame, self._area, self._kept.stills, at)
        except OSError as error:
            log.warning("%s: no still of it (%s)", self.camera, error)
            return None, {}
        return still, {still.sha256: path}

    def _cut_or_show(self) -> None:
        """The live view is cut while `run/cut/<camera>` is there."""
        if self._watch.unmasked == self._cut.exists():
            return
        with contextlib.suppress(FileNotFoundError):
            if self._watch.unmasked:
                self._cut.parent.mkdir(parents=True, exist_ok=True)
                self._cut.write_text("a privacy mask is not painted\n", encoding="utf-8")
                log.error("%s: a privacy mask is not painted - the live view is cut", self.camera)
            else:
                # Before the cut is lifted: what was bare must not be played back for an instant.
                self._bare.add(begun_us(self._cut), time.time_ns() // 1000)
                self._cut.unlink()


def area_of(place: Place) -> Area:
    """Masks and ignored parts of a camera, in pixels of its site's `frame`."""
    zones = place.camera.zones

    def polygons(kind: ZoneType) -> tuple[tuple[tuple[float, float], ...], ...]:
        return tuple(tuple((float(x), float(y)) for x, y in zone.polygon) for zone in zones if zone.type is kind)

    return Area(place.camera.frame, polygons(ZoneType.PRIVACY_MASK), polygons(ZoneType.IGNORE), painted(place))


__all__ = ["BEGIN_S", "KEEP_S", "Post", "area_of"]
