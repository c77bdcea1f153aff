"""Every page in a real browser: axe-core finds nothing serious, in both languages, on a desk's screen and a phone's.

Which pages there are is asked of the application (`central.marks.routes`). A route that answers GET with a page is
opened by itself; one whose address has a part that `PLACES` does not know, or that answers anything but a page and is
not named in `NO_PAGE`, fails the test. `SIGHTLINE_SCREENSHOTS=FOLDER` leaves a picture of each there.

axe-core is the npm package, pinned with its hash in central/web/package-lock.json beside htmx: the wrapper on PyPI brings
an older copy of the same rules and thirty lines that call them.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from central.accounts.sessions import SESSION_COOKIE
from central.marks import routes
from central.web.front import templates
from central.web.language import COOKIE
from central.web.phone_routes import COOKIE as LINK
from central.web.public_routes import COOKIE as PASS
from tests.acceptance import pages_world, web_world
from tests.acceptance.pages_world import (
    ALARM,
    APPROVED,
    ARRIVING,
    ASKS,
    LONG,
    MORE,
    OBJECTED,
    PLATE,
    REJECTED,
    SECOND,
    STATION,
    TOLD,
    YIELD,
    Pages,
)
from tests.acceptance.test_web_browser import PHONE, WIDE, browser

pytestmark = pytest.mark.browser
__all__ = ["browser"]

AXE = Path(__file__).resolve().parents[2] / "central" / "web" / "node_modules" / "axe-core" / "axe.min.js"
LANGUAGES = ("en", "zh-CN")
SIZES = {"wide": WIDE, "phone": PHONE}
GRAVE = {"serious", "critical"}
#: What stands for the parts of an address, by route: the first that fits.
PLACES = {
    "/alarms/{number}": ALARM,
    "/cases/{number}": YIELD,
    "/people/{name}": "wang",
    "/learning/shadow/{number}": "1",
    "/stations/{site}": STATION,
    "/stations/{site}/rehearsal": STATION,
    "/stations/{site}/recordings": STATION,
}
#: Answered with something else than a page.
NO_PAGE = {
    "/static/{name:path}": "a file",
    "/cases/{number}/media/{sha256}": "a still or a clip",
    "/cases/{number}/next": "leads on to a case",
    "/sign-in/oidc": "leads to the provider",
    "/sign-in/oidc/back": "comes from the provider",
    "/lines": "time lines for a page's script",
    "/duty/state": "numbers for a page's script",
    "/healthz": "words for machines",
    "/s/{token}": "leads on to the station's messages",
    "/stations/{site}/stills/{still}": "a still",
    "/metrics": "numbers for machines",
    "/exports/{number}/archive": "an archive",
    "/recordings/{number}/archive": "an archive",
    "/notices/{number}/letter": "a letter as PDF",
    "/q/letters/{number}": "a letter as PDF",
    "/q/still/{sha256}": "a redacted still",
    "/openapi.json": "the description of the API",
    "/rehearsals/file": "all rehearsal sheets as a file",
    "/reports/file/{kind}": "a report as a file",
    "/learning/shadow/{number}/media/{sha256}": "a still or a clip",
}
#: Who comes to pages that are for people without an account.
STRANGERS = {"/sign-in": None, "/q": None, "/q/notice": "party", "/s": "station"}
MACHINES = ("/api/", "/edge/")


@dataclass(frozen=True)
class Visit:
    """A page to look at: `name` of its picture, the address, and what is done there before looking."""

    name: str
    path: str
    prepare: Callable[[Page], None] | None = None
    who: str | None = "everybody"


def keys(*pressed: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        page.wait_for_load_state("load")
        for key in pressed:
            page.keyboard.press(key)

    return press


def sign_in(name: str) -> Callable[[Page], None]:
    def fill(page: Page) -> None:
        page.fill("[name=name]", name)
        page.fill("[name=password]", web_world.PASSWORD)
        page.click("main .primary")

    return fill


#: Beyond each route's own page: what the same address shows otherwise, and what only a form leads to.
MORE_VISITS = (
    *(Visit(f"queue-{name}", f"/?show={name}") for name in ("second", "more", "arriving", "approved", "appeal", "rejected", "expired", "handled", "cancelled")),
    *(Visit(f"queue-{name}", f"/?show={name}") for name in ("sensors", "sensors-over")),
    Visit("queue-questions", "/?show=review&verdict=needs_human"),
    Visit("queue-red", "/?show=review&colour=red"),
    Visit("queue-keys", "/", keys("?")),
    Visit("queue-decided", f"/?decided={REJECTED}"),
    Visit("case-asks", f"/cases/{ASKS}"),
    Visit("case-asks-approve", f"/cases/{ASKS}", keys("a")),
    Visit("case-approve", f"/cases/{YIELD}", keys("a")),
    Visit("case-reject", f"/cases/{YIELD}", keys("r")),
    Visit("case-ask", f"/cases/{YIELD}", keys("m")),
    Visit("case-correct", f"/cases/{PLATE}", keys("e")),
    Visit("case-second-approve", f"/cases/{SECOND}", keys("a")),
    Visit("case-send-back", f"/cases/{SECOND}", keys("b")),
    Visit("case-resume", f"/cases/{MORE}", keys("s")),
    Visit("case-keys", f"/cases/{YIELD}", keys("?")),
    Visit("case-compare", f"/cases/{YIELD}", keys("c")),
    Visit("case-clip", f"/cases/{YIELD}", keys("v")),
    Visit("case-arriving", f"/cases/{ARRIVING}"),
    Visit("case-second", f"/cases/{SECOND}"),
    Visit("case-own-first", f"/cases/{SECOND}", who="li"),
    Visit("case-rejected", f"/cases/{REJECTED}"),
    Visit("case-more", f"/cases/{MORE}"),
    Visit("case-approved", f"/cases/{APPROVED}"),
    Visit("case-told", f"/cases/{TOLD}"),
    Visit("case-objected", f"/cases/{OBJECTED}", who="li"),
    Visit("case-objected-other", f"/cases/{OBJECTED}"),
    Visit("case-long", f"/cases/{LONG}"),
    Visit("case-plate", f"/cases/{PLATE}"),
    Visit("shadows-of-one", "/learning/shadows?edge=edge-demo&camera=cam-9&rule=failure_to_yield"),
    Visit("station-mark", f"/stations/{STATION}", keys("1", "b", "4")),
    Visit("missing", "/cases/20010101-0001"),
    Visit("sign-in-wrong", "/sign-in", sign_in("nobody"), who=None),
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    made = pages_world.build(tmp_path_factory.mktemp("pages"))
    yield made
    made.peer.close()


@pytest.fixture(scope="module")
def address(pages: Pages) -> Iterator[str]:
    with web_world.serving(pages.world, pages.app) as url:
        yield url


def own_pages(pages: Pages) -> Iterator[Visit]:
    """One visit for each route of the application that may answer with a page."""
    for route in routes(pages.app):
        if route.method != "GET" or route.path.startswith(MACHINES) or route.path in NO_PAGE:
            continue
        path = route.path
        for start, place in PLACES.items():
            if path.startswith(start):
                path = path.replace(start[start.index("{") :], place, 1)
        assert "{" not in path, f"which {route.path} is to be looked at? Name one in PLACES, or say in NO_PAGE why not"
        name = route.path.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "queue"
        yield Visit(name, path, who=STRANGERS.get(path, "everybody"))


@dataclass
class Look:
    """Somebody's window in one language, and what was found in it."""

    page: Page
    address: str
    tag: str
    found: list[str]

    def at(self, visit: Visit) -> None:
        """Open the page, and look at it at both widths."""
        answer = self.page.goto(f"{self.address}{visit.path}")
        assert answer is not None and (answer.ok or visit.name == "missing"), (
            f"{visit.path}: {answer and answer.status}"
        )
        assert answer.headers["content-type"].startswith("text/html"), f"{visit.path} is no page: say so in NO_PAGE"
        assert self.page.url == f"{self.address}{visit.path}", f"{visit.path} leads to {self.page.url}"
        if visit.prepare:
            visit.prepare(self.page)
        self.now(visit.name)

    def now(self, name: str) -> None:
        """Look at what the window shows."""
        self.page.wait_for_load_state("load")
        assert self.page.locator("html").get_attribute("lang") == self.tag
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        for size, viewport in SIZES.items():
            self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            self._judged(name, size)
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def _judged(self, name: str, size: str) -> None:
        where = f"{name} {self.tag} {size}"
        for one in self.page.evaluate(_RUN):
            if one["impact"] in GRAVE:
                self.found.append(f"{where}: {one['id']} {one['at']}")
        wide, held = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if wide > held:
            self.found.append(f"{where}: {wide} px in {held} px")
        if folder := os.environ.get("SIGHTLINE_SCREENSHOTS"):
            dialog = self.page.locator("dialog[open]").count() > 0
            self.page.screenshot(path=Path(folder) / size / self.tag / f"{name}.png", full_page=not dialog)


