"""Messages to stations: bounds and lateness in a real database of both kinds; the station's link over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from central_kit import person
from fastapi.testclient import TestClient
from sqlalchemy import select
from test_duty import db
from test_polling_wall import MIN, NOW, fill

from central import clock
from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.accounts.sessions import SESSION_COOKIE
from central.app import create_app
from central.db.accounts import User, UserSession
from central.db.database import Database
from central.db.duty import DutyMatter
from central.db.marks import StationLog
from central.db.messages import MessageAnswer, StationLink
from central.duty import telling
from central.duty.escalation import DEFAULT
from central.ledger import entries
from central.marks import Needs, Public, routes
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.polling import links, messages
from central.polling.links import LinkEnded, TooOften
from central.tickets.errors import CaseMissing, Unfit
from central.web.phone_routes import COOKIE
from tests.schema_kit import sqlite_at

__all__ = ["db"]
SITE = "ps-001"


def sent(db: Database, user: SignedInUser, where: str, text: str = "call us") -> list[int]:
    with db.write() as session:
        messages.send(session, user, where, text, NOW)
        return [one.row.id for one in messages.listed(session, frozenset())]


def test_who_is_written_to_and_what_may_be_written(db: Database) -> None:
    fill(db, 7)
    mei = person(db, "mei", Role.MONITOR)
    near = SignedInUser(mei.id, "mei", frozenset({"monitor"}), "", areas=frozenset({"area-1"}))
    assert len(sent(db, near, "everywhere")) == 2 and len(sent(db, mei, "area:area-0", " two\n lines\u202e \x07")) == 4
    with db.write() as session:
        newest = messages.listed(session, frozenset({"area-0"}))
        assert [one.row.text for one in newest] == ["two lines", "two lines"]
        assert messages.listed(session, frozenset({"area-4"})) == []
        for where in ("site:ps-000", "area:area-0", "site:", "area:none", "", "ps-001"):
            with pytest.raises(CaseMissing):
                messages.send(session, near, where, "x", NOW)
        for text in ("", " \n", "x" * 301, "\u202e"):
            with pytest.raises(Unfit):
                messages.send(session, near, f"site:{SITE}", text, NOW)


def test_a_message_that_nobody_acknowledges_is_a_matter_until_somebody_does(db: Database) -> None:
    fill(db, 2)
    mei = person(db, "mei", Role.MONITOR)
    (number,) = sent(db, mei, f"site:{SITE}")

    def lasting(after: timedelta) -> list[str]:
        telling.look(db, DEFAULT, NOW + after)
        with db.read() as session:
            query = select(DutyMatter.key).where(DutyMatter.kind == "message", DutyMatter.ended_at.is_(None))
            return list(session.execute(query).scalars())

    assert lasting(5 * MIN) == [] and lasting(6 * MIN) == [f"message:{number}"]
    with db.write() as session:
        assert messages.waiting(session, NOW, ["ps-000"]) == {} and set(messages.waiting(session, NOW)) == {SITE}
        with pytest.raises(Unfit):
            messages.told(session, mei, number, " ", "", NOW)
        far = SignedInUser(mei.id, "mei", frozenset({"monitor"}), "", areas=frozenset({"area-4"}))
        with pytest.raises(CaseMissing):
            messages.told(session, far, number, "Zhang", "", NOW)
        messages.told(session, mei, number, "Zhang", "on the way", NOW + 6 * MIN)
    assert lasting(7 * MIN) == []
    with db.read() as session:
        assert messages.listed(session, frozenset(), waiting=True) == []
        assert messages.waiting(session, NOW + 13 * 60 * MIN) == {}


def test_a_link_is_of_one_station_ends_and_answers_no_more_than_people_do(db: Database) -> None:
    fill(db, 2)
    chen = person(db, "chen", Role.CHIEF)
    (mine,) = sent(db, chen, f"site:{SITE}")
    other = sent(db, chen, "site:ps-000")[0]
    with db.write() as session:
        old, _ = links.make(session, chen, SITE, NOW)
        token, row = links.make(session, chen, SITE, NOW)
        assert row.expires_at == NOW + 240 * MIN + links.AFTER and token not in row.digest
        with pytest.raises(LinkEnded):
            links.answer(session, old, mine, "Zhang", "", NOW)
        for bad in (None, "", "x" * 4000, token[:-1]):
            with pytest.raises(LinkEnded):
                links.opened(session, bad, NOW)
        with pytest.raises(CaseMissing):
            links.answer(session, token, other, "Zhang", "", NOW)
        for name, text in ((" ", ""), ("x" * 41, ""), ("Zhang", "x" * 201), ("\u202e", "")):
            with pytest.raises(Unfit):
                links.answer(session, token, mine, name, text, NOW)
        with pytest.raises(LinkEnded):
            links.answer(session, token, mine, "Zhang", "", row.expires_at)
    with db.write() as session:
        for _ in range(messages.MOST_ANSWERS):
            links.answer(session, token, mine, "Zhang", "on\nmy way", NOW)
        with pytest.raises(Unfit):
            links.answer(session, token, mine, "Zhang", "", NOW)
    others = sent(db, chen, f"site:{SITE}") and sent(db, chen, f"site:{SITE}") and sent(db, chen, f"site:{SITE}")
    with db.write() as session, pytest.raises(TooOften):
        for number in others[:3]:
            for _ in range(messages.MOST_ANSWERS):
                links.answer(session, token, number, "Zhang", "", NOW)
    with db.write() as session:
        links.revoke(session, chen, SITE, NOW)
        assert links.active(session, SITE, NOW) is None
        with pytest.raises(LinkEnded):
            links.opened(session, token, NOW)
        log = session.execute(select(StationLog).where(StationLog.action == "message answered")).scalars().all()
        assert {(one.user_id, one.name, one.site) for one in log} == {(None, "Zhang", SITE)}
        lines = entries.lines(session, [(entries.STATION, str(one.id)) for one in log])
        assert 20 < len(lines) <= links.MOST_AT_ONCE and sum(b"on my way" in line for line in lines.values()) == 20


class Office:
    """A central, a chief's browser, and telephones that have no account."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite_at(folder / "central.sqlite")
        fill(self.db, 3)
        self.app = create_app(self.db, FolderStore(folder / "media", 1), Metrics(self.db))
        self.chief, self.csrf = self.browser("chen", Role.CHIEF)

    def browser(self, name: str, role: Role) -> tuple[TestClient, str]:
        user = person(self.db, name, role)
        with self.db.write() as session:
            token = sessions.opened(session, session.get_one(User, user.id), "127.0.0.1", "test").token
            session.query(UserSession).update({"second_by": "provider"})
        client = self.phone()
        client.cookies.set(SESSION_COOKIE, token)
        return client, client.get("/api/v1/session").json()["csrf"]

    def phone(self) -> TestClient:
        return TestClient(self.app, headers={"Accept-Language": "en", "Accept": "text/html"}, follow_redirects=False)

    def link(self, site: str = SITE) -> str:
        page = self.chief.post(f"/stations/{site}/link", data={"csrf": self.csrf})
        assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
        return page.text.partition('id="link">')[2].partition("<")[0].partition("/s/")[2]

    def write(self, text: str, where: str = f"site:{SITE}") -> None:
        assert self.chief.post("/messages", data={"csrf": self.csrf, "where": where, "text": text}).status_code == 303

    def opened(self, token: str) -> TestClient:
        phone = self.phone()
        answer = phone.get(f"/s/{token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/s")
        return phone


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    before = clock.set_clock(lambda: NOW)
    try:
        made = Office(tmp_path_factory.mktemp("office"))
        yield made
        made.db.close()
    finally:
        clock.set_clock(before)


