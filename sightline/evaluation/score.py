"""Figures from compared scenes, each rule by itself, day and night apart, with Wilson 95 % intervals.

Precision is of outright accusations (`candidate`): a question to a person accuses nobody. Recall is of offences that
could be told outright: those that became a question are counted apart as abstentions, and `recall_strict` counts them
as missed. Where the law itself asks for a person (`verdict` holds `needs_human` alone) a question is the right answer
and stands under `questions`.
Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sightline.evaluation.match import Compared

RULES = ("failure_to_yield", "illegal_parking")
DWELL_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of` with the 95 % Wilson interval; all None where nothing was counted."""

    hits: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Signed errors [s]: how many, median, 95th percentile of their size, share within `DWELL_WITHIN_S`."""

    count: int
    median: float | None = None
    p95_abs: float | None = None
    within: float | None = None


@dataclass(slots=True)
class Figures:
    """The figures of one rule in one light."""

    scenes: int = 0
    scenes_as_expected: int = 0
    right: int = 0
    abstained: int = 0
    missed: int = 0
    false: int = 0
    false_questions: int = 0
    duplicates: int = 0
    questions_owed: int = 0
    questions_asked: int = 0
    accused_unasked: int = 0
    dwell_errors: list[float] = field(default_factory=list)
    time_errors: dict[str, list[float]] = field(default_factory=lambda: {"t_first": [], "t_trigger": [], "t_last": []})

    def told(self) -> dict[str, Any]:
        """As plain JSON."""
        accusations = self.right + self.false + self.accused_unasked
        clear = self.right + self.missed
        all_events = self.right + self.false + self.abstained + self.false_questions
        return {
            "scenes": self.scenes,
            "scenes_as_expected": asdict(wilson(self.scenes_as_expected, self.scenes)),
            "precision": asdict(wilson(self.right, accusations)),
            "recall": asdict(wilson(self.right, clear)),
            "recall_strict": asdict(wilson(self.right, clear + self.abstained)),
            "needs_human": asdict(wilson(self.abstained + self.false_questions, all_events)),
            "abstained": self.abstained,
            "missed": self.missed,
            "false": self.false,
            "false_questions": self.false_questions,
            "duplicates": self.duplicates,
            "questions": asdict(wilson(self.questions_asked, self.questions_owed)),
            "accused_unasked": self.accused_unasked,
            "dwell_error_s": asdict(spread(self.dwell_errors)),
            "time_error_s": {name: asdict(spread(errors)) for name, errors in self.time_errors.items()},
        }


def wilson(hits: int, of: int, z: float = 1.96) -> Share:
    """The score interval of a share."""
    if of == 0:
        return Share(hits, of, None, None, None)
    p = hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return Share(hits, of, p, max(0.0, middle - half), min(1.0, middle + half))


def spread(errors: Sequence[float]) -> Spread:
    """How signed errors lie."""
    if not errors:
        return Spread(0)
    sizes = sorted(abs(error) for error in errors)
    p95 = sizes[math.ceil(0.95 * len(sizes)) - 1]
    within = sum(size <= DWELL_WITHIN_S for size in sizes) / len(sizes)
    return Spread(len(sizes), round(statistics.median(errors), 3), round(p95, 3), round(within, 4))


def figures(compared: Iterable[Compared]) -> Figures:
    """Count scenes of one rule."""
    total = Figures()
    for scene in compared:
        total.scenes += 1
        total.scenes_as_expected += scene.as_expected
        _count(total, scene)
    return total


def _count(total: Figures, scene: Compared) -> None:
    for pair in scene.pairs:
        question = pair.said.verdict == "needs_human"
        if "candidate" not in pair.expected.verdict:
            total.questions_owed += 1
            total.questions_asked += question
            total.accused_unasked += not question
        elif question and not pair.expected.needs_human_ok:
            total.abstained += 1
        elif not question:
            total.right += 1
        _times(total, pair.expected.truth, pair.said)
    for one in scene.missed:
        if "candidate" not in one.verdict:
            total.questions_owed += 1
        elif not one.needs_human_ok:
            total.missed += 1
    for said in scene.false + scene.twice:
        if said.verdict == "candidate":
            total.false += 1
        else:
            total.false_questions += 1
    total.duplicates += len(scene.twice)


def _times(total: Figures, truth: Any, said: Any) -> None:
    if truth is None:
        return
    for name, errors in total.time_errors.items():
        exact = getattr(truth, name)
        if exact is not None:
            errors.append(getattr(said, name) - exact)
    if truth.dwell_s is not None and said.dwell_s is not None:
        total.dwell_errors.append(said.dwell_s - truth.dwell_s)


def rule_of(scene: Compared) -> str:
    """Which rule a scene is about: that of its label, else of its first parking zone or crosswalk."""
    label = scene.scene.label
    if label.events:
        return label.events[0].rule
    text = scene.scene.site.read_text(encoding="utf-8")
    return "failure_to_yield" if "crosswalk" in text else "illegal_parking"


def report(compared: list[Compared]) -> dict[str, Any]:
    """Everything as plain JSON: totals by rule and light, kinds, and every scene that is not as expected."""
    rules: dict[str, Any] = {}
    for rule in RULES:
        mine = [scene for scene in compared if rule_of(scene) == rule]
        if not mine:
            continue
        by_light = {
            light: figures(scene for scene in mine if scene.scene.label.tags.light == light).told()
            for light in ("day", "night")
            if any(scene.scene.label.tags.light == light for scene in mine)
        }
        rules[rule] = {"all": figures(mine).told(), **by_light, "kinds": _kinds(mine)}
    wrong = [_wrong(scene) for scene in compared if not scene.as_expected]
    return {"scenes": len(compared), "as_expected": len(compared) - len(wrong), "rules": rules, "wrong": wrong}


def _kinds(scenes: list[Compared]) -> dict[str, Any]:
    names = sorted({scene.scene.label.tags.kind for scene in scenes})
    kinds = {}
    for name in names:
        found = figures(scene for scene in scenes if scene.scene.label.tags.kind == name)
        counted = ("scenes", "right", "abstained", "missed", "false", "false_questions", "duplicates")
        asked = ("questions_owed", "questions_asked", "accused_unasked", "scenes_as_expected")
        kinds[name] = {key: getattr(found, key) for key in (*counted, *asked)}
    return kinds


def _wrong(scene: Compared) -> dict[str, Any]:
    return {
        "name": scene.scene.name,
        "tags": scene.scene.label.tags.model_dump(exclude_none=True),
        "note": scene.scene.label.note,
        "wrong": scene.wrongs(),
        "decisions": scene.ran.decisions,
    }
