"""Whose picture is next: who was served longest ago, urgent cameras first, bounded, and nobody starves.

A plain data structure without clock or thread, so every claim about it has a test. When a box is too slow this order
is its rule of shedding: crossings keep up to `favour` of `favour + 1` looks, and among cameras of one kind the one that
was served longest ago goes first, so that what cannot be had is taken from those that ask most, never from one alone.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Line(Generic[T]):
    """What one camera waits for; `order` rises with arrivals and servings."""

    order: int
    waiting: deque[T] = field(default_factory=deque)


class FairQueue(Generic[T]):
    """Least recently served first; up to `favour` urgent looks go before one ordinary."""

    def __init__(self, depth: int, favour: int = 4) -> None:
        """`depth`: how many looks one camera may have waiting."""
        self._depth, self._favour = depth, favour
        self._turns: dict[bool, dict[str, _Line[T]]] = {True: {}, False: {}}
        self._served: dict[str, int] = {}
        self._clock = 0
        self._favoured = 0

    def __len__(self) -> int:
        return sum(len(line.waiting) for turn in self._turns.values() for line in turn.values())

    def put(self, camera: str, item: T, urgent: bool = False) -> bool:
        """Let `item` wait; False when the camera's line is full."""
        self._clock += 1
        line = self._turns[urgent].setdefault(camera, _Line(self._clock))
        if len(line.waiting) >= self._depth:
            return False
        line.waiting.append(item)
        return True

    def take(self) -> T | None:
        """The next item, None when nothing waits."""
        urgent = bool(self._turns[True]) and (self._favoured < self._favour or not self._turns[False])
        turn = self._turns[urgent]
        if not turn:
            return None
        self._favoured = self._favoured + 1 if urgent else 0
        camera = min(turn, key=lambda name: (self._served.get(name, 0), turn[name].order))
        item = turn[camera].waiting.popleft()
        if not turn[camera].waiting:
            del turn[camera]
        self._clock += 1
        self._served[camera] = self._clock
        return item

    def waiting(self, camera: str) -> list[T]:
        """What a camera waits for, oldest first within each kind."""
        return [item for turn in self._turns.values() if camera in turn for item in turn[camera].waiting]

    def withdraw(self, camera: str, item: T) -> None:
        """Take one waiting item back. Raises ValueError when it does not wait."""
        for turn in self._turns.values():
            line = turn.get(camera)
            if line is not None and item in line.waiting:
                line.waiting.remove(item)
                if not line.waiting:
                    del turn[camera]
                return
        raise ValueError(f"{camera}: does not wait for that")

    def drop(self, camera: str) -> list[T]:
        """Forget a camera; what waited there is given back."""
        dropped = self.waiting(camera)
        for turn in self._turns.values():
            turn.pop(camera, None)
        self._served.pop(camera, None)
        return dropped

    def all(self) -> list[T]:
        """Everything that waits, in no order that matters."""
        return [item for turn in self._turns.values() for line in turn.values() for item in line.waiting]
