"""The plate in the evidence: what the stills and a few more pictures show of the accused vehicle's, voted.

Read are the stills of the decisive moments and at most four pictures in which the vehicle stands largest: never every
picture, and never another vehicle.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contract.events import Vehicle
from contract.plates import PlateSchema, load_plates
from edge.cameras.decode import Decoder, bgr
from edge.cameras.packets import PacketStore, Picture
from edge.deliver.durable import write_durable
from edge.evidence.kept import Decided, KeptPassage, Moment, Shot, Still
from edge.evidence.stills import NEAR_QUALITY, crop, decode, encode, scaled
from edge.plates.open import open_reader
from edge.plates.protocol import PlateReader, PlateReading, Unreadable
from edge.plates.voted import VotedPlate, vote
from edge.rules.decision import Box, Decision

_LOOKS = 4
#: So many pictures that agree, each sure of every character, settle a plate, if so many of them are independent; so
#: many independent ones in which nothing can be read settle that it cannot be. It costs a busy box less [I].
_AGREE, _AGREE_CONF, _AGREE_APART, _IN_VAIN = 3, 0.95, 2, 4
#: Pictures of a moving vehicle this close show the same: the same glare, the same half of it cut off. Seconds.
_INDEPENDENT_S = 1.0
#: Pictures closer than this show the same; in seconds.
_APART_S = 0.2
#: Pictures closer than this are decoded in one go: they often lie in one group of pictures. Seconds.
_NEAR_S = 2.0
#: A picture this far from the instant of a box is not the one that the box was seen in. Seconds.
_SAME_S = 0.02
#: The crop shows this many times the plate's box, so that a person sees what it hangs on.
_AROUND = 1.6


@dataclass(frozen=True, slots=True)
class PlateSeen:
    """What was voted, and the crop of the clearest look at the plate (None when none was found)."""

    voted: VotedPlate
    shot: Shot | None

    def vehicle(self, decided: Decided) -> Vehicle:
        """The accused vehicle as the manifest names it; what could not be read stays None."""
        voted = self.voted
        sure = voted.text is not None
        return Vehicle(
            class_=decided.vehicle_class,
            color=decided.color,
            plate=voted.text,
            plate_type=voted.type_code,
            plate_color=voted.colour,
            conf=voted.conf if sure else None,
            per_char_conf=list(voted.per_char_conf) if sure else None,
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """One picture to read, with the moment whose still it is or to which it is nearest, and the vehicle's box in it."""

    moment: Moment
    t: float
    at: datetime
    picture: Picture
    box: Box


class PlateWitness:
    """Reads the plate of an accused vehicle from what is kept of its passage.

    In a thread of its own: reading takes some 0.1 s a picture, more on a busy box, and analysis that stands still for
    so long would lose sight of the next vehicle.
    """

    def __init__(self, reader: PlateReader, schema: PlateSchema) -> None:
        """`reader` may be shared by cameras when it is safe for threads (`edge.plates.open` gives such)."""
        self._reader = reader
        self._schema = schema
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="plates")

    def ask(
        self, held: KeptPassage, decided: Decided, store: PacketStore | None, frame: tuple[int, int] | None
    ) -> "Future[PlateSeen]":
        """`look`, later: what it gives or raises comes with the future. Stills that `held` gets later are not read."""
        return self._thread.submit(self.look, held, decided, store, frame)

    def look(
        self, held: KeptPassage, decided: Decided, store: PacketStore | None, frame: tuple[int, int] | None
    ) -> PlateSeen:
        """Read stills, and pictures of `store` when it still holds them; the crop is written into the folder.

        Raises OSError when the disk refuses, ModelError or RuntimeError when the reader cannot run.
        """
        readings: list[PlateReading] = []
        reasons: list[str] = []
        best: tuple[_Look, PlateReading] | None = None
        apart: list[float] = []
        for look in self._pictures(held, decided, store, frame):
            if all(abs(look.t - t) >= _INDEPENDENT_S for t in apart):
                apart.append(look.t)
            try:
                reading = self._reader.read(look.picture, look.box)
            except Unreadable as error:
                reasons.append(str(error))
            else:
                readings.append(reading)
                if best is None or _clearness(reading) > _clearness(best[1]):
                    best = look, reading
            if _settled(readings, len(apart)):
                break
        voted = vote(readings, self._schema)
        if not readings and reasons:
            voted = VotedPlate(None, "", (), (), None, None, 0, max(sorted(set(reasons)), key=reasons.count))
        return PlateSeen(voted, _crop(held, *best) if best else None)

    def _pictures(
        self, held: KeptPassage, decided: Decided, store: PacketStore | None, frame: tuple[int, int] | None
    ) -> Iterator[_Look]:
        """Stills, and what `store` still holds, the vehicle largest first: what cannot be read there cannot be later.

        Of like size stills come first, for they cost no decoding; what must be decoded is decoded in one go.
        """
        shots = [(shot, whole) for shot in held.kept.shots if (whole := _whole(shot)) is not None]
        looks = decided.looks if store is not None else []
        looks = [(t, box) for t, box in looks if all(abs(t - shot.t) >= _APART_S for shot, _ in shots)]
        size = frame or next(((whole.w, whole.h) for _, whole in shots), (1, 1))
        steps: list[tuple[int, tuple[Shot, Still] | float]]
        steps = [(_step(shot.box, (whole.w, whole.h)), (shot, whole)) for shot, whole in shots]
        steps += [(_step(box, size), t) for t, box in looks]
        decoded: dict[float, _Look] | None = None
        for _, source in sorted(steps, key=lambda one: -one[0]):
            look = None
            if isinstance(source, tuple):
                look = _of_still(held, *source)
            elif store is not None:
                decoded = _decoded(store, decided, looks, frame) if decoded is None else decoded
                look = decoded.get(source)
            if look is not None:
                yield look


