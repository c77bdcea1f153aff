"""A hundred walls that ask at once read the stations once, each sees its own areas, and nobody sees what is old."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from test_polling_wall import NOW, db, fill

from central.clock import set_clock
from central.db.database import Database
from central.db.polling import BoxState
from central.polling import glance as module
from central.polling.glance import KEPT, Glance
from central.polling.states import Word
from central.sites.areas import EVERYWHERE

__all__ = ["db"]


@pytest.fixture
def office() -> Iterator[list[timedelta]]:
    """The office's clock stands at NOW and what is added here."""
    later = [timedelta(0)]
    before = set_clock(lambda: NOW + later[0])
    yield later
    set_clock(before)


def lost(found: object) -> int:
    return sum(one.state.word is Word.LOST for one in found)  # type: ignore[attr-defined]


def test_a_hundred_walls_read_once(db: Database, office: list[timedelta]) -> None:
    fill(db, 20)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    glance = Glance(db)
    seen: list[int] = []
    walls = [threading.Thread(target=lambda: seen.append(len(glance.tiles(EVERYWHERE)[0]))) for _ in range(100)]
    for one in walls:
        one.start()
    for one in walls:
        one.join(20)
    assert seen == [20] * 100 and sum("SELECT" in one for one in asked) == 6
    mine, _ = glance.tiles(frozenset({"area-3"}))
    assert [one.station.site for one in mine] == ["ps-003", "ps-008", "ps-013", "ps-018"]
    assert len(glance.tiles(frozenset({"area-3", "area-4"}))[0]) == 8 and len(glance.tiles(EVERYWHERE)[0]) == 20


@pytest.mark.parametrize("moved", [KEPT, -timedelta(hours=1)], ids=["a second later", "the office's clock is set back"])
def test_what_is_old_is_read_anew(db: Database, office: list[timedelta], moved: timedelta) -> None:
    fill(db, 5)
    glance = Glance(db)
    assert lost(glance.tiles(EVERYWHERE)[0]) == 0
    with db.write() as session:
        session.execute(update(BoxState).values(state="offline"))
    office[0] = moved
    found, at = glance.tiles(EVERYWHERE)
    assert lost(found) == 5 and at == NOW + moved


def test_a_clock_that_stands_still_keeps_nothing_for_ever(
    db: Database, office: list[timedelta], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db, 5)
    glance = Glance(db)
    glance.tiles(EVERYWHERE)
    with db.write() as session:
        session.execute(update(BoxState).values(state="offline"))
    monkeypatch.setattr(module, "time", Later)
    assert lost(glance.tiles(EVERYWHERE)[0]) == 5


class Later:
    """The time a minute on."""

    @staticmethod
    def monotonic() -> float:
        import time

        return time.monotonic() + 60


def test_few_sets_of_areas_are_kept(db: Database) -> None:
    glance = Glance(db)
    for number in range(200):
        glance.tiles(frozenset({f"area-{number}"}))
    assert len(glance._kept) == module._SETS
