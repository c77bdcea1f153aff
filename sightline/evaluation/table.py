"""The report as tables a person reads: figures by rule and light, kinds, and every scene that is not as expected."""

from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = {"failure_to_yield": "failure to yield", "illegal_parking": "illegal parking"}


def show(report: dict[str, Any], console: Console, explain: bool) -> None:
    """Print a report of `score.report`."""
    for rule, parts in report["rules"].items():
        console.print(_figures(rule, parts))
        if len(parts["kinds"]) > 1:
            console.print(_kinds(parts["kinds"]))
    for one in report["wrong"]:
        _wrong(one, console, explain)
    console.print(f"{report['as_expected']} of {report['scenes']} scene(s) as expected")


def _figures(rule: str, parts: dict[str, Any]) -> Table:
    lights = [name for name in ("all", "day", "night") if name in parts]
    table = Table(title=NAMES[rule], title_justify="left")
    table.add_column("95 % intervals: Wilson")
    for light in lights:
        table.add_column(f"{light} ({parts[light]['scenes']})", justify="right")
    shares = {
        "precision of accusations": "precision",
        "recall, questions apart": "recall",
        "recall, questions as missed": "recall_strict",
        "needs a human, of all events": "needs_human",
        "questions the law asks for": "questions",
        "scenes as expected": "scenes_as_expected",
    }
    for said, key in shares.items():
        table.add_row(said, *(_share(parts[light][key]) for light in lights))
    counts = ("missed", "false", "accused_unasked", "false_questions", "abstained", "duplicates")
    for key in counts:
        table.add_row(key.replace("_", " "), *(str(parts[light][key]) for light in lights))
    table.add_row("dwell error, s", *(_spread(parts[light]["dwell_error_s"]) for light in lights))
    for name in ("t_first", "t_trigger", "t_last"):
        table.add_row(f"{name} error, s", *(_spread(parts[light]["time_error_s"][name]) for light in lights))
    return table


def _kinds(kinds: dict[str, Any]) -> Table:
    table = Table("kind", title="by kind", title_justify="left")
    columns = {
        "scenes": "scenes",
        "as expected": "scenes_as_expected",
        "right": "right",
        "asked": "abstained",
        "missed": "missed",
        "false": "false",
        "unasked": "accused_unasked",
        "false questions": "false_questions",
        "twice": "duplicates",
    }
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in kinds.items():
        style = None if row["scenes"] == row["scenes_as_expected"] else "bold"
        table.add_row(name, *(str(row[key]) for key in columns.values()), style=style)
    return table


def _wrong(one: dict[str, Any], console: Console, explain: bool) -> None:
    tags = ", ".join(f"{value}" for value in one["tags"].values())
    console.print(f"{one['name']} ({tags}) {one['note']}", markup=False, highlight=False)
    for line in one["wrong"]:
        console.print(f"  {line}", markup=False, highlight=False)
    if explain:
        for decision in one["decisions"]:
            trigger = decision["trigger"] or decision["first"]
            lane = f" {decision['lane_id']}" if decision["lane_id"] else ""
            head = (
                f"  . {decision['outcome']} {decision['zone_id']}{lane} at {trigger['t']:.2f} s: {decision['reason']}"
            )
            console.print(head, markup=False, highlight=False)


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "-"
    said = f"{share['value']:.3f} ({share['low']:.3f}..{share['high']:.3f})"
    return f"{share['hits']}/{share['of']} = {said}"


def _spread(spread: dict[str, Any]) -> str:
    if not spread["count"]:
        return "-"
    return (
        f"{spread['median']:+.2f}, p95 {spread['p95_abs']:.2f}, within 2 s {spread['within']:.1%} of {spread['count']}"
    )
