"""Labels, matching and figures of `sightline eval`, on events written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import InputError
from sightline.evaluation.labels import Expected, LabelFile, LabelledScene, find_scenes
from sightline.evaluation.match import compare
from sightline.evaluation.run import Ran, Said
from sightline.evaluation.score import figures, spread, wilson

SITE = "site: s\n"


def scene(*events: dict[str, Any], tolerated: list[dict[str, Any]] | None = None) -> LabelledScene:
    label = LabelFile.model_validate({"events": list(events), "tolerated": tolerated or []})
    return LabelledScene("one", Path("one.site.yaml"), Path("one.jsonl"), None, label)


def parking(**more: Any) -> dict[str, Any]:
    return {
        "rule": "illegal_parking",
        "zone_id": "kerb",
        "verdict": ["candidate"],
        "t_first": [9.0, 11.0],
        "t_trigger": [39.0, 42.0],
        "truth": {"t_first": 10.0, "t_trigger": 40.0, "t_end": 90.0, "dwell_s": 80.0},
        **more,
    }


def said(trigger: float = 40.5, **more: Any) -> Said:
    told: dict[str, Any] = {
        "rule": "illegal_parking",
        "zone_id": "kerb",
        "lane_id": None,
        "verdict": "candidate",
        "t_first": 10.5,
        "t_trigger": trigger,
        "t_last": trigger,
        "dwell_s": 79.0,
    }
    return Said(**{**told, **more})


def test_a_right_event_is_as_expected_and_its_errors_are_measured() -> None:
    result = compare(scene(parking()), Ran("one", [said()]))
    assert result.as_expected and result.wrongs() == []
    counted = figures([result])
    assert (counted.right, counted.missed, counted.false) == (1, 0, 0)
    assert counted.dwell_errors == [-1.0]
    assert counted.time_errors["t_trigger"] == [0.5]


def test_nothing_said_is_missed() -> None:
    result = compare(scene(parking()), Ran("one"))
    assert not result.as_expected and "missed" in result.wrongs()[0]
    assert figures([result]).missed == 1


def test_what_nobody_expects_is_false() -> None:
    result = compare(scene(), Ran("one", [said()]))
    assert figures([result]).false == 1 and "false" in result.wrongs()[0]


@pytest.mark.parametrize("other", [{"zone_id": "other"}, {"rule": "failure_to_yield"}, {"t_trigger": 80.0}])
def test_another_zone_rule_or_time_is_another_matter(other: dict[str, Any]) -> None:
    event = said(**{"t_trigger": 40.0, **other}) if "t_trigger" not in other else said(other["t_trigger"])
    counted = figures([compare(scene(parking()), Ran("one", [event]))])
    assert (counted.right, counted.missed, counted.false) == (0, 1, 1)


def test_a_second_event_of_one_stay_is_a_duplicate_and_false() -> None:
    counted = figures([compare(scene(parking()), Ran("one", [said(), said(70.0)]))])
    assert (counted.right, counted.duplicates, counted.false) == (1, 1, 1)


def test_of_two_stays_that_trigger_together_each_has_the_event_nearer_to_its_truth() -> None:
    truths = [{"t_first": first, "t_trigger": first + 30, "dwell_s": dwell} for first, dwell in ((11.0, 50), (9.0, 80))]
    both = scene(*[parking(t_first=[6.0, 14.0], truth=truth) for truth in truths])
    events = [said(39.5, t_first=9.2, dwell_s=80.5), said(41.0, t_first=10.8, dwell_s=50.5)]
    result = compare(both, Ran("one", events))
    assert result.as_expected
    assert figures([result]).dwell_errors == [0.5, 0.5]


def test_a_wrong_time_of_a_right_accusation_is_a_fault_and_neither_false_nor_missed() -> None:
    result = compare(scene(parking()), Ran("one", [said(46.0)]))
    counted = figures([result])
    assert not result.as_expected and (counted.right, counted.missed, counted.false) == (1, 0, 0)
    assert "t_trigger 46.00 s outside 39.00..42.00 s" in result.wrongs()[0]


def test_the_nearest_event_is_taken_for_each_of_two_stays() -> None:
    later = parking(t_first=[50, 52], t_trigger=[80, 82], truth=None)
    result = compare(scene(parking(truth=None), later), Ran("one", [said(80.5, t_first=51.0), said(40.5)]))
    assert result.as_expected and len(result.pairs) == 2


def test_a_question_where_an_accusation_was_right_is_an_abstention_and_wrong() -> None:
    result = compare(scene(parking()), Ran("one", [said(verdict="needs_human", unknown=("track",))]))
    counted = figures([result])
    assert (counted.right, counted.abstained, counted.missed) == (0, 1, 0)
    told = counted.told()
    assert told["recall"]["of"] == 0 and told["recall_strict"]["value"] == 0.0 and told["needs_human"]["value"] == 1.0
    assert "verdict needs_human" in result.wrongs()[0]


def test_where_the_law_asks_for_a_person_an_outright_accusation_is_wrong() -> None:
    owed = scene(parking(verdict=["needs_human"], needs_human_ok=True))
    asked = figures([compare(owed, Ran("one", [said(verdict="needs_human")]))])
    accused = figures([compare(owed, Ran("one", [said()]))])
    assert (asked.questions_owed, asked.questions_asked, asked.accused_unasked) == (1, 1, 0)
    assert accused.accused_unasked == 1 and accused.told()["precision"]["value"] == 0.0


def test_tolerated_events_count_for_nothing() -> None:
    open_case = parking(verdict=["candidate", "needs_human"])
    result = compare(scene(tolerated=[open_case]), Ran("one", [said()]))
    assert result.as_expected and result.tolerated
    assert compare(scene(tolerated=[open_case]), Ran("one")).as_expected


def test_a_scene_that_could_not_be_judged_is_wrong() -> None:
    result = compare(scene(), Ran("one", error="one.jsonl:3  is not JSON"))
    assert not result.as_expected and "one.jsonl:3" in result.wrongs()[0]


def test_wilson_as_published() -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3."""
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        share = wilson(hits, of)
        assert share.low == pytest.approx(low, abs=2e-4) and share.high == pytest.approx(high, abs=2e-4)
    assert wilson(0, 0).value is None


