"""Whatever people type, into every field of every form and every JSON body: shown as text, or refused with a sentence.

The forms are those of the pages, found by following every link; the bodies are those of the OpenAPI description. What is
new is tried by itself, and a route that takes a form which no page has fails the test until it is named.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, select, text

from central.accounts.sessions import SESSION_COOKIE, digest
from central.approvals import requests
from central.db.accounts import UserSession
from central.db.database import Database
from central.export import service as export
from central.marks import routes
from central.web import phone_routes, public_page
from tests.acceptance import pages_world
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
    TOLD,
    YIELD,
    Pages,
)
from tests.acceptance.web_world import EDGE
from tests.central_kit import later
from tests.schema_kit import SharedPostgres

HUGE = 5_000_000
#: How a script would look if a page did not take it for text, and what must never stand in one.
SCRIPT = "<script>alert(7)</script>"
#: What is typed into one field at a time. Half of a character is no UTF-8, and in JSON an escape.
ODD = {
    "text": f"🚗👨‍👩‍👧\u202e甲\u2066乙 \"'>{SCRIPT}<img src=x onerror=alert(7)> '; DROP TABLE cases; -- %s {{{{ 7*7 }}}} {{0}}\r\nSet-Cookie: x=1",
    "NUL": "a\x00b",
    "half a character": "\ud800",
    "many marks": "e" + "\u0301" * 3000,
    "no day": "0000-00-00",
    "last day": "9999-12-31",
    "31 February": "2026-02-31",
    "negative": "-1",
    "beyond 64 bits": "9" * 30,
    "no number": "NaN",
    "empty": "",
}
#: Tried in every field; the others in turn, and all of them where there is time (`-m long`).
ALWAYS = ("text", "half a character")
CASES = (APPROVED, ARRIVING, ASKS, LONG, MORE, OBJECTED, PLATE, REJECTED, SECOND, TOLD, YIELD)
#: Far over what any form or body may be, in whichever field.
BIG = {"5 MB": "长" * (HUGE // 3), "100000 marks": "e" + "\u0301" * 100_000}
#: What is wrong, on the page of an error or above the form that is shown again.
SENTENCE = re.compile(r"<h1>[^<]{12,}[.!?]</h1>|role=\"alert\"[^>]*>[^<]{12,}")
#: Sent by scripts, or by forms that no page of this world has just now: their addresses and fields.
NO_PAGE = {
    "/bookmarks": ("/bookmarks", {"csrf": "", "camera": f"{EDGE}/hall-1", "at_us": "", "sent": "m-of-a-script"}),
    "/bookmarks/marks/{mark}": (
        "/bookmarks/marks/1",
        {"csrf": "", "category": "crowd", "severity": "low", "note": "a crowd"},
    ),
    "/bookmarks/marks/{mark}/undo": ("/bookmarks/marks/1/undo", {"csrf": "", "why": ""}),
    "/cases/{number}/lease": (f"/cases/{YIELD}/lease", {"csrf": "", "version": "1"}),
    "/cases/{number}/leave": (f"/cases/{YIELD}/leave", {"csrf": "", "version": "1"}),
    "/cases/{number}/undo": (f"/cases/{REJECTED}/undo", {"csrf": "", "next": "/"}),
    "/cases/{number}/objection/cancel": (
        f"/cases/{OBJECTED}/objection/cancel",
        {"csrf": "", "version": "1", "note": ""},
    ),
    "/me/second/codes": ("/me/second/codes", {"csrf": "", "code": "123456", "password": "word"}),
    "/me/second/off": ("/me/second/off", {"csrf": "", "code": "123456", "password": "word"}),
    "/notices": ("/notices", {"csrf": "", "version": "1"}),
    "/people/{name}/areas": ("/people/li/areas", {"csrf": "", "area-east": "1", "reason": "moved"}),
    "/sign-in/second": ("/sign-in/second", {"code": "123456", "next": "/"}),
}
BROWSER = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass(frozen=True)
class Form:
    """A form as a page has it: fields by name with the values that are filled in; `who` was shown it."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    who: str = ""

    def typed(self) -> list[str]:
        """Names of what somebody could change, and a program all the more: all but the token of the session."""
        return [name for name in self.fields if name != "csrf"]


