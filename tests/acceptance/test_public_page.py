"""The public page as the party sees it, over real HTTP and in a real browser: opened by number and plate, nothing else."""

import html
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select

from central import printing
from central.accounts.roles import Role
from central.after import shipped
from central.db.accounts import Attempt
from central.db.cases import Case
from central.db.notices import Notice, NoticePass, NoticeView
from central.notices import service
from central.notices.public import LETTERS_BY_ADDRESS, token_for_form
from central.redaction.redactor import Redactor
from central.web.public_page import ANSWER_S
from contract.events import Vehicle
from models.bundles import prepared
from sightline.redacting import redactor
from tests.acceptance import web_world
from tests.acceptance.test_web_browser import browser, desks
from tests.acceptance.web_world import PASSWORD, World
from tests.central_kit import approved, later, person_named

__all__ = ["browser", "desks"]
PLATE = "浙A2F345"


@cache
def one_redactor() -> Redactor:
    return redactor()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("public")
    built = web_world.build(folder / "central")
    built.after = shipped(folder, one_redactor if prepared("faces") and prepared("plates-cn") else None)
    for name in ("li", "wang", "zhao"):
        built.user(name)
    built.user("audit", Role.AUDITOR)
    return built


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    with web_world.serving(world) as url:
        yield url


@pytest.fixture(autouse=True)
def forgotten(world: World) -> None:
    """Tries of the test before are not this one's."""
    with world.db.write() as session:
        session.execute(delete(Attempt))


def client(address: str, **more: Any) -> httpx.Client:
    headers = {"Accept": "text/html", "Accept-Language": "en"} | more
    return httpx.Client(base_url=address, headers=headers, timeout=60, follow_redirects=True)


@contextmanager
def officer(address: str, name: str = "li") -> Iterator[httpx.Client]:
    with client(address) as made:
        assert made.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/"}).status_code == 200
        yield made


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def told(world: World, address: str, plate: str = PLATE) -> tuple[str, str]:
    """A case that went all the way by the pages: handed over, then told. Its number and the notice's."""
    world.passing(vehicle=Vehicle(class_="bus", plate=plate, color="blue"))
    with world.db.read() as session:
        number = session.execute(select(Case.number).order_by(Case.id.desc()).limit(1)).scalar_one()
        people = [person_named(session, name) for name in ("li", "wang")]
    approved(world.db, number, *people)
    with later(60), officer(address) as li:
        page = li.get("/exports").text
        assert number in page
        asked = li.post("/exports/ask", data={"csrf": token(page), "reason": "the day's"}).text
        assert "Make the archive" not in asked
        with officer(address, "wang") as wang:
            waits = wang.get("/approvals").text
            key = re.findall(r"/approvals/(F[0-9-]+)/approve", waits)[-1]
            wang.post(f"/approvals/{key}/approve", data={"csrf": token(waits)})
        page = li.get("/exports").text
        assert "Make the archive" in page
        made = li.post("/exports", data={"csrf": token(page), "request": key}).text
        href = re.search(r'href="(/exports/[^"]+/archive)"', made)
        assert href and li.get(href[1]).content.startswith(b"PK")
        page = li.get("/notices").text
        assert number in page
        li.post("/notices", data={"csrf": token(page)})
    with world.db.read() as session:
        query = select(Notice.number).join(Case, Case.id == Notice.case_id).where(Case.number == number)
        return number, session.execute(query).scalar_one()


@pytest.fixture(scope="module")
def notified(world: World, address: str) -> tuple[str, str]:
    """A case and its notice, for tests that need not one of their own."""
    return told(world, address)


