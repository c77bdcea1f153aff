"""A central with something of everything on its pages, and somebody who may open each of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from central.accounts import sessions
from central.accounts.oidc.provider import Provider
from central.accounts.oidc.settings import Oidc
from central.accounts.roles import Role
from central.accounts.rules import AccountRules
from central.accounts.service import SignedInUser
from central.after import After, shipped
from central.app import create_app
from central.approvals import requests
from central.db.accounts import User
from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event
from central.db.learning import LearningLog, Shadow
from central.db.polling import FeedTrouble, RecordingLedger, Station
from central.db.recordings import RecordingExport
from central.duty import people as duty
from central.duty import telling
from central.duty.escalation import DEFAULT
from central.export import service as export
from central.live import embargoes
from central.notices import appeals, public
from central.notices import service as notices
from central.polling import bookmarks, layouts, links, messages, phasing, taking
from central.polling.continuity import micros
from central.polling.phases import Phase
from central.recordings import asked
from central.reports import facts
from central.tickets import decisions, looks
from central.tickets.looks import Why
from contract.events import Clock, EventType, FactSaid, Vehicle, now
from contract.sensors import SensorKind
from tests.acceptance import web_world
from tests.acceptance.test_web_alarms import alarm, send
from tests.acceptance.web_world import DAY, World
from tests.central_kit import approved, later
from tests.oidc_peer import CLIENT, SECRET, Peer

#: Has every role but the one that only reads, so that no page is left out because nobody may open it.
EVERYBODY = frozenset(Role) - {Role.AUDITOR}
#: Cases, by what is special about them.
YIELD, ASKS, ARRIVING, SECOND, REJECTED, MORE, LONG, PLATE, TOLD = (f"{DAY}-000{n}" for n in range(1, 10))
APPROVED, OBJECTED = (f"{DAY}-00{n}" for n in range(10, 12))
ALARM = f"S{DAY}-0001"
STATION = "chunjiang-polling-02"
PARTY = "苏A12345"
_LONG = "机动车道与非机动车道之间的临时停车位" * 5


@dataclass(frozen=True)
class Pages:
    """The world, its application, and ways into it."""

    world: World
    app: FastAPI
    after: After
    peer: Peer
    notice: list[str] = field(default_factory=list)

    def session_of(self, name: str) -> str:
        """The token of a new session. Signing in by form is another test's, and costs a password's hash each time."""
        with self.world.db.write() as session:
            row = session.execute(select(User).where(User.name == name)).scalar_one()
            return sessions.opened(session, row, "127.0.0.1", "Chromium").token

    def officer(self, name: str) -> SignedInUser:
        """Who that is, as the services are told."""
        with self.world.db.read() as session:
            row = session.execute(select(User).where(User.name == name)).scalar_one()
            return SignedInUser(row.id, name, sessions.roles_of(session, row.id), "")

    def version(self, number: str) -> int:
        """Of a case, as its page has it."""
        with self.world.db.read() as session:
            return session.execute(select(Case.version).where(Case.number == number)).scalar_one()

    def party(self) -> str:
        """The pass of somebody who gave the number of their notice and the end of their plate."""
        return public.enter(self.world.db, self.notice[0], PARTY[-4:], "127.0.0.1", self.after.notices)

    def station(self) -> str:
        """The token of a new link of the station."""
        with self.world.db.write() as session:
            return links.make(session, self.officer("everybody"), STATION, now())[0]

    def decide(self, number: str, name: str, action: str, **given: object) -> None:
        """Open a case and decide it, through the very service that the pages call."""
        user = self.officer(name)
        with self.world.db.write() as session:
            row = session.execute(select(Case).where(Case.number == number)).scalar_one()
            looks.page(session, row.id, user.id, Why.OPENED, [])
            getattr(decisions, action)(session, number, row.version, user, **given)


def build(folder: Path, db: Database | None = None) -> Pages:
    """Cases in every state that people look at, alarms, and accounts of all kinds; on SQLite or on `db`."""
    world = web_world.build(folder / "central", db)
    rules = AccountRules(key_file=folder / "second.key")
    after = world.after = shipped(folder)
    peer = Peer()
    said = Oidc(
        issuer=peer.issuer,
        client_id=CLIENT,
        client_secret_file=folder / "secret",
        url="http://127.0.0.1",
        label="County",
    )
    provider = Provider(said, SECRET)
    app = create_app(world.db, world.store, world.metrics, accounts=rules, after=after, provider=provider)
    for name in ("li", "wang"):
        world.user(name)
    world.user("everybody", EVERYBODY)
    world.user("zhao", {Role.CHIEF})
    for name in ("two-en", "two-zh"):
        world.user(name)
    for make in _cases(world):
        make()
    pages = Pages(world, app, after, peer)
    _decided(pages)
    _told(pages)
    send(world, EventType.SMOKE, alarm(SensorKind.SMOKE, 0))
    send(world, EventType.WATER_LEVEL, alarm(SensorKind.WATER_LEVEL, 1, unit="cm", value=41.0, peak=42.0))
    _shadowed(world)
    _station(world)
    _handed_out(pages)
    with world.db.write() as session:
        layouts.keep(session, pages.officer("everybody"), "problems", "show=problems", True, now())
        soon = now() + timedelta(hours=20)
        embargo = embargoes.Wanted(
            f"site:{STATION}", soon, soon + timedelta(hours=1), "the count is closed to watchers"
        )
        embargoes.begin(session, pages.officer("everybody"), embargo)
    return pages


def _shadowed(world: World) -> None:
    """A camera of another street that is in shadow, and what it said there."""
    with world.db.write() as session:
        session.add(Shadow(edge_id=web_world.EDGE, camera_id="cam-9", rule="failure_to_yield", since=now()))
        session.add(
            LearningLog(
                at=now(),
                actor="system",
                action="shadow",
                edge_id=web_world.EDGE,
                camera_id="cam-9",
                rule="failure_to_yield",
                detail={"right": 4, "n": 30, "high": 0.2971, "floor": 0.5, "least": 30},
            )
        )
    world.passing(camera_id="cam-9")
    facts.catch_up(world.db)


def _station(world: World) -> None:
    """A polling station of which nothing was ever heard, in the middle of its hours: somebody on duty was told."""
    begin = now() - timedelta(hours=1)
    until = begin + timedelta(days=1)
    hours = {"phase": "voting", "from": begin.isoformat(), "until": until.isoformat()}
    with world.db.write() as session:
        session.add(
            Station(
                site=STATION, station="330122-014-02", township="城南街道", village="春江社区", name="春江社区第 2 投票站",
                sha256="0" * 64, windows=[hours], cameras=[{"id": "hall-1", "name": "投票箱与通道"}],
            )
        )  # fmt: skip
        session.flush()
        duty.add(
            session, "everybody", 1, [], begin, begin + timedelta(hours=5), phone="138 0000 0000", webhook=None,
            by="everybody", now=begin,
        )  # fmt: skip
        duty.call_at(session, {STATION: "0571 8123 4567"}, "everybody", begin)
    _marked(world, begin)
    telling.look(world.db, DEFAULT, now())


def _marked(world: World, begin: datetime) -> None:
    """A camera of the station that was marked by two people."""
    with world.db.write() as session:
        session.add(
            RecordingLedger(
                edge_id=web_world.EDGE, camera_id="hall-1", site=STATION, next_number=1, hash="0" * 64,
                from_us=micros(begin), until_us=micros(now()), heard_at=now(),
            )
        )  # fmt: skip
        session.flush()
        rows = session.execute(select(User).where(User.name.in_(("everybody", "li")))).scalars()
        for n, row in enumerate(sorted(rows, key=lambda one: one.name)):
            who = SignedInUser(row.id, row.name, frozenset({Role.MONITOR}), "")
            at = micros(now()) - 600_000_000
            made = bookmarks.mark(session, who, bookmarks.Wanted(web_world.EDGE, "hall-1", at, f"m{n}"), now())
            if not n:
                _day(session, who, begin)
                _written(session, who, begin)
                bookmarks.say(session, who, made.id, bookmarks.Words("box", "high", "票箱旁无人 <b>两分钟</b>"), now())


def _written(session: Session, who: SignedInUser, begin: datetime) -> None:
    """Messages to the station: late, waiting, and acknowledged by its link."""
    token, _ = links.make(session, who, STATION, now())
    for text, at in (("请把摄像机转回票箱 <b>立即</b>", begin), ("counting begins at 18:00", now())):
        messages.send(session, who, f"site:{STATION}", text, at)
    messages.send(session, who, f"site:{STATION}", "is the seal whole?", now())
    newest = messages.listed(session, (), STATION)[0].row
    links.answer(session, token, newest.id, "张三", "封条完好", now())


def _day(session: Session, who: SignedInUser, begin: datetime) -> None:
    """Phases that somebody marked, one of them out of order and corrected, and troubles in their hands and in nobody's."""
    for n, (phase, reason) in enumerate((("install", ""), ("rehearsal", ""), ("voting", "封箱时无人在场"))):
        wanted = phasing.Wanted(Phase(phase), begin + n * timedelta(minutes=5), "两名见证人在场", reason)
        row = phasing.mark(session, who, STATION, wanted, now())
    fixed = phasing.Wanted(Phase.SEALED, None, "", "pressed the wrong one", corrects=row.id)
    phasing.mark(session, who, STATION, fixed, now())
    event = session.execute(select(Event.id).limit(1)).scalar_one()
    for n, kind in enumerate(("covered", "moved")):
        session.add(
            FeedTrouble(
                edge_id=web_world.EDGE, case_key=f"{n:064}", event_id=event, camera_id="hall-1", site=STATION,
                kind=kind, severity="alarm", reason="edges 0.12 of its own", figures={}, at_first=now(),
                at_trigger=now(), created_at=now(),
            )
        )  # fmt: skip
    session.flush()
    trouble = session.execute(select(FeedTrouble.id).where(FeedTrouble.kind == "moved")).scalar_one()
    taking.say(session, who, trouble, taking.TAKEN, "on the telephone", now())


