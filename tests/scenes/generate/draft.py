"""A scene before any camera looked at it: a place, who moves in it, and what is said beside the boxes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.scenes.generate.actors import Actor
from tests.scenes.generate.kerb import Kerb
from tests.scenes.generate.road import Road

P = TypeVar("P", Road, Kerb)


@dataclass(frozen=True)
class Draft(Generic[P]):
    """`place` and the actors on it from `t0` to `t1`; `signal(t)` is the state that is told, None when none is.

    `busy`: a mixed scene, in which the verdict on a passer-by near a threshold is left open instead of the whole scene
    being made anew.
    """

    kind: str
    place: P
    actors: list[Actor]
    t0: float
    t1: float
    signal: Callable[[float], str | None] | None = None
    busy: bool = False
    start: str = "2026-01-05T10:00:00+08:00"
    note: str = ""
