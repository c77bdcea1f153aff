"""A letter as PDF: set from its frozen text, with redacted stills, in a font that has its characters."""

import base64
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from central.db.notices import Notice
from central.notices.stills import PublicStill
from central.notices.text import words
from contract.errors import RunError

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: From here on characters are those of Chinese, Japanese and Korean writing.
_CJK_FROM: Final = 0x2E80


@cache
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def pdf(page: str) -> bytes:
    """The letter whose `html` is `page`. Raises RunError where it cannot be set here."""
    if any(ord(sign) >= _CJK_FROM for sign in page) and not _has_cjk():
        raise RunError("no font here has Chinese characters, the letter would be blank - install fonts-noto-cjk")
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"letters cannot be set here ({cause[:120]}) - install libpango-1.0-0 and libpangoft2-1.0-0"
        ) from error
    # Nothing is fetched: what a letter shows stands in it.
    made: bytes = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=["data"])).write_pdf(
        pdf_variant="pdf/ua-1"
    )
    return made


def html(notice: Notice, stills: Sequence[PublicStill]) -> str:
    """The page that the PDF is made of. `stills`, redacted copies, stand in it."""
    shown = [{"data": base64.b64encode(one.path.read_bytes()).decode(), "caption": one.caption} for one in stills]
    say = words(notice.language)
    return _pages().get_template("letter.html").render(
        lang=notice.language, number=notice.number, said=notice.said, stills=shown, say=say,
        readable=any(one.plate for one in stills),
        created=notice.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip


@cache
def _has_cjk() -> bool:
    """Whether fontconfig knows a font with Chinese; where it cannot be asked, it is believed."""
    if shutil.which("fc-list") is None:
        return True
    found = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


__all__ = ["html", "pdf"]
