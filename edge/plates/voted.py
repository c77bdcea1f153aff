"""One answer from the readings of several pictures: a vote per character, with what speaks against it kept.

Pure: readings in, an answer out. A text that cannot stand on a plate of the jurisdiction, or a character that is too
uncertain, makes the plate unreadable. Nothing is repaired: a letter where a digit must stand stays a letter.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from contract.plates import PlateSchema
from edge.plates.protocol import PlateReading

#: No character of an accepted plate is less certain than this (docs/plates.md has the figures).
LEAST = 0.6


@dataclass(frozen=True, slots=True)
class VotedPlate:
    """What the readings together say.

    `text` is None when the plate is unreadable, and `why` then says so. `per_char_conf` and `alternatives` belong to
    the characters of the best text, accepted or not: `alternatives` holds, per place, other characters by weight.
    """

    text: str | None
    best: str
    per_char_conf: tuple[float, ...]
    alternatives: tuple[dict[str, float], ...]
    colour: str | None
    type_code: str | None
    readings: int
    why: str = ""

    @property
    def conf(self) -> float:
        """The least certain character; 0 for no text."""
        return min(self.per_char_conf, default=0.0)


def vote(readings: Sequence[PlateReading], schema: PlateSchema) -> VotedPlate:
    """Weigh readings of one vehicle's plate against each other; their order does not matter."""
    texts = [reading for reading in readings if reading.text]
    if not texts:
        why = "a plate is to be seen, but too small or unclear to read" if readings else "no plate is to be seen"
        return VotedPlate(None, "", (), (), None, None, 0, why)
    length = _length(texts)
    same = [reading for reading in texts if len(reading.text) == length]
    places = [_place(same, index, len(texts)) for index in range(length)]
    best = "".join(letter for letter, _, _ in places)
    conf = tuple(value for _, value, _ in places)
    colour = _colour(same)
    why = _objection(best, conf, schema)
    kind = schema.type_of(best, colour) if not why else None
    others = tuple(other for _, _, other in places)
    return VotedPlate(None if why else best, best, conf, others, colour, kind.code if kind else None, len(texts), why)


def _objection(text: str, conf: tuple[float, ...], schema: PlateSchema) -> str:
    """Why a text may not be taken for the plate; empty when it may."""
    if not schema.holds(text):
        return f"what was read ({text}) cannot stand on a plate of {schema.id}"
    weakest = min(range(len(text)), key=lambda index: conf[index])
    if conf[weakest] < LEAST:
        return f"character {weakest + 1} is too uncertain ({conf[weakest]:.2f}, {LEAST:.2f} is asked for)"
    return ""


def _length(readings: Sequence[PlateReading]) -> int:
    """The number of characters that most certainty stands behind; of equals the larger."""
    weight: dict[int, float] = defaultdict(float)
    for reading in readings:
        weight[len(reading.text)] += sum(reading.per_char_conf) / len(reading.per_char_conf)
    return max(weight, key=lambda length: (round(weight[length], 9), length))


def _place(readings: Sequence[PlateReading], index: int, all_readings: int) -> tuple[str, float, dict[str, float]]:
    """The winner of one place, its confidence, and the others by their share.

    Confidence is the mean certainty of those that read the winner, times its share of all weight, times the share of
    readings that had this length at all: disagreement lowers it, agreement of doubtful readings does not raise it.
    """
    weight: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for reading in readings:
        weight[reading.text[index]] += reading.per_char_conf[index]
        count[reading.text[index]] += 1
    whole = sum(weight.values()) or 1.0
    winner = max(weight, key=lambda letter: (round(weight[letter], 9), letter))
    sure = weight[winner] / count[winner] * (weight[winner] / whole) * (len(readings) / all_readings)
    others = {letter: round(value / whole, 3) for letter, value in weight.items() if letter != winner}
    return winner, round(min(1.0, sure), 4), others


def _colour(readings: Sequence[PlateReading]) -> str | None:
    """The colour of the majority; None when there is none."""
    told = [reading.colour for reading in readings if reading.colour]
    best = max(sorted(set(told)), key=told.count, default=None)
    return best if best is not None and told.count(best) * 2 > len(told) else None
