"""What runs a network on input-sized pictures, and the Detector made of it.

An engine knows nothing of cameras: it takes (h, w, 3) uint8 BGR of exactly its input size. In one process
`PictureDetector` stands before it; across processes the inference service does, and the client letterboxes.
"""

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np

from contract.errors import ModelError
from contract.events import ModelRef
from edge.detect.fit import letterbox
from edge.detect.protocol import Picture
from edge.frames import Detections

#: Called once for each picture submitted, from any thread: what was seen in input px, or why nothing was.
Done = Callable[[Detections | Exception], None]
_ANSWER_S = 120.0


class Engine(Protocol):
    """A network ready to run. `submit` may be called from one thread at a time."""

    @property
    def model(self) -> ModelRef:
        """What runs."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the input, px."""
        ...

    @property
    def instructions(self) -> str:
        """The vector instructions that it was compiled to (`avx512`, `avx2`...), empty when the backend is silent."""
        ...

    @property
    def lanes(self) -> int:
        """How many pictures are worth submitting before the first is done."""
        ...

    def submit(self, blob: Picture, done: Done) -> None:
        """Look at `blob` (copied before this returns) and call `done`. May block while all lanes are busy."""
        ...

    def close(self) -> None:
        """Finish what was submitted and give everything back. Calling it twice is allowed."""
        ...


class PictureDetector:
    """A Detector in this process: letterbox, engine, boxes back into the picture's pixels."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._blob = np.empty((*engine.size, 3), np.uint8)
        self._lock = threading.Lock()
        self._closed = False

    @property
    def model(self) -> ModelRef:
        """What runs."""
        return self._engine.model

    def detect(self, picture: Picture) -> Detections:
        """See `Detector.detect`."""
        answers: list[Detections | Exception] = []
        ready = threading.Event()

        def done(answer: Detections | Exception) -> None:
            answers.append(answer)
            ready.set()

        with self._lock:
            if self._closed:
                raise ModelError(f"{self.model.name}: the detector was closed - open it again")
            fit = letterbox(picture, self._blob)
            self._engine.submit(self._blob, done)
        if not ready.wait(_ANSWER_S):
            raise ModelError(f"{self.model.name}: gave no answer within {_ANSWER_S:.0f} s - see its messages above")
        answer = answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Detections(fit.back(answer.boxes), answer.scores, answer.classes)

    def close(self) -> None:
        """See `Detector.close`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._engine.close()
