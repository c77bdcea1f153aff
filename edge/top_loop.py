"""The loop of `sightline edge top`: read, compare, draw, until q or Ctrl-C."""

import json
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from contract.errors import RunError
from edge.top import Picture, compare, read
from edge.top_screen import screen


def once(url: str, interval_s: float, as_json: bool, out: Console) -> None:
    """Two readings `interval_s` apart, drawn once or written as one JSON object. Raises RunError."""
    picture = _look(url, interval_s)
    if as_json:
        sys.stdout.write(json.dumps(picture.as_json(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        out.print(screen(picture, (out.width, len(picture.cameras) + 100), url))


def live(url: str, interval_s: float, out: Console) -> None:
    """Draw anew every `interval_s` until the user leaves. A box that falls silent is said, and waited for.

    Raises RunError when the box never answered.
    """
    before = read(url)
    with _keys() as left, Live(console=out, screen=True, auto_refresh=False) as page:
        picture, problem = compare(before, before), ""
        while True:
            page.update(screen(picture, (out.width, out.height), url, problem), refresh=True)
            if left(interval_s):
                return
            try:
                after = read(url)
                picture, problem, before = compare(before, after), "", after
            except RunError as error:
                problem = str(error)


def _look(url: str, interval_s: float) -> Picture:
    before = read(url)
    time.sleep(interval_s)
    return compare(before, read(url))


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Gives a function that waits some seconds for a key and says whether the user wants to leave."""
    if not sys.stdin.isatty():
        yield _slept
        return
    number = sys.stdin.fileno()
    kept = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield _pressed
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, kept)


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _pressed(seconds: float) -> bool:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin], [], [], left)
        if ready and sys.stdin.read(1) in {"q", "Q", "\x1b", ""}:
            return True
    return False


__all__ = ["live", "once"]
