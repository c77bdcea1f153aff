"""Whether anything changed in a camera's zones, told from a luma picture for a fraction of what a detector costs.

Every zone is cut out, made small and compared by windows with the reference (the look of which the last detection was
made) and with the look before; see texture.py for what is compared. Rain, snow and coding noise are learnt by window,
but never so far that a thing of 8-10 grey levels would pass for noise. A shaken camera is put straight before it is
judged, one that was turned is said to be. Whatever cannot be told counts as changed: the gate may waste a detection,
never one that was needed. No clock, no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from edge.plan.heat import Heat
from edge.plan.region import Hot, Region
from edge.plan.shake import shift
from edge.plan.texture import Gray, Grid, Texture
from edge.plan.view import View, factor_of, whole

Point = tuple[float, float]

#: So many touching windows are a thing. A person of 5 x 12 px lights at least eight.
_WINDOWS = 5
#: Of a weak outline so many pieces may come apart; more are drops or flakes.
_SPECKS = 3
#: ... and never must it be more than so many, whatever falls from the sky: that person at 25 grey levels lights more.
_STANDS_OUT = 11
#: A zone may seem to shift by so much more than the whole picture: what the latter cannot tell [its px, small], and at
#: least so much [px of the region]. Beyond it, what stands there moved.
_LEEWAY_WHOLE, _LEEWAY = 0.3, 1.0
#: Shifts below this are none [px of the region].
_STILL = 0.2
#: A reference older than this proves nothing [s].
_OLD = 900.0


@dataclass(frozen=True, slots=True)
class Change:
    """What one look says of each polygon, in their order.

    `changed`: against the reference; `moving`: against the look before; `settled`: what differs from the reference and
    was there in the look before already is enough for a thing; `share` 0..1 of the polygon that differs from the
    reference. `camera_moved`: the view is another, then all polygons count as changed. `light`: the whole picture
    became brighter or darker, which alone is no change. `since_reference` and `since_last` tell where.
    """

    changed: tuple[bool, ...]
    moving: tuple[bool, ...]
    share: tuple[float, ...]
    camera_moved: bool
    light: bool
    settled: tuple[bool, ...] = ()
    since_reference: Heat = field(default=Heat(), compare=False)
    since_last: Heat = field(default=Heat(), compare=False)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look: its stream second, its whole picture made small, and its regions."""

    t: float
    whole: Texture
    regions: tuple[Texture, ...]