def _handed_out(pages: Pages) -> None:
    """Recordings of the station that were asked for: one waits, one is brought, one is ready."""
    everybody, zhao, at = pages.officer("everybody"), pages.officer("zhao"), micros(now())
    wanted = asked.Wanted(web_world.EDGE, "hall-1", at - 3600_000_000, at - 60_000_000)
    for state in ("asked", "fetching", "ready"):
        with pages.world.db.write() as session:
            key = asked.ask(
                session, everybody, STATION, wanted, "选举争议：<b>第 3 号</b>票箱", pages.after.recordings, now()
            )
        if state == "asked":
            continue
        with pages.world.db.write() as session:
            requests.decide(session, zhao, key, approve=True)
            row = session.execute(select(RecordingExport).where(RecordingExport.request == key)).scalar_one()
            row.segments, row.bytes, row.here, row.here_bytes = 480, 2_600_000_000, 231, 1_200_000_000
            if state == "ready":
                row.state, row.sha256, row.size, row.ready_at = state, "ab" * 32, 2_612_000_000, now()


def _cases(world: World) -> Iterator[object]:
    read = Vehicle(class_="bus", color="blue", plate=PARTY, conf=0.8)
    facts = {"driver_present": FactSaid(sources=["model", "reviewer"])}
    yield world.passing
    yield lambda: world.passing(unknown=[web_world.QUESTION], clock=Clock())
    yield lambda: world.parking(media=False)
    yield lambda: world.passing(unknown=[web_world.QUESTION])
    yield world.parking
    yield world.parking
    yield lambda: world.parking(zone_id=_LONG, reason="x" * 300, facts=facts)
    for _ in range(3):
        yield lambda: world.parking(vehicle=read)
    yield lambda: world.parking(vehicle=read)


