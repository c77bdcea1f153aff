"""In advance: planned windows of stations in which nobody will be on duty."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from central.db.polling import Station
from central.duty.roster import Shift, Span, holes
from central.polling.continuity import windows_of


@dataclass(frozen=True, slots=True)
class Hole:
    """Nobody is on duty (at level 1, where `first` says so) from `begin` to `until` for these stations."""

    begin: datetime
    until: datetime
    first: bool
    stations: tuple[Station, ...]


def holes_of(station: Station, area: str | None, shifts: Sequence[Shift], now: datetime) -> list[tuple[Span, bool]]:
    """Of what is left of its windows: (span, whether only level 1 is missing)."""
    found: list[tuple[Span, bool]] = []
    for window in windows_of(station):
        span = (max(window.begin, now), window.until)
        if span[0] >= span[1]:
            continue
        nobody = holes(shifts, area, span)
        found += [(one, False) for one in nobody]
        found += [(one, True) for one in holes(shifts, area, span, level=1) if one not in nobody]
    return found


def all_holes(
    stations: Iterable[Station], areas: Mapping[str, str], shifts: Sequence[Shift], now: datetime
) -> list[Hole]:
    """Of every station: those without anybody first, then by time; stations with the same hole stand together."""
    together: dict[tuple[Span, bool], list[Station]] = defaultdict(list)
    for one in stations:
        for hole in holes_of(one, areas.get(one.site), shifts, now):
            together[hole].append(one)
    found = [Hole(span[0], span[1], first, tuple(there)) for (span, first), there in together.items()]
    return sorted(found, key=lambda one: (one.first, one.begin, one.until))


__all__ = ["Hole", "all_holes", "holes_of"]