def form(page: str) -> dict[str, str]:
    """The hidden fields of the first form of a telephone's page."""
    part = page.partition('action="/s/answers">')[2]
    csrf, message = (part.partition(f'name="{one}" value="')[2].partition('"')[0] for one in ("csrf", "message"))
    return {"csrf": csrf, "message": message}


def test_a_station_reads_its_own_messages_and_acknowledges_them(office: Office) -> None:
    office.write("<b>open the door</b> & wait")
    office.write("for another station", "site:ps-000")
    phone = office.opened(office.link())
    page = phone.get("/s")
    assert "&lt;b&gt;open the door&lt;/b&gt; &amp; wait" in page.text and "another station" not in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"] and phone.cookies[COOKIE] not in page.text
    said = form(page.text) | {"name": "Zhang <i>", "note": "we do"}
    assert phone.post("/s/answers", data=said).status_code == 303
    assert "Zhang &lt;i&gt; has read it. we do" in phone.get("/s").text
    assert "Zhang &lt;i&gt; has read it. we do" in office.chief.get(f"/stations/{SITE}").text
    refused = phone.post("/s/answers", data=said | {"name": ""})
    assert refused.status_code == 422 and "Give a name" in refused.text
    assert phone.post("/s/answers", data=said | {"message": "x"}).status_code == 422
    assert phone.post("/s/answers", data=said | {"message": "999999"}).status_code == 404