def _decided(pages: Pages) -> None:
    pages.decide(SECOND, "li", "approve", answers={"officer_directing": "no"}, note="看过两遍")
    pages.decide(REJECTED, "li", "reject", code="R16", note="<b>不</b>是它 🚗")
    pages.decide(MORE, "li", "ask", note="对方向摄像机的画面？")


def _told(pages: Pages) -> None:
    """Two cases handed over and told, one of them objected to; a third is approved and waits."""
    li, wang, db = pages.officer("li"), pages.officer("wang"), pages.world.db
    for number in (TOLD, OBJECTED):
        approved(db, number, li, wang)
    with later(60):
        key = export.ask(db, pages.world.store, pages.after.map, li, "handover of the day")
        with db.write() as session:
            requests.decide(session, pages.officer("everybody"), key, approve=True)
        export.make(db, pages.world.store, pages.after.map, li, key)
        done, left = notices.issue_all(db, li, pages.after.notices)
        assert len(done) == 2 and not left, left
        with db.read() as session:
            for number in (TOLD, OBJECTED):
                row = session.execute(select(Case).where(Case.number == number)).scalar_one()
                pages.notice.append(notices.of_case(session, row.id)[0].number)
            version = row.version
        with db.write() as session:
            appeals.brought(session, OBJECTED, version, li, "我让行了 <b>🚑</b>", "G6")
    approved(db, APPROVED, li, wang)
