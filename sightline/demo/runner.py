"""`sightline demo`: every part as a process of its own over loopback, as in the field, and the story told.

Order of start: broker, central, camera, box; of the end: the other way round. The box is let in by a one-time code.
When a part dies the demo says so and how to start it again, and goes on.
"""

import json
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from contract.errors import RunError
from sightline.demo import checks
from sightline.demo.console import Console
from sightline.demo.folder import COLLEAGUE, EDGE_ID, OFFICER, Folder, Ports
from sightline.demo.office import Office, undecided
from sightline.demo.parts import Part, Parts, run_once, wait_until
from sightline.demo.scene.render import SceneFiles, prepare_scene
from sightline.demo.street import StreetCamera
from sightline.demo.verdict import Ticket, difference

#: How long to watch for tickets that should not come, after all that should have.
EXTRAS_S = 8.0
_LOOK_S = 0.5
#: When a stop that was not heard is said again.
_AGAIN_S = 3.0
#: So long before the time limit the result is told as it is.
_LAST_WORD_S = 3.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    headless: bool
    once: bool
    timeout_s: float
    port: int | None
    home: Path


@dataclass
class Demo:
    """A running demo."""

    wish: Wish
    console: Console
    folder: Folder
    ports: Ports
    detector: str
    expected: list[dict[str, Any]]
    camera: StreetCamera
    office: Office
    passwords: dict[str, str]
    parts: Parts
    told: set[str] = field(default_factory=set)


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked
    """Ctrl-C or SIGTERM."""


def run(wish: Wish) -> int:
    """The whole demo; the exit status. Raises RunError in one line for what a person can mend."""
    checks.require_python()
    checks.require_space(wish.home)
    checks.port(wish.port, 8080)  # told before anything is drawn or fetched
    console, parts = Console(), Parts()
    with Folder(wish.home).claimed(), _stopping(), _time_limit(wish):
        try:
            return _play(_begin(wish, console, parts))
        except Stopped:
            console.say("stopping")
            return 1 if wish.headless else 0
        finally:
            with _undisturbed():
                parts.stop()
            console.say("all parts have stopped")


def _begin(wish: Wish, console: Console, parts: Parts) -> Demo:
    folder = Folder(wish.home)
    folder.make()
    scene, (model, detector) = _material(folder, console)
    # Chosen as late as can be: what is free now may be taken by the time the scene is drawn.
    ports = Ports(central=checks.port(wish.port, 8080), broker=checks.port(None, 8883), camera=checks.port(None, 8554))
    passwords = folder.write(ports, model)
    office = Office(f"http://127.0.0.1:{ports.central}", OFFICER, passwords[OFFICER])
    python = [sys.executable, "-m"]
    broker = parts.start(
        Part(
            "broker",
            [*python, "sightline.demo.broker", "--config", str(folder.broker_config)],
            folder.logs / "broker.log",
        )
    )
    wait_until(lambda: _listens(ports.broker), "the broker's start", [broker], 30)
    console.say("broker is up")
    central = parts.start(Part("central", [*python, "sightline", *_serve(folder)], folder.logs / "central.log"))
    wait_until(office.healthy, "central's start", [central], 60)
    _let_in(folder, passwords)
    console.say("central is up, the box is enrolled by a one-time code")
    camera = StreetCamera(scene.scene.parent, ports.camera, folder.logs / "camera.log")
    parts.start(camera.part)
    camera.listen()
    wait_until(camera.listening.is_set, "the camera's start", [camera.part], 30)
    edge_command = [*python, "sightline", "edge", "run", "--config", str(folder.edge_config)]
    edge = parts.start(Part("edge", edge_command, folder.logs / "edge.log"))
    console.say("camera is up, the box is loading its detector")
    wait_until(lambda: _sees(folder), "the box's first look", [edge, camera.part, central, broker], 120)
    console.say(f"the box sees the camera; detector: {detector}")
    expected = json.loads(scene.truth.read_text(encoding="utf-8"))["tickets"]
    return Demo(wish, console, folder, ports, detector, expected, camera, office, passwords, parts)


def _serve(folder: Folder) -> list[str]:
    return ["central", "serve", "--config", str(folder.central_config)]


def _material(folder: Folder, console: Console) -> tuple[SceneFiles, tuple[Path, str]]:
    """The scene and the detector, made side by side: one waits for the processor, the other for the network."""
    helper = ThreadPoolExecutor(1, thread_name_prefix="detector")
    try:
        detector = helper.submit(_detector, console)
        scene = prepare_scene(folder.cache, console.say)
        return scene, detector.result()
    finally:
        helper.shutdown(wait=False, cancel_futures=True)


def _detector(console: Console) -> tuple[Path, str]:
    """The best package this machine can have, and its name for people."""
    from edge.detect.package import read_package
    from models.prepare import default_package

    package = default_package(console.say)
    manifest = read_package(package)
    quality = f", mAP {manifest.published_map} on COCO" if manifest.published_map else ""
    return package, f"{manifest.name} ({manifest.licence}{quality})"


