"""The result of the benchmark of central for a person: one screen."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show(result: dict[str, Any], console: Console | None = None) -> None:
    """Print rates, delays and who spent the CPU, at full and at half rate."""
    console = console or Console()
    table = Table(title=f"{result['replicas']} replicas, {result['database']}, {result['broker']}")
    table.add_column("")
    for name in result["phases"]:
        table.add_column(f"{name} rate", justify="right")
    for name, values in rows(result):
        table.add_row(name, *values)
    console.print(table)
    told, on = result["checked"], result["machine"]
    console.print(
        f"{told['sent']} events sent, {told['lost']} lost, {told['doubled']} doubled; "
        f"{told['decisions']} decisions, {told['tickets']} tickets"
    )
    if on["load_before"] > on["cores"] / 2:
        console.print(
            f"[bold]Not a figure to keep:[/bold] load {on['load_before']:g} on {on['cores']} cores before the run"
        )


def rows(result: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Name of each line and its value in each phase."""
    phases = list(result["phases"].values())
    lines = [("events a second", [f"{phase['rate']:.0f}" for phase in phases])]
    for mark in ("p50", "p95", "p99"):
        lines.append((f"published to committed, {mark}", [_seconds(phase["delay_s"], mark) for phase in phases]))
    for name in sorted(phases[0]["cores"]):
        lines.append(
            (
                f"{name}, cores (CPU an event)",
                [f"{phase['cores'][name]:.2f} ({phase['cpu_us_per_event'][name]} us)" for phase in phases],
            )
        )
    for name in sorted(phases[0]["share"]):
        lines.append((f"{name}, share of CPU", [f"{phase['share'][name]:.0%}" for phase in phases]))
    return lines


def _seconds(delays: dict[str, float] | None, mark: str) -> str:
    return "none" if delays is None else f"{delays[mark]:.3f} s"


__all__ = ["rows", "show"]
