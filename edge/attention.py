"""The attention that a live camera gets: its analysis and the plan of its looks, once the detector has answered."""

import logging
import time
from collections.abc import Callable, Iterator
from threading import Semaphore

from contract.errors import ModelError, RunError
from edge.analysis import Analysis, Output
from edge.cameras.live import LiveReader
from edge.cameras.packets import CameraPacket, Picture
from edge.config import Detection
from edge.detect.protocol import Detector
from edge.figures import Figures
from edge.frames import Detections
from edge.judgement import Place
from edge.plan.choice import Heed
from edge.plan.counts import Rates
from edge.plan.looker import Looker

log = logging.getLogger("sightline.camera")


class Attention:
    """Looks at one camera's packets as its plan says. A detector that is away costs looks, never the camera.

    `turned` is when it last came round (monotonic): who does not come round hangs.
    """

    def __init__(
        self,
        place: Place,
        settings: Detection,
        reader: LiveReader,
        detector: Detector,
        figures: Figures,
        analysis: Callable[[], Analysis],
        turns: Semaphore | None = None,
    ) -> None:
        """`turns`: see `Looker`.

        `analysis` makes the camera's rules; it raises RunError or ModelError while the detector is away.
        """
        self.analysis: Analysis | None = None
        self.turned = time.monotonic()
        self._place, self._settings, self._reader = place, settings, reader
        self._detector, self._figures, self._make, self._turns = detector, figures, analysis, turns
        self._looker: Looker | None = None

    @property
    def running(self) -> bool:
        """Whether pictures are decoded as they come, and each packet is worth waking for."""
        return self._looker is not None and self._looker.running

    @property
    def t(self) -> float | None:
        """Stream second of the last scene that the rules were given; None before the first."""
        return self._looker.t if self._looker is not None and self._looker.t > float("-inf") else None

    def look(self, packets: list[CameraPacket]) -> Iterator[list[Output]]:
        """What came, through plan, detector and rules; what they say, scene by scene."""
        try:
            looker = self._ready()
        except (RunError, ModelError) as error:
            self._blind(error)
            return
        yield from looker.take(packets)

    def detect(self, picture: Picture) -> Detections | None:
        """See `Judge.detect`; LateError is counted by the thread that takes the answer."""
        self.turned = time.monotonic()
        assert self.analysis is not None
        try:
            return self.analysis.detect(picture)
        except (RunError, ModelError) as error:
            self._blind(error)
        return None

    def seen(self, t: float, seen: Detections) -> list[Output]:
        """See `Judge.seen`."""
        assert self.analysis is not None
        return self.analysis.seen(t, seen)

    def heed(self) -> Heed:
        """See `Judge.heed`."""
        assert self.analysis is not None
        return self.analysis.heed()

    def _blind(self, error: Exception) -> None:
        self._figures.tally.blind += 1
        if self._figures.tally.blind % 20 == 1:
            log.warning("%s: nothing is detected - %s", self._place.camera.id, error)

    def _ready(self) -> Looker:
        if self._looker is None:
            self.analysis = self._make()
            settings = self._settings
            self._looker = Looker(
                self._place.camera,
                self.analysis.plane,
                self,
                Rates(settings.parking_fps, settings.yield_fps, settings.heartbeat_s),
                plan=settings.plan,
                decode=settings.decode,
                newest=lambda: self._reader.newest,
                coming=self._reader.keyframe_after,
                costs=self._figures.costs,
                turns=self._turns,
            )
            self._figures.counts = self._looker.counts
        return self._looker
