"""Whose picture is next: fair between cameras, urgent ones first, bounded, and nobody starves.

A plain data structure without clock or thread, so every claim about it has a test.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Line(Generic[T]):
    """What one camera waits for."""

    urgent: bool
    waiting: deque[T] = field(default_factory=deque)


class FairQueue(Generic[T]):
    """Round robin over cameras; up to `favour` urgent looks go before one ordinary."""

    def __init__(self, depth: int, favour: int = 4) -> None:
        """`depth`: how many looks one camera may have waiting."""
        self._depth, self._favour = depth, favour
        self._turns: dict[bool, OrderedDict[str, _Line[T]]] = {True: OrderedDict(), False: OrderedDict()}
        self._favoured = 0

    def __len__(self) -> int:
        return sum(len(line.waiting) for turn in self._turns.values() for line in turn.values())

    def put(self, camera: str, item: T, urgent: bool = False) -> bool:
        """Let `item` wait; False when the camera's line is full."""
        line = self._turns[urgent].setdefault(camera, _Line(urgent))
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
        camera, line = next(iter(turn.items()))
        item = line.waiting.popleft()
        del turn[camera]
        if line.waiting:
            turn[camera] = line  # to the end: the others come first
        return item

    def drop(self, camera: str) -> list[T]:
        """Forget a camera's line; what waited there is given back."""
        dropped: list[T] = []
        for turn in self._turns.values():
            line = turn.pop(camera, None)
            dropped.extend(line.waiting if line else ())
        return dropped

    def all(self) -> list[T]:
        """Everything that waits, in no order that matters."""
        return [item for turn in self._turns.values() for line in turn.values() for item in line.waiting]
