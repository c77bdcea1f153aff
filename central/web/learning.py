"""What decisions teach, as a page: how right each camera is, which are in shadow, and who changed that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from markupsafe import Markup

from central.db.learning import LearningLog, Shadow, ShadowMatter
from central.learning.floor import Floor, falls, hangs
from central.learning.precision import Share, Tally
from central.learning.shadow import Counted
from central.reports import charts
from central.reports.charts import Bar, Dot
from central.reports.tables import Cell, Table
from central.web.language import Language

_MOST_DOTS = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A chart (None: nothing to draw) and the table that it is drawn from."""

    table: Table
    chart: Markup | None


@dataclass(frozen=True, slots=True)
class ShadowLine:
    """A camera in shadow: its name, since when, what is kept of it and how right the labels of it are."""

    edge: str
    camera: str
    rule: str
    name: str
    since: datetime
    kept: int
    labelled: int
    share: str
    query: str


def share(found: Share, say: Language) -> str:
    """`31 % (17-49 %), n = 30`."""
    if found.share is None or found.low is None or found.high is None:
        return say("learning.no_share")
    return say(
        "learning.share", share=_percent(found.share), low=_percent(found.low), high=_percent(found.high), n=found.n
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f}"


def camera_name(edge: str, camera: str, rule: str, say: Language) -> str:
    """`edge-01 · cam-1 · Illegal parking`."""
    return f"{edge} · {camera} · {say.known(f'rule.approved.{rule}', rule)}"


def cameras(found: Sequence[Tally], floor: Floor, say: Language) -> Part:
    """Precision of each camera and rule, the least right first."""
    ordered = sorted(found, key=lambda one: (one.precision.share is None, one.precision.share or 0.0, one.key))
    dots = [_dot(_name(one, say), one, say) for one in ordered[:_MOST_DOTS]]
    table = _table("cameras", say("learning.cameras"), [say("learning.camera")], say)
    for one in ordered:
        name = _name(one, say)
        table.rows.append([name, *_figures(one, say), _below(one, floor, say)])
    table.head.append(say("learning.floor_word"))
    chart = charts.dots("precision", say("learning.chart.cameras"), dots, floor.share or None, 400) if dots else None
    return Part(table, chart)


def _below(one: Tally, floor: Floor, say: Language) -> str:
    if falls(one, floor):
        return say("learning.falls")
    return say("learning.hangs") if hangs(one, floor) else ""


def hours(found: Sequence[Tally], say: Language) -> Part:
    """Precision of each hour of the site's day."""
    dots = [_dot(f"{one.key[0]:02d}:00", one, say) for one in found]
    table = _table("hours", say("learning.hours"), [say("learning.hour")], say)
    table.rows.extend([f"{one.key[0]:02d}:00", *_figures(one, say)] for one in found)
    return Part(table, charts.dots("hours", say("learning.chart.hours"), dots, None, 90) if dots else None)


def reasons(found: Sequence[tuple[str, int]], say: Language) -> Part:
    """Why outright accusations were not right."""
    bars = [Bar(f"{code} {say(f'reason.{code}')}", [count]) for code, count in found]
    rows: list[list[Cell]] = [[code, say(f"reason.{code}"), count] for code, count in found]
    head = [say("report.code"), say("report.reason"), say("outcome.rejected")]
    table = Table("reasons", say("learning.reasons"), head, rows, stub=2)
    drawn = charts.rows("reasons", say("learning.reasons"), [say("outcome.rejected")], bars, first=1) if bars else None
    return Part(table, drawn)


def _name(one: Tally, say: Language) -> str:
    edge, camera, rule = one.key
    return camera_name(edge, camera, rule, say)


def _dot(name: str, one: Tally, say: Language) -> Dot:
    found = one.precision
    return Dot(name, found.share, found.low, found.high, say("learning.n", right=found.right, n=found.n))


def _table(name: str, title: str, stub: list[str], say: Language) -> Table:
    head = [
        *stub, say("learning.precision"), say("learning.right"), say("learning.wrong"), say("learning.unclear"),
        say("learning.asked"),
        say("outcome.set_aside"), say("outcome.expired"), say("outcome.waiting"),
    ]  # fmt: skip
    return Table(name, title, head, [], stub=len(stub))


def _figures(one: Tally, say: Language) -> list[Cell]:
    return [
        share(one.precision, say),
        one.right,
        one.wrong,
        one.unclear,
        one.asked,
        one.set_aside,
        one.expired,
        one.waiting,
    ]


def shadows(found: Sequence[tuple[Shadow, Counted]], say: Language) -> list[ShadowLine]:
    """The cameras in shadow."""
    return [
        ShadowLine(
            row.edge_id,
            row.camera_id,
            row.rule,
            camera_name(row.edge_id, row.camera_id, row.rule, say),
            row.since,
            counted.kept,
            counted.labelled,
            share(counted.precision, say),
            query_of(row),
        )
        for row, counted in found
    ]


def query_of(row: Shadow | ShadowMatter) -> str:
    """The address's query for what a camera said in shadow."""
    return urlencode({"edge": row.edge_id, "camera": row.camera_id, "rule": row.rule})


def line(one: LearningLog, say: Language) -> str:
    """A change in words."""
    name = camera_name(one.edge_id or "", one.camera_id or "", one.rule or "", say)
    if one.action == "shadow":
        said = {key: one.detail.get(key, 0) for key in ("right", "n", "high", "floor")}
        return say("learning.log.shadow", camera=name, right=said["right"], n=said["n"],
                   high=_percent(said["high"]), floor=_percent(said["floor"]))  # fmt: skip
    return say("learning.log.lift", camera=name, why=one.note or "")


__all__ = ["Part", "ShadowLine", "camera_name", "cameras", "hours", "line", "query_of", "reasons", "shadows", "share"]
