"""What came from the broker and has not been read yet: bounded for each sender and in all, whatever floods it."""

import threading
from collections import Counter, deque
from dataclasses import dataclass

#: Most messages of one sender, and most bytes of all.
MOST_EACH, MOST_BYTES = 100, 16_000_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: topic, payload, whether the broker had kept it, and when it came (seconds since 1970, monotonic)."""

    topic: str
    raw: bytes
    retained: bool
    at: float
    came: float


class Mailbox:
    """Filled by the network's thread, emptied by the loop. Of a sender that floods it the oldest messages go."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._held: dict[str, deque[Letter]] = {}
        self._bytes = 0

    def put(self, sender: str, letter: Letter) -> None:
        """Keep a letter; what there is no room for is counted in `dropped`."""
        with self._lock:
            held = self._held.setdefault(sender, deque())
            while held and (len(held) >= MOST_EACH or self._bytes + len(letter.raw) > MOST_BYTES):
                self._bytes -= len(held.popleft().raw)
                self.dropped[sender] += 1
            if self._bytes + len(letter.raw) > MOST_BYTES:
                self.dropped[sender] += 1
                return
            held.append(letter)
            self._bytes += len(letter.raw)

    def take(self) -> list[tuple[str, Letter]]:
        """Everything, each sender's in its order."""
        with self._lock:
            held, self._held, self._bytes = self._held, {}, 0
        return [(sender, letter) for sender, letters in held.items() for letter in letters]


__all__ = ["MOST_BYTES", "MOST_EACH", "Letter", "Mailbox"]
