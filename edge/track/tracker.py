"""ByteTrack from the kept library `trackers`, one instance for each kind of road user.

People, two-wheelers and vehicles are tracked apart, so that a rider's box cannot take over the bicycle's track.
Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022.
"""

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from edge.frames import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK, Detections, Tracks
from edge.track.prompt import RARE_S, PromptByteTrack
from edge.track.standing import Standing

_KINDS = ((PERSON,), (BICYCLE, MOTORCYCLE), (CAR, BUS, TRUCK))
_NONE = np.zeros(0, dtype=np.int64)
#: A track is remembered unseen for this long [s]; longer absences are the rules' matter, who link by place.
MEMORY_S = 2.0


class Tracker:
    """Gives detections an id each. Fed in rising stream time; frames may be missing or irregular."""

    def __init__(self, sure: float = 0.35) -> None:
        """`sure`: score from which a detection may begin a track; lower ones only continue one."""
        self._kinds = [
            PromptByteTrack(
                lost_track_buffer=round(MEMORY_S * 30),
                track_activation_threshold=sure,
                high_conf_det_threshold=sure,
                minimum_consecutive_frames=1,
                minimum_iou_threshold=0.1,
            )
            for _ in _KINDS
        ]
        self._standing = [Standing() for _ in _KINDS]
        self._t: float | None = None

    def update(self, t: float, seen: Detections) -> Tracks:
        """The detections of stream time `t` [s] that belong to a track."""
        return self.update_rows(t, seen)[0]

    def update_rows(self, t: float, seen: Detections) -> tuple[Tracks, NDArray[np.int64]]:
        """The same, with the row of `seen` that each track comes from."""
        rare = self._t is not None and t - self._t >= RARE_S
        self._t = t
        for kind in self._kinds:
            kind.prompt = rare
        parts = [self._update(number, t, seen) for number in range(len(_KINDS))]
        rows = np.concatenate([rows for rows, _ in parts])
        ids = np.concatenate([ids for _, ids in parts])
        return Tracks(ids, seen.boxes[rows], seen.scores[rows], seen.classes[rows]), rows

    def _update(self, number: int, t: float, seen: Detections) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(rows, ids) of one kind of road user."""
        rows = np.flatnonzero(np.isin(seen.classes, _KINDS[number]))
        given = sv.Detections(xyxy=seen.boxes[rows], confidence=seen.scores[rows], class_id=rows)
        got = self._kinds[number].update(given, timestamp=t)
        tracked = got.tracker_id >= 0 if len(got) else np.zeros(0, dtype=bool)
        # Ids of the three kinds must not meet: each counts in its own residue class.
        ids = got.tracker_id[tracked].astype(np.int64) * len(_KINDS) + number if len(got) else _NONE
        found = got.class_id[tracked].astype(np.int64) if len(got) else _NONE
        free = np.setdiff1d(rows, found)
        claimed = self._standing[number].claim(t, ids, seen.boxes[found], seen.boxes[free])
        more = np.array([(free[row], one) for row, one in claimed], dtype=np.int64).reshape(-1, 2)
        return np.concatenate([found, more[:, 0]]), np.concatenate([ids, more[:, 1]])
