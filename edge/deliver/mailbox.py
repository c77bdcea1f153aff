"""What the broker brought and waits for deliver's loop. Bounded by kind and by sensor: a flood of one costs the others
nothing.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from contract.statement import MAX_STATEMENT_BYTES
from contract.topics import EdgeTopics
from edge.deliver.acks import MAX_ACK_BYTES

#: Most commands that wait for the loop, and most readings. Who sent one that is lost asks again.
MOST_TOLD: Final = 1000
#: Most readings of one topic among them.
MOST_EACH: Final = 100
#: Most acknowledgements that wait for it. One that is lost comes again: its event is sent again.
MOST_HEARD: Final = 10_000
_Told = tuple[str, bytes]


class Readings:
    """Readings that wait, apart by topic and taken in turn. Filled by one thread, emptied by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, deque[bytes]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, topic: str, payload: bytes) -> bool:
        """Keep one; False when that cost another its place: the oldest of its topic, else of that which has most.

        What a sensor said last is worth more than what it said before.
        """
        with self._lock:
            gone = None
            if len(self._held.get(topic, ())) >= MOST_EACH:
                gone = topic
            elif self._size >= MOST_TOLD:
                gone = max(self._held, key=lambda name: len(self._held[name]))
            if gone is not None:
                self._oldest(gone)
            self._held.setdefault(topic, deque()).append(payload)
            self._size += 1
        return gone is None

    def take(self, most: int) -> Iterator[_Told]:
        """(topic, payload) of at most `most`, one of each topic in turn."""
        for _ in range(most):
            with self._lock:
                topic = next(iter(self._held), None)
                if topic is None:
                    return
                payload = self._oldest(topic)
                if topic in self._held:
                    # Behind the others: who waited longest is next, in the next call as well.
                    self._held[topic] = self._held.pop(topic)
            yield topic, payload

    def _oldest(self, topic: str) -> bytes:
        held = self._held[topic]
        self._size -= 1
        payload = held.popleft()
        if not held:
            del self._held[topic]
        return payload


class Mailbox:
    """Filled by paho's thread, emptied by the loop."""

    def __init__(self, topics: EdgeTopics) -> None:
        self.acks: queue.Queue[bytes] = queue.Queue(MOST_HEARD)
        #: (topic, payload)
        self.commands: queue.Queue[_Told] = queue.Queue(MOST_TOLD)
        self.readings = Readings()
        #: Whether a message of that topic is worth a place; asked by paho's thread.
        self.heeds: Callable[[str], bool] = lambda _topic: True
        #: How many messages found no place, or lost it to a later one.
        self.lost = 0
        self._topics = topics

    def put(self, topic: str, payload: bytes) -> None:
        """One message, cut to what the loop reads of it."""
        try:
            if topic == self._topics.ack:
                self.acks.put_nowait(payload[: MAX_ACK_BYTES + 1])
            elif self.heeds(topic):
                self._told(topic, payload[: MAX_STATEMENT_BYTES + 1])
        except queue.Full:
            self.lost += 1

    def told(self, most: int) -> Iterator[_Told]:
        """(topic, payload) of at most `most` commands, then of at most `most` readings, each sensor in its turn."""
        for _ in range(min(self.commands.qsize(), most)):
            yield self.commands.get_nowait()
        yield from self.readings.take(most)

    def _told(self, topic: str, payload: bytes) -> None:
        if topic == self._topics.command:
            self.commands.put_nowait((topic, payload))
        elif not self.readings.put(topic, payload):
            self.lost += 1


__all__ = ["MOST_EACH", "MOST_HEARD", "MOST_TOLD", "Mailbox", "Readings"]
