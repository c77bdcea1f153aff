"""Pages as PDF/UA (WeasyPrint): letters and reports. Nothing is fetched: what a page shows stands in it."""

import shutil
import subprocess
from functools import cache
from typing import Final

import structlog

from central.workflow.errors import Refused

_log = structlog.get_logger("printing")
#: From here on characters are those of Chinese, Japanese and Korean writing.
_CJK_FROM: Final = 0x2E80


class CannotPrint(Refused):
    """This machine lacks what PDFs are set with; the log names it."""

    status = 503


def pdf(page: str, style: str | None = None) -> bytes:
    """A whole HTML page as PDF, with `style` beside its own. Raises CannotPrint."""
    if any(ord(sign) >= _CJK_FROM for sign in page) and not _has_cjk():
        raise _refusal("no font here has Chinese characters, the page would be blank - install fonts-noto-cjk")
    try:
        from weasyprint import CSS, HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise _refusal(f"{cause} - install libpango-1.0-0 and libpangoft2-1.0-0") from error
    styles = [] if style is None else [CSS(string=style)]
    document = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=["data"]))
    made: bytes = document.write_pdf(stylesheets=styles, pdf_variant="pdf/ua-1")
    return made


def _refusal(cause: str) -> CannotPrint:
    _log.error("no PDF can be made on this machine", cause=cause)
    return CannotPrint(f"PDFs cannot be made on this machine: {cause}", "printing")


@cache
def _has_cjk() -> bool:
    """Whether fontconfig knows a font with Chinese; where it cannot be asked, it is believed."""
    if shutil.which("fc-list") is None:
        return True
    found = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


__all__ = ["CannotPrint", "pdf"]
