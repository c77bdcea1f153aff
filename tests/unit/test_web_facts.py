"""What the case page asks the officer to confirm: every fact of the table, in both languages, none of them invented."""

import pytest

from central.web.confirm import confirms
from central.web.language import load
from contract.events import FactSaid
from contract.facts import load_facts

EN, ZH = load("en"), load("zh-CN")


@pytest.mark.parametrize("say", [EN, ZH])
def test_every_fact_and_source_of_the_table_has_its_words(say) -> None:
    table = load_facts()
    assert [row.fact for row in table.facts if f"fact.{row.fact}.question" not in say.sentences] == []
    sources = {str(source) for row in table.facts for source in row.sources}
    assert {source for source in sources if f"source.{source}" not in say.sentences} == set()


def test_unknown_facts_come_first_and_those_asked_stand_elsewhere() -> None:
    facts = {
        "disabled_permit": FactSaid(value="no", sources=["plate_list"]),
        "hazard_lights": FactSaid(sources=["model", "reviewer"]),
        "signal_state": FactSaid(sources=["mqtt"], ask=True),
    }
    shown = confirms(facts, EN)
    assert [(one.fact, one.known, one.value) for one in shown] == [
        ("hazard_lights", False, "not known"),
        ("disabled_permit", True, "No"),
    ]
    assert shown[0].sources == "could tell: a model, you"
    assert confirms(facts, ZH)[0].value == "未知"


def test_a_fact_of_a_newer_box_is_shown_in_its_own_words() -> None:
    (shown,) = confirms({"towed_away": FactSaid(value="by the city", question="Was it towed?", sources=["radar"])}, EN)
    assert (shown.text, shown.value, shown.sources) == ("Was it towed?", "by the city", "could tell: radar")


def test_who_told_a_fact_is_named() -> None:
    said = {"officer_directing": FactSaid(value="no", sources=["mqtt"], source="mqtt", by="duty-7")}
    assert confirms(said, EN)[0].sources == "said by duty-7"
    assert confirms(said, ZH)[0].sources == "由 duty-7 告知"