def _let_in(folder: Folder, passwords: dict[str, str]) -> None:
    """The officers' accounts, and the box's enrolment, through the very commands a person would use."""
    sightline = [sys.executable, "-m", "sightline"]
    config = ["--config", str(folder.central_config)]
    for name, password in passwords.items():
        add = [*sightline, "central", "user", "add", name, "--role", "officer", "--password-stdin", *config]
        run_once(add, f"making the account {name}", stdin=password + "\n")
    code = run_once([*sightline, "central", "enrol-code", EDGE_ID, *config], "asking for an enrolment code").strip()
    enrol = [*sightline, "edge", "enrol", code, "--config", str(folder.edge_config)]
    run_once(enrol, "enrolling the box")


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _sees(folder: Folder) -> bool:
    """The box has connected to the camera and says so."""
    try:
        return bool(json.loads(folder.camera_status.read_text(encoding="utf-8"))["state"] == "live")
    except (OSError, ValueError, KeyError):
        return False


def _play(demo: Demo) -> int:
    if not demo.wish.headless:
        _invite(demo)
    demo.camera.play()
    demo.console.say("the scene begins")
    return _once(demo) if demo.wish.once else _loop(demo)


def _invite(demo: Demo) -> None:
    office, say = demo.office, demo.console.plain
    say("")
    say(f"    open      {office.url}")
    say(f"    account   {OFFICER}, password {demo.passwords[OFFICER]}")
    say(f"    second    {COLLEAGUE}, password {demo.passwords[COLLEAGUE]}: another person takes the second look")
    say(f"    detector  {demo.detector}")
    say(f"    logs      {demo.folder.logs}")
    say("    Ctrl-C    stops everything")
    say("")


def _once(demo: Demo) -> int:
    """One pass: until all that was expected is there, then a little longer for what was not."""
    settled: float | None = None
    while True:
        tickets = _look(demo)
        if tickets is not None:
            wrong = difference(tickets, demo.expected)
            extra = any(line.startswith("not expected") for line in wrong)
            if wrong and not extra:
                settled = None
            elif settled is None:
                settled = time.monotonic()
            over = demo.camera.ended > 0 and not demo.camera.busy
            if settled is not None and over and time.monotonic() - settled > EXTRAS_S:
                return _result(demo, tickets, wrong)
        if demo.console.seconds > demo.wish.timeout_s - _LAST_WORD_S:
            late = ["central does not answer"] if tickets is None else difference(tickets, demo.expected)
            return _result(demo, tickets or [], late or ["the scene did not come to its end in time"])
        time.sleep(_LOOK_S)


def _result(demo: Demo, tickets: list[Ticket], wrong: list[str]) -> int:
    result = {
        "ok": not wrong,
        "tickets": [ticket.as_json() for ticket in tickets],
        "expected": demo.expected,
        "difference": wrong,
        "detector": demo.detector,
        "seconds": round(demo.console.seconds, 1),
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    sys.stdout.flush()
    for line in wrong:
        demo.console.say(line)
    if demo.wish.headless:
        return 1 if wrong else 0
    demo.console.say("the scene is over; review the tickets, Ctrl-C ends the demo")
    while True:
        _look(demo)
        time.sleep(_LOOK_S)


def _loop(demo: Demo) -> int:
    """Pass after pass, but never a new one while tickets wait for their officer."""
    invited = False
    while True:
        tickets = _look(demo)
        if demo.camera.busy or tickets is None:
            invited = False
        elif demo.console.enter_pressed() or (tickets and not undecided(tickets)):
            demo.camera.play()
            demo.console.say("the scene begins again")
        elif not invited:
            invited = True
            demo.console.say("quiet street: decide the open tickets, or press Enter here, and the scene begins again")
        time.sleep(_LOOK_S)


def _look(demo: Demo) -> list[Ticket] | None:
    """The tickets now; what is new is told, and so is a part that has died."""
    for part in demo.parts.dead():
        demo.console.say(f"{part.name} has ended ({part.last_line()}); start it again with:")
        demo.console.plain(f"    {part.spelled}")
    tickets = demo.office.tickets()
    for ticket in tickets or []:
        key = f"{ticket.number}{ticket.complete}"
        if key not in demo.told:
            demo.told.add(key)
            what = "is complete" if ticket.complete else "has arrived, evidence follows"
            demo.console.say(f"ticket {ticket.number}: {ticket.rule} at {ticket.zone_id} {what}")
    return tickets


@contextmanager
def _stopping() -> Iterator[None]:
    """SIGTERM and SIGINT become `Stopped` in the main thread, once: make and the terminal may both send one.

    Python drops what is raised while it happens to run a finaliser, so it is raised again until it was heard.
    """
    asked = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number != signal.SIGALRM:
            return
        asked = True
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _time_limit(wish: Wish) -> Iterator[None]:
    """After `timeout_s`, RunError in the main thread, whatever it waits for."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise RunError(f"the demo did not come to its end within {wish.timeout_s:.0f} s - see {wish.home}/run/logs")

    signal.signal(signal.SIGALRM, late)
    if wish.headless or wish.once:
        signal.setitimer(signal.ITIMER_REAL, wish.timeout_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The end is not cut short by a second Ctrl-C or the time limit."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
