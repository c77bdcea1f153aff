"""From what a gateway sends to a reading: what is believed, in which order, how much of a flood, JSON and Sparkplug B."""

import contextlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from contract.sensors import Sensor
from edge.rules.threshold import Reading
from edge.sensors import gateway, payload
from edge.sensors.believing import Unbelieved, from_json, limits_of
from edge.sensors.gateway import Gateway
from edge.sensors.mailbox import MOST_BYTES, MOST_EACH, Letter, Mailbox
from edge.sensors.settling import MOST, SETTLE_S, Settling
from sightline.cli import app

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC).timestamp()
WATER = Sensor(id="w", kind="water_level", place="p", unit="cm", raise_at=30, clear_at=20, for_s=60)
DOOR = Sensor(id="d", kind="manhole", place="p")


def read(sensor: Sensor, retained: bool = False, **said: Any) -> Reading:
    return from_json(sensor, json.dumps(said).encode(), NOW, retained=retained)


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


# -- what is believed -------------------------------------------------------------------------------------------------


def test_lengths_are_converted_and_the_sensors_own_time_counts() -> None:
    assert read(WATER, value=0.31, unit="m", at=stamp(-20)) == Reading(NOW - 20, pytest.approx(31.0))
    assert read(WATER, value=310, unit="mm").value == 31.0
    assert read(WATER, value=31) == Reading(NOW, 31.0, dated=False)


def test_a_state_is_true_or_false() -> None:
    assert [read(DOOR, value=one).value for one in (True, False, 1, 0)] == [1.0, 0.0, 1.0, 0.0]
    limits = limits_of(DOOR)
    assert limits.beyond(1.0) and not limits.beyond(0.0) and limits.back(0.0)


@pytest.mark.parametrize(
    ("sensor", "raw", "why"),
    [
        (WATER, b'{"value": NaN}', "not a number"),
        (WATER, b'{"value": 1e999}', "larger than anything"),
        (WATER, b'{"value": 1' + b"0" * 400 + b"}", "larger than anything"),
        (WATER, b'{"value": 2e8, "unit": "m"}', "larger than anything"),
        (WATER, b'{"value": "31"}', "value"),
        (WATER, b'{"value": null}', "value"),
        (WATER, b'{"value": true}', "a number in cm is asked"),
        (WATER, b'{"value": 31, "unit": "ppm"}', "not in cm"),
        (WATER, b'{"value": 2e9}', "larger than anything"),
        (WATER, b'{"value": 3, "unit": "cm", "colour": "red"}', "JSON it should be"),
        (WATER, b'{"valeu": 3}', "missing"),
        (WATER, b"[]", "JSON it should be"),
        (WATER, b"\xff\xfe", "JSON it should be"),
        (WATER, b"[" * 4000, "JSON it should be"),
        (WATER, b'{"value": 3, "at": "2026-11-22T08:00:00"}', "at"),
        (WATER, b" " * 9000, "over 8192 bytes"),
        (DOOR, b'{"value": 2}', "true or false"),
        (DOOR, b'{"value": 1, "unit": "cm"}', "declared as a state"),
    ],
)
def test_what_is_no_reading_is_refused_with_a_sentence(sensor: Sensor, raw: bytes, why: str) -> None:
    with pytest.raises(Unbelieved, match=why):
        from_json(sensor, raw, NOW, retained=False)


def test_a_gateway_whose_clock_is_wrong_is_not_believed_and_told_by_how_much() -> None:
    with pytest.raises(Unbelieved, match=r"dated \+3600 s .* set the gateway's clock"):
        read(WATER, value=31, at=stamp(3600))
    with pytest.raises(Unbelieved, match="dated -61 s"):
        read(WATER, value=31, at=stamp(-61))
    assert read(WATER, value=31, at=stamp(60)).t == NOW + 60


def test_a_message_that_the_broker_kept_counts_only_when_it_says_of_when() -> None:
    with pytest.raises(Unbelieved, match="old message"):
        read(WATER, retained=True, value=31)
    assert read(WATER, retained=True, value=31, at=stamp(-5)).t == NOW - 5


