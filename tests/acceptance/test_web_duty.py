"""Alarms in a real browser: told to eye, ear and tab, answered for with one button; rehearsals and saved layouts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select, update

from central import clock
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db.duty import DutyAlarm, DutyShift, DutyWatch, RehearsalWord, StationPhone, WallLayout
from central.db.polling import BoxState, RecordingLedger
from central.duty import people, telling
from central.duty.escalation import DEFAULT
from central.polling.continuity import micros
from tests.acceptance import web_world
from tests.acceptance.test_web_browser import PHONE, WIDE, browser
from tests.acceptance.test_web_stations import Hall
from tests.integration.test_polling_wall import MIN, NOW, fill
from tests.station_kit import trouble

pytestmark = pytest.mark.browser
__all__ = ["browser"]
#: What the page would have been heard to say: each call by the time it began.
_EARS = """
window.heard = [];
const real = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.heard.push(this.frequency.value); return real.call(this, at); };
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    world = web_world.build(tmp_path_factory.mktemp("duty") / "central")
    world.user("mei", {Role.MONITOR, Role.CHIEF})
    world.user("guo", Role.AUDITOR)
    fill(world.db, 6)
    with world.db.write() as session:
        session.execute(update(BoxState).values(state="online"))
        session.execute(update(RecordingLedger).values(until_us=micros(NOW)))
        people.add(session, "mei", 1, [], NOW - MIN, NOW + 60 * MIN, phone="", webhook=None, by="mei", now=NOW)
    before = clock.set_clock(lambda: NOW)
    try:
        with web_world.serving(world) as url:
            yield Hall(url, world.db)
    finally:
        clock.set_clock(before)


def opened(browser: Browser, hall: Hall, who: str = "mei", size: object = WIDE) -> Page:
    context = browser.new_context(locale="en", viewport=size)  # type: ignore[arg-type]
    context.add_cookies([{"name": SESSION_COOKIE, "value": hall.token(who), "url": hall.address}])
    context.add_init_script(_EARS)
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
    return page


def dark(hall: Hall, n: int, state: str = "offline") -> None:
    with hall.db.write() as session:
        session.execute(update(BoxState).where(BoxState.edge_id == f"box-{n:03}").values(state=state, since=NOW))
    telling.look(hall.db, DEFAULT, NOW)


def test_an_alarm_is_seen_heard_counted_and_answered_for(browser: Browser, hall: Hall) -> None:
    telling.look(hall.db, DEFAULT, NOW)
    wall = opened(browser, hall)
    wall.goto(f"{hall.address}/stations")
    wall.wait_for_selector("#duty-bar.calm:has-text('No open alarm')")
    assert wall.inner_text("#duty-sound") == "Sound is off"
    wall.click("#duty-sound")
    wall.wait_for_selector("#duty-sound:has-text('Sound is on')")
    dark(hall, 3)
    wall.wait_for_selector("#duty-bar.alarm:has-text('alarms 1, warnings 0')", timeout=10_000)
    assert wall.title().startswith("(1) ")
    for _ in range(60):
        if wall.evaluate("window.heard.length") >= 8:
            break
        wall.wait_for_timeout(200)
    assert wall.evaluate("window.heard.length") >= 8, "an alarm sounds again until somebody answers"
    assert set(wall.evaluate("window.heard")) == {880, 1175}

    phone = opened(browser, hall, size=PHONE)
    phone.goto(f"{hall.address}/duty")
    card = phone.locator(".card")
    assert "Hall 3" in card.inner_text() and "Yours" in card.inner_text()
    box = phone.locator(".card .big").first.bounding_box()
    assert box is not None and box["height"] >= 48 and box["width"] > 300
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # A browser that nobody touched may not sound: the page says so, and a touch ends it.
    phone.evaluate("localStorage.setItem('sightline-duty-sound', 'on')")
    phone.reload()
    phone.wait_for_selector("#duty-sound.blocked, #duty-sound:has-text('Sound is on')")
    phone.keyboard.press("Tab")
    phone.locator(".card .primary").focus()
    phone.keyboard.press("Enter")
    phone.wait_for_selector(".card .answered:has-text('mei answers for it')")

    wall.wait_for_selector("#duty-bar.calm", timeout=10_000)
    assert not wall.title().startswith("(")
    heard = wall.evaluate("window.heard.length")
    wall.wait_for_timeout(4500)
    assert wall.evaluate("window.heard.length") == heard
    assert wall.faults == [] and phone.faults == []  # type: ignore[attr-defined]
    wall.context.close()
    phone.context.close()
    dark(hall, 3, "online")


def test_who_does_not_watch_over_it_and_a_watch_that_sleeps_are_told(browser: Browser, hall: Hall) -> None:
    dark(hall, 4)
    page = opened(browser, hall, "guo")
    page.goto(f"{hall.address}/duty")
    assert page.locator(".card").count() >= 1 and page.locator(".card .primary").count() == 0
    with hall.db.write() as session:
        session.execute(update(DutyWatch).values(looked_at=NOW - MIN))
    page.wait_for_selector("#duty-bar.alarm:has-text('Nobody looks for alarms')", timeout=10_000)
    page.context.set_offline(True)
    page.evaluate("{ const real = performance.now.bind(performance); performance.now = () => real() + 20_000 }")
    page.wait_for_selector("#duty-bar:has-text('No answer from the centre')", timeout=10_000)
    page.context.close()
    dark(hall, 4, "online")


