"""Alarms of sensors on the pages: in both languages, taken and closed by an officer, refused in sentences."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from central.accounts.roles import Role
from central.db.accounts import User
from central.db.alarms import Alarm, AlarmViewLog
from central.ingest.admit import Message
from contract.events import EventType, case_key, new_event, serialise
from contract.sealing import sha256_hex, sign_detached
from contract.sensors import SensorAlarm, SensorClosed, SensorKind, Unstable
from contract.topics import EdgeTopics
from tests.acceptance import web_world
from tests.acceptance.web_world import BEGIN, DAY, EDGE, PASSWORD, World

WATER, SMOKE, QUIET = f"S{DAY}-0001", f"S{DAY}-0002", f"S{DAY}-0003"
HOSTILE = "<script>alert(1)</script>"


def send(world: World, kind: EventType, data: SensorAlarm | SensorClosed) -> None:
    """Seal an event of a sensor as deliver does, and hand it to ingest."""
    event = new_event(kind, f"/edge/{EDGE}/sensor/{data.sensor_id}", BEGIN, data)
    chain = {"id": "chain-1", "seq": next(world.seq), "prev": world.prev}
    raw = serialise(event.model_copy(update={"data": {**event.data, "chain": chain}}))
    world.prev = sha256_hex(raw)
    result = world.intake.take([Message(EdgeTopics(EDGE).event, raw, sign_detached(raw, world.key))])
    assert result[0].outcome == "stored", result


def alarm(kind: SensorKind, minute: int, **changes: object) -> SensorAlarm:
    values = {
        "case_key": case_key(EDGE, "", "raised", kind.value, str(minute)), "matter": "raised", "kind": kind,
        "edge_id": EDGE, "sensor_id": f"{kind.value}-01", "site": "yingbin-underpass", "site_version": "a" * 64,
        "place": "通道最低点，北侧集水井", "call": "排水管理所 0571-0000 0001", "raise_at": 1.0, "clear_at": 0.0,
        "for_s": 0.0, "silent_after_s": 900.0, "at_first": BEGIN + timedelta(minutes=minute),
        "at_trigger": BEGIN + timedelta(minutes=minute, seconds=32), "dated": "reading", "reason": "r", "value": 1.0,
        "peak": 1.0,
    }  # fmt: skip
    return SensorAlarm(**(values | changes))


@pytest.fixture
def world(tmp_path: Path) -> World:
    built = web_world.build(tmp_path / "central")
    built.user("li")
    built.user("audit", Role.AUDITOR)
    water = {
        "unit": "cm",
        "raise_at": 30.0,
        "clear_at": 20.0,
        "value": 41.0,
        "peak": 42.0,
        "for_s": 30.0,
        "camera": "cam-1",
    }
    send(built, EventType.WATER_LEVEL, alarm(SensorKind.WATER_LEVEL, 0, **water))
    send(built, EventType.SMOKE, alarm(SensorKind.SMOKE, 1, place=HOSTILE))
    quiet = {"matter": "silent", "peak": None, "refused": 3, "refused_why": "is dated -3600 s from this box's time"}
    send(built, EventType.SENSOR_SILENT, alarm(SensorKind.PARKING, 2, **quiet))
    return built


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with web_world.serving(world) as url:
        yield url


@contextmanager
def client(address: str, name: str = "li", tongue: str = "en") -> Iterator[httpx.Client]:
    headers = {"Accept": "text/html", "Accept-Language": tongue}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as one:
        assert one.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/"}).status_code == 303
        yield one


def form(page: str) -> dict[str, str]:
    return {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("csrf", "version")}  # type: ignore[index]


def test_the_queue_shows_alarms_in_the_readers_language(address: str) -> None:
    with client(address) as li:
        queue, listed = li.get("/").text, li.get("/?show=sensors").text
    assert re.search(r'href="/\?show=sensors".*?<span class="count">3</span>', queue)
    for said in (
        "Water level beyond its limit",
        "sensor water_level-01 · 42 cm",
        "Smoke reported",
        "Sensor is silent",
        WATER,
    ):
        assert said in listed
    assert HOSTILE not in listed and "&lt;script&gt;" in listed
    with client(address, tongue="zh-CN") as li:
        listed, page, empty = (
            li.get(path).text for path in ("/?show=sensors", f"/alarms/{WATER}", "/?show=sensors-over")
        )
    for said in ("水位越限", "烟雾报警", "传感器无信号", "待处置"):
        assert said in listed
    assert "达到或超过 30 cm，持续 32 秒；报警时最高 42 cm。" in page and "排水管理所" in page
    assert "还没有已结束的传感器报警" in empty


def test_an_officer_takes_and_closes_an_alarm_and_a_stale_form_changes_nothing(address: str, world: World) -> None:
    with client(address) as li, client(address) as wang:
        page = li.get(f"/alarms/{WATER}").text
        assert "At or over 30 cm for 32 s; 42 cm at most when it gave alarm." in page
        stale = form(wang.get(f"/alarms/{WATER}").text)
        assert li.post(f"/alarms/{WATER}/take", data=form(page)).headers["location"] == f"/alarms/{WATER}"
        taken = li.get(f"/alarms/{WATER}").text
        assert "li looks after it" in taken
        refused = wang.post(f"/alarms/{WATER}/take", data=stale)
        assert refused.status_code == 409 and f'href="/alarms/{WATER}"' in refused.text
        assert li.post(f"/alarms/{WATER}/close", data=form(taken)).status_code == 422
        closed = li.post(f"/alarms/{WATER}/close", data=form(taken) | {"finding": "S01", "note": HOSTILE})
        assert closed.status_code == 303
        page = li.get(f"/alarms/{WATER}").text
        assert "As reported, dealt with (li)" in page and HOSTILE not in page
        assert WATER in li.get("/?show=sensors-over").text and WATER not in li.get("/?show=sensors").text


def test_an_unstable_sensor_is_told_where_one_decides_and_others_are_not_called_so(address: str, world: World) -> None:
    many = Unstable(begun=6, within_s=3600, calm_s=900)
    send(world, EventType.SMOKE, alarm(SensorKind.SMOKE, 3, unstable=many))
    send(world, EventType.SENSOR_SILENT, alarm(SensorKind.SMOKE, 4, unstable=many, matter="silent", peak=None))
    raised, silent = f"S{DAY}-0004", f"S{DAY}-0005"
    for tongue, badge, said in (
        ("en", "Unstable sensor", {raised: "has given alarm at least 6 times", silent: "has fallen silent at least 6"}),
        ("zh-CN", "传感器不稳定", {raised: "内已至少报警 6 次", silent: "内已至少失联 6 次"}),
    ):
        with client(address, tongue=tongue) as li:
            for number, words in said.items():
                page = li.get(f"/alarms/{number}").text
                decide = page.partition('class="panel decide"')[2].partition("</section>")[0]
                assert words in decide and "15" in decide
                assert badge in page.partition('class="badges"')[2].partition("</span></span>")[0]
            assert badge not in li.get(f"/alarms/{SMOKE}").text and "unstable" not in li.get(f"/alarms/{QUIET}").text


def test_every_look_at_an_alarm_is_on_record(address: str, world: World) -> None:
    with client(address, "audit") as auditor, client(address) as li:
        auditor.get(f"/alarms/{WATER}")
        li.get("/?show=sensors")
        li.get(f"/api/v1/alarms/{SMOKE}")
        li.get("/api/v1/alarms")
        assert li.get(f"/alarms/S{DAY}-9999").status_code == 404
        page = li.get(f"/alarms/{WATER}").text
        assert li.post(f"/alarms/{WATER}/take", data=form(page), follow_redirects=True).status_code == 200
    query = select(User.name, Alarm.number).join_from(AlarmViewLog, User).join(Alarm).order_by(AlarmViewLog.id)
    with world.db.read() as session:
        looks = [tuple(row) for row in session.execute(query)]
    # The last one is the page that is shown when it was taken.
    assert looks == [("audit", WATER), ("li", SMOKE), ("li", WATER), ("li", WATER)]


def test_who_may_not_act_looks_and_nothing_else_and_a_stranger_signs_in(address: str) -> None:
    with client(address, "audit") as auditor:
        page = auditor.get(f"/alarms/{QUIET}").text
        assert "3 readings came and were not believed" in page and "/take" not in page
        token = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
        assert auditor.post(f"/alarms/{QUIET}/take", data={"csrf": token, "version": "1"}).status_code == 403
        assert auditor.get(f"/alarms/S{DAY}-9999").status_code == 404
    with client(address) as li:
        assert li.post(f"/alarms/{QUIET}/take", data={"csrf": "made-up", "version": "1"}).status_code == 403
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}) as stranger:
        assert stranger.get(f"/alarms/{WATER}").headers["location"].startswith("/sign-in")
        assert stranger.get("/api/v1/alarms").status_code in {303, 401}


def test_the_api_lists_takes_and_closes(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as api:
        session = api.post("/api/v1/session", json={"name": "li", "password": PASSWORD}).json()
        token = {"X-CSRF-Token": session["csrf"]}
        listed = api.get("/api/v1/alarms").json()
        assert [one["number"] for one in listed["items"]] == [WATER, SMOKE, QUIET] and listed["counts"]["OPEN"] == 3
        assert api.post(f"/api/v1/alarms/{SMOKE}/take", json={"version": 1}).status_code == 403
        taken = api.post(f"/api/v1/alarms/{SMOKE}/take", json={"version": 1}, headers=token).json()
        assert (taken["state"], taken["sealed"]["kind"]) == ("TAKEN", "smoke")
        wrong = api.post(f"/api/v1/alarms/{SMOKE}/close", json={"version": 2, "finding": "S05"}, headers=token)
        assert wrong.status_code == 422
        said = {"version": taken["version"], "finding": "S02"}
        assert api.post(f"/api/v1/alarms/{SMOKE}/close", json=said, headers=token).json()["state"] == "CLOSED"
        assert [one["number"] for one in api.get("/api/v1/alarms?pending=false").json()["items"]] == [SMOKE]
