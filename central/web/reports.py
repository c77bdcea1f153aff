"""A report as a page: its charts, each before the table that it is drawn from, and the words above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from markupsafe import Markup

from central.reports import charts, tables
from central.reports.ask import Ask, label_of
from central.reports.charts import Bar, Line
from central.reports.report import OUTCOMES, Counts, Report
from central.reports.tables import Table
from central.web.language import Language

#: More rows than these no chart shows; the table has all of them.
_MOST_ROWS = 15
#: The fill that rejected ones have in every chart.
_REJECTED = OUTCOMES.index("rejected")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page: a table, the chart of it (None: figures enough), and its legend."""

    table: Table
    chart: Markup | None = None
    legend: Markup | None = None
    more: str = ""


def parts(made: Report, say: Language) -> list[Part]:
    """Every part of a report, in the order of the page."""
    drawn = {
        tables.STEPS: _steps(made, say),
        tables.REASONS: _reasons(made, say),
        tables.RULES: _times(made, say),
        tables.CAMERAS: _cameras(made, say),
    }
    shown = []
    for table in tables.tables(made, say):
        chart, legend = drawn.get(table.name, (None, None))
        more = ""
        if table.name == tables.CAMERAS and len(table.rows) > _MOST_ROWS:
            more = say("report.more_rows", shown=_MOST_ROWS, all=len(table.rows))
        shown.append(Part(table, chart, legend, more))
    return shown


def _steps(made: Report, say: Language) -> tuple[Markup, Markup]:
    names = tables.outcome_names(say)
    bars = [Bar(label_of(key, made.ask.step), _numbers(counts)) for key, counts in made.steps.items()]
    return charts.columns("steps", say("report.chart.steps"), names, bars), charts.legend("steps-key", names)


def _numbers(counts: Counts) -> Sequence[float]:
    return [counts.outcomes[name] for name in OUTCOMES]


def _reasons(made: Report, say: Language) -> tuple[Markup | None, None]:
    if not made.reasons:
        return None, None
    ordered = sorted(made.reasons.items(), key=lambda one: (-one[1], one[0]))
    bars = [Bar(f"{code} {say(f'reason.{code}')}", [count]) for code, count in ordered]
    return charts.rows("reasons", say("report.chart.reasons"), [say("outcome.rejected")], bars, first=_REJECTED), None


def _times(made: Report, say: Language) -> tuple[Markup | None, Markup | None]:
    labels = [label_of(key, made.ask.step) for key in made.steps]
    median = Line(say("report.median"), [tables.hours(one.times.median_s) for one in made.steps.values()])
    p90 = Line(say("report.p90"), [tables.hours(one.times.p90_s) for one in made.steps.values()])
    if not any(value is not None for value in median.values):
        return None, None
    return charts.lines("times", say("report.chart.times"), labels, [median, p90], "h"), charts.key(
        [median.name, p90.name]
    )


def _cameras(made: Report, say: Language) -> tuple[Markup | None, Markup | None]:
    names = tables.outcome_names(say)
    most = sorted(made.cameras.items(), key=lambda one: (-one[1].captures, one[0]))[:_MOST_ROWS]
    bars = [
        Bar(f"{site} · {camera} · {say(f'rule.approved.{rule}')}", _numbers(counts))
        for (site, camera, rule), counts in most
    ]
    if not bars:
        return None, None
    return charts.rows("cameras", say("report.chart.cameras"), names, bars, 400), charts.legend("cameras-key", names)


def about(made: Report, say: Language) -> list[tuple[str, str]]:
    """What was asked for, in words: above the page and on the first sheet."""
    ask = made.ask
    return [
        (say("report.title"), say("report.span", first=ask.first.isoformat(), last=ask.last.isoformat())),
        (say("report.narrowed"), _narrowed(ask, say)),
        (say("report.as_of"), _moment(made.as_of, say)),
        (say("report.days"), say("report.days_note")),
    ]


def _narrowed(ask: Ask, say: Language) -> str:
    given = [say(f"rule.approved.{ask.rule}")] if ask.rule else []
    given += [one for one in (ask.site, ask.camera) if one]
    return " · ".join(given) or say("report.everything")


def _moment(moment: datetime | None, say: Language) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else say("report.never")


def query_of(ask: Ask, **changes: str) -> str:
    """The address's query for a report, with changes."""
    said = {
        "from": ask.first.isoformat(), "to": ask.last.isoformat(), "step": str(ask.step), "rule": ask.rule or "",
        "site": ask.site or "", "camera": ask.camera or "",
    }  # fmt: skip
    return urlencode({key: value for key, value in (said | changes).items() if value})


__all__ = ["Part", "about", "parts", "query_of"]
