"""The words of a letter, in the language of the place: facts and law as the profile has them, and no figure of our own.

Pure: a matter in, the text as it will stand for good out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from central.db.cases import CaseMedia
from central.export.matter import Matter
from central.notices.rules import NoticeRules
from contract.events import Rule

_FOLDER: Final = Path(__file__).parent / "words"
LANGUAGES: Final = ("en", "zh-CN")
#: Most stills in a letter.
MOST_STILLS: Final = 4
_MOMENTS: Final = {"first": 0, "spacing": 1, "trigger": 2, "last": 3}
Said = dict[str, Any]


@cache
def words(tag: str) -> Mapping[str, str]:
    """The sentences of letters in one of LANGUAGES."""
    said: dict[str, str] = json.loads((_FOLDER / f"{tag}.json").read_text(encoding="utf-8"))
    return said


def language_of(tag: str) -> str:
    """Which of LANGUAGES a profile's language is written in; English where there is no better one."""
    return "zh-CN" if tag.lower().startswith("zh") else "en"


def notice(matter: Matter, rules: NoticeRules, number: str, issued: datetime, answer_by: datetime | None) -> Said:
    """The notice: what was recorded, the law, what may be paid, and how to object until when."""
    say = words(language_of(matter.profile.language))
    paragraphs = [say["notice.no_decision"], say["notice.rights"], *_how(matter, rules, number, say, answer_by)]
    return {
        "kind": "notice",
        "title": say["notice.title"],
        "to": _to(matter, say),
        "intro": say["notice.intro"],
        "rows": [[label, value] for label, value in _rows(matter, say, number)],
        "paragraphs": paragraphs,
        "stills": _stills(matter, say),
        "foot": _foot(matter, rules, say, issued),
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to an objection: `kind` cancelled (the record is taken back) or upheld (it stands).

    `about` is the notice's number, `ground` the one that was verified, `reason` what the party reads.
    """

    kind: str
    number: str
    about: str
    received: datetime
    issued: datetime
    ground: str | None
    reason: str


def answer(matter: Matter, rules: NoticeRules, given: Answer) -> Said:
    """The letter that says so."""
    say = words(language_of(matter.profile.language))
    rows = [
        [say["row.number"], given.number],
        [say["row.about"], given.about],
        [say["row.plate"], matter.vehicle.plate or "-"],
        [say["row.at"], moment(matter, matter.case.at_trigger)],
        [say["row.place"], _place(matter)],
        [say["row.received"], moment(matter, given.received)],
    ]
    if given.ground is not None:
        rows.append([say["row.ground"], say[f"ground.{given.ground}"]])
    if given.reason.strip():
        rows.append([say["row.reason"], given.reason.strip()])
    return {
        "kind": given.kind,
        "title": say[f"{given.kind}.title"],
        "to": _to(matter, say),
        "intro": say[f"{given.kind}.intro"],
        "rows": rows,
        "paragraphs": [say[f"{given.kind}.after"]],
        "stills": [],
        "foot": _foot(matter, rules, say, given.issued),
    }


def moment(matter: Matter, at: datetime) -> str:
    """A moment as the place counts it, with its offset: 2026-01-05 10:03:10 +08:00."""
    local = at.astimezone(matter.place_time)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def _to(matter: Matter, say: Mapping[str, str]) -> str:
    """Nobody is named: whose vehicle it is, is known to the police and not to us."""
    return say["to"].format(plate=matter.vehicle.plate or "-")


def _rows(matter: Matter, say: Mapping[str, str], number: str) -> Iterator[tuple[str, str]]:
    yield say["row.number"], number
    yield say["row.plate"], matter.vehicle.plate or "-"
    kind = say.get(f"vehicle.{matter.vehicle.class_}", matter.vehicle.class_)
    colour = say.get(f"colour.{matter.vehicle.color}", matter.vehicle.color or "")
    yield say["row.vehicle"], f"{kind} {colour}".strip()
    yield say["row.at"], moment(matter, matter.case.at_trigger)
    yield say["row.place"], _place(matter)
    conduct = matter.meaning or say[f"rule.{matter.violation.rule.value}"]
    yield say["row.conduct"], f"{conduct} ({say['code']} {matter.code})" if matter.code else conduct
    if facts := _facts(matter, say):
        yield say["row.facts"], facts
    yield from _law(matter, say)


def _place(matter: Matter) -> str:
    return matter.site.name if matter.site else matter.case.site


def _facts(matter: Matter, say: Mapping[str, str]) -> str:
    """What was measured, as the box sealed it; nothing where it sealed no figure."""
    numbers, case = matter.violation.numbers, matter.case
    if matter.violation.rule is Rule.FAILURE_TO_YIELD:
        return say["facts.yield"].format(first=moment(matter, case.at_first), trigger=moment(matter, case.at_trigger))
    stood = case.dwell_s if case.dwell_s is not None else (case.at_trigger - case.at_first).total_seconds()
    permitted = numbers.get("permitted_wait_s")
    text = say["facts.stood"].format(first=moment(matter, case.at_first), minutes=_minutes(stood, say))
    if isinstance(permitted, int | float):
        text += say["facts.permitted"].format(minutes=_minutes(float(permitted), say))
    return text


def _minutes(seconds: float, say: Mapping[str, str]) -> str:
    whole = int(seconds)
    return say["minutes"].format(minutes=whole // 60, seconds=whole % 60)


def _law(matter: Matter, say: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Money and points as the profile quotes them, each with its source; without one it is said that none is known."""
    profile, rule = matter.profile, matter.violation.rule
    if matter.warning is not None:
        until = matter.warning.until
        yield say["row.warning"], say["warning.until"].format(day=f"{until:%Y-%m-%d}") if until else say["warning.open"]
        yield say["row.profile"], f"{profile.name}, {profile.version}"
        return
    fine = next((one for one in profile.fines if one.rule == rule), None)
    yield say["row.fine"], f"{fine.text} ({fine.source})" if fine else say["fine.unknown"]
    points = profile.points_for(rule)
    yield say["row.points"], f"{points.points} ({points.source})" if points else say["points.unknown"]
    yield say["row.profile"], f"{profile.name}, {profile.version}"


def _how(
    matter: Matter, rules: NoticeRules, number: str, say: Mapping[str, str], answer_by: datetime | None
) -> Iterator[str]:
    if answer_by is None:
        yield say["how.no_limit"]
    else:
        # A limit ends at midnight: the day before is the last one.
        last = (answer_by - timedelta(seconds=1)).astimezone(matter.place_time)
        yield say["how.until"].format(day=f"{last:%Y-%m-%d}")
    if rules.public_url:
        yield say["how.online"].format(url=f"{rules.public_url.rstrip('/')}/q", number=number, n=rules.suffix)
    where = [part for part in (rules.office.name, rules.office.address, rules.office.phone, rules.office.hours) if part]
    if where:
        yield say["how.office"].format(where=say["joined"].join(where))


def _stills(matter: Matter, say: Mapping[str, str]) -> list[dict[str, str]]:
    """Which stills go along: whole pictures in order of time, then one from nearby; each is shown redacted only."""
    whole = [one for one in matter.media if one.kind == "image" and one.role == "far" and not one.overlay]
    near = [one for one in matter.media if one.kind == "image" and one.role in {"near", "plate"} and not one.overlay]
    whole.sort(key=lambda one: (_MOMENTS.get(one.moment or "", 9), one.position))
    chosen: Sequence[CaseMedia] = [*whole[: MOST_STILLS - 1], *near[:1]]
    return [{"sha256": one.sha256, "caption": f"{say[f'still.{one.role}']} {moment(matter, one.at)}"} for one in chosen]


def _foot(matter: Matter, rules: NoticeRules, say: Mapping[str, str], issued: datetime) -> str:
    day = f"{issued.astimezone(matter.place_time):%Y-%m-%d}"
    return say["joined"].join(part for part in (rules.office.name, day) if part)


__all__ = ["LANGUAGES", "MOST_STILLS", "Answer", "Said", "answer", "language_of", "moment", "notice", "words"]