def test_all_the_way_over_http(world: World, address: str) -> None:
    case, number = told(world, address)
    with later(60), client(address) as party:
        first = party.get("/q")
        assert first.status_code == 200 and "noindex" in first.headers["x-robots-tag"]
        assert 'name="robots" content="noindex' in first.text
        page = party.post("/q", data={"number": number, "plate": PLATE[-4:]})
        assert page.status_code == 200 and str(page.url).endswith("/q/notice")
        assert PLATE in page.text and "交通违法行为记录告知书" in page.text
        assert "noindex" in page.headers["x-robots-tag"] and page.headers["cache-control"] == "no-store"
        stills = re.findall(r'src="(/q/still/[0-9a-f]{64})"', page.text)
        if world.after and world.after.redactor:
            assert len(stills) == 4
            picture = party.get(stills[0])
            assert (
                picture.content.startswith(b"\xff\xd8")
                and picture.content != world.store.path(stills[0][-64:]).read_bytes()
            )
        assert party.get(f"/q/letters/{number}").content.startswith(b"%PDF-")
        said = party.post("/q/statement", data={"csrf": token(page.text), "text": "<b>我让了</b>", "ground": "G6"})
        assert (
            "Your statement was received" in said.text and "&lt;b&gt;我让了" in said.text and "<b>我让" not in said.text
        )
        again = party.post("/q/statement", data={"csrf": token(page.text), "text": "again"})
        # There is no form any more: the page says how it stands, and shows the words so that they are not lost.
        assert again.status_code == 422 and "A statement is being looked at already" in again.text
        assert "readonly>\nagain</textarea>" in again.text and 'id="q-text"' not in again.text
    with world.db.read() as session:
        row = session.execute(select(Case).where(Case.number == case)).scalar_one()
        assert row.state == "APPEAL" and len(service.statements(session, row.id)) == 1
    answered(world, address, case)
    with client(address) as party:
        page = party.post("/q", data={"number": number, "plate": PLATE})
        assert "The record is taken back" in page.text and "看得清楚" in page.text
        letter = re.search(r'href="(/q/letters/(?!' + number + r')[^"]+)"', page.text)
        assert letter and party.get(letter[1]).content.startswith(b"%PDF-")
        assert party.get("/q/letters/20260101-0001").status_code == 404
    with world.db.read() as session:
        looks = session.execute(select(NoticeView.what)).scalars().all()
    assert looks.count("page") >= 3 and "letter" in looks and "statement" in looks


def answered(world: World, address: str, case: str) -> None:
    with later(60), officer(address) as li:
        page = li.get(f"/cases/{case}").text
        assert "You decided" in page or "another person" in page
        assert "objection/uphold" not in page and "objection/cancel" not in page
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        form = {"csrf": token(page), "version": version[1], "note": "no"}
        assert li.post(f"/cases/{case}/objection/uphold", data=form).status_code == 422
    with later(60), officer(address, "zhao") as zhao:
        page = zhao.get(f"/cases/{case}").text
        assert "&lt;b&gt;我让了" in page and "objection/cancel" not in page
        page = zhao.post(f"/cases/{case}/objection/verify", data=form_of(page) | {"ground": "G6", "note": ""}).text
        page = zhao.post(f"/cases/{case}/objection/cancel", data=form_of(page) | {"note": "看得清楚"}).text
        assert "The record is taken back" in page


def form_of(page: str) -> dict[str, str]:
    block = page[page.index('class="panel objection"') :]
    version = re.search(r'name="version" value="(\d+)"', block)
    assert version
    return {"csrf": token(page), "version": version[1]}


def test_a_stranger_learns_nothing_and_takes_as_long_either_way(address: str, notified: tuple[str, str]) -> None:
    _, number = notified
    times: dict[str, list[float]] = {"wrong plate": [], "no such number": []}
    pages = set()
    with client(address) as stranger:
        for path in ("/q/notice", "/q/still/" + "a" * 64, f"/q/letters/{number}"):
            assert str(stranger.get(path).url).endswith("/q?again=1")
        for kind, named in [("wrong plate", number), ("no such number", "20260101000017K3M")] * 4:
            begun = time.monotonic()
            answer = stranger.post("/q", data={"number": named, "plate": "0000"})
            times[kind].append(time.monotonic() - begun)
            assert answer.status_code == 422
            pages.add(answer.text.replace(named, "-"))
        assert len(pages) == 1 and PLATE not in pages.pop()
        assert min(map(min, times.values())) >= ANSWER_S
        # The form of another site, and one without the token of this visit.
        assert (
            stranger.post(
                "/q", data={"number": number, "plate": PLATE}, headers={"Sec-Fetch-Site": "cross-site"}
            ).status_code
            == 403
        )
        stranger.post("/q", data={"number": number, "plate": PLATE})
        assert stranger.post("/q/statement", data={"csrf": "guessed", "text": "x"}).status_code == 401
        assert stranger.post("/q/leave", data={"leave": "1"}).status_code == 200
        assert str(stranger.get("/q/notice").url).endswith("/q?again=1")


