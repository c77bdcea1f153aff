"""Which keys do what: one table a page. `?` lists it, and the page's script binds it and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from central.web.language import Language

#: Keys that are named in words or signs: what the browser calls them, and the sentence or sign for it.
_SIGNS = {"ArrowLeft": "←", "ArrowRight": "→", "ArrowUp": "↑", "ArrowDown": "↓"}
_NAMES = {" ": "keys.space", "Enter": "keys.enter"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: keys as the browser names them, the action of each, and what they do in one sentence.

    `shown` stands for them where they are too many.
    """

    does: Mapping[str, str]
    says: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """The table for a template: lines in the reader's language, and the action of each key."""

    lines: list[tuple[list[str], str]]
    bound: dict[str, str]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a page."""

    rows: tuple[Row, ...]

    def listed(self, say: Language) -> Listed:
        """For `?` and for the script. Raises ValueError when one key would do two things."""
        bound: dict[str, str] = {}
        for row in self.rows:
            if twice := bound.keys() & row.does.keys():
                raise ValueError(f"key {min(twice)!r} is bound twice")
            bound |= row.does
        lines = [(list(row.shown) or [_sign(key, say) for key in row.does], say(row.says)) for row in self.rows]
        return Listed(lines, bound)


def _sign(key: str, say: Language) -> str:
    return say(_NAMES[key]) if key in _NAMES else _SIGNS.get(key, key)


_HELP = Row({"?": "help"}, "keys.help")

QUEUE = Keys(
    (
        Row({"j": "next", "k": "previous", "ArrowDown": "next", "ArrowUp": "previous"}, "keys.next_previous"),
        Row({"Enter": "open", "o": "open"}, "keys.open"),
        Row({"u": "undo"}, "keys.undo"),
        _HELP,
    )
)

CASE = Keys(
    (
        Row({"a": "approve"}, "keys.approve"),
        Row({"r": "reject"}, "keys.reject"),
        Row({"b": "send-back"}, "keys.send-back"),
        Row({"m": "ask", "s": "resume"}, "keys.ask"),
        Row({"e": "correct"}, "keys.correct"),
        Row({"u": "undo"}, "keys.undo"),
        Row({"j": "next", "k": "previous"}, "keys.next_previous"),
        Row({str(n): f"still-{n}" for n in range(1, 10)}, "keys.stills", ("1", "-", "9")),
        Row({"c": "compare"}, "keys.compare"),
        Row({"+": "closer", "=": "closer", "-": "farther", "0": "whole"}, "keys.zoom", ("+", "-", "0")),
        Row(
            {"ArrowLeft": "left", "ArrowRight": "right", "ArrowUp": "up", "ArrowDown": "down"},
            "keys.arrows",
        ),
        Row({"o": "overlay"}, "keys.overlay"),
        Row({"z": "ground", "t": "moving"}, "keys.overlay_parts"),
        Row({"v": "clip"}, "keys.clip"),
        Row({" ": "play"}, "keys.play"),
        Row({"[": "slower", "]": "faster"}, "keys.speed"),
        Row({"l": "loop"}, "keys.loop"),
        Row({"q": "queue"}, "keys.queue"),
        _HELP,
    )
)

#: What is done with the pictures of the chosen tile.
_LIVE = (
    Row({"f": "full"}, "keys.live.full"),
    Row({",": "earlier", ".": "later"}, "keys.live.back"),
    Row({"k": "hold"}, "keys.live.hold"),
    Row({"p": "pace"}, "keys.live.pace"),
    Row({"l": "live"}, "keys.live.live"),
    Row({"z": "zoom"}, "keys.live.zoom"),
    Row({"b": "mark"}, "keys.live.mark"),
)

STATIONS = Keys(
    (
        Row(
            {"ArrowRight": "next", "ArrowLeft": "previous", "ArrowDown": "below", "ArrowUp": "above"},
            "keys.stations.choose",
        ),
        Row({str(n): f"tile-{n}" for n in range(1, 10)}, "keys.live.tile", ("1", "-", "9")),
        Row({"Enter": "open", "o": "open"}, "keys.stations.open"),
        Row({"c": "camera"}, "keys.live.camera"),
        Row({"+": "fewer", "=": "fewer", "-": "more"}, "keys.live.fewer_more", ("+", "-")),
        Row({"v": "saved"}, "keys.stations.saved"),
        *_LIVE,
        _HELP,
    )
)

#: One station: its cameras are the tiles.
STATION = Keys(
    (
        Row({str(n): f"tile-{n}" for n in range(1, 10)}, "keys.live.tile", ("1", "-", "9")),
        Row({"ArrowLeft": "earlier", "ArrowRight": "later"}, "keys.live.back"),
        *_LIVE,
        _HELP,
    )
)

__all__ = ["CASE", "QUEUE", "STATION", "STATIONS", "Keys", "Listed", "Row"]
