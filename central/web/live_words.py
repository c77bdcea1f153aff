"""What tiles with pictures say, in the reader's language, for the scripts under static/js/live."""

from typing import Any, Final

from central.polling.bookmarks import CATEGORIES
from central.polling.phases import Phase
from central.web.language import Language

#: Reasons that central and boxes give in fixed words, and the sentence of each.
_REASONS: Final = {
    "the box does not answer": "live.reason.no_answer",
    "the box brings no pictures": "live.reason.no_pictures",
    "a privacy mask is not painted": "live.reason.mask",
    "the box is connected to a replica that cannot be reached from here: set live.address there": "live.reason.replica",
    "your session has ended - sign in again": "live.reason.sign_in",
    "you may not see this station any more": "live.reason.elsewhere",
}
_STATES: Final = ("asking", "cut", "embargo", "away", "ended", "lost", "old")
_PLAIN: Final = (
    "live", "stills", "back", "paused", "pause", "play", "earlier", "later", "pace", "pace_live", "to_live", "zoom",
    "full", "line", "now", "minutes", "hours", "recorded", "untold", "gap", "skipped", "mark", "marked",
)  # fmt: skip
_CAUSES: Final = ("network", "power", "storage", "camera", "operator", "clock", "process", "start", "unknown")
_KINDS: Final = (
    "lost", "frozen", "looped", "dark", "bright", "covered", "defocused", "moved", "scene", "time", "replaced", "mask",
)  # fmt: skip


def live_words(say: Language) -> dict[str, Any]:
    """Sentences by name, with their `{values}` still open."""
    said = say.sentences
    return {
        **{name: said[f"live.{name}"] for name in _PLAIN},
        "states": {name: said[f"live.state.{name}"] for name in _STATES},
        "reasons": {reason: said[key] for reason, key in _REASONS.items()},
        "causes": {name: said[f"cause.{name}"] for name in _CAUSES},
        "letters": {name: said[f"live.letter.{name}"] for name in _CAUSES},
        "categories": {name: said[f"bookmark.category.{name}"] for name in CATEGORIES},
        "phases": {str(one): said[f"phase_mark.{one}"] for one in Phase},
        "kinds": {name: said[f"check.kind.{name}"] for name in _KINDS},
    }


__all__ = ["live_words"]
