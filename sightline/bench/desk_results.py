"""What is kept of runs of the desk's benchmark, and its section of docs/benchmarks.md."""

import json
from pathlib import Path
from typing import Any

from contract.errors import InputError, RunError

FILE = "desk.json"
_HEAD = """
## The officer's desk

`sightline bench desk` makes years of cases from 200 sealed matters in a fresh database (250 decided a day by two
people, then a bad day that waits, a third of it for the second look), runs `sightline central serve` over it (one
process for pages, one for jobs and the ledger), and asks it over HTTP: seconds until a page is here whole, p50 / p95.
*Next case* is seen in a real browser with `--browser`: from the key that sends a decision until another case stands
there, every still of it (1080p) decoded and two frames painted, p50 / p95; *not ahead* the same without fetching the
next case while this one is looked at.
"""
_COLUMNS = (
    "database", "cases", "waiting", "seeded s", "queue", "second look", "asks a person", "far behind",
    "rejected", "case", "decision", "next case", "not ahead",
)  # fmt: skip
_PAGES = ("queue", "queue_second", "queue_needs_human", "queue_far_behind", "queue_rejected", "case", "decision")


def keep(path: Path, result: dict[str, Any]) -> None:
    """Put a run into the file, in place of one of the same database and as many cases. Raises InputError, RunError."""
    runs = [one for one in read(path) if _name(one) != _name(result)] if path.exists() else []
    runs = sorted([*runs, result], key=_name)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"runs": runs}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}) - choose another place") from error


def read(path: Path) -> list[dict[str, Any]]:
    """The runs in a file. Raises InputError for a file of something else."""
    try:
        return [dict(one) | {"http_s": dict(one["http_s"])} for one in json.loads(path.read_bytes())["runs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no runs of the desk ({error}) - measure again or take it away") from error


def section(path: Path) -> list[str]:
    """Lines of the page; none where nothing is kept."""
    if not path.exists():
        return []
    runs = read(path)
    lines = [_HEAD, _row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *(_row(_cells(one)) for one in runs), ""]
    return lines + [_machine(one) for one in runs]


def _cells(run: dict[str, Any]) -> list[str]:
    asked, seen = run["http_s"], run.get("browser", {})
    pages = [_both(asked.get(name)) for name in _PAGES]
    seeded = run["seeded"]
    return [
        run["database"],
        f"{seeded['cases']:,}",
        f"{seeded['waiting']:,}",
        f"{seeded['seconds']:g}",
        *pages,
        _both(seen.get("decision_to_next_s")),
        _both(seen.get("without_fetching_ahead_s")),
    ]


def _both(told: dict[str, float] | None) -> str:
    return f"{told['p50']:.3f} / {told['p95']:.3f}" if told else ""


def _machine(run: dict[str, Any]) -> str:
    on, browser = run["machine"], run.get("browser", {}).get("version")
    return (
        f"- {run['database']}, {run['cases']:,} cases, {run['at']}, `{on['revision']}`: {on['cores']} cores of "
        f"{on['processor']}, load before {on['load_before']:g}, Python {on['python']}"
        f"{f', Chromium {browser}' if browser else ''}."
    )


def _name(run: dict[str, Any]) -> tuple[str, int]:
    return str(run["database"]).split(" ", maxsplit=1)[0], int(run["cases"])


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


__all__ = ["FILE", "keep", "read", "section"]
