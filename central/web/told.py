"""What boxes tell of their disks and cameras, as lines in the reader's language."""

from collections.abc import Mapping
from datetime import tzinfo

from central.polling.told import CameraTold, DiskTold
from central.polling.wall import CameraTile, Tile
from central.web import words
from central.web.duty import zone_of
from central.web.language import Language

_GB = 1e9


def lines(
    tile: Tile, cameras: Mapping[tuple[str, str], CameraTold], disks: Mapping[str, DiskTold], say: Language
) -> list[str]:
    """A line for each box of a station and for each of its cameras; none while no box has told of one."""
    zone = zone_of([tile.station])
    boxes = sorted({one.edge_id for one in tile.cameras if one.edge_id is not None})
    found = [_disk(box, disks.get(box), zone, say) for box in boxes]
    nothing = CameraTold(None, None)
    for one in tile.cameras:
        if one.edge_id is not None:
            found.append(_camera(one, cameras.get((one.edge_id, one.id), nothing), zone, say))
    return found


def _disk(box: str, told: DiskTold | None, zone: tzinfo, say: Language) -> str:
    if told is None:
        return say("told.disk.not_told", box=box)
    disk = told.disk
    used, budget, free = (f"{size / _GB:.1f}" for size in (disk.used_bytes, disk.budget_bytes, disk.free_bytes))
    said = [say("told.disk", box=box, used=used, budget=budget, free=free)]
    if disk.pace is None:
        said.append(say("told.disk.no_pace"))
    elif disk.full_at is None:
        said.append(say("told.disk.fits"))
    else:
        said.append(say("told.disk.full", at=words.stamp(disk.full_at.astimezone(zone))))
    said.append(say("told.at" if told.fresh else "told.old", at=words.stamp(disk.at.astimezone(zone))))
    return say("told.join").join(said)


def _camera(one: CameraTile, told: CameraTold, zone: tzinfo, say: Language) -> str:
    said = [say("told.camera", camera=one.name) + _learned(told, zone, say)]
    if told.kept is not None:
        days = f"{told.kept.days:g}"
        oldest = told.kept.oldest
        if oldest is None:
            said.append(say("told.kept.none", days=days))
        else:
            said.append(say("told.kept", days=days, at=words.stamp(oldest.astimezone(zone))))
    return say("told.join").join(said)


def _learned(told: CameraTold, zone: tzinfo, say: Language) -> str:
    learned = told.learned
    if learned is None:
        return say("told.learned.not_told")
    key = "told.learned" if learned.done else "told.learning"
    if learned.since is None:
        return say(f"{key}.some_time")
    return say(key, at=words.stamp(learned.since.astimezone(zone)))


__all__ = ["lines"]
