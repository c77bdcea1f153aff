"""Charts as SVG that needs no script: for the page and the PDF alike. Pure: numbers and words in, markup out.

Colours are of Okabe and Ito's set and never carry meaning alone: each part has a pattern of its own, each chart its
legend in words, and each stands before the table that it is drawn from. Everything that is not ours is escaped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10
from typing import Final

from markupsafe import Markup

WIDTH: Final = 900
_LEFT, _RIGHT, _TOP, _FOOT = 48, 12, 12, 44
_ROW = 26
#: Colour and pattern of a part, in the order in which parts are given.
_FILLS: Final = ("#0072b2", "#e69f00", "#8a9299", "#cc79a7", "#d55e00", "#dfe3e6")
_MARKS: Final = ("", "slash", "dots", "cross", "back", "")
#: Colour and dashes of a line.
_LINES: Final = (("#0072b2", ""), ("#d55e00", ' stroke-dasharray="7 4"'))
_INK, _SOFT, _GRID = "#1a2129", "#4c5763", "#dcd9cf"


@dataclass(frozen=True, slots=True)
class Bar:
    """One column or row: its label, and a number for each part."""

    label: str
    parts: Sequence[float]


@dataclass(frozen=True, slots=True)
class Dot:
    """A share with its interval, all in 0..1 (None: nothing to show), and what is written behind it."""

    label: str
    share: float | None
    low: float | None
    high: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart over steps; None where there is nothing."""

    name: str
    values: Sequence[float | None]


def columns(name: str, title: str, parts: Sequence[str], bars: Sequence[Bar], height: int = 250) -> Markup:
    """Stacked columns over time. `name` is unique on its page; `title` is what a screen reader says."""
    top = _round_up(max((sum(bar.parts) for bar in bars), default=0))
    wide, high = WIDTH - _LEFT - _RIGHT, height - _TOP - _FOOT
    each = wide / max(1, len(bars))
    shown = [*_patterns(name, len(parts)), *_scale(top, high)]
    for place, bar in enumerate(bars):
        x, y = _LEFT + place * each, float(_TOP + high)
        for number, value in enumerate(bar.parts):
            tall = high * value / top if top else 0.0
            y -= tall
            if tall > 0:
                tip = f"{bar.label}: {parts[number]} {value:g}"
                shown.append(_block(name, number, x + each * 0.12, y, max(each * 0.76, 1.0), tall, tip))
    shown += _ticks([bar.label for bar in bars], each, height)
    return _svg(name, title, height, shown)


