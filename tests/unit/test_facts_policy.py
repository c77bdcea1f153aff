"""Facts that no camera can tell, lists of plates, and what a jurisdiction makes of a rule's decision. Pure."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ConfigError
from contract.events import UNKNOWN
from contract.exempt import ExemptList, lists_of, load_list, plain
from contract.facts import FactsTable, load_facts
from contract.jurisdiction import load_profile
from contract.profile import UnknownFact
from contract.site import Camera
from contract.sitefile import load_site
from edge.rules.decision import Decision, Moment, Outcome, Question, told_of
from edge.rules.policy import Law, Policy
from edge.rules.testimony import Accused
from tests.scenes.sites import write_site

ROOT = Path(__file__).resolve().parents[2]
START = datetime.fromisoformat("2026-01-05T10:00:00+08:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
LANES = [{"id": "l1", "polygon": SQUARE, "towards": (5, 5)}]
CAMERA = Camera.model_validate(
    {
        "id": "cam-1",
        "url": "rtsp://127.0.0.1/c",
        "frame": [200, 200],
        "zones": [
            {"id": "kerb", "type": "no_parking", "polygon": SQUARE},
            {"id": "stop", "type": "bus_stop", "polygon": SQUARE},
            {"id": "zebra", "type": "crosswalk", "polygon": SQUARE, "lanes": LANES},
            {"id": "lit", "type": "crosswalk", "polygon": SQUARE, "lanes": LANES, "signal": {"source": "mqtt"}},
        ],
    }
)
MOMENT = Moment(20.0, (10, 10, 50, 50))


def parked(**changes: Any) -> Decision:
    values: dict[str, Any] = {
        "rule": "illegal_parking",
        "outcome": Outcome.VIOLATION,
        "passage": "p",
        "zone_id": "kerb",
        "track_id": 1,
        "vehicle_class": "car",
        "first": MOMENT,
        "trigger": MOMENT,
        "last": MOMENT,
        "reason": "stood",
        "numbers": {"proven_s": 300.0},
    }
    return Decision(**{**values, **changes})


def passed(**changes: Any) -> Decision:
    return parked(**{"rule": "failure_to_yield", "zone_id": "zebra", "lane_id": "l1", **changes})


def policy(
    name: str = "cn-default",
    *lists: ExemptList,
    since: date | None = None,
    table: FactsTable | None = None,
    **facts: UnknownFact,
) -> Policy:
    profile = load_profile(name)
    profile = profile.model_copy(update={"facts": {**profile.facts, **facts}})
    law = Law(profile, (table or load_facts()).under(profile), lists, since)
    return Policy(law, CAMERA, SHANGHAI, lambda t: START + timedelta(seconds=t))


# The table


def test_the_facts_that_the_law_and_the_domain_name_have_a_row() -> None:
    named = {row.fact for row in load_facts().facts}
    assert named >= {
        "emergency_on_task",
        "officer_directing",
        "driver_present",
        "hazard_lights",
        "child_in_pushchair",
        "signal_state",
        "disabled_permit",
        "exempt_vehicle",
        "stolen_or_cloned",
        "works_vehicle",
    }


def test_every_question_that_a_rule_asks_is_a_fact_of_the_table() -> None:
    asked = set()
    for module in (ROOT / "edge/rules").glob("*.py"):
        asked |= set(re.findall(r'Question\(\s*"([a-z_]+)"', module.read_text(encoding="utf-8")))
    assert len(asked) >= 6
    assert asked - {row.fact for row in load_facts().facts} == set()


def test_no_row_stands_twice_and_a_profile_names_no_strangers() -> None:
    table = load_facts()
    with pytest.raises(ValueError, match="driver_present stands twice"):
        FactsTable.model_validate({"version": "1", "facts": [table.row("driver_present")] * 2})
    profile = load_profile("uk").model_copy(update={"facts": {"mood": UnknownFact.ASKS}})
    with pytest.raises(ConfigError, match=r"profile uk: facts\.mood"):
        table.under(profile)


# What becomes of a plain violation


@pytest.mark.parametrize("decision", [parked(), passed()])
def test_a_plain_violation_stays_a_candidate_and_lists_what_nobody_told(decision: Decision) -> None:
    judged = policy().judged(decision)
    assert (judged.outcome, judged.verdict, judged.unknown) == (Outcome.VIOLATION, "candidate", ())
    assert {said.value for said in judged.facts.values()} == {UNKNOWN}
    assert not any(said.ask for said in judged.facts.values())
    assert judged.facts["emergency_on_task"].sources == ["objects", "mqtt", "reviewer"]
    assert all(said.question for said in judged.facts.values())


def test_only_facts_that_concern_the_rule_and_the_place_are_listed() -> None:
    stay, yield_, lit = (set(policy().judged(one).facts) for one in (parked(), passed(), passed(zone_id="lit")))
    assert "driver_present" in stay and "driver_present" not in yield_
    assert "child_in_pushchair" in yield_ and "child_in_pushchair" not in stay
    assert "signal_state" not in yield_ and "signal_state" in lit
    assert not {"track", "motor_vehicle"} & (stay | yield_)


def test_an_unknown_light_at_a_signalised_crossing_asks_and_a_told_one_does_not() -> None:
    asked = policy().judged(passed(zone_id="lit"))
    assert asked.verdict == "needs_human" and [one.fact for one in asked.unknown] == ["signal_state"]
    assert "reviewer" not in asked.unknown[0].sources
    told = policy().judged(passed(zone_id="lit", told=told_of(None, "pedestrian_green")))
    assert told.verdict == "candidate" and told.facts["signal_state"].value == "pedestrian_green"


def test_the_rules_own_question_is_asked_once_and_in_its_own_words() -> None:
    own = Question("track", "Was it one vehicle?")
    judged = policy().judged(passed(unknown=(own,)))
    assert judged.unknown == (own,)
    assert judged.facts["track"].ask and judged.facts["track"].question == own.question


def test_a_profile_may_ask_for_what_others_only_show_or_accuse_nobody_without_it() -> None:
    asks = policy(driver_present=UnknownFact.ASKS).judged(parked())
    assert asks.verdict == "needs_human" and asks.facts["driver_present"].ask
    blocked = policy(driver_present=UnknownFact.BLOCKS).judged(parked())
    assert blocked.outcome is Outcome.SUPPRESSED and blocked.suppression == ("driver_present",)
    assert "nobody could tell driver_present" in blocked.reason


def test_what_a_source_told_is_the_value_and_decides() -> None:
    off = policy().judged(parked(told=told_of(False)))
    assert off.outcome is Outcome.VIOLATION and off.facts["emergency_on_task"].value == "no"
    on = policy().judged(passed(told=told_of(True)))
    assert on.outcome is Outcome.SUPPRESSED and on.suppression == ("emergency_on_task",)
    directed = policy().judged(passed(told={"officer_directing": "yes"}))
    assert directed.outcome is Outcome.SUPPRESSED


def test_decisions_that_accuse_nobody_pass_as_they_are() -> None:
    for outcome in (Outcome.CLEARED, Outcome.SUPPRESSED):
        decision = parked(outcome=outcome, zone_id="kerb")
        assert policy("us-nyc").judged(decision) is decision


# Where the jurisdiction lets a camera judge


def test_a_zone_type_that_is_not_allowed_gives_no_candidate_and_says_so() -> None:
    judged = policy("uk").judged(parked())
    assert judged.outcome is Outcome.SUPPRESSED and judged.suppression == ("jurisdiction",)
    assert judged.reason == "uk lets no camera judge a zone of type no_parking"
    assert policy("uk").judged(parked(zone_id="stop")).outcome is Outcome.VIOLATION
    assert policy("uk").judged(passed()).outcome is Outcome.SUPPRESSED


def test_nobody_is_told_the_end_of_a_case_that_never_was() -> None:
    uk = policy("uk")
    uk.judged(parked())
    assert uk.judged(parked(outcome=Outcome.CLOSED)).outcome is Outcome.SUPPRESSED


def test_who_was_accused_is_told_the_end_although_the_plate_is_read_later() -> None:
    listed = ExemptList("disabled_permit", {"浙A12345": None})
    judge = policy("cn-default", listed)
    assert judge.judged(parked()).outcome is Outcome.VIOLATION
    assert judge.judged(parked(outcome=Outcome.CLOSED, plate="浙A12345")).outcome is Outcome.CLOSED


@pytest.mark.parametrize(
    ("since", "numbers"),
    [
        (None, {"warning_only": UNKNOWN, "warning_until": UNKNOWN}),
        (date(2025, 11, 7), {"warning_only": True, "warning_until": "2026-01-05"}),
        (date(2025, 11, 6), {"warning_only": False, "warning_until": "2026-01-04"}),
    ],
)
def test_new_yorks_time_of_warnings_is_marked_in_the_numbers(since: date | None, numbers: dict[str, object]) -> None:
    judged = policy("us-nyc", since=since).judged(parked(zone_id="stop"))
    assert judged.outcome is Outcome.VIOLATION
    assert dict(judged.numbers) == {"proven_s": 300.0, **numbers}


# Lists of plates


@pytest.mark.parametrize("plate", ["浙A12345", "浙A·12345", "浙a 12345"])
@pytest.mark.parametrize(
    ("fact", "outcome", "asks"),
    [
        ("disabled_permit", Outcome.SUPPRESSED, False),
        ("works_vehicle", Outcome.SUPPRESSED, False),
        ("exempt_vehicle", Outcome.SUPPRESSED, False),
        ("emergency_vehicle", Outcome.VIOLATION, True),
        ("stolen_or_cloned", Outcome.VIOLATION, True),
    ],
)
def test_a_listed_plate_does_what_the_table_says(plate: str, fact: str, outcome: Outcome, asks: bool) -> None:
    judged = policy("cn-default", ExemptList(fact, {"浙A12345": None})).judged(parked(plate=plate))
    assert judged.outcome is outcome
    assert judged.facts[fact].value == "yes" and judged.facts[fact].ask is asks
    assert [one.fact for one in judged.unknown] == ([fact] if asks else [])


def test_a_plate_that_nobody_read_is_on_no_list_and_off_none() -> None:
    listed = ExemptList("disabled_permit", {"浙A12345": None})
    assert policy("cn-default", listed).judged(parked()).facts["disabled_permit"].value == UNKNOWN
    other = policy("cn-default", listed).judged(parked(plate="浙A12346"))
    assert other.outcome is Outcome.VIOLATION and other.facts["disabled_permit"].value == "no"
    assert policy().judged(parked(plate="浙A12345")).facts["disabled_permit"].value == UNKNOWN


def late(plate: str | None, sure: bool = True, rule: str = "illegal_parking") -> Accused:
    return Accused(rule, "kerb", START, START, START, START.date(), plate, sure)


def test_a_plate_read_later_keeps_the_case_from_review_and_takes_back_no_decision() -> None:
    lists = (ExemptList("disabled_permit", {"浙A12345": None}), ExemptList("works_vehicle", {}))
    law = Law(load_profile("cn-default"), load_facts(), lists)
    tells = law.of_plate(late("浙A·12345"))
    assert {fact: (one.value, one.ask, one.source) for fact, one in tells.facts.items()} == {
        "disabled_permit": ("yes", False, "plate_list"),
        "works_vehicle": ("no", False, "plate_list"),
    }
    assert tells.suppression == ("disabled_permit",)
    assert law.of_plate(late("浙A12345", rule="failure_to_yield")).facts == {}
    assert law.of_plate(late(None)).facts == {}


def test_a_plate_that_was_not_read_surely_asks_and_suppresses_nothing() -> None:
    lists = (ExemptList("disabled_permit", {"浙A12345": None}), ExemptList("works_vehicle", {}))
    tells = Law(load_profile("cn-default"), load_facts(), lists).of_plate(late("浙A12345", sure=False))
    assert tells.suppression == () and set(tells.facts) == {"disabled_permit"}
    said = tells.facts["disabled_permit"]
    assert (said.value, said.ask) == (UNKNOWN, True)
    assert said.question.startswith("The plate was read as 浙A12345, not surely, and that is on the list")


def test_a_stolen_plate_read_later_is_asked_about() -> None:
    law = Law(load_profile("cn-default"), load_facts(), (ExemptList("stolen_or_cloned", {"浙A12345": None}),))
    tells = law.of_plate(late("浙A12345"))
    assert tells.suppression == () and tells.facts["stolen_or_cloned"].ask


def test_an_entry_holds_to_its_last_day() -> None:
    for until, outcome in ((date(2026, 1, 5), Outcome.SUPPRESSED), (date(2026, 1, 4), Outcome.VIOLATION)):
        listed = ExemptList("disabled_permit", {"浙A12345": until})
        assert policy("cn-default", listed).judged(parked(plate="浙A12345")).outcome is outcome


@given(st.text(alphabet="AB12 ·.-", min_size=1, max_size=12))
def test_what_people_put_between_characters_is_no_difference(text: str) -> None:
    assert plain(plain(text)) == plain(text) == plain(f" {text.lower()}·")


def test_a_list_is_read_with_days_and_notes(tmp_path: Path) -> None:
    file = tmp_path / "permits.txt"
    file.write_text("\ufeff# permits\n浙A·12345, 2026-12-31   # 4711\n\nAB12 CDE\n", encoding="utf-8")
    assert load_list("disabled_permit", file).plates == {"浙A12345": date(2026, 12, 31), "AB12CDE": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("浙A12345\nnot a plate!\n", r"permits\.txt:2  'not a plate!' is not a plate"),
        ("浙A12345, tomorrow\n", r"permits\.txt:1  'tomorrow' is not a day like 2026-12-31"),
        ("浙A12345\n浙a·12345\n", r"permits\.txt:2  浙A12345 stands twice"),
        ("A\n", "is not a plate"),
    ],
)
def test_a_line_that_cannot_be_read_refuses_the_list(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "permits.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_list("disabled_permit", file)


def test_a_site_names_its_lists_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "permits.txt").write_text("浙A12345\n", encoding="utf-8")
    site = load_site(write_site(tmp_path, exempt_lists={"disabled_permit": "permits.txt"}))
    (listed,) = lists_of(site, load_facts())
    assert listed.name == "disabled_permit" and listed.holds("浙A12345", date(2026, 1, 5))


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (
            {"driver_present": "x.txt"},
            r"exempt_lists\.driver_present: no list tells that - known are: emergency_vehicle",
        ),
        ({"disabled_permit": "gone.txt"}, r"gone\.txt: cannot be read .* - mend exempt_lists\.disabled_permit"),
    ],
)
def test_a_wrong_list_is_named(tmp_path: Path, lists: dict[str, str], said: str) -> None:
    site = load_site(write_site(tmp_path, exempt_lists=lists))
    with pytest.raises(ConfigError, match=said):
        lists_of(site, load_facts())


def test_a_list_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "permits.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_list("disabled_permit", tmp_path / "permits.txt")


@given(st.sampled_from(["kerb", "stop", "zebra", "lit"]), st.sampled_from(["cn-default", "cn-beijing", "uk", "us-nyc"]))
def test_the_policy_never_makes_an_accusation_out_of_none(zone_id: str, name: str) -> None:
    rule = "illegal_parking" if zone_id in {"kerb", "stop"} else "failure_to_yield"
    cleared = parked(rule=rule, zone_id=zone_id, outcome=Outcome.CLEARED)
    assert policy(name).judged(cleared).outcome is Outcome.CLEARED
    accused = policy(name).judged(replace(cleared, outcome=Outcome.VIOLATION))
    assert accused.outcome in {Outcome.VIOLATION, Outcome.SUPPRESSED}
