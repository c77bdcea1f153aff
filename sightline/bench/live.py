"""`sightline bench live`: hundreds of stations, a hundred viewers, one camera; how soon, how late, and at what cost.

Every part is real and a process of its own: a virtual RTSP camera whose pictures bear their number, a box (`sightline
edge run`: recorder, live, deliver), a broker, `sightline central serve`, viewers, and Chromium for what is on a screen.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.errors import InputError, RunError
from contract.events import now
from sightline.bench import live_browser
from sightline.bench.live_hall import CAMERA, EDGE_ID, PEOPLE, Hall
from sightline.bench.machine import machine
from sightline.demo.parts import Part

Say = Callable[[str], None]
FILE: Final = "live.json"
#: What a monitor may have to wait for (p95, s), and what central may need for all who watch (cores).
OPENS_S, AGE_S, CORES = 1.0, 0.5, 0.10
#: Of 25 pictures a second, at least so many reach every viewer.
LEAST_RATE = 24.5


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure; `run` is a folder that is emptied."""

    stations: int
    viewers: int
    seconds: float
    run: Path


def bench_live(wish: Wish, say: Say) -> dict[str, Any]:
    """Measure. Raises RunError when a part does not start or ends meanwhile."""
    told = {"at": now().isoformat(timespec="seconds"), "machine": machine(), "stations": wish.stations}
    hall = Hall(wish.run, wish.stations)
    try:
        say("starting central, the box and its camera")
        hall.start()
        cookies = [hall.session(name) for name in PEOPLE]
        return told | _measured(wish, hall, cookies, say)
    finally:
        hall.parts.stop()


def shortfalls(result: dict[str, Any]) -> list[str]:
    """Where the result falls short of what must be shown, one line each."""
    return [f"{name}: {value}, allowed is {limit}" for name, value, limit, holds in rows(result) if not holds]


def rows(result: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Name, figure, limit, and whether it is kept."""
    opens, age = result["browser"]["opens_s"]["p95"], result["browser"]["age_s"]["p95"]
    crowd, cores = result["crowd"], result["fan_out_cores"]
    least = crowd["pictures_a_second"]["least"]
    return [
        (f"wall of {result['stations']} stations opens, p95", f"{opens:.2f} s", f"{OPENS_S:g} s", opens < OPENS_S),
        ("camera to screen, p95", f"{age * 1000:.0f} ms", f"{AGE_S * 1000:.0f} ms", age < AGE_S),
        (f"fan-out to {crowd['viewers']} viewers", f"{cores:.1%} of a core", f"{CORES:.0%}", cores <= CORES),
        ("pictures a second, the slowest viewer", f"{least:g}", f"at least {LEAST_RATE:g}", least >= LEAST_RATE),
    ]


def section(path: Path) -> list[str]:
    """Lines of docs/benchmarks.md; none where nothing is kept. Raises InputError."""
    if not path.exists():
        return []
    try:
        result = json.loads(path.read_bytes())
        table = rows(result)
        on, browser, crowd = result["machine"], result["browser"], result["crowd"]
        quiet, busy = result["quiet_cores"], result["busy_cores"]
        spread = browser["age_s"]
        return [
            _HEAD, "| | measured | limit |", "|---|---|---|",
            *(f"| {name} | {value} | {limit}{'' if holds else ' (missed)'} |" for name, value, limit, holds in table),
            "",
            f"Camera to screen p50 {spread['p50'] * 1000:.0f} ms, p99 {spread['p99'] * 1000:.0f} ms of {spread['of']} "
            f"pictures; first picture {browser['first_picture_s']:.1f} s after opening. Central alone "
            f"{quiet:.1%} of a core, with the viewers {busy:.1%}; {crowd['mbit_s']:.0f} Mbit/s go to them, a picture "
            f"is with them {crowd['late_s']['p95'] * 1000:.0f} ms (p95) after the recorder had it. {result['at']}, "
            f"`{on['revision']}`: {on['cores']} cores of {on['processor']}, load before {on['load_before']:g}, Python "
            f"{on['python']}, Chromium {browser['version']}.",
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no result of this benchmark ({error}) - measure again or take it away") from error


_HEAD = """
## Live pictures

`sightline bench live`: `sightline central serve` with the states of hundreds of stations, a whole box (`sightline edge
run`) with one virtual RTSP camera (1080p25, 4 Mbit/s), and viewers on WebSockets of their own, all on one machine.
*Opens*: from navigation until each of 16 tiles' states is painted, every time in a Chromium that never saw the page.
*Camera to screen*: each picture bears its number as blocks of black and white, read from the tile when it is presented;
the camera's server sends a picture at the instant at which it counts as taken, so a real camera's own encoder comes on
top. *Fan-out*: processor time of central and all its processes with the viewers, less that without anybody. The browser
is measured while all viewers watch.
"""


def _measured(wish: Wish, hall: Hall, cookies: list[str], say: Say) -> dict[str, Any]:
    quiet = _cores(hall, lambda: time.sleep(wish.seconds))
    say(f"central alone: {quiet:.1%} of a core")
    crowd = Crowd(hall, wish.viewers, cookies)
    try:
        told: dict[str, Any] = {}
        busy = _cores(hall, lambda: told.update(crowd.measure(wish.seconds)))
        say(f"with {wish.viewers} viewers: {busy:.1%} of a core")
        browser = live_browser.camera_to_screen(hall, cookies[0], wish.seconds, say)
        browser |= live_browser.wall_opens(hall, cookies[0], say)
    finally:
        crowd.part.stop()
    return {
        "quiet_cores": round(quiet, 4),
        "busy_cores": round(busy, 4),
        "fan_out_cores": round(busy - quiet, 4),
        "crowd": told,
        "browser": browser,
    }


def _cores(hall: Hall, meanwhile: Callable[[], object]) -> float:
    """Cores that central uses while something goes on."""
    spent, begun = hall.central_cpu_s(), time.monotonic()
    meanwhile()
    return (hall.central_cpu_s() - spent) / (time.monotonic() - begun)


class Crowd:
    """The process of the viewers."""

    def __init__(self, hall: Hall, viewers: int, cookies: list[str]) -> None:
        """All of them have a picture. Raises RunError."""
        path = f"/live/{EDGE_ID}/{CAMERA}?quality=main"
        command = [sys.executable, "-m", "sightline.bench.live_viewers", str(hall.ports["central"]), path]
        log = hall.run / "logs" / "viewers.log"
        self.part = hall.parts.start(Part("viewers", command, log, piped=True))
        self._say(json.dumps([cookies[n % len(cookies)] for n in range(viewers)]))
        self._heard()

    def measure(self, seconds: float) -> dict[str, Any]:
        """What came to them in so many seconds."""
        self._say(str(seconds))
        return self._heard()

    def _say(self, line: str) -> None:
        assert self.part.process is not None
        assert self.part.process.stdin is not None
        self.part.process.stdin.write(line + "\n")
        self.part.process.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        assert self.part.process is not None
        assert self.part.process.stdout is not None
        line = self.part.process.stdout.readline()
        if not line:
            raise RunError(f"the viewers ended: {self.part.last_line()} - see {self.part.log}")
        answer: dict[str, Any] = json.loads(line)
        return answer


__all__ = ["FILE", "Wish", "bench_live", "rows", "section", "shortfalls"]
