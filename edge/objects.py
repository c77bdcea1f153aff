"""Files of boxes (design section 6): one JSON line a frame, so that a rule can be judged without a detector.

What is refused (ObjectsError, with file and line): a file without lines, a line that is not JSON or not of the shape,
a time that does not rise. What is skipped and told through `warn`, once a line: an object with NaN, with a box that is
no box, of a class the rules do not know, or a frame with more objects than any camera sees. Skipping makes a gap,
never an accusation.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.errors import ObjectsError
from edge.frames import CLASSES, Detections, Facts, Tracks
from edge.track.tracker import Tracker

MAX_LINE = 4_000_000
MAX_OBJECTS = 1_000
#: Largest time [s]: a century and more, so that `--start` plus `t` is still a date.
MAX_T = 4e9
MAX_TEXT = 200
SIGNALS = frozenset({"vehicle_green", "pedestrian_green", "off"})
_LARGEST = sys.float_info.max
_CLASS = {name: index for index, name in enumerate(CLASSES)}


@dataclass(frozen=True, slots=True)
class ObjectFrame:
    """One line: stream time, boxes, the hinted ids (-1 where left out or given twice), facts by row, signal states."""

    t: float
    seen: Detections
    ids: NDArray[np.int64]
    facts: dict[int, Facts]
    signals: dict[str, str]


class ObjectTracker:
    """Ids for the frames of a file: an object's own hint where it has one, else the tracker's."""

    #: Where the tracker's ids begin, far from any hint a person would write.
    OWN_IDS = 2**40

    def __init__(self) -> None:
        self._tracker = Tracker()

    def update(self, frame: ObjectFrame) -> Tracks:
        """The frame as tracks, with the facts of each."""
        hinted = np.flatnonzero(frame.ids >= 0)
        others = np.flatnonzero(frame.ids < 0)
        found, rows = self._tracker.update_rows(frame.t, frame.seen.rows(others))
        rows = np.concatenate([hinted, others[rows]])
        ids = np.concatenate([frame.ids[hinted], found.ids + self.OWN_IDS])
        seen = frame.seen.rows(rows)
        facts = {int(ids[at]): frame.facts[row] for at, row in enumerate(rows.tolist()) if row in frame.facts}
        return Tracks(ids, seen.boxes, seen.scores, seen.classes, facts)


def read_objects(path: Path, warn: Callable[[str], None]) -> Iterator[ObjectFrame]:
    """The frames of a file of boxes, in rising time. Raises ObjectsError as the module says."""
    last = -math.inf
    number = 0
    try:
        with path.open("rb") as lines:
            while raw := lines.readline(MAX_LINE + 1):
                number += 1
                if not raw.strip():
                    continue
                where = f"{path}:{number}"
                frame = _frame(raw, where, warn)
                if frame.t <= last:
                    raise ObjectsError(f"{where}  t {frame.t:g} does not rise above {last:g} - sort the lines by time")
                last = frame.t
                yield frame
    except OSError as error:
        raise ObjectsError(f"{path}: cannot be read ({error.strerror}) - give the path of a file of boxes") from error
    if last == -math.inf:
        raise ObjectsError(f"{path}: has no line - one JSON object a frame is expected")


def _frame(raw: bytes, where: str, warn: Callable[[str], None]) -> ObjectFrame:
    if len(raw) > MAX_LINE:
        raise ObjectsError(f"{where}  is longer than {MAX_LINE} bytes - one frame a line is expected")
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ObjectsError(f"{where}  is not JSON ({type(error).__name__}) - mend or remove the line") from error
    if not isinstance(line, dict) or not isinstance(line.get("objects"), list) or not _is_number(line.get("t")):
        raise ObjectsError(f'{where}  must be {{"t": seconds, "objects": [...]}} - mend or remove the line')
    if abs(line["t"]) > MAX_T:
        raise ObjectsError(f"{where}  t {line['t']:g} is beyond any recording - give seconds from its beginning")
    objects = line["objects"]
    if len(objects) > MAX_OBJECTS:
        warn(f"{where}  has {len(objects)} objects, over {MAX_OBJECTS}: the frame is skipped")
        objects = []
    rows, faults = [], []
    for one in objects:
        fault = _fault(one)
        (faults.append(fault) if fault else rows.append(one))
    if faults:
        warn(f"{where}  {len(faults)} object(s) skipped: {faults[0]}")
    return ObjectFrame(
        t=float(line["t"]),
        seen=_detections(rows),
        ids=_ids(rows),
        facts={row: facts for row, one in enumerate(rows) if (facts := _facts(one)) != Facts()},
        signals=_signals(line.get("signal"), where, warn),
    )


def _fault(one: Any) -> str | None:
    """Why an object cannot be used, or None."""
    if not isinstance(one, dict):
        return "not an object"
    if not isinstance(one.get("class"), str) or one["class"] not in _CLASS:
        return f"class {str(one.get('class'))[:20]!r} is not one of {' '.join(CLASSES)}"
    fault = _box_fault(one.get("box"))
    if fault:
        return fault
    score = one.get("score", 1.0)
    if not _is_number(score) or not 0 <= score <= 1:
        return "score is not within 0..1"
    hint = one.get("id", 0)
    known = isinstance(hint, int) and not isinstance(hint, bool) and 0 <= hint < 2**40
    return None if known else "id is not a whole number from 0"


def _box_fault(box: Any) -> str | None:
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        return "box is not four finite numbers"
    if box[2] <= box[0] or box[3] <= box[1]:
        return "box has no area (x2 must be above x1, y2 above y1)"
    return "box lies outside any picture" if max(map(abs, box)) > 1e6 else None


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; a whole number beyond all floats is none."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and -_LARGEST <= value <= _LARGEST


def _ids(rows: list[dict[str, Any]]) -> NDArray[np.int64]:
    """Hints, each once: two objects cannot be one, so a repeated hint says nothing."""
    ids = np.array([one.get("id", -1) for one in rows], dtype=np.int64)
    values, counts = np.unique(ids, return_counts=True)
    ids[np.isin(ids, values[counts > 1])] = -1
    return ids


def _facts(one: dict[str, Any]) -> Facts:
    plate, color, emergency = one.get("plate"), one.get("color"), one.get("emergency")
    return Facts(
        plate=_text(plate),
        color=_text(color),
        emergency=emergency if isinstance(emergency, bool) else None,
    )


def _text(value: Any) -> str | None:
    """A short text that can be written down again, or None: JSON lets half a character through (a lone surrogate)."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    return value if value.isprintable() else None


def _detections(rows: list[dict[str, Any]]) -> Detections:
    return Detections(
        np.array([one["box"] for one in rows], dtype=np.float32).reshape(-1, 4),
        np.array([one.get("score", 1.0) for one in rows], dtype=np.float32),
        np.array([_CLASS[one["class"]] for one in rows], dtype=np.int8),
    )


def _signals(value: Any, where: str, warn: Callable[[str], None]) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(state, str) and state in SIGNALS for state in value.values()):
        warn(f"{where}  signal must name {', '.join(sorted(SIGNALS))} by crossing: taken as unknown")
        return {}
    return {str(zone): str(state) for zone, state in value.items()}
