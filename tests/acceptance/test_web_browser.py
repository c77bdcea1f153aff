"""The officer's desk in a real browser: sign in, look, decide by keyboard, and what must never happen."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import select

from central.db.cases import Case, CaseLog
from contract.events import EventType
from contract.sensors import SensorKind, Unstable
from tests.acceptance import web_world
from tests.acceptance.test_web_alarms import alarm, send
from tests.acceptance.web_world import DAY, PASSWORD, World

pytestmark = pytest.mark.browser
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    found = named or next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        message = "no chromium here - install it (Debian: apt install chromium) or set SIGHTLINE_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield launched
        launched.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    built = web_world.build(tmp_path / "central")
    built.user("li")
    built.user("wang")
    return built


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with web_world.serving(world) as url:
        yield url


@dataclass
class Desk:
    """An officer's browser window, and everything that went wrong in it."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in {"error", "warning"} else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((self.address, "data:", "blob:")) else self.wrong.append(asked.url)
            ),
        )
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def sign_in(self, name: str = "li", path: str = "/") -> "Desk":
        self.page.goto(f"{self.address}{path}")
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".who .name, .top nav a")).not_to_have_count(0)
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self

    def press(self, *keys: str) -> None:
        # Keys are bound by modules, and those have run when the page says that it is loaded.
        self.page.wait_for_load_state("load")
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, script: str, arg: object = None) -> None:
        """Wait until `script` is true. Playwright's own waiting needs eval, which the page's policy forbids."""
        for _ in range(PATIENCE_MS // 50):
            if self.page.evaluate(script, arg):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"never came true: {script}")

    def says(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("body")).to_contain_text(text)


@pytest.fixture
def desks(browser: Browser, address: str) -> Iterator[Any]:
    """Opens windows, each a browser of its own; at the end nothing may have gone wrong in any that was not expected."""
    opened: list[tuple[Desk, BrowserContext]] = []

    def window(locale: str = "en", viewport: dict[str, int] = WIDE) -> Desk:
        context = browser.new_context(locale=locale, viewport=viewport, timezone_id="Asia/Shanghai")  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        desk = Desk(context.new_page(), address)
        opened.append((desk, context))
        return desk

    expect.set_options(timeout=PATIENCE_MS)
    yield window
    faults = [fault for desk, _ in opened for fault in desk.wrong]
    for _, context in opened:
        context.close()
    assert faults == []


def case_of(world: World, number: str) -> Case:
    with world.db.read() as session:
        return session.execute(select(Case).where(Case.number == number)).scalar_one()


def test_a_case_is_reviewed_and_approved_by_keyboard_alone(world: World, desks: Any) -> None:
    world.passing()
    world.parking()
    desk = desks().sign_in()
    desk.says("2 waiting for an officer")
    desk.press("j", "j", "k", "Enter")
    desk.says("Suspected failure to yield")
    page = desk.page
    expect(page.locator("#still-1 img")).to_be_visible()
    assert page.locator("#still-1 img").evaluate("image => image.naturalWidth") == 1280
    desk.press("2")
    expect(page.locator("#still-2")).to_be_visible()
    expect(page.locator("#still-1")).to_be_hidden()
    expect(page.locator("#still-2 .overlay .stop-line")).to_have_count(1)
    expect(page.locator("#still-2 .overlay")).to_be_visible()
    desk.press("o")
    expect(page.locator("#still-2 .overlay")).to_be_hidden()
    desk.press("o", "a")
    expect(page.locator("dialog#approve")).to_be_visible()
    desk.press("Enter")
    page.wait_for_url(f"**/cases/{DAY}-0002?decided={DAY}-0001")
    desk.says(f"{DAY}-0001 is decided: Second look.")
    decided = case_of(world, f"{DAY}-0001")
    assert (decided.state, decided.decided_by) == ("REVIEW2", "li")
    page.goto(f"{desk.address}/cases/{DAY}-0001")
    desk.says("Passed on by li")
    # Two people have not said so yet.
    expect(page.get_by_role("heading", level=1)).to_have_text("Suspected failure to yield")
    desk.says("You took the first look at it")
    expect(page.get_by_role("button", name="Reject")).to_have_count(0)


def test_the_clip_plays_steps_and_carries_the_box_along(world: World, desks: Any) -> None:
    world.passing()
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    page = desk.page
    expect(page.locator("#case")).to_be_visible()
    desk.press(" ")
    video = page.locator("video")
    expect(video).to_be_visible()
    desk.until("() => document.querySelector('video').currentTime > 0.3")
    desk.press(" ")
    desk.until("() => document.querySelector('video').paused")
    here = video.evaluate("video => video.currentTime")
    first = page.locator("polygon.vehicle[data-vehicle]").get_attribute("points")
    assert first
    for _ in range(4):
        desk.press("ArrowRight")
        desk.until("() => !document.querySelector('video').seeking")
    there = video.evaluate("video => video.currentTime")
    assert 0.12 < there - here < 0.8, "four frames of a twelfth of a second"
    desk.until(
        "before => document.querySelector('polygon.vehicle[data-vehicle]').getAttribute('points') !== before", first
    )
    desk.press("ArrowLeft")
    desk.until("before => document.querySelector('video').currentTime < before", there)
    desk.press("l")
    expect(page.locator("[data-do=loop]")).to_have_attribute("aria-pressed", "true")