class Reader(HTMLParser):
    """Forms and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self._open = Form(given.get("method", "get").upper(), given.get("action", ""))
            self.forms.append(self._open)
        elif tag in {"input", "select", "textarea", "button"} and self._open is not None and given.get("name"):
            self._open.fields.setdefault(given["name"], given.get("value", ""))
        if tag == "button" and self._open is not None and "formaction" in given:
            self.forms.append(replace(self._open, action=given["formaction"]))
        elif tag == "option" and self._open is not None and self._open.fields and given.get("value"):
            last = next(reversed(self._open.fields))
            self._open.fields[last] = self._open.fields[last] or given["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass
class People:
    """Central with something of everything, who may do all of it, and a way back to how it was."""

    pages: Pages
    client: TestClient
    cookies: dict[str, str]
    csrf: str
    keep: Callable[[], None]
    back: Callable[[], None]
    all: bool
    tried: int = 0

    def odd(self, place: int) -> dict[str, str]:
        """What is typed into the field of that place in its form."""
        others = [name for name in ODD if name not in ALWAYS]
        chosen = {*ALWAYS, *others[place % 4 :: 4]}
        return {name: value for name, value in ODD.items() if self.all or name in chosen}

    def get(self, path: str, who: str) -> httpx.Response:
        return self.client.get(path, headers=BROWSER | {"Cookie": self.cookies[who]})

    def send(self, form: Form, body: bytes) -> httpx.Response:
        """What somebody is answered who sends `body` as that form; once more where there were too many tries before."""
        self.tried += 1
        headers = BROWSER | {"Cookie": self.cookies[form.who]}
        if form.method == "GET":
            return self.client.get(f"{form.action}?{body.decode('ascii')}"[:60_000], headers=headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.client.post(form.action, content=body, headers=headers)
        if answer.status_code == 429:
            self.back()
            answer = self.client.post(form.action, content=body, headers=headers)
        return answer


def encoded(fields: dict[str, str]) -> bytes:
    """Of a form; half a character as the three bytes that are no UTF-8."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields.items()).encode("ascii")


@cache
def quoted(value: str) -> str:
    """Once for each word: five megabytes take a while."""
    return quote(value, safe="", errors="surrogatepass")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("input")
    server: SharedPostgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    pages = pages_world.build(folder, server.migrated("input") if server else None)
    db = pages.world.db
    token, party = pages.session_of("everybody"), pages.party()
    cookies = {
        "everybody": f"{SESSION_COOKIE}={token}; {public_page.COOKIE}={party}; {phone_routes.COOKIE}={pages.station()}",
        "li": f"{SESSION_COOKIE}={pages.session_of('li')}",
        "": "",
    }
    with db.read() as session:
        csrf = session.execute(select(UserSession.csrf).where(UserSession.token_hash == digest(token))).scalar_one()
    # How long each try takes is another test's.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public_page, "ANSWER_S", 0.0)
        with TestClient(pages.app, follow_redirects=False, raise_server_exceptions=False) as client:
            yield People(pages, client, cookies, csrf, *ways_back(db, folder), server is not None)
    db.close()
    pages.peer.close()


def ways_back(db: Database, folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """What keeps the database as it is now, and what makes it that again."""
    if db.engine.url.get_backend_name() == "sqlite":
        file, kept = Path(str(db.engine.url.database)), folder / "kept.sqlite"

        def copied(source: Path, target: Path) -> None:
            db.close()
            for left in ("-wal", "-shm"):
                file.with_name(file.name + left).unlink(missing_ok=True)
            shutil.copy(source, target)

        return lambda: copied(file, kept), lambda: copied(kept, file)
    name, server = str(db.engine.url.database), make_url(db.engine.url).set(database="postgres")

    def made(source: str, target: str) -> None:
        db.close()
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {target} TEMPLATE {source}"))
        engine.dispose()

    return lambda: made(name, f"{name}_kept"), lambda: made(f"{name}_kept", name)


def templates_of(people: People, method: str) -> dict[str, re.Pattern[str]]:
    """Paths of routes, each with what an address of it looks like; the most exact first."""
    found = sorted(
        {one.path for one in routes(people.client.app) if one.method == method}, key=lambda at: at.count("{")
    )
    return {path: re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)) + "$") for path in found}


