"""Live pictures in a real browser: a box's own process, central's hub and the tiles of the wall; nothing is played by us.

Every picture bears its number, read from the screen: what moves is what the camera gives now.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, WebSocket
from sqlalchemy import select

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.app import create_app
from central.db.accounts import User
from sightline.bench.timecode import READ
from tests import player_kit
from tests.acceptance import web_world
from tests.acceptance.test_web_browser import browser
from tests.player_kit import FPS, LOOP_S, Front, LiveBox

pytestmark = pytest.mark.browser
__all__ = ["browser"]
CAMERAS = [f"cam-{n}" for n in range(1, 5)]
PATIENCE_MS = 20_000
SHOWN = f"""(n) => {{
  const one = document.querySelectorAll(".picture")[n];
  return ({READ})(one.querySelector("canvas:not([hidden])") ?? one.querySelector("video"));
}}"""


@dataclass
class Scene:
    front: Front
    box: LiveBox
    token: str

    def number(self, page: Page, tile: int = 0) -> int | None:
        """Which picture stands in a tile."""
        return page.evaluate(SHOWN, tile)


@dataclass
class Lines:
    """The WebSockets that a page opened."""

    all: list[WebSocket] = field(default_factory=list)

    def open(self, part: str = "") -> list[str]:
        return [one.url.partition("/live/")[2] for one in self.all if not one.is_closed() and part in one.url]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("live")
    box = LiveBox(folder / "box", CAMERAS)
    world = web_world.build(folder / "central")
    world.user("mei", Role.MONITOR)
    box.enrol(world.db)
    player_kit.stations(world.db, CAMERAS)
    front = Front(lambda: create_app(world.db, world.store, world.metrics, says=box))
    try:
        with world.db.write() as session:
            row = session.execute(select(User).where(User.name == "mei")).scalar_one()
            token = sessions.opened(session, row, "127.0.0.1", "Chromium").token
        box.start(front.address)
        yield Scene(front, box, token)
    finally:
        box.close()
        front.stop()
        world.db.close()


@pytest.fixture
def opened(browser: Browser, scene: Scene) -> Iterator[Callable[..., tuple[Page, Lines]]]:
    contexts = []

    def go(path: str, script: str | None = None, height: int = 768, locale: str = "en") -> tuple[Page, Lines]:
        context = browser.new_context(locale=locale, viewport={"width": 1366, "height": height})
        contexts.append(context)
        context.add_cookies([{"name": SESSION_COOKIE, "value": scene.token, "url": scene.front.address}])
        page, lines = context.new_page(), Lines()
        page.set_default_timeout(PATIENCE_MS)
        page.on("websocket", lambda one: lines.all.append(one))
        if script:
            page.add_init_script(script)
        page.goto(scene.front.address + path)
        return page, lines

    yield go
    for one in contexts:
        one.close()


def until(page: Page, true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < end, what
        page.wait_for_timeout(50)


def moves(scene: Scene, page: Page, *tiles: int) -> None:
    """Tiles (the first) show pictures as they come: in a second as many on as a camera takes, once they have caught up."""
    some = tiles or (0,)

    def shown() -> bool:
        first, begun = [scene.number(page, one) for one in some], time.monotonic()
        page.wait_for_timeout(1000)
        last, took = [scene.number(page, one) for one in some], time.monotonic() - begun
        return all(
            one is not None and other is not None and abs((other - one) % (LOOP_S * FPS) - took * FPS) < 10
            for one, other in zip(first, last, strict=True)
        )

    until(page, shown, f"tiles {some} do not show what the camera gives")


def test_tiles_show_what_the_cameras_give_now_and_a_cut_takes_it_away(scene: Scene, opened: Callable) -> None:
    page, lines = opened("/stations?tiles=4")
    moves(scene, page, 0, 1, 2, 3)
    assert sorted(lines.open()) == [f"box-live/{one}?quality=main" for one in CAMERAS]
    assert page.locator(".badge").first.inner_text() == "Live"
    assert re.match(r"mei · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$", page.locator(".stamp").first.inner_text())
    assert page.evaluate("[...document.querySelectorAll('video')].every((one) => one.muted)")

    scene.box.cut("cam-1", "a privacy mask is not painted")
    page.wait_for_selector('.picture[data-state="cut"]')
    assert page.locator(".veil").first.inner_text() == "The picture is cut: a privacy mask is not painted"
    page.wait_for_timeout(3000)
    assert page.locator(".picture").first.get_attribute("data-state") == "cut"
    assert scene.number(page) is None and page.locator("video").first.get_attribute("src") is None
    assert scene.number(page, 1) is not None
    scene.box.cut("cam-1", None)
    moves(scene, page)


def test_a_central_that_went_comes_back_into_the_tile(scene: Scene, opened: Callable) -> None:
    page, lines = opened("/stations?tiles=4&village=V0&township=Longwan")
    moves(scene, page)
    scene.front.stop()
    page.wait_for_selector('.picture[data-state="lost"]')
    assert "No connection to the centre" in page.locator(".veil").first.inner_text()
    scene.front.start()
    moves(scene, page)
    assert len(lines.open()) == 4 < len(lines.all)


def test_who_does_not_look_is_sent_nothing_and_a_browser_without_video_gets_stills(
    scene: Scene, opened: Callable
) -> None:
    page, lines = opened("/stations?tiles=1", height=900)
    moves(scene, page)
    assert len(lines.open("cam-1")) == 1
    page.evaluate("document.querySelector('#tiles').style.marginTop = '4000px'")
    until(page, lambda: not lines.open(), "a tile that nobody sees has its socket still")
    page.evaluate("document.querySelector('#tiles').style.marginTop = ''")
    moves(scene, page)
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    until(page, lambda: not lines.open(), "a hidden page has its sockets still")

    page, lines = opened("/stations/ps-02", "delete window.MediaSource", locale="zh-CN")
    until(page, lambda: scene.number(page) is not None, "no still came")
    assert sorted(lines.open()) == ["box-live/cam-3?quality=stills", "box-live/cam-4?quality=stills"]
    assert page.locator(".badge").first.inner_text() == "实时静图"


def test_the_time_line_tells_gaps_and_goes_back_by_keyboard(scene: Scene, opened: Callable) -> None:
    page, lines = opened("/stations?tiles=4")
    moves(scene, page)
    page.wait_for_selector(".timeline .gap.cause-network")
    assert page.locator(".timeline").first.locator(".gap").all_inner_texts()[0] == "N"
    page.keyboard.press("1")
    page.keyboard.press(",")
    until(page, lambda: lines.open("cam-1?from_us="), "no play back was asked for")
    asked = int(re.findall(r"from_us=(\d+)", lines.open("cam-1")[0])[0])
    assert time.time() - asked / 1e6 == pytest.approx(11, abs=3)
    assert len(lines.open("cam-1")) == 1
    page.keyboard.press("l")
    until(page, lambda: lines.open("cam-1?quality=main"), "it does not come back to live")
    moves(scene, page)
    # A gap cannot be shown: it goes on behind it.
    line = page.locator(".timeline").first.bounding_box()
    gap = page.locator(".timeline .gap.cause-network").bounding_box()
    assert line is not None and gap is not None
    before = len(lines.all)
    page.mouse.click(gap["x"] + gap["width"] / 2, line["y"] + 14)
    # The box has nothing of that time and may have said so already: that it was asked is what counts.
    until(page, lambda: any("cam-1?from_us=" in one.url for one in lines.all[before:]), "a click does not go back")
    assert page.locator(".noted").first.inner_text().startswith("Not recorded there (network): it goes on at ")


def test_a_thin_link_takes_the_quality_down_and_a_calm_minute_up_again(scene: Scene, opened: Callable) -> None:
    page, _ = opened("/stations?tiles=4")
    found = page.evaluate(
        """async () => {
          const { Ladder } = await import("/static/js/live/ladder.js");
          const one = new Ladder(0), levels = [];
          const say = () => levels.push(one.level);
          let wall = 0;
          const picture = (now, left = 40) => { wall += left * 1000; one.picture(wall, now); };
          picture(0); picture(2000); say();           // one stall: still the same
          picture(2040); picture(5000, 2960); say();  // a second within 30 s
          for (let now = 5000; now < 64000; now += 1000) picture(now, 1000); say();
          for (let now = 64000; now < 66000; now += 1000) picture(now, 1000); say();
          picture(70000); picture(75000); picture(80000); say();
          one.fall("stills", 81000); say();
          return levels;
        }"""
    )
    assert found == ["main", "sub", "sub", "main", "sub", "stills"]