def rows(
    name: str, title: str, parts: Sequence[str], bars: Sequence[Bar], wide_label: int = 280, first: int = 0
) -> Markup:
    """Stacked rows, one a label, with the sum behind each. `first` is the fill of the first part."""
    top = max((sum(bar.parts) for bar in bars), default=0) or 1
    wide = WIDTH - wide_label - 60
    shown = [*_patterns(name, first + len(parts))]
    for place, bar in enumerate(bars):
        x, y = float(wide_label), place * _ROW + 4
        shown.append(_text(wide_label - 10, y + 14, _short(bar.label, wide_label // 8), "end"))
        for number, value in enumerate(bar.parts):
            long = wide * value / top
            if long > 0:
                tip = f"{bar.label}: {parts[number]} {value:g}"
                shown.append(_block(name, first + number, x, y, long, _ROW - 8, tip))
            x += long
        shown.append(_text(x + 6, y + 14, f"{sum(bar.parts):g}", "start", _INK))
    return _svg(name, title, len(bars) * _ROW + 8, shown)


def dots(name: str, title: str, given: Sequence[Dot], floor: float | None = None, wide_label: int = 280) -> Markup:
    """A share and its interval a row, from 0 to 100 %, with a dashed line at `floor`."""
    wide, height = WIDTH - wide_label - 130, len(given) * _ROW + 28

    def across(share: float) -> float:
        return wide_label + wide * share

    shown = []
    for step in range(0, 101, 25):
        x = across(step / 100)
        shown.append(f'<path d="M{x:.1f} 0V{height - 22}" stroke="{_GRID}"/>')
        shown.append(_text(x, height - 6, f"{step} %", "middle"))
    if floor is not None:
        line = f'd="M{across(floor):.1f} 0V{height - 22}" stroke="#d55e00" stroke-width="2" stroke-dasharray="6 4"'
        shown.append(f"<path {line}/>")
    for place, dot in enumerate(given):
        y = place * _ROW + 16
        shown.append(_text(wide_label - 10, y + 4, _short(dot.label, wide_label // 8), "end"))
        shown.append(_text(WIDTH - 122, y + 4, dot.note, "start"))
        if dot.share is None or dot.low is None or dot.high is None:
            continue
        bar = f'd="M{across(dot.low):.1f} {y}H{across(dot.high):.1f}" stroke="#0072b2" stroke-width="3"'
        shown.append(f'<path {bar}/><circle cx="{across(dot.share):.1f}" cy="{y}" r="5.5" fill="#0072b2"/>')
    return _svg(name, title, height, shown)


def lines(name: str, title: str, labels: Sequence[str], given: Sequence[Line], unit: str, height: int = 220) -> Markup:
    """Up to two lines over steps: the first solid with round marks, the second dashed with square ones."""
    top = _round_up(max((value for line in given for value in line.values if value is not None), default=0))
    wide, high = WIDTH - _LEFT - _RIGHT, height - _TOP - _FOOT
    each = wide / max(1, len(labels))
    shown = [*_scale(top, high, unit)]
    for number, line in enumerate(given):
        colour, dash = _LINES[number % 2]
        for stretch in _stretches(line.values):
            points = [(_LEFT + (at + 0.5) * each, _TOP + high * (1 - value / top)) for at, value in stretch]
            way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            shown.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            for (x, y), (at, value) in zip(points, stretch, strict=True):
                shown.append(_mark(number, x, y, colour, f"{labels[at]}: {line.name} {value:.1f} {unit}"))
    shown += _ticks(labels, each, height)
    return _svg(name, title, height, shown)


def legend(name: str, parts: Sequence[str]) -> Markup:
    """What each pattern is, in words."""
    shown, x = [*_patterns(name, len(parts))], 0.0
    for number, part in enumerate(parts):
        shown.append(_block(name, number, x, 3, 18, 14, part))
        shown.append(_text(x + 24, 15, part, "start", _INK))
        x += 44 + sum(13.5 if ord(sign) > 0x2E80 else 7.4 for sign in part)
    return _whole(f'class="legend" viewBox="0 0 {WIDTH} 22" aria-hidden="true"', shown)


def key(names: Sequence[str]) -> Markup:
    """What the lines of a chart are, in words."""
    shown, x = list[str](), 0.0
    for number, name in enumerate(names):
        colour, dash = _LINES[number % 2]
        shown.append(f'<path d="M{x:.0f} 11H{x + 30:.0f}" stroke="{colour}" stroke-width="2"{dash}/>')
        shown += [_mark(number, x + 15, 11, colour, name), _text(x + 36, 15, name, "start", _INK)]
        x += 56 + sum(13.5 if ord(sign) > 0x2E80 else 7.4 for sign in name)
    return _whole(f'class="legend" viewBox="0 0 {WIDTH} 22" aria-hidden="true"', shown)


def _svg(name: str, title: str, height: float, shown: Sequence[str]) -> Markup:
    said = f'class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="{name}-title"'
    return _whole(said, [f'<title id="{name}-title">{escape(title)}</title>', *shown])


def _whole(said: str, shown: Sequence[str]) -> Markup:
    """An element of SVG. Its parts are ours, and what is not in them was escaped where it was put in."""
    return Markup(f'<svg {said} xmlns="http://www.w3.org/2000/svg">{"".join(shown)}</svg>')  # noqa: S704


def _patterns(name: str, count: int) -> Iterator[str]:
    """Fills of a chart: colour with a pattern in white, so that they differ in grey too."""
    drawn = {
        "slash": '<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6" stroke="#fff" stroke-width="1.6"/>',
        "back": '<path d="M-2 6L2 10M0 0L8 8M6 -2L10 2" stroke="#fff" stroke-width="1.6"/>',
        "dots": '<circle cx="4" cy="4" r="1.5" fill="#fff"/>',
        "cross": '<path d="M4 0V8M0 4H8" stroke="#fff" stroke-width="1.3"/>',
    }
    yield "<defs>"
    for number in range(count):
        mark = _MARKS[number % len(_MARKS)]
        if mark:
            fill = _FILLS[number % len(_FILLS)]
            yield (
                f'<pattern id="{name}-{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
                f'<rect width="8" height="8" fill="{fill}"/>{drawn[mark]}</pattern>'
            )
    yield "</defs>"


def _block(name: str, number: int, x: float, y: float, wide: float, tall: float, tip: str) -> str:
    plain = not _MARKS[number % len(_MARKS)]
    fill = _FILLS[number % len(_FILLS)] if plain else f"url(#{name}-{number})"
    edge = f' stroke="{_SOFT}" stroke-width="0.6"' if fill == _FILLS[-1] else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{fill}"{edge}>'
        f"<title>{escape(tip)}</title></rect>"
    )


def _mark(number: int, x: float, y: float, colour: str, tip: str) -> str:
    shape = (
        f'circle cx="{x:.1f}" cy="{y:.1f}" r="3.6"'
        if number % 2 == 0
        else f'rect x="{x - 3.4:.1f}" y="{y - 3.4:.1f}" width="6.8" height="6.8"'
    )
    return f'<{shape} fill="{colour}"><title>{escape(tip)}</title></{shape.split(maxsplit=1)[0]}>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = _SOFT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="13">{escape(words)}</text>'


def _scale(top: float, high: float, unit: str = "") -> Iterator[str]:
    for step in range(5):
        y = _TOP + high * (1 - step / 4)
        yield f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_GRID}"/>'
        yield _text(_LEFT - 7, y + 4, f"{top * step / 4:g}{unit}", "end")


def _ticks(labels: Sequence[str], each: float, height: int) -> Iterator[str]:
    """As many labels as there is room for, the first always."""
    gap = max(1, ceil(84 / each))
    for place in range(0, len(labels), gap):
        yield _text(_LEFT + (place + 0.5) * each, height - 22, labels[place], "middle")


def _stretches(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Runs without a hole: a line across days on which nothing was decided would say that something was."""
    run: list[tuple[int, float]] = []
    for at, value in enumerate(values):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _round_up(value: float) -> float:
    """The end of a scale: 4, 8, 20, 40, 80, 200..."""
    if value <= 4:
        return 4.0
    ten = 10.0 ** int(log10(value))
    return float(next(step * ten for step in (1, 2, 4, 6, 8, 10) if step * ten >= value))


def _short(words: str, most: int) -> str:
    wide = [2 if ord(sign) > 0x2E80 else 1 for sign in words]
    if sum(wide) <= most:
        return words
    while sum(wide) > most - 1:
        wide.pop()
    return words[: len(wide)] + "…"


__all__ = ["Bar", "Dot", "Line", "columns", "dots", "key", "legend", "lines", "rows"]
