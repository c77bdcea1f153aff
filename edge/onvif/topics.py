"""What a camera's own events say of its picture (ONVIF Imaging and Analytics, topic names of Profile S/T). Pure.

Vendors differ in the end of a topic and in the name of its value, so both are read loosely: what is not known says
nothing. A camera's word is a warning, never an alarm by itself: its makers' thresholds are not ours.
"""

from collections.abc import Mapping
from typing import Final

from contract.feedhealth import Check
from edge.polling.rules import Finding

#: A part of the topic's path -> what it means here.
_MEANS: Final[Mapping[str, Check]] = {
    "ImageTooDark": "dark",
    "ImageTooBright": "bright",
    "ImageTooBlurry": "defocused",
    "GlobalSceneChange": "scene",
    "SignalLoss": "lost",
    "VideoLoss": "lost",
    "Tampering": "covered",
    "Tamper": "covered",
    "TamperDetector": "covered",
}
#: Names under which the state stands; the first that is there counts.
_STATES: Final = ("State", "IsTamper", "IsTampering", "IsTampered", "Value", "LogicalState", "Loss")
_YES, _NO = frozenset({"true", "1", "on", "active"}), frozenset({"false", "0", "off", "inactive"})


def check_of(topic: str) -> Check | None:
    """What a topic (`tns1:VideoSource/ImageTooDark/ImagingService`) is about; None for one that says nothing here."""
    parts = [part.rsplit(":", 1)[-1] for part in topic.strip().split("/")]
    return next((_MEANS[part] for part in parts if part in _MEANS), None)


def state_of(values: Mapping[str, str]) -> bool | None:
    """Whether it is so, by the values of the event; None where they do not tell."""
    for name in _STATES:
        said = values.get(name, "").strip().lower()
        if said in _YES | _NO:
            return said in _YES
    return None


def finding(check: Check, bad: bool | None) -> Finding:
    """What the camera says, for `Matters`."""
    return Finding(check, bad, f"the camera itself tells of it ({check})", source="onvif", severity="warning")


__all__ = ["check_of", "finding", "state_of"]