def test_the_roster_is_kept_and_shows_the_hours_that_nobody_covers(browser: Browser, hall: Hall) -> None:
    page = opened(browser, hall)
    page.goto(f"{hall.address}/duty/roster")
    assert "Nobody is on duty 2026-12-12 03:00 - 06:00" in page.inner_text("#holes ~ .notice.stop")
    page.select_option("#person", "mei")
    page.fill("#begin", "2026-12-12T03:00")
    page.fill("#until", "2026-12-12T07:00")
    page.fill("#phone", "0571 8700 1234")
    page.fill("#webhook", "https://10.0.0.9/hook")
    page.click("form[action='/duty/roster'] .primary")
    assert "private" in page.inner_text("#problem") and page.input_value("#phone") == "0571 8700 1234"
    page.fill("#webhook", "")
    page.click("form[action='/duty/roster'] .primary")
    page.wait_for_selector("text=Somebody of level 1 is on duty in every planned hour to come.")
    page.fill("#phones", "ps-003 0571 8123 4567\nnowhere 110 110\n")
    page.click("form[action='/duty/phones'] button")
    page.wait_for_load_state()
    with hall.db.read() as session:
        assert {one.site for one in session.execute(select(StationPhone)).scalars()} == {"ps-003"}
        assert session.execute(select(DutyShift).order_by(DutyShift.id.desc())).scalars().first().made_by == "mei"  # type: ignore[union-attr]
    page.context.close()


def test_a_look_is_said_on_the_sheet(browser: Browser, hall: Hall) -> None:
    page = opened(browser, hall)
    page.goto(f"{hall.address}/stations/ps-001/rehearsal")
    page.select_option("#kind", "booth")
    page.fill("#note", "masked, <b>whole</b>")
    page.click("button[value=no]")
    page.wait_for_load_state()
    with hall.db.read() as session:
        (word,) = session.execute(select(RehearsalWord)).scalars()
    assert (word.kind, word.ok, word.name) == ("booth", False, "mei")
    page.goto(f"{hall.address}/rehearsals")
    assert page.locator("tbody tr").count() == 6
    with page.expect_download() as got:
        page.click("a[download]")
    assert got.value.suggested_filename == "rehearsals.csv"
    page.context.close()


def test_phases_and_troubles_are_said_on_the_page_and_stand_on_the_wall(browser: Browser, hall: Hall) -> None:
    with hall.db.write() as session:
        trouble(session, 2, NOW - MIN)
    page = opened(browser, hall)
    page.goto(f"{hall.address}/stations/ps-002")
    page.fill("#phase-at", "2026-12-12T01:30:00")
    page.click("#phases .say-it .primary")
    page.wait_for_selector(".steps-of-day .now:has-text('2026-12-12 01:30:00')")
    page.select_option("#phase", "count")
    page.fill("#phase-at", "2026-12-12T01:50:00")  # of a moment ago, boxes would be asked for stills
    page.fill("#phase-note", "at <once>")
    page.click("#phases .say-it .primary")
    assert "out of its order" in page.inner_text("#problem") and page.input_value("#phase-note") == "at <once>"
    page.fill("#phase-reason", "all had voted")
    page.click("#phases .say-it .primary")
    page.wait_for_selector(".steps-of-day .now:has-text('all had voted')")
    page.fill("#troubles input[name=note]", "somebody goes there")
    page.click("#troubles .primary")
    page.wait_for_selector("#troubles .said-of:has-text('mei takes it in hand. somebody goes there')")
    page.goto(f"{hall.address}/stations?order=place")
    assert page.locator(".tile .phase-now").all_inner_texts() == ["Count"]
    page.context.close()


def test_a_saved_layout_comes_back_by_one_key(browser: Browser, hall: Hall) -> None:
    page = opened(browser, hall)
    page.goto(f"{hall.address}/stations?tiles=4&order=place")
    page.click(".saved summary")
    page.fill("#layout-name", "four by place")
    page.check("[name=shared]")
    page.click(".saved form button:has-text('Save')")
    page.wait_for_load_state()
    with hall.db.read() as session:
        (kept,) = session.execute(select(WallLayout)).scalars()
    assert (kept.query, kept.shared) == ("tiles=4&order=place", True)
    other = opened(browser, hall, "guo")
    other.goto(f"{hall.address}/stations")
    other.keyboard.press("v")
    other.wait_for_url("**/stations?tiles=4&order=place")
    assert other.locator("[data-saved][aria-current]").count() == 1
    assert other.faults == []  # type: ignore[attr-defined]
    with hall.db.read() as session:
        assert session.execute(select(DutyAlarm)).first() is not None
    for one in (page, other):
        one.context.close()
