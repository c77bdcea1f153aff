"""What the HTTP front refuses is told in the log: who knocks where, and what he was answered.

Each reason has a line of its own for each address, and after it at most one a minute with how many more there were: a
flood of requests must not become a flood of lines. A reason is the place in the code that refuses, never the sentence:
a sentence may carry a stranger's words, and who can make up reasons can make up lines. From many addresses `MOST_LINES`
a minute are told at most, and beyond them one for each reason that had none within it, so that no flood hides another
attack. What is an ordinary answer is not told: somebody whose session has ended (401 on a page leads to sign in), a
decision or an upload that another was quicker with (409).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from traceback import walk_tb
from typing import Final
from urllib.parse import quote

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.requests import HTTPConnection

_log = structlog.get_logger("front")
_QUIET_S = 60.0
#: Lines in a minute, all addresses together; the code has fewer reasons than MOST_REASONS, which says so of any code.
MOST_LINES: Final = 300
MOST_REASONS: Final = 500
_OTHER = "other"
_ORDINARY = frozenset({409})


@dataclass(slots=True)
class _Told:
    """When a line was told (seconds of the clock), and how many came since without one."""

    at: float
    more: int = 0


class Refusals:
    """The front's memory of what it told. `clock` counts seconds; it is used from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._of_reason: dict[str, _Told] = {}
        #: (reason, address): no more of them than lines of two minutes.
        self._of_address: dict[tuple[str, str], _Told] = {}
        self._minute, self._lines = clock(), 0

    def tell(self, request: HTTPConnection, status: int, error: Exception, sentence: str) -> None:
        """`request` was answered `status` with `sentence`, because of `error`."""
        if status in _ORDINARY:
            return
        address = request.client.host if request.client else "unknown"
        counts = self._counted(_reason(request, status, error), address)
        if counts is None:
            return
        # What a stranger sent goes into the log as an address goes over the wire: no line break, no escape code.
        path = quote(str(request.scope["path"])[:100].encode("utf-8", "replace"))
        _log.warning(
            "request refused", status=status, reason=sentence[:200],
            method=request.scope.get("method", "WS"), path=path,
            address=address, **{name: number for name, number in counts.items() if number},
        )  # fmt: skip

    def _counted(self, reason: str, address: str) -> dict[str, int] | None:
        """How many were not told since the last line, None when this one is not to be told either."""
        moment = self._clock()
        with self._lock:
            if reason not in self._of_reason and len(self._of_reason) >= MOST_REASONS:
                reason = _OTHER
            everybody = self._of_reason.setdefault(reason, _Told(moment - _QUIET_S))
            own = self._of_address.get((reason, address))
            if own is not None and moment - own.at < _QUIET_S:
                own.more += 1
                return None
            if not self._room(moment) and moment - everybody.at < _QUIET_S:
                (own or everybody).more += 1
                return None
            counts = {"more_since": own.more if own else 0, "more_elsewhere": everybody.more}
            self._of_address[reason, address], self._of_reason[reason] = _Told(moment), _Told(moment)
            self._forget(moment)
            self._lines += 1
            return counts

    def _room(self, moment: float) -> bool:
        """Whether there may be another line in this minute."""
        if moment - self._minute >= _QUIET_S:
            self._minute, self._lines = moment, 0
        return self._lines < MOST_LINES

    def _forget(self, moment: float) -> None:
        """At a minute's first line: who has been quiet for one. What was not told of him is kept with the reason."""
        if self._lines:
            return
        for (reason, address), told in list(self._of_address.items()):
            if moment - told.at >= _QUIET_S:
                self._of_reason[reason].more += told.more
                del self._of_address[reason, address]


def _reason(request: HTTPConnection, status: int, error: Exception) -> str:
    """The line of code that refused; of a request that does not fit its description, which one and how."""
    if isinstance(error, RequestValidationError):
        kinds = [str(one["type"]) for one in error.errors()[:1]]
        return f"{status} {getattr(request.scope.get('route'), 'path', '')} {''.join(kinds)}"
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        place = f"{frame.f_code.co_filename}:{line}"
    return f"{status} {type(error).__name__} {place}"


def refusals_of(request: HTTPConnection) -> Refusals:
    """The application's own. Raises TypeError for an application that was not made by `create_app`."""
    found = request.app.state.refusals
    if not isinstance(found, Refusals):
        raise TypeError("the application has no memory of refusals")
    return found


__all__ = ["MOST_LINES", "MOST_REASONS", "Refusals", "refusals_of"]
