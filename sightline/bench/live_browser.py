"""The wall in a real Chromium: how soon it is open, and how old a picture is when it is on the screen."""

import time
from collections.abc import Callable
from typing import Any

from contract.errors import RunError
from sightline.bench.desk_browser import ARGS, chromium_here
from sightline.bench.live_hall import CAMERA, EDGE_ID, Hall
from sightline.bench.measure import percentiles
from sightline.bench.timecode import READ

Say = Callable[[str], None]
#: The wall is opened so often, each time in a browser that has never seen it.
OPENED = 10
_WALL, _ONE = "/stations?tiles=16", "/stations?tiles=4&township=T0&village=V0"
_PATIENCE_MS = 30_000
#: Runs before the page's own scripts: when every tile's state had been painted, ms after the navigation began.
_WATCH_WALL = """(() => {
  const look = () => {
    const all = [...document.querySelectorAll(".tile")];
    const shown = all.length >= 16 && all.every((one) => one.querySelector(".state")?.getBoundingClientRect().width);
    if (!shown) return requestAnimationFrame(look);
    requestAnimationFrame(() => requestAnimationFrame(() => { window.wallOpen = performance.now(); }));
  };
  requestAnimationFrame(look);
})()"""
#: Every picture of the camera's tile as it is presented: its number, and when it is on the screen (Unix s).
_WATCH_VIDEO = (
    """(place) => {
  const read = READ;
  const video = document.querySelector(`[data-live="${place}"] video`);
  window.seen = [];
  const each = (now, about) => {
    const number = read(video);
    const at = (performance.timeOrigin + Math.max(now, about.expectedDisplayTime)) / 1000;
    if (number !== null) window.seen.push([number, at]);
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
}"""
).replace("READ", READ)


def wall_opens(hall: Hall, cookie: str, say: Say) -> dict[str, Any]:
    """Seconds from navigation until every tile's state is painted."""
    with _Chromium() as chromium:
        opens = []
        for _ in range(OPENED):
            page = _page(chromium, hall, cookie, _WATCH_WALL)
            page.goto(hall.address + _WALL)
            _until(page, "Boolean(window.wallOpen)")
            opens.append(page.evaluate("window.wallOpen") / 1000)
            page.context.close()
        say(f"the wall was opened {OPENED} times")
        return {"opens_s": percentiles(opens), "version": chromium.version}


def camera_to_screen(hall: Hall, cookie: str, seconds: float, say: Say) -> dict[str, Any]:
    """How old the pictures of the tile are when they are on the screen, and how many came there."""
    with _Chromium() as chromium:
        page = _page(chromium, hall, cookie)
        page.goto(hall.address + _ONE)
        place = f"{EDGE_ID}/{CAMERA}"
        page.wait_for_selector(f'[data-live="{place}"] .picture[data-state="live"]')
        _until(page, f"document.querySelector('[data-live$={CAMERA}][data-live^={EDGE_ID}] video').currentTime > 0")
        first = page.evaluate("performance.now()") / 1000
        time.sleep(5.0)  # from the last keyframe to the live edge
        page.evaluate(_WATCH_VIDEO, place)
        time.sleep(seconds)
        seen = page.evaluate("window.seen")
        if len(seen) < 5 * seconds:
            raise RunError(f"{len(seen)} pictures were read from the screen in {seconds:.0f} s")
        say(f"{len(seen)} pictures were read from the screen")
        ages = [at - hall.due(number, at) for number, at in seen]
        told = {"age_s": percentiles(ages), "first_picture_s": round(first, 2)}
        return {**told, "pictures_a_second": round(len(seen) / seconds, 1)}


def _until(page: Any, true: str) -> None:
    """Wait in the page; its policy forbids what playwright's own waiting does. Raises RunError."""
    end = time.monotonic() + _PATIENCE_MS / 1000
    while not page.evaluate(true):
        if time.monotonic() > end:
            raise RunError(f"{page.url}: not within {_PATIENCE_MS // 1000} s: {true}")
        page.wait_for_timeout(10)


class _Chromium:
    """A Chromium that is ended. Raises RunError where there is none."""

    def __enter__(self) -> Any:
        try:
            from playwright.sync_api import sync_playwright
        except ModuleNotFoundError as error:
            raise RunError(f"this needs {error.name} - pip install 'sightline[dev]'") from error
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=chromium_here(), args=ARGS)
        return self._chromium

    def __exit__(self, *_: object) -> None:
        self._chromium.close()
        self._playwright.stop()


def _page(chromium: Any, hall: Hall, cookie: str, script: str | None = None) -> Any:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en")
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": hall.address}])
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    if script:
        page.add_init_script(script)
    return page


__all__ = ["camera_to_screen", "wall_opens"]
