"""The fault campaign, short: a small county, one fault of nearly every kind within seconds, nothing lost or doubled.

`make chaos` runs the long one (`tests/bench/chaos.py`). SIGHTLINE_CHAOS_SEED repeats a seed.
"""

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from central_replicas import absent
from sqlalchemy import insert, inspect, select, text, update

from central.db.cases import Case
from central.db.events import Event
from central.ingest import chain
from contract.errors import RunError
from contract.events import EventType
from tests.bench.chaos import at_rest
from tests.bench.chaos_faults import KINDS, play, schedule
from tests.bench.chaos_invariants import verdict
from tests.bench.chaos_world import Size, World

SIZE = Size(boxes=2, replicas=2, events=60, seconds=3.0)
#: What takes minutes to come to rest from, what needs longer than all of this, and what two other kinds do by halves.
LONG = {"the disk of central's media is full", "a replica hangs", "kill -9 of a box"}


@pytest.mark.timeout(200)
def test_a_county_under_faults_loses_doubles_and_reorders_nothing_and_it_would_be_seen(tmp_path: Path) -> None:
    seed = int(os.environ.get("SIGHTLINE_CHAOS_SEED", "5"))
    print(f"SIGHTLINE_CHAOS_SEED={seed}")
    faults = schedule(seed, 20, SIZE, [name for name in KINDS if name not in LONG])
    with ExitStack() as stack:
        try:
            world = stack.enter_context(World(tmp_path, SIZE, seed))
        except RunError as error:
            absent(str(error))
        begun = time.monotonic()
        play(world, faults, lambda _second, _happened: None)
        # What the jobs of a replica do every 30 s is done at once.
        _, waits = at_rest(world, 120.0, lambda _second, _waits: settle(world))
        print(f"at rest {time.monotonic() - begun:.1f} s after the first fault")
        found = verdict(world)
        assert not waits and not found.faults, [*waits, *found.faults]
        assert found.handed == SIZE.events and found.tickets and found.media
        spoil(world)
        seen = verdict(world)
        assert (len(seen.lost), len(seen.doubled)) == (1, 1), seen
        assert seen.reordered, "two events of a camera in the other order"
        for what in ("is not link", "is left in new of the spool", "it was removed"):
            assert any(what in one for one in seen.other), (what, seen.other)


def settle(world: World) -> None:
    with world.db.write() as session:
        chain.settle(session)


def spoil(world: World) -> None:
    """Lose an event, double a ticket, put two events of a camera into the other order, leave one in a spool."""
    constraints = [one["name"] for one in inspect(world.db.engine).get_unique_constraints("cases")]
    feeds = select(Event).where(Event.type == EventType.FEED).order_by(Event.edge_id, Event.camera_id, Event.camera_seq)
    cases = Case.__table__
    with world.db.write() as session:
        first, second, *_, last = session.execute(feeds).scalars().all()
        assert (first.edge_id, first.camera_id) == (second.edge_id, second.camera_id)
        session.delete(last)
        for name, seq in ((first.id, second.camera_seq), (second.id, first.camera_seq)):
            session.execute(update(Event).where(Event.id == name).values(camera_seq=seq))
        for name in constraints:
            session.execute(text(f'ALTER TABLE cases DROP CONSTRAINT "{name}"'))
        ticket = session.execute(select(cases).limit(1)).mappings().one()
        session.execute(insert(cases).values({**ticket, "id": 10**6, "number": "another"}))
    box = next(iter(world.boxes.values()))
    box.deliver.kill()
    (box.box.spool.new / "1-1-1.json").write_text("{}")
