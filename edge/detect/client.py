"""A Detector whose network runs in the inference service of the box.

The picture is letterboxed straight into the connection's shared memory, so a 4K frame costs the service no more than a
small one, and only boxes come back over the socket.
"""

import math
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from contract.errors import ModelError, RunError
from contract.events import ModelRef
from edge.detect import wire
from edge.detect.fit import Fit, check_picture, letterbox
from edge.detect.protocol import LateError, Picture
from edge.detect.stats import SHED_S, Stats
from edge.frames import Detections

#: A service that holds a look for longer is taken for hung, and dialled anew.
_ANSWER_S = 15.0
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Link:
    """One living connection and what belongs to it."""

    line: socket.socket
    hello: wire.Hello
    slots: wire.Slots

    def close(self) -> None:
        self.slots.close()
        self.line.close()


class _AnswerError(Exception):
    """The service said no; `args[0]` is its reason."""


class RemoteDetector:
    """A Detector of one camera (one thread at a time is served, others wait).

    When the service goes away it is sought again, with back-off, for `patience_s`; then RunError names the socket.
    """

    def __init__(
        self,
        socket: Path,
        camera_id: str,
        urgent: bool = False,
        patience_s: float = 30.0,
        worth_s: float | None = None,
    ) -> None:
        """Nothing is opened yet. `urgent`: looks of this camera go before those of others (yield before parking).

        `worth_s`: an answer that would come later than this after `detect` was called is worth nothing; then the box
        does not compute it and `detect` raises LateError. None, for replays: however long it takes.
        """
        self._path, self._camera_id, self._urgent, self._patience_s = socket, camera_id, urgent, patience_s
        self._worth_s = worth_s
        self._late_at = -math.inf
        self._lock = threading.Lock()
        self._link: _Link | None = None
        self._model: ModelRef | None = None
        self._next = 0
        self._closed = False

    @property
    def model(self) -> ModelRef:
        """What the service runs; asks it when not yet known. Raises RunError when it does not answer."""
        with self._lock:
            if self._model is None:
                deadline = time.monotonic() + self._patience_s
                self._patiently(deadline, lambda link: link.hello)
            assert self._model is not None
            return self._model

    def detect(self, picture: Picture) -> Detections:
        """See `Detector.detect`. Raises RunError when no service answers within `patience_s`, LateError see above."""
        check_picture(picture)
        now = time.monotonic()
        before = None if self._worth_s is None else now + self._worth_s
        with self._lock:
            deadline = time.monotonic() + self._patience_s
            return self._patiently(deadline, lambda link: self._look(link, picture, deadline, before))

    @property
    def shedding(self) -> bool:
        """Whether a look of this camera was passed over within the last 10 s, because the box is too slow."""
        return time.monotonic() - self._late_at <= SHED_S

    def close(self) -> None:
        """See `Detector.close`."""
        with self._lock:
            self._closed = True
            self._hang_up()

    def _patiently(self, deadline: float, ask: Callable[[_Link], Answer]) -> Answer:
        """`ask` over a living connection, made anew as often as the service goes away until `deadline`."""
        pause = 0.05
        while True:
            if self._closed:
                raise ModelError(f"{self._camera_id}: its detector was closed - open it again")
            try:
                return ask(self._connected(deadline))
            except _AnswerError as error:
                raise ModelError(f"{self._path}: {error}") from error
            except (OSError, ValueError, EOFError) as error:
                self._hang_up()
                if time.monotonic() + pause > deadline:
                    raise RunError(
                        f"{self._path}: the inference service did not answer for {self._patience_s:g} s "
                        f"({_first_line(error)}) - see that it runs (`sightline edge run` starts it)"
                    ) from error
            time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311  spreading, not secrecy
            pause = min(1.0, pause * 2)

    def _connected(self, deadline: float) -> _Link:
        if self._link is None:
            self._link = _dial(self._path, self._camera_id, self._urgent, deadline)
            self._model = self._link.hello.model
        return self._link

    def _look(self, link: _Link, picture: Picture, deadline: float, before: float | None) -> Detections:
        slot = self._next % link.hello.slots
        fit = letterbox(picture, link.slots[slot])
        self._next += 1
        link.line.settimeout(min(_ANSWER_S, max(0.05, deadline - time.monotonic())))
        look = wire.Look(id=self._next, slot=slot, generation=link.hello.generation, before=before)
        link.line.sendall(wire.pack(look))
        try:
            return _answer(wire.parse(_read_message(link.line)), self._next, fit)
        except LateError:
            self._late_at = time.monotonic()
            raise

    def _hang_up(self) -> None:
        if self._link is not None:
            with suppress(OSError):
                self._link.close()
            self._link = None


def service_stats(path: Path, timeout_s: float = 5.0) -> Stats:
    """How the inference service at `path` is. Raises RunError when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout_s)
            line.connect(str(path))
            line.sendall(wire.pack(wire.StatsPlease()))
            return Stats.model_validate_json(_read_message(line))
    except (OSError, EOFError, ValueError) as error:
        raise RunError(f"{path}: the inference service does not answer ({_first_line(error)})") from error


def _dial(path: Path, camera_id: str, urgent: bool, deadline: float) -> _Link:
    """Connect, introduce oneself and map one's memory. Raises OSError, EOFError or ValueError."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptors: list[int] = []
    try:
        line.settimeout(min(5.0, max(0.05, deadline - time.monotonic())))
        line.connect(str(path))
        line.sendall(wire.pack(wire.Introduce(camera_id=camera_id, urgent=urgent)))
        # The descriptor comes with the first bytes; the rest of the message may come after them.
        first, descriptors, _, _ = socket.recv_fds(line, wire.HEAD.size, 1)
        if len(first) != wire.HEAD.size or len(descriptors) != 1:
            raise EOFError("it hung up before saying hello")
        hello = wire.Hello.model_validate_json(_read_exactly(line, wire.body_length(first)))
        return _Link(line, hello, wire.Slots(descriptors[0], hello.slots, hello.size))
    except BaseException:
        line.close()
        raise
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _answer(data: dict[str, Any], request: int, fit: Fit) -> Detections:
    """Boxes in the picture's pixels.

    Raises _AnswerError when refused, LateError when passed over, ValueError for an answer to something else.
    """
    if data.get("op") == "late":
        late = wire.Late.model_validate(data)
        raise LateError(
            f"the box is too slow: nobody looked at a picture that waited {late.waited_s:.1f} s ({late.why})"
        )
    if data.get("op") == "refused":
        raise _AnswerError(wire.Refused.model_validate(data).reason)
    seen = wire.Seen.model_validate(data)
    if seen.id != request:
        raise ValueError(f"answer {seen.id} to look {request}")
    found = wire.detections_of(seen)
    return Detections(fit.back(found.boxes), found.scores, found.classes)


def _read_message(line: socket.socket) -> bytes:
    return _read_exactly(line, wire.body_length(_read_exactly(line, wire.HEAD.size)))


def _read_exactly(line: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = line.recv(length - len(parts))
        if not part:
            raise EOFError("it hung up")
        parts += part
    return bytes(parts)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
