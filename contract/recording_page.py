"""`index.html` of an archive: one file that plays the segments and tells of the gaps, from disk, without a network.

It shows and does not check: what it says stands in the office's signed statement and in the box's sealed blocks, which
`sightline evidence verify` reads. Its parts lie in `contract/page`: markup, style, script, and words in each language.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from contract.continuity import Missing
from contract.recording import InForce, Request, Segment, names_of, station_of
from contract.site import Site

_FOLDER = Path(__file__).parent / "page"
LANGUAGES = ("zh-CN", "en")


def page(
    request: Request,
    sites: tuple[Site, Sequence[InForce]],
    gaps: Sequence[Missing],
    segments: Sequence[Segment],
    absent: Mapping[str, str],
    *,
    made_at: datetime,
    notes: Sequence[str],
) -> bytes:
    """The page. `sites`: the last site file in force and what each set; `absent`: why a segment is not here."""
    site, in_force = sites
    names = names_of(segments)
    data = {
        "request": request.model_dump(mode="json"),
        "station": station_of(site, request.wanted.camera_id).model_dump(mode="json"),
        "made_at": made_at.isoformat(),
        "sites": [one.model_dump(mode="json") for one in in_force],
        "gaps": [one.model_dump(mode="json") for one in gaps],
        "notes": list(notes),
        "segments": [_film(one, names, absent) for one in segments],
        "words": {tag: json.loads(_part(f"{tag}.json")) for tag in LANGUAGES},
    }
    script, style = _part("page.js"), _part("page.css")
    text = Template(_part("page.html")).substitute(
        policy=f"default-src 'none'; media-src 'self' file:; img-src data:; "
        f"script-src {_allowed(script)}; style-src {_allowed(style)}",
        script=script,
        style=style,
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    )
    return text.encode()


def _film(one: Segment, names: Mapping[str, str], absent: Mapping[str, str]) -> dict[str, Any]:
    """A segment as the page plays it: `start` is when its first picture was, `spans` what it holds of the span."""
    sha256 = one.recorded.sha256
    told: dict[str, Any] = {"start": one.recorded.start_us, "spans": one.spans}
    return told | ({"absent": absent[sha256]} if sha256 in absent else {"name": names[sha256]})


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


__all__ = ["LANGUAGES", "page"]