def test_too_many_tries_are_told_and_nothing_more(address: str, notified: tuple[str, str]) -> None:
    _, number = notified
    with client(address, **{"X-Forwarded-For": "2001:db8:7::5"}) as stranger:
        codes = [stranger.post("/q", data={"number": number, "plate": f"{n:04d}"}).status_code for n in range(12)]
        assert codes == [422] * 10 + [429] * 2
        refused = stranger.post("/q", data={"number": number, "plate": PLATE})
        assert refused.status_code == 429 and "Too many tries" in refused.text and PLATE not in refused.text


def test_what_people_send_is_text_or_refused(world: World, address: str, notified: tuple[str, str]) -> None:
    case, number = notified
    with later(60), client(address) as party:
        page = party.post("/q", data={"number": number, "plate": PLATE})
        for words in ("x" * 5_000_000, "x" * 4001, "", "a\x00b", "\u202e🚗" * 100 + "'; DROP TABLE statements;--"):
            answer = party.post("/q/statement", data={"csrf": token(page.text), "text": words, "ground": "G1"})
            assert answer.status_code in {200, 413, 422}
            good = words.startswith("\u202e")
            assert ("Your statement was received" in answer.text) is good
            with world.db.read() as session:
                state = session.execute(select(Case.state).where(Case.number == case)).scalar_one()
            assert state == ("APPEAL" if good else "NOTIFIED")


def test_words_are_shown_again_when_the_pass_has_ended_and_sent_once_it_is_shown_anew(
    world: World, address: str
) -> None:
    case, number = told(world, address)
    words = "\n第一行 <b>\n  second line"
    with later(60), client(address) as party:
        page = party.post("/q", data={"number": number, "plate": PLATE}).text
        with world.db.write() as session:
            session.execute(delete(NoticePass))
        form = {"csrf": token(page), "number": number, "text": words, "ground": "G6"}
        answer = party.post("/q/statement", data=form)
        kept = f'aria-describedby="problem q-text-help">\n{html.escape(words, quote=False)}</textarea>'
        assert answer.status_code == 401 and kept in answer.text and f'value="{number}"' in answer.text
        assert 'value="G6" selected' in answer.text and "noindex" in answer.headers["x-robots-tag"]
        del form["csrf"]
        wrong = party.post("/q/statement", data=form | {"plate": "0000"})
        assert wrong.status_code == 422 and kept in wrong.text
        with world.db.read() as session:
            assert session.execute(select(Case.state).where(Case.number == case)).scalar_one() == "NOTIFIED"
        assert "Your statement was received" in party.post("/q/statement", data=form | {"plate": PLATE[-4:]}).text
        assert str(party.get("/q/notice").url).endswith("/q/notice")


def test_words_that_are_not_taken_stand_in_the_form_with_what_to_mend(world: World, address: str) -> None:
    _, number = told(world, address)
    with later(60), client(address) as party:
        page = party.post("/q", data={"number": number, "plate": PLATE}).text
        long = party.post("/q/statement", data={"csrf": token(page), "number": number, "text": "长" * 4001})
        assert long.status_code == 422 and "长" * 4001 + "</textarea>" in long.text and "Shorten it." in long.text
    with later(40 * 86400), client(address) as party:
        page = party.post("/q", data={"number": number, "plate": PLATE}).text
        assert 'action="/q/statement"' not in page
        csrf = token_for_form(party.cookies["sightline_notice"])
        late = party.post("/q/statement", data={"csrf": csrf, "number": number, "text": "zu spät"})
        assert late.status_code == 422 and "readonly>\nzu spät</textarea>" in late.text and "has ended" in late.text


