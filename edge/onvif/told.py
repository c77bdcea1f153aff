"""What cameras say of themselves, as a file a camera that feed health reads: `run/onvif/<camera>.json`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

from contract.feedhealth import Check
from edge.beats import read_json
from edge.deliver.durable import write_whole
from edge.onvif.topics import finding
from edge.polling.rules import Finding

#: What is older says nothing about now. Seconds.
FRESH_S: Final = 15.0
#: Of an axis' range (`edge.onvif.pointing`): less is a mechanic's play.
PLAY: Final = 0.01
_CHECKS: Final = frozenset(get_args(Check))


def write_told(
    folder: Path, camera: str, states: dict[Check, bool], turned: float | None, masked: bool | None = None
) -> None:
    """Write what a camera said last: `states` by check, `turned` as `Pointing.turned`, whether it hides what it must.

    Raises OSError.
    """
    told = {"at": time.time(), "states": states, "turned": turned, "masked": masked}
    write_whole(folder / f"{camera}.json", json.dumps(told).encode())


def findings(folder: Path, camera: str) -> Iterator[Finding]:
    """What the camera says now; nothing for one that is not asked, or was not reached lately."""
    told: dict[str, Any] = read_json(folder / f"{camera}.json")
    if not 0 <= time.time() - float(told.get("at", 0)) < FRESH_S:
        return
    for check, bad in told.get("states", {}).items():
        if check in _CHECKS and isinstance(bad, bool):
            yield finding(check, bad)
    turned = told.get("turned")
    if isinstance(turned, float):
        said = f"its head points elsewhere than when it was set up, by {turned:.1%} of its range"
        yield Finding("moved", turned > PLAY, said, {"turned": turned}, source="onvif")
    masked = told.get("masked")
    if isinstance(masked, bool):
        yield Finding("mask", not masked, "by its own word the camera does not hide what it must", source="onvif")


__all__ = ["FRESH_S", "PLAY", "findings", "write_told"]
