"""Logs of the box's processes: one line each on standard error, and no password in any of them."""

import logging
import re
import sys

from edge.cameras.address import hidden

_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/@:]*):(?!\d+/)\S*@")


def quiet(text: str) -> str:
    """`text` with the password of every address in it, and every secret of the box that was used, as `***`."""
    return hidden(_USERINFO.sub(r"\1:***@", text))


class _Quiet(logging.Formatter):
    """Formats a record and then takes passwords out, whatever argument they came in with."""

    def format(self, record: logging.LogRecord) -> str:
        return quiet(super().format(record))


def configure(level: int = logging.INFO) -> None:
    """Send this process's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Quiet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("libav", "httpx"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL if noisy == "libav" else logging.WARNING)
