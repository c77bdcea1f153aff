"""Facts that no camera can tell, as the case page asks them: each with what a source told, or honestly unknown.

Those that must be answered stand among the questions; these are the rest, for the officer to think of before deciding.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from central.web.language import Language
from contract.events import UNKNOWN, FactSaid


@dataclass(frozen=True, slots=True)
class Confirm:
    """One fact: what to ask oneself, what is known, and who told it or could have."""

    fact: str
    text: str
    value: str
    sources: str
    known: bool


def confirms(facts: Mapping[str, FactSaid], say: Language) -> list[Confirm]:
    """The facts of an event that are not asked as questions, unknown ones first."""
    shown = [_confirm(fact, said, say) for fact, said in facts.items() if not said.ask]
    return sorted(shown, key=lambda one: one.known)


def _confirm(fact: str, said: FactSaid, say: Language) -> Confirm:
    known = said.value != UNKNOWN
    value = say.known(f"answer.{said.value}", said.value) if known else say("facts.unknown")
    named = [say.known(f"source.{source}", source) for source in said.sources]
    text = say.known(f"fact.{fact}.question", said.question or fact.replace("_", " "))
    whence = say("facts.by", who=said.by) if said.by else say("facts.could", sources=", ".join(named))
    return Confirm(fact, text, value, whence, known)


__all__ = ["Confirm", "confirms"]