def forms_of(
    people: People, pages: Mapping[str, Sequence[str]], *, far: bool
) -> dict[tuple[str, str, tuple[str, ...]], Form]:
    """Forms of `pages` by who opens them, and `far` behind their links: by method, route and names of fields."""
    of_route = {method: templates_of(people, method) for method in ("GET", "POST")}
    found: dict[tuple[str, str, tuple[str, ...]], Form] = {}
    for who, page, form in met(people, pages, of_route["GET"], far=far):
        if form.method in of_route:  # a form of a dialog only closes it, and sends nothing
            at = urlsplit(urljoin(page, form.action)).path
            route = next((one for one, like in of_route[form.method].items() if like.match(at)), at)
            found.setdefault((form.method, route, tuple(form.fields)), replace(form, action=form.action or at, who=who))
    for route, (address, fields) in NO_PAGE.items() if far else ():
        given = fields | ({"csrf": people.csrf} if "csrf" in fields else {})
        found["POST", route, tuple(fields)] = Form("POST", address, given, "everybody")
    return found


def met(
    people: People, pages: Mapping[str, Sequence[str]], of_route: dict[str, re.Pattern[str]], *, far: bool
) -> Iterator[tuple[str, str, Form]]:
    """Who comes to a page, its address, and a form of it."""
    seen: dict[str, int] = {}
    waits = [(who, path) for who, paths in pages.items() for path in paths]
    while waits:
        who, here = waits.pop()
        address = urljoin("http://testserver/", here)
        parts = urlsplit(address)
        shape = next((one for one, like in of_route.items() if like.match(parts.path)), parts.path)
        # Cases in each state have forms of their own; lists that are narrowed otherwise have the same.
        key, most = (parts.path, 1) if shape == "/cases/{number}" else (shape, 3)
        if parts.netloc != "testserver" or seen.get(key, 0) >= most:
            continue
        seen[key] = seen.get(key, 0) + 1
        answer = people.get(f"{parts.path}?{parts.query}", who)
        if answer.is_redirect:
            waits.append((who, urljoin(address, answer.headers["location"])))
        if "text/html" in answer.headers.get("content-type", ""):
            reader = Reader()
            reader.feed(answer.text)
            waits += [(who, urljoin(address, link)) for link in reader.links if far]
            yield from ((who, address, form) for form in reader.forms)


def objections(people: People, form: Form, name: str, body: bytes) -> Iterator[str]:
    """What is wrong with the answer to an odd form, if anything."""
    answer = people.send(form, body)
    place = f"{form.method} {form.action} {name}"
    if answer.status_code >= 500:
        yield f"{place}: {answer.status_code} {answer.text[:200]}"
        return
    yield from (f"{place}: {said}" for said in shown_badly(people, form, answer))
    if "x" in answer.cookies:
        yield f"{place}: a cookie was slipped in"
    if answer.status_code >= 400 and not SENTENCE.search(answer.text):
        yield f"{place}: refused without a sentence"
    if form.method == "POST" and answer.status_code < 400:
        people.back()


