"""What the law of the place says of a case, as its profile quotes it, and earlier cases of the same plate there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone

from central.db.cases import Case
from central.tickets.precheck.profiles import profile_of
from central.tickets.views import CaseView
from central.web import words
from central.web.language import Language


@dataclass(frozen=True, slots=True)
class LawLine:
    """One line; `source` is what the profile cites for it."""

    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case: its number and address, when it was, in the site's time, and what became of it."""

    number: str
    at: str
    title: str
    state: str


def lines(view: CaseView, say: Language) -> list[LawLine]:
    """Code, fine, points, permitted wait and profile; empty where the place's profile was not given to central."""
    return list(_lines(view, say))


def _lines(view: CaseView, say: Language) -> Iterator[LawLine]:
    data = view.violation
    profile = profile_of(data.jurisdiction)
    if profile is None:
        return
    code = next((one for one in profile.codes if one.code == data.violation_code), None)
    if data.violation_code:
        yield LawLine(say("law.code"), data.violation_code, f"{code.meaning} ({code.source})" if code else "")
    fine = next((one for one in profile.fines if one.rule == data.rule), None)
    points = profile.points_for(data.rule)
    yield LawLine(say("law.fine"), fine.text if fine else say("law.unknown"), fine.source if fine else "")
    yield LawLine(
        say("law.points"), str(points.points) if points else say("law.unknown"), points.source if points else ""
    )
    wait = data.numbers.get("permitted_wait_s")
    if isinstance(wait, int | float):
        yield LawLine(say("law.wait"), words.seconds(wait, say), "")
    yield LawLine(say("law.profile"), f"{profile.name}, {profile.version}", profile.claims)


def earlier(rows: Sequence[Case], say: Language) -> list[Earlier]:
    """Earlier cases of the same plate at the same site."""
    return [
        Earlier(
            one.number,
            f"{one.at_trigger.astimezone(timezone(timedelta(seconds=one.utc_offset_s))):%Y-%m-%d %H:%M}",
            say(f"rule.approved.{one.rule}"),
            say.known(f"state.{one.state}", one.state)
            + (f" · {one.reason_code} {say(f'reason.{one.reason_code}')}" if one.reason_code else ""),
        )
        for one in rows
    ]


__all__ = ["Earlier", "LawLine", "earlier", "lines"]
