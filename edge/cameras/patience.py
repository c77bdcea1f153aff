"""How long to wait before a lost camera is asked again: knock often where nobody is at home, be patient where refused.

A cable that was cut must cost no more than the cut. So while the camera's port does not answer it is only knocked at
(one TCP connection, no login) every quarter of a second or so, and asked at once when it answers. A camera that takes
connections and says nothing is asked again at once: it was asked for seconds already. One that answers and still fails
is asked at intervals that double: wrong passwords lock accounts. Jitter keeps a county from asking as one.
"""

import errno
import random
import select
import socket
import threading
import time
from collections import deque
from urllib.parse import urlsplit

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
KNOCK_S = 0.25
#: What a connection that does not block says at first.
_UNDER_WAY = frozenset({0, errno.EINPROGRESS})
#: Waits after refused logins in a row, the last again and again: four tries in any half hour [s].
LOGIN_WAITS_S = (0.5, 60.0, 1200.0)
#: A knock that is not answered by then is not; the next one does not wait for it. What the kernel sends again by itself
#: comes after a second, and then ever later. Seconds.
_ANSWER_S = 2.0


class Patience:
    """The waits of one camera's link."""

    def __init__(self, url: str) -> None:
        self._place = _place(url)
        self._next = FIRST_WAIT_S
        self._refusals = 0

    def wait(self, stop: threading.Event, well: bool, *, refused: bool = False, silent: bool = False) -> None:
        """Wait until it is time to ask again, or until `stop`.

        `well`: the connection that was lost had been good. `refused`: the camera takes neither this user nor password.
        `silent`: it took the connection and said nothing until we gave up.
        """
        if well or silent:
            self._next = FIRST_WAIT_S
        self._refusals = self._refusals + 1 if refused else 0
        if refused:
            stop.wait(jittered(LOGIN_WAITS_S[min(self._refusals, len(LOGIN_WAITS_S)) - 1]))
            return
        if stop.wait(jittered(self._next)):
            return
        if self._place is None or _answers(self._place):
            self._next = min(self._next * 2, LONGEST_WAIT_S)
            return
        self._next = FIRST_WAIT_S
        with _Knocks(self._place) as knocks:
            while not stop.is_set() and not knocks.answered(jittered(KNOCK_S)):
                pass


class _Knocks:
    """Connections that are being tried at one address, a few at a time: none waits for the one before."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._open: deque[tuple[float, socket.socket]] = deque()

    def __enter__(self) -> "_Knocks":
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popleft()[1].close()

    def answered(self, seconds: float) -> bool:
        """Knock once more, and wait so long for the answer to any knock."""
        until = time.monotonic() + seconds
        self._knock()
        while (left := until - time.monotonic()) > 0:
            known = {one.fileno(): one for _, one in self._open}
            waiting = select.poll()
            for number in known:
                waiting.register(number, select.POLLOUT)
            for number, _ in waiting.poll(left * 1000):
                if known[number].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    return True
                self._drop(known[number])
        while self._open and time.monotonic() - self._open[0][0] > _ANSWER_S:
            self._drop(self._open[0][1])
        return False

    def _knock(self) -> None:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*self._place, type=socket.SOCK_STREAM)[0]
            one = socket.socket(family, kind, protocol)
        except OSError:
            return  # no such name just now
        one.setblocking(False)
        if one.connect_ex(address) not in _UNDER_WAY:
            one.close()
            return
        self._open.append((time.monotonic(), one))

    def _drop(self, gone: socket.socket) -> None:
        gone.close()
        self._open = deque(pair for pair in self._open if pair[1] is not gone)


def _answers(place: tuple[str, int]) -> bool:
    """Whether a port takes a connection. Where resolving a name hangs it is asked as it is."""
    began = time.monotonic()
    try:
        socket.create_connection(place, FIRST_WAIT_S).close()
    except OSError:
        return time.monotonic() - began > 5.0
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