def test_a_form_of_another_page_or_site_is_refused(office: Office) -> None:
    office.write("are you there?")
    phone = office.opened(office.link())
    said = form(phone.get("/s").text) | {"name": "Zhang", "note": ""}
    other = office.opened(office.link("ps-000"))
    with office.db.read() as session:
        before = len(session.execute(select(MessageAnswer.id)).all())
    assert phone.post("/s/answers", data=said | {"csrf": ""}).status_code == 403
    assert other.post("/s/answers", data=said).status_code == 403
    assert phone.post("/s/answers", data=said, headers={"Origin": "https://evil.example"}).status_code == 403
    assert phone.post("/s/answers", data=said, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert phone.post("/s/answers", data=said | {"note": "x" * 70_000}).status_code == 413
    mine = form(other.get("/s").text)["csrf"]
    assert other.post("/s/answers", data=said | {"csrf": mine}).status_code == 404, "another station's message"
    with office.db.read() as session:
        assert len(session.execute(select(MessageAnswer.id)).all()) == before


def test_the_link_opens_nothing_else(office: Office) -> None:
    phone = office.opened(office.link())
    raw = office.phone().get(f"/s/{phone.cookies[COOKIE]}").headers["set-cookie"].lower()
    assert "path=/s;" in raw and "httponly" in raw and "samesite=lax" in raw
    phone.cookies.set(SESSION_COOKIE, phone.cookies[COOKIE])
    tried = 0
    for route in routes(office.app):
        if route.method == "WS" or isinstance(route.marks[0], Public):
            continue
        path = route.path.replace("{site}", SITE).replace("{number}", "1").replace("{name:path}", "x")
        answer = phone.request(route.method, path, headers={"Cookie": f"{COOKIE}={phone.cookies[COOKIE]}"})
        signs_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        assert answer.status_code in (401, 403) or signs_in, f"{route.method} {path}: {answer.status_code}"
        tried += isinstance(route.marks[0], Needs)
    assert tried > 60


def test_a_link_ends_at_once_and_only_a_chief_makes_one(office: Office) -> None:
    mei, csrf = office.browser("mei", Role.MONITOR)
    for path in ("link", "link/revoke"):
        assert mei.post(f"/stations/{SITE}/{path}", data={"csrf": csrf}).status_code == 403
        assert office.chief.post(f"/stations/{SITE}/{path}", data={"csrf": "x"}).status_code == 403
    token = office.link()
    phone = office.opened(token)
    assert phone.get("/s").status_code == 200
    said = form(phone.get("/s").text) | {"name": "Zhang", "note": ""}
    assert office.chief.post(f"/stations/{SITE}/link/revoke", data={"csrf": office.csrf}).status_code == 303
    page = phone.get("/s")
    assert page.status_code == 404 and "good no more" in page.text and "Hall 1" not in page.text
    assert phone.post("/s/answers", data=said).status_code == 404
    again = office.phone().get(f"/s/{token}")
    assert again.status_code == 303 and f'{COOKIE}=""' in again.headers["set-cookie"]
    with office.db.read() as session:
        rows = session.execute(select(StationLink).where(StationLink.site == SITE)).scalars().all()
    assert all(one.revoked_by == "chen" for one in rows) and token not in {one.digest for one in rows}
