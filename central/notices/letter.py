"""The page of a letter: its frozen text, with redacted stills."""

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from central.db.notices import Notice
from central.notices.stills import PublicStill
from central.notices.text import words

_TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def html(notice: Notice, stills: Sequence[PublicStill]) -> str:
    """The page that the PDF is made of. `stills`, redacted copies, stand in it."""
    shown = [{"data": base64.b64encode(one.path.read_bytes()).decode(), "caption": one.caption} for one in stills]
    say = words(notice.language)
    return _pages().get_template("letter.html").render(
        lang=notice.language, number=notice.number, said=notice.said, stills=shown, say=say,
        readable=any(one.plate for one in stills),
        created=notice.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip


__all__ = ["html"]