def test_spread_of_errors() -> None:
    found = spread([-1.0, 0.0, 1.0, 5.0])
    assert (found.count, found.median, found.p95_abs, found.within) == (4, 0.5, 5.0, 0.75)
    assert spread([]).median is None


def write(folder: Path, label: object, name: str = "one") -> None:
    (folder / f"{name}.expect.json").write_text(label if isinstance(label, str) else json.dumps(label))
    (folder / f"{name}.site.yaml").write_text(SITE)
    (folder / f"{name}.jsonl").write_text('{"t": 0, "objects": []}\n')


def test_scenes_are_found_with_their_files(tmp_path: Path) -> None:
    write(tmp_path, {"events": []})
    write(tmp_path, {"clip": "film", "site": "one.site.yaml", "events": []}, "two")
    (tmp_path / "film.mp4").write_bytes(b"")
    one, two = find_scenes(tmp_path)
    assert (one.name, one.objects, one.video) == ("one", tmp_path / "one.jsonl", None)
    assert (two.video, two.site) == (tmp_path / "film.mp4", tmp_path / "one.site.yaml")


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("{", "is not JSON"),
        ({"events": [], "evnts": []}, "evnts"),
        ({"events": [{"rule": "speeding", "zone_id": "k", "verdict": ["candidate"]}]}, "events.0.rule"),
        ({"events": [{"rule": "illegal_parking", "zone_id": "k", "verdict": []}]}, "events.0.verdict"),
        ({"events": [], "clip": "nowhere"}, "nowhere.mp4"),
        ({"events": [], "site": "no.yaml"}, "no.yaml"),
    ],
)
def test_a_label_that_cannot_be_used_is_told_by_file_and_key(tmp_path: Path, label: object, why: str) -> None:
    write(tmp_path, label)
    with pytest.raises(InputError, match=why) as told:
        find_scenes(tmp_path)
    assert "one.expect.json" in str(told.value) and "\n" not in str(told.value)


def test_a_folder_without_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no"):
        find_scenes(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        find_scenes(tmp_path / "none")


def test_every_key_of_a_label_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for model in (LabelFile, Expected):
        for key in model.model_fields:
            assert f"`{key}`" in page, key


def test_the_state_kept_in_the_repository_is_of_every_labelled_clip(shared: Path) -> None:
    """`sightline eval ../shared/clips --json docs/evaluation.clips.json` made it; anew when a clip or a rule changes."""
    kept = json.loads((Path(__file__).parents[2] / "docs" / "evaluation.clips.json").read_text())
    assert kept["scenes"] == kept["as_expected"] == len(list((shared / "clips").glob("*.expect.json")))
    assert kept["wrong"] == []
