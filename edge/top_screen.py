"""The screen of `sightline edge top`: a box and its cameras as a table that 80 columns hold."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge.metrics import STAGES
from edge.top import CLOCK_MS, BoxRow, CameraRow, Picture

_SHORT = {"keyframes": "key", "stretch": "str", "full": "full"}
_HEAD = ("seen", "dec", "gate", "look", "shed")
_STAGES = tuple(stage[:3] for stage in STAGES)
_LEGEND = "per second; wait: s; cap-evi: cpu by stage, ms per s; lost: times; clock: offset"
#: Lines beside the cameras: three about the box, legend and head, what does not fit, a problem.
_FRAME_LINES = 7
#: Columns that all but the camera's name take.
_FIGURES = 71
#: A terminal of so many columns has room for words about what is wrong.
_WIDE = 100


def screen(picture: Picture, size: tuple[int, int], title: str, problem: str = "") -> RenderableType:
    """The whole screen for a terminal of `size` (columns, lines); `problem` says why there is nothing new."""
    columns, lines_there = size
    room = max(1, lines_there - _FRAME_LINES)
    shown, hidden = picture.cameras[:room], picture.cameras[room:]
    lines: list[RenderableType] = [_about(picture, title), *_box(picture.box), Text(_LEGEND, style="dim", no_wrap=True)]
    lines.append(_table(shown, columns))
    if hidden:
        ill = sum(bool(row.trouble) for row in hidden)
        lines.append(Text(f"and {len(hidden)} more cameras, {ill} of them in trouble", style="dim"))
    if problem:
        lines.append(Text(problem, style="bold red"))
    return Group(*lines)


def _about(picture: Picture, title: str) -> Text:
    ill = sum(bool(row.trouble) for row in picture.cameras)
    line = Text(f"{title}  {len(picture.cameras)} cameras, ", no_wrap=True, overflow="ellipsis")
    line.append(f"{ill} in trouble" if ill else "all well", style="bold red" if ill else "green")
    return line


def _box(box: BoxRow) -> list[Text]:
    parts = sorted(box.cores.items(), key=lambda one: -one[1])
    most = "  ".join(f"{name} {cores:.2f}" for name, cores in parts[:4])
    first = Text(f"cpu {sum(box.cores.values()):.2f} cores ({most})", no_wrap=True, overflow="ellipsis")
    second = Text(f"memory {sum(box.memory_bytes.values()) / 1e6:.0f} MB", no_wrap=True, overflow="ellipsis")
    second.append(f"  looks {_rate(box.looks)}/s of {_number(box.look_ms)} ms, {_number(box.queued)} wait")
    if box.late:
        second.append(f"  too slow: {_rate(box.late)}/s passed over", style="bold red")
    way = {True: "central reached", False: "central not reached", None: "deliver silent"}[box.connected]
    second.append(f"  outbox {box.waiting} + {box.media_bytes / 1e6:.0f} MB")
    second.append(f", {way}", style="" if box.connected else "yellow")
    if box.down or box.restarts or box.clock_steps:
        told = f"  {box.restarts} restarts ({box.gap_s:.0f} s missed)" + (", clock set" if box.clock_steps else "")
        first.append(told, style="yellow")
        first.append(f"  down: {', '.join(box.down)}" if box.down else "", style="bold red")
    return [first, second]


def _table(rows: list[CameraRow], columns: int) -> Table:
    wide = columns >= _WIDE
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    longest = max((len(row.camera) for row in rows), default=0)
    room = min(max(longest, 6), 24 if wide else max(6, columns - _FIGURES))
    table.add_column("camera", no_wrap=True, overflow="ellipsis", width=room)
    table.add_column("mode", no_wrap=True, width=4)
    for name in (*_HEAD, "wait"):
        table.add_column(name, justify="right", no_wrap=True, width=4)
    for name in _STAGES:
        table.add_column(name, justify="right", no_wrap=True, width=3)
    table.add_column("lost", justify="right", no_wrap=True, width=4)
    table.add_column("clock", justify="right", no_wrap=True, width=6)
    if wide:
        table.add_column("trouble", no_wrap=True, overflow="ellipsis")
    for row in rows:
        style = "bold red" if row.rank >= 100 else "yellow" if row.trouble else ""
        table.add_row(*_cells(row), *([", ".join(row.trouble)] if wide else []), style=style)
    return table


def _cells(row: CameraRow) -> list[str]:
    mode = _SHORT.get(row.mode, row.mode[:4]) if row.state == "live" else row.state[:4].upper()
    waits = max(row.queue_age_s or 0.0, row.unseen_s or 0.0) if row.queue_age_s is not None else row.unseen_s
    rates = [_rate(getattr(row, key)) for key in ("seen", "decoded", "gated", "looked", "shed")]
    cpu = [_ms(row.cpu_ms.get(stage)) for stage in STAGES]
    return [row.camera, mode, *rates, _rate(waits), *cpu, str(row.losses), _clock(row.clock_offset_ms)]


def _rate(value: float | None) -> str:
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}" if value >= 0.95 else f"{value:.1f}".lstrip("0") if value else "0"


def _clock(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value / 1000:+.1f}s" if abs(value) >= CLOCK_MS else f"{value:+.0f}ms"


__all__ = ["screen"]
