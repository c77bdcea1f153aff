"""What the HTTP front refuses is told in the log: who knocks where, and what he was answered.

One line for each kind of refusal and address, and after it at most one a minute with how many more there were: a flood
of requests must not become a flood of lines. What is an ordinary answer is not told: somebody whose session has ended
(401 on a page leads to sign in), a decision or an upload that another was quicker with (409).
"""

import time
from collections.abc import Callable
from threading import Lock
from urllib.parse import quote

import structlog
from starlette.requests import Request

_log = structlog.get_logger("front")
_QUIET_S = 60.0
#: Most kinds and addresses remembered; then those that have been quiet are forgotten, or all.
_MOST = 2000
_ORDINARY = frozenset({409})


class Refusals:
    """The front's memory of what it told. `clock` counts seconds; it is used from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        #: (kind, status, address) -> when it was told, and how many came since.
        self._told: dict[tuple[str, int, str], tuple[float, int]] = {}

    def tell(self, request: Request, status: int, kind: str, sentence: str) -> None:
        """`request` was answered `status` with `sentence`; `kind` (the error's name) groups them."""
        if status in _ORDINARY:
            return
        address = request.client.host if request.client else "unknown"
        more = self._counted((kind, status, address))
        if more is None:
            return
        # What a stranger sent goes into the log as an address goes over the wire: no line break, no escape code.
        path = quote(str(request.scope["path"])[:100].encode("utf-8", "replace"))
        _log.warning(
            "request refused", status=status, reason=sentence[:200], method=request.method, path=path,
            address=address, **({"more_since": more} if more else {}),
        )  # fmt: skip

    def _counted(self, key: tuple[str, int, str]) -> int | None:
        """How many were not told since the last line, None when this one is not to be told either."""
        moment = self._clock()
        with self._lock:
            at, more = self._told.get(key, (moment - _QUIET_S, 0))
            if moment - at < _QUIET_S:
                self._told[key] = (at, more + 1)
                return None
            if len(self._told) >= _MOST:
                self._told = {one: told for one, told in self._told.items() if moment - told[0] < _QUIET_S}
                if len(self._told) >= _MOST:
                    self._told = {}
            self._told[key] = (moment, 0)
            return more


def refusals_of(request: Request) -> Refusals:
    """The application's own. Raises TypeError for an application that was not made by `create_app`."""
    found = request.app.state.refusals
    if not isinstance(found, Refusals):
        raise TypeError("the application has no memory of refusals")
    return found


__all__ = ["Refusals", "refusals_of"]
