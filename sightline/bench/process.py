"""What a family of processes costs, from /proc: cpu seconds and memory, by part. Linux only.

A family is a process and all that descend from it. CPU counts user and system time of the living and, through their
parents, of those that have ended and were waited for. Memory is the proportional set size (PSS): a page that three
processes share counts a third in each, so that the sum is what the machine really holds.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
#: A part is named after the module that it runs.
_MODULES = {
    "edge.worker": "workers",
    "edge.detect.service": "inference",
    "edge.deliver.process": "deliver",
    "edge.record": "record",
    "sightline": "supervisor",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds since the start and bytes now."""

    cpu_s: float
    pss_bytes: int


def family(root: int) -> list[int]:
    """The process `root` and its descendants; empty when it is gone."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root] if _stat(root) is not None else []
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pid: int, *, ended: bool = True) -> float:
    """User and system time of a process, with that of its `ended` children; 0.0 when it is gone."""
    fields = _stat(pid)
    if fields is None:
        return 0.0
    own = int(fields[11]) + int(fields[12])
    return (own + (int(fields[13]) + int(fields[14]) if ended else 0)) / _TICK


def pss_bytes(pid: int) -> int:
    """Proportional set size; 0 when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def costs(root: int) -> dict[str, Cost]:
    """The family of `root`, part by part."""
    found: dict[str, Cost] = {}
    for pid in family(root):
        part = part_of(pid)
        before = found.get(part, Cost(0.0, 0))
        found[part] = Cost(before.cpu_s + cpu_seconds(pid), before.pss_bytes + pss_bytes(pid))
    return found


def part_of(pid: int) -> str:
    """What a process of the box is called in reports."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "other"
    for module, part in _MODULES.items():
        if any(word == module or word.startswith(module + ".") for word in words):
            return part
    return "other"


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5)); None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