def test_a_case_is_rejected_with_a_reason_by_two_keys(world: World, desks: Any) -> None:
    world.parking()
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    expect(desk.page.locator("#case")).to_be_visible()
    desk.press("r", "5")
    expect(desk.page.get_by_label("Queue or jam")).to_be_checked()
    desk.press("Enter")
    desk.page.wait_for_url(f"**/?decided={DAY}-0001")
    desk.says(f"{DAY}-0001 is decided: Rejected.")
    assert (case_of(world, f"{DAY}-0001").reason_code, case_of(world, f"{DAY}-0001").state) == ("R05", "REJECTED")


def test_other_needs_a_note_and_the_note_stays_text(world: World, desks: Any) -> None:
    world.parking()
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    note = "<img src=x onerror=alert(1)> \u202e🚗 '; DROP TABLE cases;--"
    desk.press("r", "g", "n")
    desk.page.keyboard.insert_text(note)
    desk.press("Tab", "Tab", "Enter")
    desk.page.wait_for_url("**/?decided=*")
    desk.page.goto(f"{desk.address}/cases/{DAY}-0001")
    expect(desk.page.locator(".decided .note")).to_have_text(note)
    assert case_of(world, f"{DAY}-0001").note == note


def test_what_a_box_writes_is_shown_as_text(world: World, desks: Any) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    question = web_world.QUESTION.model_copy(update={"question": evil, "fact": "made\"up'<b>"})
    vehicle = web_world.Vehicle(class_="bus", plate='"><script>alert(3)</script>', color="<i>")
    world.passing(reason=evil, unknown=[question], vehicle=vehicle, numbers={evil: evil})
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    desk.says(evil)
    desk.press("a")
    expect(desk.page.locator("dialog#approve legend")).to_have_text(evil)
    assert desk.page.locator("script:not([src])").count() == 0
    desk.page.goto(desk.address)
    desk.says("><script>alert(3)</script>")


def test_a_question_is_answered_by_name_before_anything_is_approved(world: World, desks: Any) -> None:
    world.passing(unknown=[web_world.QUESTION])
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    desk.says("Was an officer directing the traffic?")
    desk.press("a")
    desk.page.get_by_role("button", name="Pass on").last.click()
    expect(desk.page.locator("[data-refused]")).to_contain_text("Was an officer directing the traffic?")
    assert case_of(world, f"{DAY}-0001").state == "REVIEW1"
    desk.wrong[:] = [fault for fault in desk.wrong if "422" not in fault]
    desk.page.goto(f"{desk.address}/cases/{DAY}-0001")
    desk.press("a", "2", "Enter")
    desk.page.wait_for_url("**/?decided=*")
    with world.db.read() as session:
        row = session.execute(select(CaseLog).where(CaseLog.action == "approve")).scalar_one()
    assert row.detail["answers"] == {"officer_directing": "no"}


def test_two_officers_at_one_case_and_the_second_is_told(world: World, desks: Any) -> None:
    world.parking()
    first, second = desks().sign_in("li", f"/cases/{DAY}-0001"), desks().sign_in("wang", f"/cases/{DAY}-0001")
    for desk in (first, second):
        expect(desk.page.locator("#case")).to_be_visible()
    first.press("a", "Enter")
    first.page.wait_for_url("**/?decided=*")
    second.press("r", "3", "Enter")
    second.says("Somebody else has decided or changed this case since you opened it.")
    second.wrong[:] = [fault for fault in second.wrong if "409" not in fault]
    second.page.get_by_role("link", name="Open the case as it stands").click()
    second.says("Passed on by li")
    assert (case_of(world, f"{DAY}-0001").state, case_of(world, f"{DAY}-0001").decided_by) == ("REVIEW2", "li")


def test_a_form_without_the_sessions_token_changes_nothing(world: World, desks: Any) -> None:
    world.parking()
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    desk.page.locator("dialog#approve input[name=csrf]").evaluate("field => { field.value = 'stolen'; }")
    desk.press("a", "Enter")
    desk.says("This form is not from your present session")
    desk.wrong[:] = [fault for fault in desk.wrong if "403" not in fault]
    assert case_of(world, f"{DAY}-0001").state == "REVIEW1"


