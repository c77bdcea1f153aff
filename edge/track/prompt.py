"""ByteTrack that names a thing at its first sighting where pictures are rare.

The library gives a new track its id at the second sighting, which keeps boxes of nothing that last one frame from
becoming tracks. At 25 pictures a second that costs 40 ms. At one or two a second it costs a second of a stay, and
what is found only in every third picture, a parked car at night, never gets an id at all.
"""

import numpy as np
from trackers import ByteTrackTracker

#: From this time between two pictures on [s], a first sighting is worth more than the doubt about it.
RARE_S = 0.4


class PromptByteTrack(ByteTrackTracker):  # type: ignore[misc]  # the library is untyped
    """The library's ByteTrack; `prompt` says whether a track that is born now is named at once."""

    prompt = False

    def _spawn_new_tracks(
        self,
        detection_boxes: np.ndarray,
        confidences: np.ndarray,
        unmatched_high_local: list[int],
        high_indices: np.ndarray,
        out_det_indices: list[int],
        out_tracker_ids: list[int],
    ) -> None:
        known, told = len(self.tracks), len(out_det_indices)
        super()._spawn_new_tracks(
            detection_boxes, confidences, unmatched_high_local, high_indices, out_det_indices, out_tracker_ids
        )
        if not self.prompt:
            return
        # Each sure detection that nobody claimed is a track now, in the order in which they were told.
        for place, track in enumerate(self.tracks[known:], start=told):
            track.tracker_id = out_tracker_ids[place] = self._allocate_tracker_id()
