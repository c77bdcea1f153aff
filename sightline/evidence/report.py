"""The plain-language report of a bundle, in zh-CN and English: one page of HTML that needs nothing but its folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from central.tickets.states import CONFIRMED, REJECTED
from central.tickets.views import CaseView
from central.web import language, page, words
from central.web.language import Language
from central.workflow.table import SYSTEM
from contract.bundle import Missing

_FOLDER = Path(__file__).parent
LANGUAGES = tuple(language.LANGUAGES)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture or clip as the report shows it: where it stands in the bundle, and whose bytes it is of."""

    sha256: str
    kind: str
    href: str
    moment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report tells beside the case itself."""

    name: str
    by: str
    made: datetime
    office: str
    size: int
    stamped: datetime | None
    shown: Sequence[Shown]
    missing: Sequence[Missing]
    views: Sequence[Mapping[str, Any]]
    notes: Sequence[str]


def report(view: CaseView, facts: Facts, tag: str) -> bytes:
    """The page in the language of `tag` (one of LANGUAGES)."""
    say, said = language.load(tag), _words(tag)
    zone = view.violation.at_trigger.tzinfo

    def local(moment: datetime) -> str:
        return words.stamp(moment.astimezone(zone))

    def word(key: str, **values: object) -> str:
        return said[key].format(**values)

    data = view.violation
    text = _environment().get_template("report.html").render(
        say=say, w=word, view=view, name=facts.name, by=facts.by, made=local(facts.made), office=facts.office,
        size=facts.size, stamped=local(facts.stamped) if facts.stamped else None, missing=facts.missing,
        notes=facts.notes, when=local(data.at_trigger), rule=say.known(f"rule.{view.rule}", view.rule),
        place=f"{view.site} · {page.place(view.camera_id, view.zone_id, view.lane_id, say)}",
        vehicle=page.vehicle(view.vehicle.class_, view.vehicle.plate, say, view.vehicle.color),
        decision=_decision(view, say, word, local), figures=words.figures(data.numbers, say),
        clock=_clock(view, word), questions=list(_questions(view, say, word)),
        pictures=[_figure(view, one, say, local) for one in facts.shown if one.kind == "image"],
        clips=[_figure(view, one, say, local) for one in facts.shown if one.kind == "video"],
        checks=[(say.known(f"check.{one.name}", one.name), one.ok, one.detail) for one in view.checks],
        history=list(_history(view, say, local)), looks=list(_looks(view, facts, local)),
    )  # fmt: skip
    return text.encode()


def _decision(view: CaseView, say: Language, word: Any, local: Any) -> str:
    if view.decided_at is None or view.state not in {*CONFIRMED, REJECTED}:
        return str(word("short.candidate"))
    who, when = view.decided_by or "", local(view.decided_at)
    if view.state in CONFIRMED:
        return str(word("short.approved", first=view.first_by or "", who=who, when=when))
    reason = say.known(f"reason.{view.reason_code}", view.reason_code or "")
    return str(word("short.rejected", who=who, when=when, reason=f"{reason} {view.note or ''}".strip()))


def _clock(view: CaseView, word: Any) -> str:
    clock = view.violation.clock
    if clock.offset_ms is None:
        return str(word("clock.unknown"))
    return str(
        word("clock.known", offset=clock.offset_ms, uncertainty=clock.uncertainty_ms or "?", source=clock.source)
    )


def _questions(view: CaseView, say: Language, word: Any) -> Iterator[tuple[str, str]]:
    for one in view.questions:
        chosen, mark, rest = (one.answer or "").partition(":")
        answer = f"{say.known(f'answer.{chosen}', chosen)}{mark}{rest} ({one.answered_by})" if one.answer else ""
        yield say.known(f"fact.{one.fact}.question", one.question), answer or word("asked.open")


def _history(view: CaseView, say: Language, local: Any) -> Iterator[dict[str, str]]:
    for one in view.history:
        who = say("history.system") if one.actor == SYSTEM else one.actor
        yield {"at": local(one.at), "who": who, "what": say.known(f"action.{one.action}", one.action)}


def _looks(view: CaseView, facts: Facts, local: Any) -> Iterator[dict[str, str]]:
    for one in facts.views:
        at = datetime.fromisoformat(one["at"])
        yield {"at": local(at), "who": one["by"], "what": one["sha256"] or view.number}


def _figure(view: CaseView, one: Shown, say: Language, local: Any) -> dict[str, str]:
    name = say.known(f"moment.{view.rule}.{one.moment}", one.moment)
    return {
        "href": one.href,
        "sha256": one.sha256,
        "caption": " · ".join(part for part in (name, local(one.at)) if part),
    }


@cache
def _words(tag: str) -> Mapping[str, str]:
    found: dict[str, str] = json.loads((_FOLDER / "words" / f"{tag}.json").read_text(encoding="utf-8"))
    return found


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(_FOLDER / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


__all__ = ["LANGUAGES", "Facts", "Shown", "report"]