_RUN = """async () => {
  const told = await axe.run(document, {resultTypes: ["violations"]});
  return told.violations.map((one) => ({id: one.id, impact: one.impact, at: one.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))}));
}"""


def window(browser: Browser, pages: Pages, address: str, tag: str, who: str | None) -> BrowserContext:
    context = browser.new_context(locale="en", viewport=WIDE, timezone_id="Europe/Lisbon")  # type: ignore[arg-type]
    context.add_cookies([{"name": COOKIE, "value": tag, "url": address}])
    if who == "party":
        context.add_cookies([{"name": PASS, "value": pages.party(), "url": address}])
    elif who == "station":
        context.add_cookies([{"name": LINK, "value": pages.station(), "url": f"{address}/s"}])
    elif who:
        context.add_cookies([{"name": SESSION_COOKIE, "value": pages.session_of(who), "url": address}])
    return context


@pytest.mark.parametrize("tag", LANGUAGES)
def test_nothing_serious_is_found_on_any_page(browser: Browser, pages: Pages, address: str, tag: str) -> None:
    assert AXE.is_file(), "run `npm ci` in central/web (make setup does)"
    templates().cache.clear()  # type: ignore[union-attr]
    found: list[str] = []
    visits = [*own_pages(pages), *MORE_VISITS]
    assert len({visit.name for visit in visits}) == len(visits)
    for who in dict.fromkeys(visit.who for visit in visits):
        with window(browser, pages, address, tag, who) as context:
            look = Look(context.new_page(), address, tag, found)
            for visit in visits:
                if visit.who == who:
                    look.at(visit)
    for name, act, who in (
        ("one-time", invited, "everybody"),
        ("one-time-half", asked_for, "everybody"),
        ("station-link", linked, "everybody"),
        ("station-link-ended", strayed, None),
        ("said-late", said_late, "party"),
        ("codes", enrolled, f"two-{tag[:2]}"),
        ("second", half, None),
        ("identity", linking, "wang"),
    ):
        with window(browser, pages, address, tag, who) as context:
            page = context.new_page()
            act(page, pages, address, tag[:2])
            Look(page, address, tag, found).now(name)
    assert not found, "\n".join(found)
    assert unseen() == set()


