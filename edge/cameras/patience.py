"""How long to wait before a lost camera is asked again: knock often where nobody is at home, be patient where refused.

A cable that was cut must cost no more than the cut. So while the camera's port does not answer it is only knocked at
(one TCP connection, no login) every half second or so, and asked at once when it answers. A camera that answers and
still fails is asked at intervals that double: wrong passwords lock accounts. Jitter keeps a county from asking as one.
"""

import random
import socket
import threading
import time
from urllib.parse import urlsplit

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
KNOCK_S = 0.5
#: Waits after refused logins in a row, the last again and again: four tries in any half hour [s].
LOGIN_WAITS_S = (0.5, 60.0, 1200.0)
#: A knock that is not answered by then is not. Seconds.
_ANSWER_S = 1.0


class Patience:
    """The waits of one camera's link."""

    def __init__(self, url: str) -> None:
        self._place = _place(url)
        self._next = FIRST_WAIT_S
        self._refusals = 0

    def wait(self, stop: threading.Event, well: bool, *, refused: bool = False) -> None:
        """Wait until it is time to ask again, or until `stop`.

        `well`: the connection that was lost had been good. `refused`: the camera takes neither this user nor password.
        """
        if well:
            self._next = FIRST_WAIT_S
        self._refusals = self._refusals + 1 if refused else 0
        if refused:
            stop.wait(jittered(LOGIN_WAITS_S[min(self._refusals, len(LOGIN_WAITS_S)) - 1]))
            return
        if stop.wait(jittered(self._next)):
            return
        if self._at_home():
            self._next = min(self._next * 2, LONGEST_WAIT_S)
            return
        self._next = FIRST_WAIT_S
        while not stop.wait(jittered(KNOCK_S)):
            if self._at_home():
                return

    def _at_home(self) -> bool:
        """Whether the port takes a connection. An address that cannot be knocked at is asked as it is."""
        if self._place is None:
            return True
        began = time.monotonic()
        try:
            socket.create_connection(self._place, _ANSWER_S).close()
        except OSError:
            return time.monotonic() - began > 5 * _ANSWER_S  # resolving a name hangs: no knocking then
        return True


def jittered(seconds: float) -> float:
    """`seconds`, a quarter more or less."""
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - spreads reconnects, guards nothing


def _place(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or 554) if parts.hostname else None
    except ValueError:
        return None
