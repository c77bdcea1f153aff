"""Plate schemas are data: what can stand on a plate, and what its colour then says."""

from pathlib import Path

import pytest
import yaml

from contract import plates
from contract.errors import ConfigError
from contract.jurisdiction import load_profile, names
from contract.plates import PlateSchema, load_plates, schema_names


def kind(text: str, colour: str | None) -> str | None:
    found = load_plates("cn").type_of(text, colour)
    return found.name if found else None


@pytest.mark.parametrize(
    ("text", "colour", "name"),
    [
        ("浙A12345", "blue", "小型汽车"),
        ("浙A1B2C3", "yellow", "大型汽车"),
        ("浙AD12345", "green", "小型新能源汽车"),
        ("浙AF12345", None, "小型新能源汽车"),
        ("浙ADA2345", "green", "小型新能源汽车"),
        ("浙A12345D", "green", "大型新能源汽车"),
        ("浙A12345F", "yellow", "大型新能源汽车"),
        ("浙A1234挂", "yellow", "挂车"),
        ("浙A1234学", "yellow", "教练汽车"),
        ("浙A1234警", "white", "警用汽车"),
        ("粤Z1234港", "black", "粤港澳入出境车"),
        ("浙A12345", None, None),  # blue or yellow: open
        ("浙A12345", "white", None),  # no such plate is white
        ("浙AD12345", "blue", None),
    ],
)
def test_text_and_colour_tell_the_kind_of_a_chinese_plate(text: str, colour: str | None, name: str | None) -> None:
    assert load_plates("cn").holds(text)
    assert kind(text, colour) == name


@pytest.mark.parametrize(
    "text",
    [
        "浙A1234",  # six characters
        "浙A123456",  # eight, and no new-energy letter
        "浙AI2345",  # no I
        "浙A1O345",  # no O
        "浙I12345",
        "A浙12345",
        "1A12345",
        "浙112345",
        "浙AD1234D",  # both ends
        "浙A12345Z",
        "港A12345",
        " 浙A12345",
        "浙a12345",
        "",
    ],
)
def test_what_cannot_stand_on_a_chinese_plate(text: str) -> None:
    assert not load_plates("cn").holds(text)


def test_all_provinces_are_there() -> None:
    assert len(load_plates("cn").sets["province"]) == 31
    assert not set("IO") & set(load_plates("cn").alphabet)


def test_other_places() -> None:
    assert load_plates("uk").holds("AB51ABC") and not load_plates("uk").holds("AB51AIC")
    assert load_plates("us-ny").holds("ABC1234") and not load_plates("us-ny").holds("A")


def test_every_profile_names_a_schema_that_is_there_and_cites() -> None:
    assert {load_profile(name).plate_schema for name in names()} <= set(schema_names())
    assert all(load_plates(name).sources for name in schema_names())


def test_a_schema_that_is_not_there_names_the_others() -> None:
    with pytest.raises(ConfigError, match=r"'mars' is not there - known are: cn, uk, us-ny"):
        load_plates("mars")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"types": [{"code": None, "name": "x", "colours": ["blue"], "pattern": "<gone>"}]}, "'gone'"),
        ({"types": [{"code": None, "name": "x", "colours": ["pink"], "pattern": "A"}]}, "colours"),
        ({"sources": []}, "sources"),
        ({"surprise": 1}, "surprise"),
        ({"id": "other"}, "must be the file's name"),
    ],
)
def test_a_wrong_schema_is_named_with_its_key(
    wrong: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plates"
    folder.mkdir()
    good = load_plates("cn").model_dump(mode="json") | {"id": "mine"}
    (folder / "mine.yaml").write_text(yaml.safe_dump(good | wrong, allow_unicode=True), encoding="utf-8")
    monkeypatch.setattr(plates.resources, "files", lambda _: tmp_path)
    load_plates.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"configs/plates/mine\.yaml") as caught:
            load_plates("mine")
    finally:
        load_plates.cache_clear()
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_pattern_that_is_no_expression_is_refused() -> None:
    good = load_plates("cn").model_dump(mode="json")
    good["types"][0]["pattern"] = "<digit>{5"
    PlateSchema.model_validate(good)  # an open brace is itself
    good["types"][0]["pattern"] = "(<digit>"
    with pytest.raises(ValueError, match="is no regular expression"):
        PlateSchema.model_validate(good)
