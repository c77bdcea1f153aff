"""A camera's evidence beside its analysis: in order, in a thread that some cameras of a worker share.

Stills, overlay copies, the clip and the sheet of one case are half a processor second, on a busy box some seconds of
wall clock. A kerb's analysis that did them itself would leave its zones unlooked at for so long. A crossing's does them
itself: a passage is seen once, so the longer its decision is out without its pictures, the more a crash would lose.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec

log = logging.getLogger("sightline.camera")
P = ParamSpec("P")


#: Threads of a worker: zones that wake at one hour decide together, and what the packets' memory still holds is cut.
_THREADS = 4


def evidence_threads(cameras: int) -> list[ThreadPoolExecutor]:
    """What the lanes of a worker run in, each its own pieces one after another; a camera keeps to one."""
    return [ThreadPoolExecutor(1, thread_name_prefix=f"evidence-{number}") for number in range(min(_THREADS, cameras))]


class Lane:
    """Work of one camera, done in the order in which it was given. `failed` holds what no plan foresaw."""

    def __init__(self, thread: ThreadPoolExecutor | None) -> None:
        """`thread` must run one piece of work at a time (`evidence_threads`); without one the giver does it at once."""
        self.failed: BaseException | None = None
        self._thread = thread
        self._changed = threading.Condition()
        self._open = 0
        self._begun: float | None = None
        self._spent_s = 0.0

    def do(self, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have `work` done after all that was given before; nothing more is done once a piece has failed."""
        with self._changed:
            self._open += 1
        if self._thread is None:
            self._run(lambda: work(*args, **kwargs))
        else:
            self._thread.submit(self._run, lambda: work(*args, **kwargs))

    @property
    def idle(self) -> bool:
        """Whether all that was given is done."""
        return self._open == 0

    @property
    def waiting(self) -> int:
        """How many pieces are not yet done."""
        return self._open

    @property
    def busy_s(self) -> float:
        """For how many seconds the piece that is being done has been."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

    def spent_s(self) -> float:
        """Processor seconds spent since this was asked last."""
        with self._changed:
            spent, self._spent_s = self._spent_s, 0.0
        return spent

    def finish(self) -> None:
        """Wait until all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0)

    def _run(self, work: Callable[[], object]) -> None:
        within = self._begun is not None  # a piece that gives another, done at once
        spent, self._begun = time.thread_time(), self._begun or time.monotonic()
        try:
            if self.failed is None:
                work()
        except BaseException as error:
            log.exception("evidence: stopped by what nobody foresaw")
            self.failed = error
        finally:
            with self._changed:
                if not within:
                    self._begun = None
                    self._spent_s += time.thread_time() - spent
                self._open -= 1
                self._changed.notify_all()


__all__ = ["Lane", "evidence_threads"]
