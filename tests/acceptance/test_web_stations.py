"""The wall of polling stations in a real browser: opens at once with 500, is worked by keyboard, and tells the truth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select, update

from central import clock
from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db.accounts import User
from central.db.database import Database
from central.db.marks import BookmarkMark
from central.db.polling import BoxState
from tests.acceptance import web_world
from tests.acceptance.test_web_browser import WIDE, browser
from tests.integration.test_polling_wall import NOW, fill

pytestmark = pytest.mark.browser
__all__ = ["browser"]


@dataclass
class Hall:
    """A central with 500 stations, and its address."""

    address: str
    db: Database

    def token(self, name: str) -> str:
        with self.db.write() as session:
            row = session.execute(select(User).where(User.name == name)).scalar_one()
            return sessions.opened(session, row, "127.0.0.1", "Chromium").token


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    world = web_world.build(tmp_path_factory.mktemp("wall") / "central")
    world.user("mei", Role.MONITOR)
    fill(world.db, 500)
    before = clock.set_clock(lambda: NOW)
    try:
        with web_world.serving(world) as url:
            yield Hall(url, world.db)
    finally:
        clock.set_clock(before)


@pytest.fixture
def page(browser: Browser, hall: Hall) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(locale="en", viewport=WIDE)  # type: ignore[arg-type]
    context.add_cookies([{"name": SESSION_COOKIE, "value": hall.token("mei"), "url": hall.address}])
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
    yield page
    assert page.faults == []  # type: ignore[attr-defined]
    context.close()


def names(page: Page) -> list[str]:
    return page.locator(".tile .open").all_inner_texts()


def test_the_wall_opens_at_once_with_the_problems_in_front(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.address}/stations")
    took = []
    for _ in range(3):
        page.reload()
        took.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    print(f"\nthe wall of 500 stations is loaded in {sorted(took)[1]:.0f} ms (median of 3), {min(took):.0f} at best")
    assert min(took) < 1000
    assert "500 stations, 10 with a problem" in page.inner_text("#wall-count")
    first = page.locator(".tile").first
    assert "Lost" in first.inner_text() and "The box is offline." in first.inner_text()
    assert "mei" in first.inner_text() and re.search(r"Recorded 9\d\.\d\d % of Voting", first.inner_text())
    page.goto(f"{hall.address}/stations?tiles=16")
    words = [one.split("\n")[0] for one in page.locator(".tile .top-line").all_inner_texts()]
    assert len(words) == 16 and ["Lost" in one for one in words] == [True] * 10 + [False] * 6


def test_it_is_worked_by_keyboard_alone(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.address}/stations?township=T3")
    assert page.locator(".places .level-2").count() == 5 and page.locator(".tile").count() == 9
    page.keyboard.press("+")
    page.wait_for_url("**tiles=4**township=T3**")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    at = page.locator(".tile.chosen")
    assert at.locator(".open").inner_text() == names(page)[2]
    page.keyboard.press("4")
    assert at.locator(".open").inner_text() == names(page)[3]
    page.keyboard.press("c")
    assert page.locator(".tile.chosen .camera.shown .camera-said").inner_text().endswith("count")


def test_what_changes_is_put_in_place_and_the_rest_stays_the_same_node(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.address}/stations?township=T9")
    page.keyboard.press("ArrowRight")
    page.evaluate("for (const one of document.querySelectorAll('.tile')) one.known = true")
    was = names(page)
    with hall.db.write() as session:
        session.execute(update(BoxState).where(BoxState.edge_id == "box-499").values(state="offline", since=NOW))
    page.locator(".tile.lost").nth(1).wait_for(timeout=10_000)
    assert names(page)[:2] == [was[0], "Hall 499"]
    assert page.evaluate("[...document.querySelectorAll('.tile')].filter((one) => one.known).length") == 8
    assert page.evaluate("document.activeElement.textContent") == was[0]
    with hall.db.write() as session:
        session.execute(update(BoxState).where(BoxState.edge_id == "box-499").values(state="online", since=NOW))


def test_a_centre_that_is_silent_is_told_and_not_hidden(page: Page, hall: Hall, tmp_path: Path) -> None:
    page.goto(f"{hall.address}/stations")
    page.context.set_offline(True)
    page.wait_for_selector("#stale:not([hidden])", timeout=10_000)
    assert "what stands here is old" in page.inner_text("#stale")
    page.context.set_offline(False)
    page.wait_for_selector("#stale", state="hidden", timeout=10_000)
    page.faults.clear()  # type: ignore[attr-defined]


def test_a_station_tells_every_gap_and_no_other_station_is_found(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.address}/stations?township=T2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stations/ps-1*")
    assert page.locator("svg.line .gap").count() == page.locator(".gaps tbody tr").count() == 10
    assert "0:00:06\t" in page.inner_text(".gaps tbody tr") and "network" in page.inner_text(".gaps tbody tr")
    widths = page.locator("svg.line .gap").evaluate_all("all => all.map((one) => Number(one.getAttribute('width')))")
    assert all(2 <= one < 10 for one in widths)
    missing = page.request.get(f"{hall.address}/stations/ps-999")
    assert missing.status == 404


def test_one_key_marks_the_moment_that_is_shown_and_digits_say_what_it_is(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.address}/stations?township=T2")
    page.keyboard.press("2")
    page.wait_for_selector(".tile.chosen .player")
    page.keyboard.press(",")  # ten seconds back
    page.keyboard.press("b")
    page.wait_for_selector("#mark-says:has-text('is marked')")
    assert page.evaluate("document.activeElement.closest('#mark-sheet') !== null")
    page.keyboard.press("4")
    page.wait_for_selector("#mark-says:has-text('Noted')")
    assert len(page.locator(".tile.chosen").all()) == 1, "digits are the sheet's while it has the focus"
    page.fill("#mark-note", "b 4")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mark-sheet", state="hidden")
    assert page.evaluate("document.activeElement.closest('.tile') !== null")
    page.wait_for_selector(".tile.chosen .flag[data-category=box]", state="attached")
    page.keyboard.press("b")
    page.wait_for_selector("#mark-says:has-text('is marked')")
    page.click("#mark-undo")
    page.wait_for_selector(".tile.chosen .noted:has-text('taken back')")
    with hall.db.read() as session:
        first, second = session.execute(select(BookmarkMark).order_by(BookmarkMark.id)).scalars()
    assert (first.category, first.note, first.undone_at) == ("box", "b 4", None) and second.undone_at is not None
    assert first.bookmark_id == second.bookmark_id and first.name == "mei"
    page.route("**/bookmarks", lambda route: route.abort())
    page.keyboard.press("b")
    page.wait_for_selector("#mark-says:has-text('not marked yet')")
    page.unroute("**/bookmarks")
    page.wait_for_selector("#mark-says:has-text('is marked')", timeout=10_000)
    page.faults.clear()  # type: ignore[attr-defined]
    page.goto(f"{hall.address}/bookmarks?category=box&kept=only")
    assert page.locator(".bookmark").count() == 1 and "has not answered" in page.inner_text(".bookmark")
    assert page.locator(".bookmark summary").count() == 0, "a monitor lets nothing go"
    page.click(".bookmark-top a")
    page.wait_for_selector(".badge.back:not([hidden])")
