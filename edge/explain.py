"""Every decision with its reason and numbers, one JSON line each: why a vehicle was, or was not, accused."""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from edge.analysis import Judged
from edge.rules.decision import Decision, Moment


class Explanation:
    """Writes decisions to a text stream as they are made."""

    def __init__(self, stream: TextIO) -> None:
        """The stream stays the caller's to close."""
        self._stream = stream

    def write(self, judged: Judged) -> None:
        """One line for one decision."""
        line = told(judged.decision)
        if judged.event is not None:
            line["event"] = judged.event.id
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


def told(decision: Decision) -> dict[str, Any]:
    """A decision as plain JSON: stream seconds, boxes in pixels of `frame`, numbers as the rule named them."""
    return {
        "rule": decision.rule,
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "zone_id": decision.zone_id,
        "lane_id": decision.lane_id,
        "track_id": decision.track_id,
        "vehicle": {"class": decision.vehicle_class, "plate": decision.plate, "color": decision.color},
        "verdict": decision.verdict if decision.outcome.value == "violation" else None,
        "unknown": [{"fact": q.fact, "question": q.question, "sources": list(q.sources)} for q in decision.unknown],
        "facts": {name: said.model_dump() for name, said in decision.facts.items()},
        "suppression": list(decision.suppression),
        "pedestrian_ids": list(decision.pedestrian_ids),
        "first": _moment(decision.first),
        "trigger": _moment(decision.trigger) if decision.trigger else None,
        "last": _moment(decision.last),
        "numbers": _rounded(decision.numbers),
        "scores": _rounded(decision.scores),
        "ground": decision.ground,
        "how_ended": decision.how_ended,
    }


def _moment(moment: Moment) -> dict[str, Any]:
    return {"t": round(moment.t, 3), "box": [round(float(value), 1) for value in moment.box]}


def _rounded(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in numbers.items()}
