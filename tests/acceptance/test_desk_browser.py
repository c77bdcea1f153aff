"""From case to case without waiting, in a real browser: fetched ahead, put in place, and never a decision lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from central.db.accounts import ViewLog
from tests.acceptance import web_world
from tests.acceptance.test_web_browser import address, browser, case_of, desks
from tests.acceptance.web_world import DAY, World

pytestmark = pytest.mark.browser
__all__ = ["address", "browser", "desks"]
FIRST, SECOND, THIRD, FOURTH = (f"{DAY}-000{n}" for n in range(1, 5))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = web_world.build(tmp_path / "central")
    built.user("li")
    built.user("wang")
    return built


def mark(desk: Any) -> None:
    """Something that a new page would not have any more."""
    desk.page.evaluate("window.sightlineSamePage = true")


def same_page(desk: Any) -> bool:
    return bool(desk.page.evaluate("Boolean(window.sightlineSamePage)"))


def shows(desk: Any, number: str) -> None:
    expect(desk.page.locator(f"article#case[data-number='{number}']")).to_be_visible()


def fetched_ahead(world: World, number: str) -> bool:
    with world.db.read() as session:
        query = select(ViewLog.id).where(ViewLog.why == "prefetch", ViewLog.case_id == case_of(world, number).id)
        return session.execute(query).first() is not None


def wait_for(desk: Any, holds: Any) -> None:
    for _ in range(200):
        if holds():
            return
        desk.page.wait_for_timeout(50)
    pytest.fail("never came true")


def test_the_next_case_is_put_in_place_without_a_new_page_and_each_look_is_on_record(world: World, desks: Any) -> None:
    for _ in range(3):
        world.parking()
    desk = desks().sign_in(path=f"/cases/{FIRST}")
    shows(desk, FIRST)
    mark(desk)
    wait_for(desk, lambda: fetched_ahead(world, SECOND))
    desk.page.wait_for_timeout(550)
    desk.press("a", "Enter")
    shows(desk, SECOND)
    desk.says(f"{FIRST} is decided: Second look.")
    assert same_page(desk) and desk.page.url.endswith(f"/cases/{SECOND}?decided={FIRST}")
    assert desk.page.evaluate("document.title").startswith(SECOND)
    stills = desk.page.locator("#case img").evaluate_all(
        "all => all.map((one) => one.complete && one.naturalWidth > 0)"
    )
    assert stills and all(stills)
    # Keys work on what was put in place, and go on from there.
    desk.press("2")
    expect(desk.page.locator("#still-2")).to_be_visible()
    wait_for(desk, lambda: fetched_ahead(world, THIRD))
    desk.page.wait_for_timeout(550)
    desk.press("r", "3", "Enter")
    shows(desk, THIRD)
    assert same_page(desk)
    desk.page.wait_for_timeout(550)
    desk.press("a", "Enter")
    desk.page.wait_for_url(f"**/?decided={THIRD}")
    assert [case_of(world, one).state for one in (FIRST, SECOND, THIRD)] == ["REVIEW2", "REJECTED", "REVIEW2"]
    with world.db.read() as session:
        rows = session.execute(select(ViewLog.case_id, ViewLog.why).order_by(ViewLog.id)).all()
    ids = {case_of(world, one).id: one for one in (FIRST, SECOND, THIRD)}
    looks = [(ids[row.case_id], row.why) for row in rows if row.why]
    assert looks[0] == (FIRST, "opened")
    assert set(looks) >= {(SECOND, "prefetch"), (SECOND, "shown"), (THIRD, "prefetch"), (THIRD, "shown")}


def test_what_is_refused_leaves_the_case_in_place_with_the_sentence(world: World, desks: Any) -> None:
    world.parking()
    world.parking()
    desk, other = desks().sign_in(path=f"/cases/{FIRST}"), desks().sign_in("wang", f"/cases/{FIRST}")
    shows(desk, FIRST)
    shows(other, FIRST)
    other.says("li is at this case")
    wait_for(desk, lambda: fetched_ahead(world, SECOND))
    desk.page.context.set_offline(True)
    mark(desk)
    desk.press("a", "Enter")
    desk.says("It is not known whether this was recorded")
    desk.page.context.set_offline(False)
    assert case_of(world, FIRST).state == "REVIEW1"
    other.press("r", "3", "Enter")
    wait_for(desk, lambda: case_of(world, FIRST).state == "REJECTED")
    desk.press("Enter")
    desk.says("Somebody else has decided or changed this case since you opened it.")
    assert same_page(desk) and desk.page.url.endswith(f"/cases/{FIRST}")
    for one in (desk, other):
        one.wrong[:] = [said for said in one.wrong if "409" not in said and "ERR_INTERNET_DISCONNECTED" not in said]


@pytest.mark.long
def test_who_has_a_case_open_is_passed_over_by_others_and_shown_in_the_queue(world: World, desks: Any) -> None:
    for _ in range(4):
        world.parking()
    li, wang = desks().sign_in(path=f"/cases/{SECOND}"), desks().sign_in("wang")
    shows(li, SECOND)
    wait_for(li, lambda: fetched_ahead(world, THIRD))
    wang.page.reload()
    # The one in sight, and the one that comes to li next.
    expect(wang.page.get_by_text("li is at this case")).to_have_count(2)
    wang.page.goto(f"{wang.address}/cases/{FIRST}/next")
    shows(wang, FOURTH)
    li.page.goto(f"{li.address}/?show=approved")
    wang.page.goto(wang.address)
    expect(wang.page.get_by_text("li is at this case")).to_have_count(0)


def test_stills_are_looked_at_closer_together_and_beside_each_other(world: World, desks: Any) -> None:
    world.passing()
    desk = desks().sign_in(path=f"/cases/{FIRST}")
    shows(desk, FIRST)
    where = "all => [...new Set(all.map((one) => one.style.transform))]"
    panes = desk.page.locator(".pane")
    desk.press("c")
    expect(desk.page.locator("[data-stage] .frame:visible")).to_have_count(2)
    desk.press("+", "+", "ArrowRight", "ArrowDown")
    (moved,) = panes.evaluate_all(where)
    assert "scale(1.5625)" in moved and desk.page.locator("[data-zoom]").inner_text() == "156 %"
    # What is drawn moves along: it lies in the same pane, on the same pixels.
    boxes = desk.page.locator("#still-1 .pane > *").evaluate_all(
        "all => all.map((one) => { const b = one.getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round).join(); })"
    )
    assert len(boxes) == 2 and len(set(boxes)) == 1
    box = desk.page.locator("#still-1 .lens").bounding_box()
    desk.page.mouse.move(box["x"] + 10, box["y"] + 10)
    desk.page.mouse.wheel(0, -100)
    expect(desk.page.locator("[data-zoom]")).to_have_text("195 %")
    desk.press("0")
    assert panes.evaluate_all(where) == [""]
    desk.press("c")
    expect(desk.page.locator("[data-stage] .frame:visible")).to_have_count(4)
    desk.press("c", "t")
    expect(desk.page.locator("[data-stage] .frame:visible")).to_have_count(1)
    expect(desk.page.locator("#still-1 .of-moving").first).to_be_hidden()
    expect(desk.page.locator("#still-1 .of-ground").first).to_be_visible()
    desk.press("t", "z")
    expect(desk.page.locator("#still-1 .of-moving").first).to_be_visible()
    expect(desk.page.locator("#still-1 .of-ground").first).to_be_hidden()
    desk.press("v", "[")
    expect(desk.page.locator("[data-speed='0.5']")).to_have_attribute("aria-pressed", "true")
    desk.press("]", "]")
    expect(desk.page.locator("[data-speed='2']")).to_have_attribute("aria-pressed", "true")


def test_a_key_without_an_action_is_told_so_that_the_list_says_what_is_bound(world: World, desks: Any) -> None:
    world.parking()
    desk = desks()
    table = "table => { const keys = document.getElementById('keys'); keys.dataset.keys = JSON.stringify(table); }"
    desk.sign_in(path=f"/cases/{FIRST}")
    desk.page.evaluate(table, {"a": "approve", "x": "nothing"})
    desk.page.evaluate(
        "import('/static/js/keys.js').then((one) => one.bind({ approve() {}, other() {} }, { whole: true }))"
    )
    wait_for(desk, lambda: len(desk.wrong) == 2)
    assert sorted(desk.wrong) == ["no action for key nothing", "no key for action other"]
    desk.wrong.clear()


@pytest.mark.long
def test_the_queue_is_narrowed_and_the_way_on_stays_within_it(world: World, desks: Any) -> None:
    world.parking()
    world.passing()
    world.parking()
    desk = desks().sign_in()
    desk.page.select_option("select[name=rule]", "illegal_parking")
    desk.page.get_by_role("search").get_by_role("button").click()
    expect(desk.page.locator(".row")).to_have_count(2)
    desk.press("j", "Enter")
    shows(desk, FIRST)
    desk.press("j")
    shows(desk, THIRD)
    desk.press("k")
    shows(desk, FIRST)
    wait_for(desk, lambda: fetched_ahead(world, THIRD))
    desk.page.wait_for_timeout(550)
    desk.press("a", "Enter")
    shows(desk, THIRD)
    assert "rule=illegal_parking" in desk.page.url
    desk.press("q")
    desk.page.wait_for_url("**/?show=review&rule=illegal_parking")
