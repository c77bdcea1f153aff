"""Two officers and a keyboard: a day's cases decided, one rejected, one taken back, one plate corrected, none twice."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from central.db.accounts import ViewLog
from central.db.cases import Case, CaseLog
from central.db.database import Database
from central.db.leases import CaseLease
from contract.events import Vehicle, now
from tests.acceptance import web_world
from tests.acceptance.test_desk_browser import fetched_ahead, mark, same_page, shows, wait_for
from tests.acceptance.test_web_browser import address, browser, case_of, desks
from tests.acceptance.web_world import DAY, World

pytestmark = pytest.mark.browser
__all__ = ["address", "browser", "desks"]
READ = Vehicle(class_="car", color="blue", plate="苏A12345", conf=0.8)
#: A key that decides is not meant for a case that has just been put in place (ms).
SETTLES_MS = 550


@pytest.fixture
def world(tmp_path: Path) -> World:
    built = web_world.build(tmp_path / "central")
    built.user("li")
    built.user("wang")
    return built


def numbers(count: int) -> list[str]:
    return [f"{DAY}-{n:04d}" for n in range(1, count + 1)]


def in_sight(desk: Any) -> str:
    return str(desk.page.locator("article#case").get_attribute("data-number"))


def decide(desk: Any, *keys: str) -> str:
    """Decide the case in sight with the keyboard, and wait for what comes next; its number."""
    before = in_sight(desk)
    desk.page.wait_for_timeout(SETTLES_MS)
    desk.press(*keys)
    expect(desk.page.locator(f"article#case[data-number='{before}']")).to_have_count(0)
    return before


@pytest.mark.parametrize("count", [4, pytest.param(20, marks=pytest.mark.long)])
def test_two_people_by_keyboard_alone(world: World, desks: Any, count: int) -> None:
    for _ in range(count):
        world.parking(vehicle=READ)
    everyone = numbers(count)
    li = desks().sign_in()
    li.press("j", "Enter")
    shows(li, everyone[0])
    # A plate is read otherwise: the machine's reading stays beside it.
    li.press("e", "Control+a")
    li.page.keyboard.insert_text("苏A54321")
    li.press("Enter")
    li.says("The machine read: 苏A12345")
    shows(li, everyone[0])
    assert decide(li, "r", "5", "Enter") == everyone[0]
    # Second thoughts, after the next case has taken its place.
    li.press("u")
    shows(li, everyone[0])
    expect(li.page.locator("#done form[data-undo]")).to_be_hidden()
    assert case_of(world, everyone[0]).state == "REVIEW1"
    decided = [decide(li, "a", "Enter"), decide(li, "r", "3", "Enter")]
    while len(decided) < count:
        decided.append(decide(li, "a", "Enter"))
    assert sorted(decided) == everyone
    finished(world, desks().sign_in("wang", "/?show=second"), everyone, decided[1])


def finished(world: World, wang: Any, everyone: list[str], rejected: str) -> None:
    """Another person takes the second look at what was passed on."""
    passed = sorted(set(everyone) - {rejected})
    wait_for(wang, lambda: settled(world, passed))
    wang.press("j", "Enter")
    wang.says("Passed on by li")
    assert sorted(decide(wang, "a", "Enter") for _ in passed) == passed
    with world.db.read() as session:
        states = {row.number: row.state for row in session.execute(select(Case)).scalars()}
        lines = session.execute(select(CaseLog.case_id, CaseLog.actor, CaseLog.to_state, CaseLog.action)).all()
        plate = session.execute(select(Case.plate).where(Case.number == everyone[0])).scalar_one()
    assert states == {one: "REJECTED" if one == rejected else "APPROVED" for one in everyone}
    assert plate == "苏A54321"
    by = Counter((line.case_id, line.actor, line.to_state) for line in lines if line.action == "approve")
    assert set(by.values()) == {1} and len(by) == 2 * len(passed), "no case is decided twice by anybody"
    assert {actor for (_, actor, to), _ in by.items() if to == "APPROVED"} == {"wang"}


def settled(world: World, passed: list[str]) -> bool:
    with world.db.read() as session:
        rows = session.execute(select(Case).where(Case.number.in_(passed))).scalars()
        return all(row.state == "REVIEW2" and row.final_at is not None and row.final_at <= now() for row in rows)


def test_a_key_for_the_case_before_does_not_decide_the_next(world: World, desks: Any) -> None:
    for _ in range(2):
        world.parking()
    first, second = numbers(2)
    li = desks().sign_in(path=f"/cases/{first}")
    shows(li, first)
    wait_for(li, lambda: fetched_ahead(world, second))
    li.page.wait_for_timeout(300)
    # The very moment it is put in place, before anybody can have seen it.
    li.page.evaluate(
        "document.addEventListener('sightline:case', () => { for (const key of ['a', 'Enter'])"
        " document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); }, { once: true })"
    )
    li.press("a", "Enter")
    shows(li, second)
    expect(li.page.locator("dialog[open]")).to_have_count(0)
    assert case_of(world, second).state == "REVIEW1"
    li.page.wait_for_timeout(SETTLES_MS)
    li.press("a")
    expect(li.page.locator("dialog#approve")).to_be_visible()


def test_an_old_page_is_not_put_in_place_and_what_is_put_is_on_record(world: World, desks: Any) -> None:
    for _ in range(3):
        world.parking()
    first, second, third = numbers(3)
    li = desks().sign_in(path=f"/cases/{first}")
    wait_for(li, lambda: fetched_ahead(world, second))
    li.page.wait_for_timeout(300)
    with world.db.write() as session:
        lease = session.get(CaseLease, case_of(world, second).id)
        assert lease is not None
        session.delete(lease)
    mark(li)
    decide(li, "a", "Enter")
    shows(li, second)
    assert not same_page(li), "its lease had run out: the page was asked for anew"
    wait_for(li, lambda: fetched_ahead(world, third))
    li.page.wait_for_timeout(300)
    decide(li, "a", "Enter")
    shows(li, third)
    with world.db.read() as session:
        whys = session.execute(select(ViewLog.why).where(ViewLog.case_id == case_of(world, third).id)).scalars().all()
    assert whys == ["prefetch", "shown"]


def test_what_fails_behind_a_recorded_decision_does_not_say_that_nothing_was_decided(
    world: World, desks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.parking()
    (first,) = numbers(1)
    li = desks().sign_in(path=f"/cases/{first}")
    shows(li, first)
    read = Database.read

    def away(self: Database) -> Any:
        if case_state(world, first) == "REVIEW2":
            raise OperationalError("select", {}, Exception("the database is away"))
        return read(self)

    def case_state(_: World, number: str) -> str:
        with read(world.db) as session:
            return session.execute(select(Case.state).where(Case.number == number)).scalar_one()

    monkeypatch.setattr(Database, "read", away)
    li.press("a", "Enter")
    li.says(re.compile(f"Your decision about {first} is recorded"))
    monkeypatch.undo()
    assert case_of(world, first).state == "REVIEW2"
    li.wrong[:] = [said for said in li.wrong if "50" not in said]


def test_without_scripts_a_decision_is_taken_back_by_a_button(world: World, address: str) -> None:
    world.parking()
    (first,) = numbers(1)
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    with httpx.Client(base_url=address, headers=headers, follow_redirects=True, timeout=60) as li:
        li.post("/sign-in", data={"name": "li", "password": web_world.PASSWORD, "next": "/"})
        page = li.get(f"/cases/{first}").text
        form = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("csrf",)}  # type: ignore[index]
        version = re.search(r'data-version="(\d+)"', page)
        assert version
        queue = li.post(f"/cases/{first}/approve", data=form | {"version": version[1]}).text
        assert f'action="/cases/{first}/undo"' in queue and "Take it back" in queue
        back = li.post(f"/cases/{first}/undo", data=form)
        assert str(back.url).endswith(f"/cases/{first}") and case_of(world, first).state == "REVIEW1"
        # And the first reviewer is told why the second look is not theirs.
        page = back.text
        version = re.search(r'data-version="(\d+)"', page)
        assert version
        li.post(f"/cases/{first}/approve", data=form | {"version": version[1]})
        assert "You took the first look at it" in li.get(f"/cases/{first}").text
