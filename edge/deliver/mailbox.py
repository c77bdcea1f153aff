"""What the broker brought and waits for deliver's loop. Bounded by kind: a flood of one must not cost the others."""

import queue
from collections.abc import Callable, Iterator
from typing import Final

from contract.statement import MAX_STATEMENT_BYTES
from contract.topics import EdgeTopics
from edge.deliver.acks import MAX_ACK_BYTES

#: Most commands that wait for the loop, and most readings. Who sent one that is lost asks again.
MOST_TOLD: Final = 1000
#: Most acknowledgements that wait for it. One that is lost comes again: its event is sent again.
MOST_HEARD: Final = 10_000


class Mailbox:
    """Filled by paho's thread, emptied by the loop."""

    def __init__(self, topics: EdgeTopics) -> None:
        self.acks: queue.Queue[bytes] = queue.Queue(MOST_HEARD)
        #: (topic, payload)
        self.commands: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_TOLD)
        self.readings: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_TOLD)
        #: Whether a message of that topic is worth a place; asked by paho's thread.
        self.heeds: Callable[[str], bool] = lambda _topic: True
        #: How many messages found their place taken.
        self.lost = 0
        self._topics = topics

    def put(self, topic: str, payload: bytes) -> None:
        """One message, cut to what the loop reads of it."""
        try:
            if topic == self._topics.ack:
                self.acks.put_nowait(payload[: MAX_ACK_BYTES + 1])
            elif self.heeds(topic):
                kind = self.commands if topic == self._topics.command else self.readings
                kind.put_nowait((topic, payload[: MAX_STATEMENT_BYTES + 1]))
        except queue.Full:
            self.lost += 1

    def told(self, most: int) -> Iterator[tuple[str, bytes]]:
        """(topic, payload) of at most `most` commands, then of at most `most` readings."""
        for kind in (self.commands, self.readings):
            for _ in range(min(kind.qsize(), most)):
                yield kind.get_nowait()


__all__ = ["MOST_HEARD", "MOST_TOLD", "Mailbox"]
