"""What a manifest claims: that the original was opened, what was done to it, and what the box sealed.

Central opens what it was sent; it does not claim to have taken it. The words are those of C2PA (specification 2.4,
section 18.15). `c2pa.redacted` is not among them: there it means that assertions were taken out of a manifest, and
faces that are blurred are an edit.
"""

from datetime import datetime
from importlib.metadata import version
from typing import Any

from contract.events import rfc3339
from contract.provenance import LABEL, Provenance

_OPENED = "original"
_DRAWN = "What the box saw is drawn on: the zone, the vehicle and the people."
_BLURRED = "Faces, and plates other than the accused vehicle's, are blurred."
_ENCODED = "Encoded anew as H.264, without sound."


def claims(said: Provenance, title: str, media_type: str, at: datetime) -> dict[str, Any]:
    """The definition of the manifest of the file `title` of a bundle exported `at`, as `c2pa.Builder` reads it.

    The original stands in it as an ingredient that is only named, by its SHA-256: nothing of its pixels (a thumbnail)
    gets into the manifest of a copy on which somebody was blurred.
    """
    software = {"name": "Sightline", "version": version("sightline")}
    by = {"softwareAgent": software, "when": rfc3339(at)}
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_OPENED]}} | by
    done = [{"action": f"c2pa.{action}", "description": text} | by for action, text in _done(said, media_type)]
    original = {
        "title": f"sha256:{said.original}",
        "format": media_type,
        "relationship": "parentOf",
        "label": _OPENED,
        "instance_id": f"urn:sha256:{said.original}",
    }
    return {
        "claim_generator_info": [software],
        "title": title,
        "format": media_type,
        "ingredients": [original],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [opened, *done]}, "created": True},
            {"label": LABEL, "data": said.model_dump(mode="json"), "created": True},
        ],
    }


def _done(said: Provenance, media_type: str) -> list[tuple[str, str]]:
    if said.what == "overlay":
        return [("drawing", _DRAWN)]
    if said.what == "redacted":
        return [("edited", _BLURRED), *([("transcoded", _ENCODED)] if media_type.startswith("video/") else [])]
    return []


__all__ = ["claims"]