@given(st.binary(max_size=300))
def test_any_bytes_are_a_reading_or_refused(raw: bytes) -> None:
    try:
        one = from_json(WATER, raw, NOW, retained=False)
    except Unbelieved:
        return
    assert math.isfinite(one.value)


# -- the declaration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unit": None}, "belong together"),
        ({"clear_at": 30}, "trembles"),
        ({"unit": "feet"}, "unit"),
        ({"raise_at": math.nan}, "raise_at"),
        ({"for_s": -1}, "for_s"),
        ({"reports": "change", "for_s": 1000, "silent_after_s": 900}, "nothing vouches"),
        ({"place": "a\nb"}, "printable"),
        ({"id": "../x"}, "id"),
        ({"sparkplug": {"node": "a/b", "metric": "m"}}, "one part of a topic"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Sensor(**(WATER.model_dump() | changes))


def test_check_says_by_what_each_sensor_gives_alarm() -> None:
    site = Path(__file__).resolve().parents[2] / "configs" / "sites" / "underpass.yaml"
    told = CliRunner().invoke(app, ["edge", "check", str(site)])
    assert told.exit_code == 0, told.output
    assert (
        "sensor water-01: water_level, alarm at or over 30 cm for 30 s, over again at 20; silent after 900 s"
        in told.output
    )
    assert "sensor bay-12: parking, alarm when it is true for 900 s; silent after 4500 s" in told.output


# -- order and flood --------------------------------------------------------------------------------------------------


@given(st.permutations(range(20)))
def test_readings_that_come_within_the_wait_leave_in_the_order_of_their_time(order: list[int]) -> None:
    settling = Settling()
    for place, t in enumerate(order):
        settling.put(Reading(float(t), 1.0), place * SETTLE_S / 40)
    assert [one for _, one in settling.ready(SETTLE_S * 2)] == [Reading(float(t), 1.0) for t in range(20)]
    assert len(settling) == 0


def test_a_reading_waits_and_takes_those_before_it_along() -> None:
    settling = Settling()
    settling.put(Reading(10, 1), 0.0)
    settling.put(Reading(5, 2), 1.9)
    settling.put(Reading(20, 3), 1.9)
    assert settling.ready(1.95) == []
    assert settling.ready(2.0) == [(1.9, Reading(5, 2)), (0.0, Reading(10, 1))]
    assert settling.drain() == [(1.9, Reading(20, 3))]


def test_a_flood_of_readings_is_bounded_and_the_newest_stay() -> None:
    settling, box = Settling(), Mailbox()
    for t in range(MOST * 5):
        settling.put(Reading(float(t), 1.0), 0.0)
    assert len(settling.ready(0.0)) == MOST * 4 and len(settling) == MOST
    for n in range(MOST_EACH * 3):
        box.put("flood", Letter("t", str(n).encode(), False, 0.0, 0.0))
    box.put("quiet", Letter("t", b"x", False, 0.0, 0.0))
    kept = box.take()
    assert [letter.raw for sender, letter in kept if sender == "quiet"] == [b"x"], "a flood crowds nobody else out"
    assert [letter.raw for _, letter in kept][:-1] == [str(n).encode() for n in range(MOST_EACH * 2, MOST_EACH * 3)]
    assert box.dropped == {"flood": MOST_EACH * 2} and box.take() == []


def test_a_mailbox_holds_so_many_bytes_and_no_more() -> None:
    box, big = Mailbox(), b"x" * 1_000_000
    for sender in range(40):
        box.put(str(sender), Letter("t", big, False, 0.0, 0.0))
    assert sum(len(letter.raw) for _, letter in box.take()) <= MOST_BYTES
    assert sum(box.dropped.values()) == 40 - MOST_BYTES // len(big)


# -- Sparkplug B ------------------------------------------------------------------------------------------------------

#: Written by the schema of Eclipse Tahu, as pysparkplug 0.6.1 carries it: NBIRTH with bdSeq, Level (12.5, alias 7),
#: Temp (Int8, -5, alias 8), Open (false, alias 9) and a text with properties; NDATA with aliases alone.
BIRTH = bytes.fromhex(
    "0880d0dfb4ab3312120a0562645365711880d0dfb4ab3320085800121b0a054c6576656c10071880d0dfb4ab33200a690000000000002940"
    "120d0a0454656d701008200150fb01120c0a044f70656e1009200b700012220a0550726f7073100a200c4a0e0a04756e69741206080c4202"
    "636d7a0568656c6c6f1800"
)
DATA = bytes.fromhex(
    "0888f7dfb4ab331212100718a0efdfb4ab33690000000000003f401208100850faffffff0f1204100970011801"
)  # fmt: skip


def of_metric(name: str, metric: str, device: str | None = None, **more: Any) -> Sensor:
    return Sensor(
        id=name, kind="manhole", place="p", sparkplug={"node": "gw", "device": device, "metric": metric}, **more
    )


SPOKEN = [of_metric("level", "Level"), of_metric("temp", "Temp"), of_metric("open", "Open"), of_metric("text", "Props")]


def test_births_and_data_of_another_writer_are_read() -> None:
    node = Gateway(SPOKEN)
    born = {one.sensor_id: one for one in node.hear("NBIRTH", None, BIRTH)}
    assert (born["level"].value, born["level"].at) == (12.5, 1764000000.0)
    assert (born["temp"].value, born["open"].value) == (-5, False)
    assert born["text"].value is None and "text" in born["text"].fault
    told = {one.sensor_id: one for one in node.hear("NDATA", None, DATA)}
    assert (told["level"].value, told["level"].at) == (31.0, 1764000004.0), "the metric's own time"
    assert (told["temp"].value, told["temp"].at) == (-6, 1764000005.0), "else that of the payload"
    assert told["open"].value is True
    assert not node.wants_rebirth


def test_data_before_its_birth_is_not_guessed_at_and_the_birth_is_asked_for() -> None:
    node = Gateway(SPOKEN)
    node.wants_rebirth = False
    assert node.hear("NDATA", None, DATA) == [] and node.wants_rebirth
    node.hear("NBIRTH", None, BIRTH)
    assert not node.wants_rebirth
    node.hear("NDEATH", None, b"")
    assert node.hear("NDATA", None, DATA) == [] and node.wants_rebirth
    asked = payload.read(gateway.rebirth(5.0)).metrics[0]
    assert (asked.name, asked.boolean_value, asked.datatype) == ("Node Control/Rebirth", True, 11)


def test_devices_have_aliases_of_their_own_and_die_one_by_one() -> None:
    node = Gateway([of_metric("a", "Level", "one"), of_metric("b", "Level", "two")])
    for device in ("one", "two"):
        node.hear("DBIRTH", device, BIRTH)
    assert [one.sensor_id for one in node.hear("DDATA", "two", DATA)] == ["b"]
    node.hear("DDEATH", "two", b"")
    assert node.hear("DDATA", "two", DATA) == [] and node.hear("DDATA", "one", DATA) != []


def test_null_and_history_tell_nothing_of_now() -> None:
    said = payload.fresh()
    for name, null, old in (("Level", True, False), ("Temp", False, True)):
        metric = said.metrics.add()
        metric.name, metric.is_null, metric.is_historical, metric.int_value = name, null, old, 3
    (level,) = Gateway(SPOKEN).hear("NDATA", None, said.SerializeToString())
    assert level.value is None and "null" in level.fault


@given(st.sampled_from(["NBIRTH", "NDATA", "DDATA", "NDEATH", "NCMD", "STATE"]), st.binary(max_size=200))
def test_any_bytes_of_a_gateway_are_read_or_refused(kind: str, raw: bytes) -> None:
    try:
        told = Gateway(SPOKEN).hear(kind, None, raw)
    except Unbelieved:
        return
    assert all(one.value is None or isinstance(one.value, bool | int | float) for one in told)


@given(st.integers(0, len(BIRTH) * 8 - 1))
def test_a_birth_with_a_bit_flipped_ends_nothing(bit: int) -> None:
    raw = bytearray(BIRTH)
    raw[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(Unbelieved):
        Gateway(SPOKEN).hear("NBIRTH", None, bytes(raw))