def _whole(shot: Shot) -> Still | None:
    """The still that shows the whole picture, of a shot that knows where the vehicle is."""
    return next((still for still in shot.stills if still.role == "far" and shot.box is not None), None)


def _step(box: Box | None, size: tuple[int, int]) -> int:
    """How large a box stands in a picture of `size` (width, height) px, in steps of a fifth of area."""
    share = _area(box) / (size[0] * size[1]) if box is not None else 0.0
    return round(math.log(max(share, 1e-9), 1.2))


def _of_still(held: KeptPassage, shot: Shot, whole: Still) -> _Look | None:
    if shot.box is None:
        return None
    try:
        raw = (held.folder / whole.file).read_bytes()
    except FileNotFoundError:
        return None  # a later still of the same moment took its place
    return _Look(shot.moment, shot.t, shot.at, decode(raw), shot.box)


def _decoded(
    store: PacketStore, decided: Decided, looks: list[tuple[float, Box]], frame: tuple[int, int] | None
) -> dict[float, _Look]:
    """What `store` still holds of the instants of `looks` (stream s, and boxes in px of `frame`), by those instants."""
    found: dict[float, _Look] = {}
    for first, last in _spans([t for t, _ in looks]):
        for exact, picture in Decoder().through(store.packets(first, last + _SAME_S)):
            for t, box in looks:
                if abs(exact - t) <= _SAME_S and t not in found:
                    whole = bgr(picture)
                    found[t] = _Look(_nearest(decided, t), exact, store.wall(exact), whole, scaled(box, frame, whole))
    return found


def _spans(times: list[float]) -> list[tuple[float, float]]:
    """First and last of the instants (rising, stream s) that lie close enough to be decoded in one go."""
    spans: list[tuple[float, float]] = []
    for t in times:
        if spans and t - spans[-1][1] < _NEAR_S:
            spans[-1] = spans[-1][0], t
        else:
            spans.append((t, t))
    return spans


def _settled(readings: list[PlateReading], apart: int) -> bool:
    """Whether more pictures would change nothing; `apart` of those read so far show the vehicle differently."""
    if not any(reading.text for reading in readings):
        return apart >= _IN_VAIN
    sure = [reading for reading in readings if min(reading.per_char_conf, default=0.0) >= _AGREE_CONF]
    alike = len(sure) == len(readings) and len({reading.text for reading in sure}) == 1
    return alike and len(sure) >= _AGREE and apart >= _AGREE_APART


def _crop(held: KeptPassage, look: _Look, reading: PlateReading) -> Shot | None:
    """Write the plate's pixels, as the camera gave them, beside the stills; None when it lies on the picture's edge."""
    part = crop(look.picture, reading.box, _AROUND)
    if part is None:
        return None
    name = f"{look.moment}-{round(look.t * 1000):012d}-plate.jpg"
    write_durable(held.folder / name, encode(part, NEAR_QUALITY))
    still = Still(role="plate", file=name, w=part.shape[1], h=part.shape[0])
    return Shot(moment=look.moment, t=look.t, at=look.at, stills=[still], box=reading.box)


def _clearness(reading: PlateReading) -> tuple[float, float]:
    """What makes the better crop: certainty in tenths, then size."""
    return round(reading.conf, 1), reading.area


def witness(weights: Path | None, schema: str, tell: Callable[[str], None]) -> PlateWitness | None:
    """What reads plates of the schema of that name; None, said once through `tell`, where nothing can.

    Raises ConfigError for a schema that is not there, ModelError for weights that are altered.
    """
    plates = load_plates(schema)
    reader = open_reader(weights, plates, tell)
    return PlateWitness(reader, plates) if reader else None


def best_looks(decision: Decision) -> list[tuple[float, Box]]:
    """Up to four instants at which the vehicle stands largest, apart from each other; in order of time."""
    chosen: list[tuple[float, Box]] = []
    for t, box in sorted(decision.track, key=lambda point: -_area(point[1])):
        if all(abs(t - other) >= _APART_S for other, _ in chosen):
            chosen.append((t, box))
        if len(chosen) == _LOOKS:
            break
    return sorted(chosen)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _nearest(decided: Decided, t: float) -> Moment:
    instants: dict[Moment, float] = {"first": decided.t_first, "trigger": decided.t_trigger, "last": decided.t_last}
    return min(instants, key=lambda name: abs(instants[name] - t))