def test_a_machine_that_cannot_set_a_letter_says_so(
    world: World, address: str, notified: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = notified
    assert world.after is not None
    for kept in (world.after.copies / "letters").glob("*.pdf"):
        kept.unlink()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with client(address) as party:
        assert party.post("/q", data={"number": number, "plate": PLATE}).status_code == 200
        answer = party.get(f"/q/letters/{number}", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5") and "PDF" in answer.text


def test_letters_are_set_in_turns_with_no_connection_held_and_are_the_same_bytes(
    world: World, address: str, notified: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = notified
    assert world.after is not None
    for kept in (world.after.copies / "letters").glob("*.pdf"):
        kept.unlink()
    held, real = [], printing.pdf

    def slow(page: str) -> bytes:
        time.sleep(0.7)  # the others have come by then, and wait
        held.append(world.db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return real(page)

    monkeypatch.setattr(printing, "pdf", slow)
    with client(address) as party:
        assert party.post("/q", data={"number": number, "plate": PLATE}).status_code == 200
        with ThreadPoolExecutor(12) as crowd:
            got = list(crowd.map(lambda _: party.get(f"/q/letters/{number}"), range(12)))
        made = [one for one in got if one.status_code == 200]
        turned = [one for one in got if one.status_code != 200]
        assert held == [0] and len({one.content for one in made}) == 1 and len(made) >= 5
        assert all((one.status_code, one.headers["retry-after"]) == (503, "10") for one in turned)
        codes = [party.get(f"/q/letters/{number}").status_code for _ in range(LETTERS_BY_ADDRESS - 11)]
        assert codes == [200] * (LETTERS_BY_ADDRESS - 12) + [429] and held == [0]


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "width"), [("en", 1366), ("zh-CN", 390)])
def test_in_a_browser_by_keyboard_and_on_a_phone(
    world: World, address: str, desks: Any, locale: str, width: int, tmp_path: Path
) -> None:
    _, number = told(world, address)
    window = desks(locale, {"width": width, "height": 768})
    page = window.page
    page.goto(f"{address}/q")
    page.locator("#q-number").focus()
    page.keyboard.type(number)
    page.keyboard.press("Tab")
    page.keyboard.type(PLATE[-4:])
    page.screenshot(path=tmp_path / "q.png", full_page=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/q/notice")
    expect(page.get_by_text(PLATE).first).to_be_visible()
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 90))"
    assert page.evaluate(wide) == []
    page.screenshot(path=tmp_path / "notice.png", full_page=True)
    page.locator("#q-text").focus()
    page.keyboard.insert_text("我让行了 🚑 <b>")
    # A page that is left, and a pass that ends meanwhile, lose nothing.
    page.goto(f"{address}/q")
    page.goto(f"{address}/q/notice")
    expect(page.locator("#q-text")).to_have_value("我让行了 🚑 <b>")
    with world.db.write() as session:
        session.execute(delete(NoticePass))
    page.locator("#say button").click()
    expect(page.locator("#q-text")).to_have_value("我让行了 🚑 <b>")
    expect(page.locator("#q-plate")).to_be_focused()
    # The browser tells of the 401 that the page is answered with; it is meant.
    window.wrong[:] = [one for one in window.wrong if "401" not in one]
    assert page.evaluate(wide) == []
    page.screenshot(path=tmp_path / "again.png", full_page=True)
    page.keyboard.type(PLATE[-4:])
    page.locator("#q-text").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/q/notice?said=1*")
    expect(page.locator("blockquote").first).to_have_text("我让行了 🚑 <b>")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("Object.keys(sessionStorage).filter(one => one.startsWith('sightline'))") == []
    page.screenshot(path=tmp_path / "said.png", full_page=True)
