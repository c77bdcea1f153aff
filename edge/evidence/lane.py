"""A camera's evidence beside its analysis: in order, in a thread that the cameras of a worker share.

Stills, overlay copies, the clip and the sheet of one case are half a processor second, on a busy box some seconds of
wall clock. Analysis that did them itself would leave its zones unlooked at for so long.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec

log = logging.getLogger("sightline.camera")
P = ParamSpec("P")


def evidence_thread() -> ThreadPoolExecutor:
    """What the lanes of one worker run in: one case at a time, however many are decided at once."""
    return ThreadPoolExecutor(1, thread_name_prefix="evidence")


class Lane:
    """Work of one camera, done in the order in which it was given. `failed` holds what no plan foresaw."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        """`thread` must run one piece of work at a time (`evidence_thread`)."""
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
        self._thread.submit(self._run, lambda: work(*args, **kwargs))

    @property
    def idle(self) -> bool:
        """Whether all that was given is done."""
        return self._open == 0

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
        spent, self._begun = time.thread_time(), time.monotonic()
        try:
            if self.failed is None:
                work()
        except BaseException as error:
            log.exception("evidence: stopped by what nobody foresaw")
            self.failed = error
        finally:
            self._begun = None
            with self._changed:
                self._spent_s += time.thread_time() - spent
                self._open -= 1
                self._changed.notify_all()


__all__ = ["Lane", "evidence_thread"]