def test_evidence_appears_by_itself_as_it_arrives(world: World, desks: Any) -> None:
    world.parking(media=False)
    desk = desks().sign_in(path=f"/cases/{DAY}-0001")
    desk.says("0 of 4 files are here.")
    expect(desk.page.get_by_role("button", name="Pass on")).to_have_count(0)
    desk.press("a")
    expect(desk.page.locator("dialog[open]")).to_have_count(0)
    world.arrive()
    expect(desk.page.locator("#still-1 img")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Pass on").first).to_be_enabled()
    desk.press("a", "Enter")
    desk.page.wait_for_url("**/?decided=*")


def test_the_queue_shows_what_has_come_without_being_asked(world: World, desks: Any) -> None:
    desk = desks().sign_in()
    desk.says("Nothing to review")
    desk.says("A camera at the roadside sees something a rule names.")
    world.parking()
    desk.says("1 waiting for an officer")
    expect(desk.page.locator(".row .thumb")).to_be_visible()


@pytest.mark.parametrize("path", ["/sign-in", "/", f"/cases/{DAY}-0001"])
def test_everything_is_reached_by_tab_and_says_what_it_is(world: World, desks: Any, path: str) -> None:
    world.passing()
    desk = desks()
    if path != "/sign-in":
        desk.sign_in()
    desk.page.goto(f"{desk.address}{path}")
    desk.page.wait_for_load_state("load")
    wanted = desk.page.evaluate(
        """() => {
          const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), textarea, summary')];
          const shown = all.filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0);
          shown.forEach((one, place) => { one.dataset.place = place; });
          return shown.map((one) => String(one.dataset.place));
        }"""
    )
    nameless = desk.page.evaluate(
        """() => [...document.querySelectorAll('[data-place]')].filter((one) => {
          const label = one.labels?.[0]?.textContent ?? '';
          return !(one.getAttribute('aria-label') || one.textContent.trim() || label.trim());
        }).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    desk.page.evaluate("document.activeElement?.blur()")
    reached = set()
    for _ in range(2 * len(wanted) + 4):
        desk.press("Tab")
        reached.add(desk.page.evaluate("document.activeElement?.dataset.place"))
    assert set(wanted) - reached == set()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_scrolls_sideways_and_help_opens(
    world: World, desks: Any, locale: str, viewport: dict[str, int]
) -> None:
    world.passing(unknown=[web_world.QUESTION])
    world.parking(media=False)
    desk = desks(locale, viewport).sign_in()
    for path in ("/", "/?show=approved", "/?show=arriving", f"/cases/{DAY}-0001", f"/cases/{DAY}-0002"):
        desk.page.goto(f"{desk.address}{path}")
        expect(desk.page.locator("html")).to_have_attribute("lang", locale)
        wide = desk.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], path
        desk.press("?")
        expect(desk.page.locator("dialog#keys")).to_be_visible()
        desk.press("Escape")
        expect(desk.page.locator("dialog#keys")).to_be_hidden()


def test_text_is_dark_enough_on_its_ground(world: World, desks: Any) -> None:
    world.passing(unknown=[web_world.QUESTION])
    desk = desks().sign_in()
    for path in ("/", f"/cases/{DAY}-0001"):
        desk.page.goto(f"{desk.address}{path}")
        assert desk.page.evaluate(CONTRAST) == []


#: WCAG 2.1, 1.4.3: the contrast of every visible text against the nearest painted ground, at least 4.5 to 1.
CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || (c.length === 4 && c[3] > 0.75)) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const one of document.querySelectorAll('body *')) {
    const text = [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!text || !one.checkVisibility() || one.closest('svg, :disabled, [aria-disabled=true]')) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(`${one.className || one.tagName}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return bad;
}"""


#: How many boxes the page has, and whether any two lie over one another.
_OVERLAPPING = """() => {
  const boxes = [...document.querySelectorAll(".panel, .moments")].map((one) => one.getBoundingClientRect());
  const meet = (a, b) => a.top < b.bottom && b.top < a.bottom && a.left < b.right && b.left < a.right;
  return [boxes.length, boxes.some((a, n) => boxes.slice(n + 1).some((b) => meet(a, b)))];
}"""


def test_on_a_phone_what_is_done_about_an_alarm_hides_nothing_of_its_page(world: World, desks: Any) -> None:
    many = Unstable(begun=6, within_s=3600, calm_s=900)
    send(world, EventType.SMOKE, alarm(SensorKind.SMOKE, 0, unstable=many))
    desk = desks("en", PHONE).sign_in(path=f"/alarms/S{DAY}-0001")
    expect(desk.page.locator(".decide .unstable")).to_contain_text("at least 6 times within 60 minutes")
    wide = desk.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1] and desk.page.evaluate(_OVERLAPPING) == [7, False]
