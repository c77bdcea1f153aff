"""Wrong pictures from the lens to who is on duty: cameras over RTSP, a whole box, a broker, central's process, its page.

The room and its people are real; the noise of the sensor and the tampering are synthetic
(`tests/bench/tamper_scenes.py`). In the long test the box paints masks: what it judges was encoded again.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from central_kit import Box
from deliver_peers import until
from edge_peers import USERS, Field, enrolled
from sqlalchemy import select
from test_central_process import Central

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.db import migrate
from central.db.accounts import User, UserRole
from central.db.database import Database
from central.db.duty import DutyMatter, DutyNotice
from central.db.polling import FeedTrouble
from central.duty import people
from central.sites import register
from contract.events import now
from edge.polling.rules import RULES, SILENT_S
from edge.record.index import Index, Segment
from sightline.broker import EmbeddedBroker
from tests.bench import tamper_scenes as scenes
from tests.room_kit import FPS, GOP_S, room
from tests.scenes.rtsp import leftovers
from tests.scenes.units import Planned, PlannedCamera

SITE, SIZE = "ps-1", (768, 432)
BOOTH = [[0.0, 0.3], [0.2, 0.3], [0.2, 0.7], [0.0, 0.7]]
#: What a trouble may take on its way to central's row, on a machine that runs other tests as well. Seconds.
WAY_S = 4.0


@dataclass
class World:
    """A station of real processes; `cameras` by id."""

    folder: Path
    central: Central
    db: Database
    box: Field
    cameras: dict[str, PlannedCamera]
    token: str = field(repr=False)

    def troubles(self) -> dict[tuple[str, str], FeedTrouble]:
        """What central knows, by camera and check."""
        with self.db.read() as session:
            rows = session.execute(select(FeedTrouble)).scalars().all()
        found = {(one.camera_id, one.kind): one for one in rows}
        assert len(found) == len(rows), f"told twice: {[(one.camera_id, one.kind) for one in rows]}"
        return found

    def states(self) -> dict[str, str]:
        """What recorders say of their cameras."""
        try:
            told = json.loads((self.box.data / "run" / "recorder-1.json").read_text())
        except (OSError, ValueError):
            return {}
        return {camera: said["state"] for camera, said in told["recording"].items()}

    def page(self) -> str:
        """The station's page as the person on duty sees it."""
        cookies = {SESSION_COOKIE: self.token}
        answer = httpx.get(f"{self.central.url}/stations/{SITE}", cookies=cookies, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, answer.text
        return answer.text

    def told(self) -> set[tuple[str, str]]:
        """Which troubles of pictures are in alarms of which somebody was told, and who that was."""
        query = (
            select(DutyMatter.what, User.name)
            .join(DutyNotice, DutyNotice.alarm_id == DutyMatter.alarm_id)
            .join(User, User.id == DutyNotice.user_id)
            .where(DutyMatter.kind == "trouble", DutyMatter.ended_at.is_(None))
        )
        with self.db.read() as session:
            return {(what, who) for what, who in session.execute(query)}

    def began(self, camera: str) -> float:
        """The Unix second of the first picture of a camera, by its recording."""
        found: list[Segment] = []

        def recorded() -> bool:
            with closing(Index(self.box.data / "recordings")) as index:
                found[:] = index.segments(camera)
            return bool(found)

        until(recorded, 15, f"a segment of {camera}")
        return found[0].start_us / 1e6


def site_file(path: Path, cameras: dict[str, PlannedCamera], *, masks: bool) -> Path:
    today = datetime.now(UTC)
    span = {"from": today.isoformat(), "until": (today + timedelta(hours=2)).isoformat()}
    zones = [{"id": "booth", "type": "privacy_mask", "polygon": BOOTH}] if masks else []
    each = [
        {"id": name, "url": camera.url, "frame": list(SIZE), "recording": {"segment_s": 2}, "zones": zones}
        for name, camera in cameras.items()
    ]
    site = {
        "site": SITE, "name": "Hall 1", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
        "polling": {"station": "1", "township": "T", "village": "V", "windows": [{"phase": "voting", **span}]},
        "cameras": each,
    }  # fmt: skip
    path.write_text(json.dumps(site))
    return path


def on_duty(db: Database, site: Path) -> str:
    """Registers the station, puts a monitor on duty; the token of his session."""
    with db.write() as session:
        register.add(session, site, register.Terms("a1", datetime.now(UTC).date() - timedelta(days=1), None, "chen"))
        mei = User(name="mei", password_hash="$argon2id$none", created_at=now())
        session.add(mei)
        session.flush()
        session.add(UserRole(user_id=mei.id, role=str(Role.MONITOR)))
        session.flush()
        begin, end = now() - timedelta(minutes=1), now() + timedelta(hours=2)
        people.add(session, "mei", 1, [], begin, end, phone="", webhook=None, by="chen", now=begin)
        return sessions.opened(session, mei, "127.0.0.1", "test").token


@pytest.fixture
def station(tmp_path: Path, free_port: int) -> Iterator[Callable[[dict[str, list[Planned]]], World]]:
    with ExitStack() as stack:

        def make(plans: dict[str, list[Planned]], *, masks: bool = False, **feed_health: float) -> World:
            stack.enter_context(EmbeddedBroker(tmp_path / "broker", free_port, USERS))
            cameras = {name: PlannedCamera(tmp_path / name, plan) for name, plan in plans.items()}
            for camera in cameras.values():
                stack.callback(camera.stop)
            (tmp_path / "central" / "data").mkdir(parents=True)
            central = Central(tmp_path / "central", free_port, USERS["central"])
            db = central.db()
            stack.callback(db.close)
            migrate.upgrade(db)
            source = site_file(tmp_path / "source.yaml", cameras, masks=masks)
            token = on_duty(db, source)
            central.start()
            stack.callback(central.stop)
            (tmp_path / "box").mkdir()
            box = enrolled(Field(tmp_path / "box", source, cameras["hall-1"].url, free_port, central.url, tmp_path))
            box.set(feed_health=feed_health, recording={"min_free_bytes": 0})
            key = box.ring.load()
            assert key is not None
            Box("box-7", key).enrol(db)
            central.ready()
            box.run()
            stack.callback(box.end)
            return World(tmp_path, central, db, box, cameras, token)

        yield make
    assert leftovers(str(tmp_path)) == []


def table(shared: Path, seconds: float, skip: float = 0.0) -> scenes.Scene:
    """So many seconds of the real room, slowed by five, so that no picture comes twice."""
    clip = scenes.Clip(shared / "clips" / "indoor_table_onebyone_intel.mp4", 0.2, 5.0, until=(seconds + skip) / 5 + 1)
    return lambda t: clip(t + skip)


def stuck(plan: list[Planned], begin: float, end: float) -> list[Planned]:
    """An encoder that hangs: from `begin` to `end` it sends the group of pictures before again and again."""
    many = round(FPS * GOP_S)
    first, last = round(begin * FPS), round(end * FPS)
    assert first % many == last % many == 0, "keyframes stay where they are"
    sent = [plan[first - many + (n - first) % many] if first <= n < last else plan[n] for n in range(len(plan))]
    return [replace(one, data=data.data) for one, data in zip(plan, sent, strict=True)]


def took(world: World, camera: str, check: str, since: float) -> float:
    """Seconds from `since` to central's row of it."""
    until(lambda: (camera, check) in world.troubles(), 25, f"{camera} {check}")
    one = world.troubles()[camera, check]
    seconds = one.created_at.timestamp() - since
    print(f"{camera}: {check} at central after {seconds:.1f} s - {one.reason}")
    return seconds


def ended(world: World) -> bool:
    return all(one.at_end is not None for one in world.troubles().values())


@pytest.mark.timeout(180)
def test_covered_frozen_and_lost_are_told_to_who_is_on_duty_and_end(
    shared: Path, station: Callable[..., World]
) -> None:
    begins, ends = 2.0, 10.0
    scene = table(shared, 36.0)
    hand = scenes.between(lambda picture, t: scenes.covered(picture, t, begins), begins, ends)
    with ThreadPoolExecutor() as pool:
        hidden, whole, again = pool.map(
            room, (scene, scene, table(shared, 26.0, 36.0)), (36, 36, 26), (hand, None, None)
        )
    plans = {"hall-1": hidden, "hall-2": stuck(whole, begins, ends), "hall-3": whole}
    world = station(plans, look_s=1.0)
    until(lambda: list(world.states().values()) == ["live"] * 3, 30, "every camera is live")
    world.cameras["hall-3"].stop()
    lost_at = time.time()
    world.cameras["hall-3"].sends(again)
    assert took(world, "hall-3", "lost", lost_at) < SILENT_S + 1.5 + WAY_S
    # A look and a keyframe more than the rule's time; the hand takes a second to come.
    assert took(world, "hall-2", "frozen", world.began("hall-2") + begins) < RULES["frozen"].confirm_s + 2.0 + WAY_S
    assert took(world, "hall-1", "covered", world.began("hall-1") + begins) < RULES["covered"].confirm_s + 3.0 + WAY_S
    until(lambda: world.told() >= {(one, "mei") for one in ("covered", "frozen", "lost")}, 10, "mei is told of each")
    page = world.page()
    assert all(word in page for word in ("Covered", "Frozen", "Lost")), page
    world.cameras["hall-3"].start()
    until(lambda: ended(world), 30, "all is well again")
    assert set(world.troubles()) == {("hall-1", "covered"), ("hall-2", "frozen"), ("hall-3", "lost")}
    assert {one.how for one in world.troubles().values()} == {"well"}
    until(lambda: not world.told(), 10, "the alarm is over")


@pytest.mark.long  # the box learns its rooms first, and each check's time to be over passes
@pytest.mark.timeout(300)
def test_a_box_that_paints_masks_tells_what_happens_to_rooms_it_has_learned(
    shared: Path, station: Callable[..., World]
) -> None:
    begins, ends, whole = 26.0, 42.0, 80.0
    scene = table(shared, whole)
    changes: list[scenes.Change] = [
        lambda picture, t: scenes.covered(picture, t, begins),
        lambda picture, _: scenes.turned(picture, 0.06),
        lambda picture, _: scenes.defocused(picture, 6),
    ]
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda change: room(scene, whole, scenes.between(change, begins, ends)), changes)
        plans = {f"hall-{number}": plan for number, plan in enumerate([*made, room(scene, whole)], start=1)}
    wanted = {("hall-1", "covered"), ("hall-2", "moved"), ("hall-3", "defocused")}
    world = station(plans, masks=True, look_s=1.0)
    until(lambda: list(world.states().values()) == ["live"] * 4, 30, "every camera is live")
    since = {camera: world.began(camera) + begins for camera in plans}
    until(lambda: set(world.troubles()) >= wanted, 60, world.box.told())
    for camera, check in sorted(wanted):
        assert took(world, camera, check, since[camera]) < RULES[check].confirm_s + 3.0 + WAY_S
    until(lambda: world.told() >= {(check, "mei") for _, check in wanted}, 10, "mei is told of each")
    until(lambda: ended(world), 40, "all is well again")
    assert set(world.troubles()) == wanted, "nothing else, and nothing of the room that nobody touched"
