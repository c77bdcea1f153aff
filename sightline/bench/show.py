"""The result of a benchmark for a person: one screen."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show(result: dict[str, Any], console: Console | None = None) -> None:
    """Print what was measured; what a box does not tell is shown as unknown."""
    console = console or Console()
    box = result["box"]
    table = Table(
        title=f"{result['parking']} kerbs and {result['yield']} zebras, {result['detector']}, {result['cpu']}",
        show_header=False,
    )
    for name, value in rows(result):
        table.add_row(name, value)
    console.print(table)
    on = result["machine"]
    if on["load_before"] > on["cores"] / 2 or box["sustained_cameras"] < box["cameras"]:
        console.print(
            f"[bold]Not a figure to keep:[/bold] load {on['load_before']:g} on {on['cores']} cores before the run, "
            f"{box['sustained_cameras']} of {box['cameras']} cameras sustained"
        )
    for rule, delay in box["latency_s"].items():
        for since, told in delay.items():
            if told is not None:
                spelled = f"p50 {told['p50']:.2f} s, p95 {told['p95']:.2f} s, p99 {told['p99']:.2f} s of {told['of']}"
                console.print(f"{rule}, {since.replace('_', ' ')} to event: {spelled}")


def rows(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of every line."""
    box, planted, memory = result["box"], result["box"]["planted"], result["box"]["memory_mb"]
    lines = [
        ("sustained cameras", f"{box['sustained_cameras']} of {box['cameras']} for {box['seconds']:.0f} s"),
        ("cpu-seconds a camera-minute", f"{box['cpu_s_per_camera_minute']:.2f}"),
        ("  by process", _spelled(box["by_process"])),
        ("  by stage", _spelled(box["by_stage"]) or "not told by this box"),
        ("  beside the box", _spelled(box["beside_the_box"])),
        ("detections per frame", _or_unknown(box["detections_per_frame"])),
        ("longest stream time between two looks", f"{_or_unknown(box.get('look_gap_s_worst'))} s"),
        ("oldest that the last look at a zone became", f"{_or_unknown(box['unseen_s_worst'])} s"),
        ("  share of camera-seconds over 2.5 s", _late(box)),
        (
            "memory",
            f"{memory['start']} MB, at the end {memory['end']} MB, {memory['slope_per_minute']:+.1f} MB a minute",
        ),
        ("shed", _or_unknown(box["counters"].get("shed"))),
        ("planted", f"{planted['found']} of {planted['expected']} found, {len(planted['false'])} false"),
    ]
    if "peer" in result:
        peer, ratio = result["peer"], result["ratio"]
        cost = peer["at_full_rate_cpu_s_per_camera_minute"]
        lines.append(
            (f"{peer['pipeline']}, {peer['weights']}", f"{cost:.1f} cpu-seconds a camera-minute at 25 frames/s")
        )
        lines.append(("  ratio", f"{ratio['at_full_rate']:.1f} ({ratio['as_run']:.1f} as it ran, frames left out)"))
    return lines


def _late(box: dict[str, Any]) -> str:
    whole, later = box["unseen_share"], box["unseen_share_after_a_minute"]
    return f"{whole['share']:.2%}; after the first minute {later['share']:.2%}, at worst {later['worst_s']:g} s"


def _spelled(costs: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in costs.items())


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