def shown_badly(people: People, form: Form, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with where an answer leads to, and with how it shows what was typed."""
    shown = [answer]
    if answer.is_redirect:
        target = answer.headers["location"]
        if target.startswith("/") and not target.startswith("//"):
            shown.append(people.get(target, form.who))
        elif not target.startswith(people.pages.peer.issuer):
            # Only the provider of identities is elsewhere, and it is told nothing that was typed.
            yield f"leads to {target[:80]}"
    for page in shown:
        if page.status_code >= 500:
            yield f"and then {page.status_code} {page.url}"
        if "text/html" in page.headers.get("content-type", "") and SCRIPT in page.text:
            yield f"the script stands in {page.url}"


def moments(people: People) -> Iterator[tuple[dict[str, Sequence[str]], bool]]:
    """The pages to begin at, and whether to go on from them, as a handover is asked for, then let go, then made."""
    pages, db = people.pages, people.pages.world.db
    cases = [f"/cases/{number}" for number in CASES]
    yield {"": ["/q", "/sign-in"], "everybody": ["/", "/q/notice", "/s", *cases, f"/alarms/{ALARM}"]}, True
    key = export.ask(db, pages.world.store, pages.after.map, pages.officer("li"), "the next handover")
    yield {"everybody": ["/approvals"], "li": ["/approvals"]}, False
    with db.write() as session:
        requests.decide(session, pages.officer("everybody"), key, approve=True)
    yield {"li": ["/exports"]}, False


def test_every_form_of_every_page(people: People) -> None:
    wrong: list[str] = []
    tried: set[tuple[str, str, tuple[str, ...]]] = set()
    with later(60):
        for pages, far in moments(people):
            people.keep()
            found = forms_of(people, pages, far=far)
            people.back()
            for form in (form for key, form in found.items() if key not in tried):
                wrong += filled_in(people, form)
            tried |= set(found)
            people.back()
    posted = {route for method, route, _ in tried if method == "POST"}
    takes = {path for path in templates_of(people, "POST") if not path.startswith(("/api/", "/edge/"))}
    assert wrong == []
    assert sorted(takes - posted) == [], "no page has a form for these: make the world of pages show it"
    assert people.tried > 400


def filled_in(people: People, form: Form) -> Iterator[str]:
    """What is wrong with the answers to `form` with each field odd in turn, and with one of them too big."""
    for place, name in enumerate(form.typed()):
        for odd, value in people.odd(place).items():
            yield from objections(people, form, f"{name}: {odd}", encoded(form.fields | {name: value}))
    for odd, value in BIG.items() if form.method == "POST" else ():
        yield from objections(people, form, odd, encoded(form.fields | dict.fromkeys(form.typed()[-1:], value)))


def test_addresses_of_every_route(people: People) -> None:
    """The places of an address that are not fixed, odd in turn."""
    wrong = []
    for route in routes(people.client.app):
        for place in re.findall(r"\{[^}]*\}", route.path):
            for odd, value in ODD.items():
                path = route.path.replace(place, quote(value or " ", safe="", errors="surrogatepass"))
                path = re.sub(r"\{[^}]*\}", "1", path)
                headers = (
                    {"Cookie": people.cookies["everybody"]}
                    | {"X-CSRF-Token": people.csrf}
                    | ({} if "/v1/" in path else BROWSER)
                )
                body = {"data": {"csrf": people.csrf, "version": "1"}} if route.method == "POST" else {}
                answer = people.client.request(route.method, path, headers=headers, **body)
                if answer.status_code >= 500:
                    wrong.append(f"{route.method} {route.path} {place} {odd}: {answer.status_code}")
    assert wrong == []


def bodies(described: dict[str, Any], schema: dict[str, Any], at: dict[str, Any]) -> dict[str, Any]:
    """Something that the schema takes: what `at` has, else the first of an enumeration, a word or a number."""
    if "$ref" in schema:
        return bodies(described, described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], at)
    return {name: at.get(name, _plain(described, one)) for name, one in schema.get("properties", {}).items()}


def _plain(described: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _plain(described, described["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return _plain(described, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return bodies(described, schema, {}) if "properties" in schema else {"officer_directing": "no"}
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return False
    return "word"


def odd_bodies(body: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """`body` with each field odd in turn, as text, as a number and as the key of an object; and one of them too big."""
    values: dict[str, Any] = ODD | {"huge int": 10**30, "negative int": -(10**12), "null": None, "list": ["a", 1]}
    for name, plain in body.items():
        for odd, value in values.items():
            yield f"{name}: {odd}", json.dumps(body | {name: value}).encode()
            if isinstance(plain, dict) and isinstance(value, str):
                for nested in (dict.fromkeys(plain, value), {value: "no"}):
                    yield f"{name}.: {odd}", json.dumps(body | {name: nested}).encode()
    for odd, value in BIG.items():
        yield odd, json.dumps(body | dict.fromkeys([*body][-1:], value), ensure_ascii=False).encode()
    yield "no JSON", b'{"a": \xff\xfe'
    yield "deep", b"[" * 50_000
    yield "many digits", b'{"version": ' + b"9" * 10_000 + b"}"


def test_every_json_body(people: People) -> None:
    described = people.client.get("/openapi.json").json()
    wrong, tried = [], 0
    headers = {"Cookie": people.cookies["everybody"]} | {
        "X-CSRF-Token": people.csrf,
        "Content-Type": "application/json",
    }
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            at = path.replace("{number}", ALARM if "/alarms/" in path else YIELD)
            body = bodies(described, content["schema"], {"version": people.pages.version(YIELD)})
            for odd, raw in odd_bodies(body):
                tried += 1
                answer = people.client.request(method, at, content=raw, headers=headers)
                if answer.status_code == 429:
                    people.back()
                    answer = people.client.request(method, at, content=raw, headers=headers)
                if answer.status_code >= 500:
                    wrong.append(f"{method} {path} {odd}: {answer.status_code} {answer.text[:200]}")
                elif answer.status_code >= 400 and not answer.json().get("detail"):
                    wrong.append(f"{method} {path} {odd}: refused without a word")
                elif answer.status_code < 400:
                    people.back()
    assert wrong == []
    assert tried > 300