class ChangeGate:
    """The gate of one camera. Not for several threads at once."""

    def __init__(self, polygons: Sequence[Sequence[Point]], frame: tuple[int, int]) -> None:
        """`polygons` in pixels of `frame` (width, height)."""
        self._polygons = [tuple(polygon) for polygon in polygons]
        self._frame = frame
        self._shape: tuple[int, int] | None = None
        self._factor = 1
        self._regions: list[Region] = []
        self._last: _Look | None = None
        self._reference: _Look | None = None

    def look(self, t: float, luma: Gray) -> Change:
        """Compare a luma picture (h, w) of any size, uint8, full or limited range, shown at stream second `t`.

        A strided view will do; nothing of it is kept. The first look, one after the picture's size has changed or
        after time has gone back, finds everything changed.
        """
        if luma.shape != self._shape:
            self._begin(luma.shape[0], luma.shape[1])
        before, reference = self._last, self._reference
        if before is not None and t <= before.t:
            before = reference = self._reference = None
        now = _Look(t, whole(luma), tuple(region.texture(luma) for region in self._regions))
        self._last = now
        moving = self._compared(before, now, learn=True)
        if reference is not None and t - reference.t > _OLD:
            reference = self._reference = None
        against = moving if reference is before else self._compared(reference, now)
        settled = tuple(map(_settled, self._regions, against.since_reference.hot, moving.since_reference.hot))
        if against.camera_moved or before is None:  # nothing tells what was there before
            settled = against.changed
        return replace(against, moving=moving.changed, settled=settled, since_last=moving.since_reference)

    def settle(self) -> None:
        """The last look becomes the reference: a detection was made of it. Without a look nothing happens."""
        self._reference = self._last

    def forget(self) -> None:
        """The zones were watched otherwise for a while: at the next look all has changed."""
        self._reference = None

    def _begin(self, height: int, width: int) -> None:
        self._shape, self._factor = (height, width), factor_of(width)
        self._regions = [Region(polygon, self._frame, (height, width)) for polygon in self._polygons]
        self._last = self._reference = None

    def _compared(self, before: _Look | None, now: _Look, learn: bool = False) -> Change:
        every = len(self._regions)
        if before is None:
            cold = tuple(region.mine for region in self._regions)
            heat = Heat(tuple(self._regions), cold, everywhere=True)
            return Change((True,) * every, (True,) * every, (1.0,) * every, False, False, (True,) * every, heat, heat)
        view = View(before.whole, now.whole, self._factor)
        changed, shares, where = [], [], []
        for region, old, new in zip(self._regions, before.regions, now.regions, strict=True):
            hot, left = region.compare(old, new)
            if _thing(hot & region.mine, region.count):
                leeway = max(_LEEWAY, _LEEWAY_WHOLE * self._factor / region.factor)
                hot, left = _judged(region, old, new, _straightened(old, new, view.offset(region.factor), leeway))
            if learn:
                region.learn(left)
            mine = hot & region.mine
            where.append(hot)
            changed.append(view.moved or _thing(mine, region.count))
            shares.append(1.0 if view.moved else float(mine.sum()) / max(1, region.count))
        heat = Heat(tuple(self._regions), tuple(where), view.moved)
        alike = tuple(changed)
        return Change(alike, alike, tuple(shares), view.moved, view.light, alike, heat, heat)


def _thing(hot: Hot, count: int) -> bool:
    """Whether enough touching windows are hot; of a tiny zone of `count` windows a third is enough.

    Where many are hot that touch no others, it rains: then a thing must stand out.
    """
    enough = max(1, min(_WINDOWS, count // 3))
    if int(hot.sum()) < enough:
        return False
    sizes = cv2.connectedComponentsWithStats(hot, connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    specks = int((sizes < enough).sum())
    return bool(sizes.max() >= (enough if specks <= _SPECKS else min(enough + specks, _STANDS_OUT)))


def _settled(region: Region, differs: Hot, moved: Hot) -> bool:
    """Whether what differs from the reference, and has not changed since the look before, is a thing."""
    return _thing(differs & (1 - moved) & region.mine, region.count)


def _judged(region: Region, before: Texture, now: Texture, straight: Texture) -> tuple[Hot, Grid]:
    """Hot windows and differences as the better of `now` and `straight` has them, less what is thin and bright."""
    hot, left = region.compare(before, now)
    if straight is not now:
        found = region.compare(before, straight)
        if (found[0] & region.mine).sum() <= (hot & region.mine).sum():
            now, (hot, left) = straight, found
    if _thing(hot & region.mine, region.count):
        hot &= region.broad(before, now)
    return hot, left


def _straightened(before: Texture, now: Texture, offset: tuple[float, float] | None, leeway: float) -> Texture:
    """`now` with the camera's shift taken back; `offset` is that of the whole picture, if it is known.

    The zone's own shift is finer, but a bus that fills the zone shifts too: it is believed only near the picture's.
    """
    base = offset if offset is not None else (0.0, 0.0)
    if offset is not None and np.hypot(*offset) < _STILL:
        return now
    own = shift(before, now)
    way = own if own is not None and np.hypot(own[0] - base[0], own[1] - base[1]) <= leeway else base
    return now.shifted(-way[0], -way[1]) if np.hypot(*way) >= _STILL else now


__all__ = ["Change", "ChangeGate"]
