"""A central that hands recordings out: a station whose box told its ledger, and people who ask for it and decide."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from central_kit import Box, intake_of, person
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.after import shipped
from central.app import create_app
from central.clock import clock_of
from central.db.accounts import User, UserArea, UserSession
from central.db.database import Database
from central.db.polling import BoxCommand, Station
from central.db.recordings import RecordingExport
from central.db.sites import Site, SiteVersion
from central.ledger.keeper import Keeper
from central.ledger.key import office_key
from central.media import service as media
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.recordings.rounds import Handing
from central.recordings.rules import RecordingRules
from contract.continuity import Block, Deleted
from contract.events import EventType
from contract.recording import segments_of
from contract.sealing import sha256_hex, thumbprint
from sightline.evidence.verify import Trust
from tests.recording_kit import World, world

SITE, AREA = "chunjiang-polling-02", "a1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class House:
    """The centre, its store and its jobs; the office's clock stands at `at` until a test sets it."""

    folder: Path
    db: Database
    made: World
    box: Box
    store: FolderStore
    handing: Handing
    at: datetime
    rules: RecordingRules
    people: dict[str, "Person"] = field(default_factory=dict)

    def round(self) -> None:
        self.handing.round()

    def person(self, name: str, role: Role | set[Role], *areas: str) -> "Person":
        user = person(self.db, name, role)
        with self.db.write() as session:
            session.add_all(UserArea(user_id=user.id, area=area) for area in areas)
            token = sessions.opened(session, session.get_one(User, user.id), "127.0.0.1", "test").token
            session.execute(update(UserSession).values(second_by="provider"))
        app = create_app(
            self.db, self.store, Metrics(self.db), after=replace(shipped(self.folder), recordings=self.rules)
        )
        client = TestClient(app, headers={"Accept-Language": "en", "Accept": "text/html"}, follow_redirects=False)
        client.cookies.set(SESSION_COOKIE, token)
        self.people[name] = Person(self, client, client.get("/api/v1/session").json()["csrf"])
        return self.people[name]

    def row(self) -> RecordingExport:
        """The newest that was asked for."""
        with self.db.read() as session:
            return session.execute(select(RecordingExport).order_by(RecordingExport.id.desc()).limit(1)).scalar_one()

    def asked(self) -> list[str]:
        """What the box was asked, by word."""
        with self.db.read() as session:
            rows = session.execute(select(BoxCommand).order_by(BoxCommand.asked_at, BoxCommand.word)).scalars().all()
            return [row.word for row in rows]

    def says(self, blocks: list[Block], deleted: list[Deleted]) -> None:
        """The box tells of its recording."""
        wanted = self.made.wanted
        source = f"/edge/{wanted.edge_id}/camera/{wanted.camera_id}"
        said = [self.box.say(EventType.RECORDING_BLOCK, one, source=source) for one in blocks]
        said += [self.box.say(EventType.RECORDING_DELETED, one, source=source) for one in deleted]
        if said:
            assert {one.outcome for one in intake_of(self.db).take(said)} == {"stored"}

    @property
    def needed(self) -> list[str]:
        """The segments of the span that the box still has, by time."""
        wanted = self.made.wanted
        found = segments_of(self.made.blocks, wanted.from_us, wanted.until_us)
        return [one.recorded.sha256 for one in found if one.recorded.sha256 not in self.made.absent]

    def brings(self, *names: str) -> None:
        """The box brings segments."""
        for name in names or self.needed:
            raw = self.made.segments[name].read_bytes()
            asyncio.run(self.store.receive(name, self.box.edge_id, 0, len(raw), _once(raw)))
            media.enter(self.db, name, len(raw), self.box.edge_id)

    def trust(self) -> Trust:
        """What the office has published: its key and its heads."""
        with self.db.read() as session:
            return Trust(thumbprint(office_key(session, self.folder / "office.jwk")), self.folder / "heads.jsonl")


@dataclass
class Person:
    """Somebody's browser."""

    house: House
    client: TestClient
    csrf: str

    def asks(self, **changes: str) -> httpx.Response:
        wanted = self.house.made.wanted
        form = {
            "csrf": self.csrf, "camera": f"{wanted.edge_id}/{wanted.camera_id}", "reason": "选举争议：第 3 号票箱",
            "from": local(wanted.from_us), "until": local(wanted.until_us), **changes,
        }  # fmt: skip
        return self.client.post(f"/stations/{SITE}/recordings", data=form)

    def decides(self, how: str = "approve", note: str = "as agreed") -> httpx.Response:
        key = self.house.row().request
        return self.client.post(f"/approvals/{key}/{how}", data={"csrf": self.csrf, "note": note})

    def stops(self) -> httpx.Response:
        return self.client.post(f"/recordings/{self.house.row().request}/stop", data={"csrf": self.csrf})

    def fetches(self, **headers: str) -> httpx.Response:
        return self.client.get(f"/recordings/{self.house.row().request}/archive", headers=headers)

    def sees(self) -> str:
        return self.client.get(f"/stations/{SITE}/recordings").text


def house(folder: Path, db: Database, seed: int = 41, rules: RecordingRules | None = None) -> House:
    """Central knows the station and its ledger, and has no segment of it."""
    made = world(folder / "world", seed)
    at = datetime.fromtimestamp(made.wanted.until_us / 1e6, UTC) + DAY
    box = Box(edge_id=made.wanted.edge_id)
    box.enrol(db)
    rules = rules or RecordingRules(folder / "recordings")
    store = FolderStore(folder / "media", 50_000_000)
    with db.write() as session:
        session.add(Site(site=SITE, name="春江社区第 2 投票站", area=AREA))
        session.flush()
        session.add(SiteVersion(sha256=sha256_hex(made.site), site=SITE, raw=made.site))
        window = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T20:00:00+08:00"}
        session.add(
            Station(
                site=SITE, station="330122-014-02", township="城南街道", village="春江社区", name="春江社区第 2 投票站",
                sha256=sha256_hex(made.site), windows=[window],
                cameras=[{"id": made.wanted.camera_id, "name": "投票箱与通道", "masks": 1, "masked_by": "edge"}],
            )
        )  # fmt: skip
    with db.read() as session:
        key = office_key(session, folder / "office.jwk")
    one = House(folder, db, made, box, store, Handing(db, store, rules, folder / "office.jwk"), at, rules)
    one.says(made.blocks, made.deleted)
    Keeper(db, key, folder / "heads.jsonl").round()
    return one


def at_clock(one: House) -> AbstractContextManager[None]:
    """The office's clock stands where `one.at` says."""
    return clock_of(lambda: one.at)


def local(us: int) -> str:
    """As a form has a time in Shanghai, to the microsecond."""
    when = datetime.fromtimestamp(us // 1_000_000, UTC) + timedelta(hours=8, microseconds=us % 1_000_000)
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}"


async def _once(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


__all__ = ["AREA", "DAY", "HOUR", "SITE", "House", "Person", "at_clock", "house", "local"]
