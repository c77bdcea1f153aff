"""A report as tables of plain cells, in the reader's language: what the page, CSV, XLSX and PDF all print."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from central.reports.ask import label_of
from central.reports.facts import CANCELLED
from central.reports.report import OUTCOMES, Counts, Report

#: Words by key, as the web front's languages give them.
Say = Callable[..., str]
Cell = str | int | float | None
SUM, STEPS, REASONS, RULES, CAMERAS, PEOPLE = "sum", "steps", "reasons", "rules", "cameras", "people"
NAMES: Final = (SUM, STEPS, REASONS, RULES, CAMERAS, PEOPLE)
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is one of NAMES; the first `stub` cells of a row say what it is about, the others are figures."""

    name: str
    title: str
    head: list[str]
    rows: list[list[Cell]]
    stub: int = 1
    total: list[Cell] | None = None
    note: str = ""
    notes: list[str] = field(default_factory=list)


def tables(made: Report, say: Say) -> list[Table]:
    """Every table of a report; that of people only where the report has them."""
    found = [_sum(made, say), _steps(made, say), _reasons(made, say), _rules(made, say), _cameras(made, say)]
    return [*found, _people(made, say)] if made.people is not None else found


def outcome_names(say: Say) -> list[str]:
    """The outcomes in words, in the order in which every table and chart has them."""
    return [say(f"outcome.{name.replace(' ', '_')}") for name in OUTCOMES]


def hours(seconds: float | None) -> float | None:
    """Seconds as hours, to a tenth."""
    return None if seconds is None else round(seconds / _HOUR_S, 1)


def _figures(counts: Counts) -> list[Cell]:
    times = counts.times
    shown: list[Cell] = [counts.captures, *(counts.outcomes[name] for name in OUTCOMES), counts.asked]
    return [*shown, hours(times.median_s), hours(times.p90_s)]


def _head(say: Say) -> list[str]:
    return [
        say("report.captures"), *outcome_names(say), say("report.asked"), say("report.median"), say("report.p90")
    ]  # fmt: skip


def _sum(made: Report, say: Say) -> Table:
    names = _head(say)
    rows: list[list[Cell]] = [[name, value] for name, value in zip(names, _figures(made.total), strict=True)]
    rows += [
        [say("report.decided"), made.total.times.n],
        [say("report.ever_approved"), made.ever_approved],
        [say("report.later_cancelled"), made.total.outcomes[CANCELLED]],
        [say("report.later_expired"), made.lapsed],
    ]
    return Table(SUM, say("report.table.sum"), [say("report.figure"), say("report.value")], rows)


def _steps(made: Report, say: Say) -> Table:
    rows = [[label_of(key, made.ask.step), *_figures(counts)] for key, counts in made.steps.items()]
    head = [say(f"report.step.{made.ask.step}"), *_head(say)]
    total: list[Cell] = [say("report.total"), *_figures(made.total)]
    return Table(STEPS, say("report.table.steps"), head, rows, total=total)


def _reasons(made: Report, say: Say) -> Table:
    ordered = sorted(made.reasons.items(), key=lambda one: (-one[1], one[0]))
    rows: list[list[Cell]] = [[code, say(f"reason.{code}"), count] for code, count in ordered]
    head = [say("report.code"), say("report.reason"), say("outcome.rejected")]
    total: list[Cell] = [say("report.total"), "", made.reasons.total()]
    return Table(REASONS, say("report.table.reasons"), head, rows, stub=2, total=total)


def _rules(made: Report, say: Say) -> Table:
    rows = [[say(f"rule.approved.{rule}"), *_figures(counts)] for rule, counts in sorted(made.rules.items())]
    total: list[Cell] = [say("report.total"), *_figures(made.total)]
    return Table(RULES, say("report.table.rules"), [say("report.rule"), *_head(say)], rows, total=total)


def _cameras(made: Report, say: Say) -> Table:
    rows: list[list[Cell]] = [
        [site, camera, say(f"rule.approved.{rule}"), *_figures(counts)[:-2]]
        for (site, camera, rule), counts in made.cameras.items()
    ]
    head = [say("report.site"), say("report.camera"), say("report.rule"), *_head(say)[:-2]]
    total: list[Cell] = [say("report.total"), "", "", *_figures(made.total)[:-2]]
    return Table(CAMERAS, say("report.table.cameras"), head, rows, stub=3, total=total)


def _people(made: Report, say: Say) -> Table:
    people = made.people or []
    figures = [[one.passed, one.approved, one.cancelled, one.expired, one.rejected] for one in people]
    rows: list[list[Cell]] = [[one.name, *line] for one, line in zip(people, figures, strict=True)]
    head = [
        say("report.person"), say("report.passed"), say("report.approved_second"), say("report.later_cancelled"),
        say("report.later_expired"), say("outcome.rejected"),
    ]  # fmt: skip
    total: list[Cell] = [say("report.total"), *(map(sum, zip(*figures, strict=True)) if figures else [0] * 5)]
    return Table(PEOPLE, say("report.table.people"), head, rows, total=total, note=say("report.people_note"))


__all__ = [
    "CAMERAS",
    "NAMES",
    "PEOPLE",
    "REASONS",
    "RULES",
    "STEPS",
    "SUM",
    "Cell",
    "Say",
    "Table",
    "hours",
    "outcome_names",
    "tables",
]
