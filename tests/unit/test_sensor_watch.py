"""One sensor of a box from reading to event, over restarts, crashes and disks that refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from contract.events import EventType, parse_data
from contract.sensors import SensorAlarm, SensorClosed
from edge.rules.threshold import MOST_AN_HOUR, Cleared, Heard, Raised, Reading, Silent, State, Wait
from edge.sensors.alarm import Doubt, event_of
from edge.sensors.believing import CLOCK_S
from edge.sensors.settling import SETTLE_S
from edge.sensors.watch import MOST_OUTGOING
from tests.sensor_bench import Bench, T, kinds, post


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, post())


def test_an_alarm_says_what_where_since_when_and_who_is_called(bench: Bench) -> None:
    bench.read((0, 31), (15, 42), (30, 41))
    bench.turn(33)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm)
    assert (event.type, event.source) == (EventType.WATER_LEVEL, "/edge/box-1/sensor/water-01")
    assert (said.matter, said.peak, said.value, said.unit, said.raise_at) == ("raised", 42, 41, "cm", 30)
    assert said.place.startswith("通道最低点") and said.call is not None and said.camera == "cam-1"
    assert said.site_version == bench.post.site.sha256 and said.dated == "reading"
    assert (said.at_trigger - said.at_first).total_seconds() == 30 and str(said.at_first.utcoffset()) == "8:00:00"
    assert said.reason == "at or over 30 cm for 30 s, 30 s are asked; furthest 42 cm"


def test_its_end_names_the_same_matter(bench: Bench) -> None:
    bench.read((0, 31), (30, 45), (40, 19), (100, 18))
    bench.turn(103)
    alarm, end = (parse_data(one) for one in bench.events())
    assert isinstance(alarm, SensorAlarm) and isinstance(end, SensorClosed)
    assert (end.case_key, end.how, end.lasted_s, end.peak) == (alarm.case_key, "cleared", 100, 45)


def test_a_restart_in_the_midst_of_a_duration_goes_on_with_it(bench: Bench) -> None:
    bench.read((0, 31), (10, 31))
    bench.turn(12)
    bench.now += 5
    bench.read((15, 32))
    bench.turn(17)
    bench.start()
    bench.read((30, 33))
    bench.turn(33)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm) and (said.at_trigger - said.at_first).total_seconds() == 30


@pytest.mark.parametrize("spooled", [False, True])
def test_a_crash_between_decision_and_handing_over_neither_loses_nor_doubles_the_matter(
    bench: Bench, spooled: bool
) -> None:
    bench.read((0, 31), (30, 45))
    if spooled:  # the event is in the spool, and that is not yet written beside the state
        file = bench.watch._file
        bench.turn(33, send=False)
        file.write = lambda _: False  # type: ignore[method-assign]
        bench.watch.send(bench.spool, bench.now)
        assert len(bench.events()) == 1
    else:
        bench.turn(33, send=False)
        bench.watch._write(bench.now)
        assert bench.events() == []
    bench.start()
    bench.turn(40)
    events = bench.events()
    assert len(events) == (2 if spooled else 1)
    assert len({one.id for one in events}) == len(events), "what deliver may have sealed never comes under its id again"
    assert len({one.data["case_key"] for one in events}) == 1
    bench.start()
    bench.turn(50)
    assert len(bench.events()) == len(events)


def test_silence_goes_on_over_a_restart_and_the_alarm_says_what_was_not_believed(bench: Bench) -> None:
    bench.read((0, 5))
    bench.turn(2)
    bench.turn(500, listened_s=600)
    bench.watch.end(bench.spool, bench.now)
    bench.start()
    for _ in range(3):
        bench.watch.doubt("is dated -3600 s from this box's time - set the gateway's clock", bench.now)
    bench.turn(900, listened_s=300)
    (event,) = bench.events()
    said = parse_data(event)
    assert isinstance(said, SensorAlarm) and said.matter == "silent"
    assert said.at_first.timestamp() == T and (said.refused, said.value) == (3, 5)
    assert "set the gateway's clock" in said.refused_why and said.reason.startswith("nothing heard")
    bench.read((905, 5))
    bench.turn(908)
    end = parse_data(bench.events()[-1])
    assert isinstance(end, SensorClosed) and (end.how, end.case_key) == ("heard", said.case_key)


def test_a_reading_that_is_said_again_is_no_sign_of_life(bench: Bench) -> None:
    bench.read((0, 5))
    bench.turn(2)
    for n in range(9):
        bench.read((0, 5))
        bench.turn(100 * n, listened_s=100.0)
    assert [one.type for one in bench.events()] == [EventType.SENSOR_SILENT]
    assert bench.watch.late == 9


def test_a_step_of_the_clock_fills_no_wait_of_readings_dated_by_arrival(bench: Bench) -> None:
    ahead = 0.0

    def arrive(*seconds: float) -> None:
        for second in seconds:
            bench.now = 100.0 + second
            bench.watch.hear(Reading(T + ahead + second, 31, dated=False), bench.now)
            bench.turn(ahead + second + SETTLE_S)

    arrive(0, 10)
    bench.watch.hear(Reading(T + 19, 31, dated=False), 119.0)
    ahead = 600.0
    arrive(20, 30, 45, 59)  # the one of second 19 waits for its order while the clock is set
    assert kinds(bench) == []
    arrive(60)
    assert kinds(bench) == [EventType.WATER_LEVEL]


def test_a_sensor_that_flaps_becomes_one_alarm_that_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, post("smoke-01"))
    for t in range(1, 1000):
        bench.read((t, t % 2))
        bench.turn(t + SETTLE_S)
    alarms = [one for one in map(parse_data, bench.events()) if isinstance(one, SensorAlarm)]
    assert len(bench.events()) == 2 * MOST_AN_HOUR - 1 and len(alarms) == MOST_AN_HOUR
    assert ["unstable" in one.reason for one in alarms] == [False] * (MOST_AN_HOUR - 1) + [True]
    assert bench.watch.measure()["state"] == "unstable"


def test_a_clock_of_the_box_that_is_set_back_does_not_make_every_reading_late(bench: Bench) -> None:
    bench.read((4000, 5))
    bench.turn(4002)
    bench.turn(0)
    bench.read((1, 31), (31, 31))
    bench.turn(33)
    assert [one.type for one in bench.events()] == [EventType.WATER_LEVEL]
    assert CLOCK_S < 4000


def test_a_disk_that_refuses_keeps_the_alarm_and_bounds_what_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as no_room:
        no_room.setattr("edge.sensors.kept.write_durable", full)
        quick = replace(bench.watch._limits, for_s=0.0, clear_for_s=0.0)
        bench.watch._limits = quick
        for n in range(3 * MOST_OUTGOING):
            bench.read((1400 * n, 31), (1400 * n + 1, 19))
            bench.turn(1400 * n + 3)
        assert bench.events() == []
        assert MOST_OUTGOING <= len(bench.watch._outgoing) <= MOST_OUTGOING + 2
    bench.turn(1400 * 3 * MOST_OUTGOING)
    assert len(bench.events()) >= 100
    assert json.loads(bench.watch._file.path.read_bytes())["outgoing"] == []


def test_a_file_that_cannot_be_read_is_laid_aside_and_the_sensor_begins_anew(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.watch._file.path.write_text('{"state": {"last": ')
    bench.start()
    bench.read((0, 31), (30, 31))
    bench.turn(33)
    assert len(bench.events()) == 1 and "begins anew" in caplog.text
    aside = bench.folder / "water-01.json.unreadable"
    assert aside.read_text() == '{"state": {"last": ' and str(aside) in caplog.text


def test_what_the_rule_decides_always_fits_the_contract(bench: Bench) -> None:
    wait = Wait(T, 1e9, dated=False)
    for name in ("water-01", "smoke-01", "manhole-07", "bay-12"):
        for decision in (Raised(wait, T + 9), Cleared(wait, T + 9), Silent(T, T + 9), Heard(T + 9, T)):
            event = event_of(post(name), State(last=Reading(T, -1e9)), decision, Doubt(7, "x" * 900))
            assert parse_data(event) is not None
