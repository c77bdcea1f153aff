"""Streams are composed two at a time: in the order asked for, kept by what makes them, and given up together."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contract.errors import RunError
from sightline.bench.mix import compose as module
from sightline.bench.mix.clips import Picture
from sightline.bench.mix.compose import compose
from sightline.bench.mix.script import Draw, Script, Take
from sightline.bench.mix.view import Window

GREY = np.full((Window.SIZE[1], Window.SIZE[0], 3), 96, np.uint8)


def street(name: str, draw: Draw, seconds: float = 2.0) -> tuple[str, Callable[[], Script]]:
    """What makes a stream of one take: a fingerprint, and its script."""
    return "same", lambda: Script(name, "parking", "here", {}, [Take("flow", seconds, draw)], ["flow"], [])


def grey(t: float, index: int) -> Picture:
    return GREY


def test_what_is_there_is_kept_and_the_rest_is_composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def slowly(t: float, index: int) -> Picture:
        drawn.append("kerb")
        time.sleep(0.005)
        return GREY

    makers = {"drawn-kerb": street("drawn-kerb", slowly), "drawn-zebra": street("drawn-zebra", grey)}
    monkeypatch.setattr(module, "_drawn", lambda pace: makers)
    (first,) = compose(tmp_path, None, lambda _: None, "drawn-zebra")
    made = (first / "stream.json").stat().st_mtime_ns
    assert [folder.name for folder in compose(tmp_path, None, lambda _: None)] == ["drawn-kerb", "drawn-zebra"]
    assert (first / "stream.json").stat().st_mtime_ns == made
    assert len(drawn) == 50 and not list(tmp_path.glob("*.part"))


def test_a_stream_that_cannot_be_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that would be drawn for an hour; and none is left that looks whole."""

    def fails(t: float, index: int) -> Picture:
        raise RunError("the disk is full")

    makers = {
        "drawn-kerb": street("drawn-kerb", grey, 3600.0),
        "drawn-zebra": street("drawn-zebra", fails),
        "third": street("third", grey, 3600.0),
    }
    monkeypatch.setattr(module, "_drawn", lambda pace: makers)
    with pytest.raises(RunError, match="the disk is full"):
        compose(tmp_path, None, lambda _: None)
    assert not list(tmp_path.glob("*/stream.json"))