def invited(page: Page, pages: Pages, address: str, tag: str) -> None:
    """The one-time password of a new account, which is shown once."""
    page.goto(f"{address}/people")
    page.fill("#new-name", f"new-{tag}")
    page.check("[name=role-monitor]")
    page.click("main form .primary")


def asked_for(page: Page, pages: Pages, address: str, tag: str) -> None:
    """Half of the one-time password of somebody who decides: another admin has the rest."""
    page.goto(f"{address}/people")
    page.fill("#new-name", f"decides-{tag}")
    page.check("[name=role-reviewer]")
    page.fill("#new-reason", "new at the desk")
    page.click("main form .primary")


def linked(page: Page, pages: Pages, address: str, tag: str) -> None:
    """A station's link, which is shown once."""
    page.goto(f"{address}/stations/{STATION}")
    page.click("#messages form[action$='/link'] button")
    page.wait_for_selector("#link")


def strayed(page: Page, pages: Pages, address: str, tag: str) -> None:
    """A link that is good no more."""
    page.goto(f"{address}/s/another")


def said_late(page: Page, pages: Pages, address: str, tag: str) -> None:
    """A statement whose writer's pass ended meanwhile: shown again, with number and plate to be shown anew."""
    page.goto(f"{address}/q/notice")
    page.fill("#q-text", "I did give way")
    page.context.clear_cookies(name=PASS)
    page.click("#say button")
    page.wait_for_selector("#q-plate")


def enrolled(page: Page, pages: Pages, address: str, tag: str) -> None:
    """The recovery codes, which are shown once."""
    page.goto(f"{address}/me/second")
    secret = page.inner_text("#secret").replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("main form .primary")


def linking(page: Page, pages: Pages, address: str, tag: str) -> None:
    """The way to the provider, for who links an identity."""
    page.goto(f"{address}/me")
    page.fill("#identity-password", web_world.PASSWORD)
    page.click("form[action='/me/identity'] button")


def half(page: Page, pages: Pages, address: str, tag: str) -> None:
    """The password was right, and a code is asked for."""
    page.goto(f"{address}/sign-in")
    sign_in(f"two-{tag}")(page)
    page.wait_for_selector("#code")


def unseen() -> set[str]:
    """Templates that no page has used."""
    environment = templates()
    used = {key[1] for key in environment.cache}  # type: ignore[union-attr]
    return set(environment.list_templates(["html"])) - used


def test_what_is_not_readable_would_be_found(browser: Browser, pages: Pages, address: str) -> None:
    """The judge itself: it must see what it is there for."""
    with window(browser, pages, address, "en", "everybody") as context:
        page = context.new_page()
        page.goto(f"{address}/")
        page.evaluate(
            "() => { document.querySelector('.queue-head p').style.color = '#ccc';"
            "document.querySelector('select').removeAttribute('name');"
            "document.querySelector('.narrow label').replaceWith(document.querySelector('.narrow select')); }"
        )
        look = Look(page, address, "en", [])
        look.now("broken")
    assert any("color-contrast" in one for one in look.found)
    assert any("select-name" in one for one in look.found)
