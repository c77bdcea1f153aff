"""The composite sheet: up to three whole pictures and the vehicle's close-up with its plate, as one JPEG for a file.

The sheet is a copy for reading (domain B2, D1: composite of panoramas and a close-up); the untouched originals stand
beside it and are named on it by their fingerprints. Nothing is printed over a picture but four corner marks around
the vehicle meant; everything else stands in the bands between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.cameras.packets import Picture
from edge.evidence.label import Label
from edge.evidence.stills import lettered
from edge.rules.decision import Box

#: Sizes of a sheet in pixels.
WIDTH, GAP, TALLEST = 1920, 12, 720
HEAD, LINE, SMALL = 40, 30, 20
_PAPER, _INK, _FAINT, _MARK = (24, 24, 24), (255, 255, 255), (190, 190, 190), (0, 215, 255)


@dataclass(frozen=True, slots=True)
class Panel:
    """One whole picture of the sheet (BGR), the vehicle's box in its pixels, and the lines beneath it."""

    picture: Picture
    box: Box | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closeup:
    """The vehicle's near picture, the plate's crop when one was found, and the lines beneath."""

    near: Picture | None
    plate: Picture | None
    lines: tuple[str, ...]


def sheet(panels: Sequence[Panel], closeup: Closeup, title: str, under: str) -> Picture:
    """The sheet, BGR (H, 1920, 3) uint8: `title` and `under` in its head, at most three panels, the close-up last."""
    across = (WIDTH - 3 * GAP) // 2
    tall = min(TALLEST, max(round(across * panel.picture.shape[0] / panel.picture.shape[1]) for panel in panels[:3]))
    cells = [_cell(_marked(panel, across, tall), panel.lines, across, tall) for panel in panels[:3]]
    cells.append(_cell(_close(closeup, across, tall), closeup.lines, across, tall))
    if len(cells) % 2:
        cells.append(_cell(_paper(across, tall), (), across, tall))
    rows = [_row(*cells[place : place + 2]) for place in range(0, len(cells), 2)]
    head = _paper(WIDTH, HEAD + LINE + GAP)
    lettered(head, title, (GAP, HEAD), HEAD - 10, _INK)
    lettered(head, under, (GAP, HEAD + LINE), SMALL + 2, _FAINT)
    return np.ascontiguousarray(np.vstack([head, *rows]))


def _row(left: Picture, right: Picture) -> Picture:
    gap = _paper(GAP, left.shape[0])
    row = np.hstack([gap, left, gap, right, gap])
    return np.hstack([row, _paper(WIDTH - row.shape[1], row.shape[0])]) if row.shape[1] < WIDTH else row


def _cell(picture: Picture, lines: Sequence[str], across: int, tall: int) -> Picture:
    """A picture in the middle of its place, and two lines under it."""
    cell = _paper(across, tall + LINE + SMALL + 2 * GAP)
    height, width = picture.shape[:2]
    top, left = (tall - height) // 2, (across - width) // 2
    cell[top : top + height, left : left + width] = picture
    for line, (y, size, ink) in zip(
        lines, ((tall + LINE - 4, 22, _INK), (tall + LINE + SMALL, 15, _FAINT)), strict=False
    ):
        lettered(cell, line, (0, y), size, ink)
    return cell


def _marked(panel: Panel, across: int, tall: int) -> Picture:
    """The picture fitted into its place, with corner marks around the vehicle."""
    fitted = _fitted(panel.picture, across, tall)
    if panel.box is not None:
        scale = fitted.shape[1] / panel.picture.shape[1]
        _corners(fitted, [value * scale for value in panel.box])
    return fitted


def _close(closeup: Closeup, across: int, tall: int) -> Picture:
    """The close-up, with the plate beneath it where there is one."""
    if closeup.near is None and closeup.plate is None:
        return _paper(across, tall)
    if closeup.near is None or closeup.plate is None:
        only = closeup.near if closeup.plate is None else closeup.plate
        assert only is not None
        return _fitted(only, across, tall)
    strip = round(tall * 0.22)
    near = _fitted(closeup.near, across, tall - strip - GAP)
    plate = _fitted(closeup.plate, across, strip)
    return np.vstack([_centred(near, across), _paper(across, GAP), _centred(plate, across)])


def _centred(picture: Picture, across: int) -> Picture:
    left = (across - picture.shape[1]) // 2
    line = _paper(across, picture.shape[0])
    line[:, left : left + picture.shape[1]] = picture
    return line


def _fitted(picture: Picture, across: int, tall: int) -> Picture:
    """The picture at the largest size that fits, its proportions kept."""
    height, width = picture.shape[:2]
    scale = min(across / width, tall / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


def _corners(picture: Picture, box: Sequence[float]) -> None:
    """Four corners, a little outside the box, dark beneath bright so that they show on any ground."""
    height, width = picture.shape[:2]
    x1, y1 = max(2, int(box[0]) - 4), max(2, int(box[1]) - 4)
    x2, y2 = min(width - 3, int(box[2]) + 4), min(height - 3, int(box[3]) + 4)
    arm = max(8, min(x2 - x1, y2 - y1) // 4)
    for ink, thick in (((0, 0, 0), 4), (_MARK, 2)):
        for x, y, dx, dy in ((x1, y1, arm, arm), (x2, y1, -arm, arm), (x1, y2, arm, -arm), (x2, y2, -arm, -arm)):
            cv2.line(picture, (x, y), (x + dx, y), ink, thick)
            cv2.line(picture, (x, y), (x, y + dy), ink, thick)


def _paper(width: int, height: int) -> Picture:
    return np.full((height, width, 3), _PAPER, np.uint8)


def title_of(label: Label, rule: str, zone_id: str, number: str) -> str:
    """The head of a sheet: the suspicion and the number of the matter."""
    return "   ".join([*label.what(rule, zone_id), f"{label.word('sequence')} {number}"])


__all__ = ["Closeup", "Panel", "sheet", "title_of"]
