"""What must hold when a campaign has come to rest, looked at in both databases: each thing that does not, as a sentence.

Nothing here asks central's own code whether all is well, but where it is an audit that a court's expert would run too.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import select

from central.db.cases import Case, CaseMedia
from central.db.events import Event, Quarantine
from central.db.ledger import LedgerLeaf, LedgerWaiting
from central.db.media import Media
from central.ledger import audit, entries
from central.ledger.key import office_key
from central.media.folder import FolderStore
from contract.errors import SealError
from contract.events import EventType
from contract.sealing import GENESIS, sha256_hex, verify_detached
from edge.deliver.tables import looked_into
from tests.bench import chaos_worker
from tests.bench.chaos_boxes import ChaosBox
from tests.bench.chaos_sayings import Saying, digest, sayings
from tests.bench.chaos_world import World

DECISION = EventType.ILLEGAL_PARKING


@dataclass(slots=True)
class Verdict:
    """What was found. `lost`, `doubled` and `reordered` are counted apart, as issue 5 names them; all are sentences."""

    handed: int = 0
    tickets: int = 0
    media: int = 0
    decided_again: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All of it."""
        return [*self.lost, *self.doubled, *self.reordered, *self.other]


def verdict(world: World) -> Verdict:
    """Look at everything; the boxes may still run, and have nothing more to say."""
    found = Verdict()
    with world.db.read() as session:
        rows = session.execute(select(Event).order_by(Event.chain_seq)).scalars().all()
    for name, box in world.boxes.items():
        mine = [row for row in rows if row.edge_id == name]
        _handed_over(found, box, mine)
        _chain(found, box, mine)
        _order(found, box, mine)
        found.other += _outbox(box, mine)
        _cases(found, world, box, mine)
    found.other += _processes(world)
    found.other += _quarantine(world)
    found.other += _ledger(world, [row.id for row in rows])
    return found


def _handed_over(found: Verdict, box: ChaosBox, rows: list[Event]) -> None:
    """Each event that was handed over is there once, as it was; of what was not, nothing."""
    made = {one.id: one for one in chaos_worker.entries(box.folder)}
    there = Counter(row.id for row in rows)
    found.handed += sum(one.handed for one in made.values())
    for one in made.values():
        if one.handed and not there[one.id]:
            found.lost.append(f"{box.name}: event {one.id} (number {one.number}) was handed over and is not at central")
    for row in rows:
        if row.type == EventType.GENESIS:
            continue
        one = made.get(row.id)
        if there[row.id] > 1:
            found.doubled.append(f"{box.name}: event {row.id} is at central {there[row.id]} times")
        if one is None:
            found.other.append(f"{box.name}: event {row.id} ({row.type}) was never handed over: {row.raw[:200]!r}")
        elif digest(json.loads(row.raw)["data"]) != one.digest:
            found.other.append(f"{box.name}: event {row.id} does not say what was handed over")
    _said(found, box, made, there)


def _said(found: Verdict, box: ChaosBox, made: dict[str, chaos_worker.Entry], there: Counter[str]) -> None:
    """Each number was handed over, and more often only where a worker was killed before it knew."""
    for number in range(len(_plan(box))):
        tries = [one for one in made.values() if one.number == number]
        if not any(one.handed for one in tries):
            found.lost.append(f"{box.name}: number {number} was never handed over")
        found.decided_again += sum(there[one.id] for one in tries if not one.handed)


def _chain(found: Verdict, box: ChaosBox, rows: list[Event]) -> None:
    """One chain without a hole, each link naming the bytes before it, each seal holding over the bytes as they are."""
    key, previous = box.box.ring.load(), GENESIS
    if len({row.chain_id for row in rows}) != 1:
        found.other.append(f"{box.name}: has {len({row.chain_id for row in rows})} chains, not one")
    for place, row in enumerate(rows):
        link = json.loads(row.raw)["data"]["chain"]
        if (link["seq"], link["prev"]) != (place, previous) or row.sha256 != sha256_hex(row.raw):
            found.other.append(f"{box.name}: event {row.id} is not link {place} of its chain but {link['seq']}")
        previous = sha256_hex(row.raw)
        if row.chain_state != ("genesis" if place == 0 else "linked"):
            found.other.append(f"{box.name}: link {place} of the chain is {row.chain_state}")
        try:
            verify_detached(row.raw, row.jws, key)
        except SealError as error:
            found.other.append(f"{box.name}: event {row.id}: {error}")


def _order(found: Verdict, box: ChaosBox, rows: list[Event]) -> None:
    """Within a camera `camera_seq` counts from 0, and rises as the worker handed over."""
    numbers = {one.id: one.number for one in chaos_worker.entries(box.folder)}
    for camera in {row.camera_id for row in rows} - {None}:
        mine = sorted((row for row in rows if row.camera_id == camera), key=lambda row: (row.camera_seq, row.id))
        if [row.camera_seq for row in mine] != list(range(len(mine))):
            found.reordered.append(f"{box.name} {camera}: camera_seq does not count from 0 to {len(mine) - 1}")
        said = [numbers.get(row.id, -1) for row in mine]
        places = [row.chain_seq for row in mine]
        for what, order in (("handed over", said), ("chained", places)):
            found.reordered += [
                f"{box.name} {camera}: event {row.id} comes before one that was {what} earlier"
                for row, this, after in zip(mine, order, order[1:], strict=False)
                if after < this
            ]


def _outbox(box: ChaosBox, rows: list[Event]) -> Iterator[str]:
    """Nothing is left behind, nothing was given up, and the box's own books agree with central's."""
    for folder in (box.box.spool.new, box.box.spool.media, box.box.spool.bad):
        # A name with a dot is what a killed process had not finished writing: nobody takes it for anything.
        left = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        yield from (f"{box.name}: {name} is left in {folder.name} of the spool" for name in left)
    with closing(looked_into(box.outbox)) as db:
        yield from (f"{box.name}: event {name} is still {state}" for name, state in db.execute("SELECT id, state FROM event"))  # fmt: skip
        lost = db.execute("SELECT sha256, state FROM media WHERE state != 'uploaded'")
        yield from (f"{box.name}: file {name} is {state}" for name, state in lost)
        (chain,) = db.execute("SELECT id, seq, prev FROM chain").fetchall()
        next_of = dict(db.execute("SELECT camera, next_seq FROM camera").fetchall())
        if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            yield f"{box.name}: its outbox is damaged"
    last = rows[-1] if rows else None
    if last is None or chain != (last.chain_id, len(rows), last.sha256):
        yield f"{box.name}: its chain stands at {chain[1]}, central has {len(rows)} links"
    counted = Counter(row.camera_id for row in rows if row.camera_id)
    if dict(counted) != next_of:
        yield f"{box.name}: counts {next_of} events of its cameras, central has {dict(counted)}"


def _cases(found: Verdict, world: World, box: ChaosBox, rows: list[Event]) -> None:
    """One ticket for each matter that was decided, with its manifest, its end, and every file it names."""
    plan = _plan(box)
    decided = {one.case_key(box.name): one for one in plan if one.kind == DECISION}
    later = {(one.case_key(box.name), one.kind): one for one in plan if one.matter is not None}
    with world.db.read() as session:
        cases = session.execute(select(Case).where(Case.edge_id == box.name)).scalars().all()
        named = session.execute(select(CaseMedia).join(Case).where(Case.edge_id == box.name)).scalars().all()
        files = {one.sha256: one for one in session.execute(select(Media).where(Media.edge_id == box.name)).scalars()}
    found.tickets += len(cases)
    found.media += len(files)
    count = Counter(case.case_key for case in cases)
    found.lost += [f"{box.name}: matter {one.matter} has no ticket" for key, one in decided.items() if not count[key]]
    found.doubled += [f"{box.name}: case_key {key} has {number} tickets" for key, number in count.items() if number > 1]
    for case in cases:
        whole = (case.manifest, case.dwell_s is not None)
        if whole != tuple((case.case_key, kind) in later for kind in (EventType.MANIFEST, EventType.CLOSED)):
            found.other.append(f"{box.name}: ticket {case.number} has (manifest, end) {whole}")
    wanted = {one.sha256 for one in named} | {one for row in rows for one in _named(row)}
    found.other += _files(world, box, wanted, files)


def _named(row: Event) -> list[str]:
    data = json.loads(row.raw)["data"]
    video = [data["video"]] if data.get("video") else []
    return [one["sha256"] for one in (*data.get("images", ()), *video)]


def _files(world: World, box: ChaosBox, wanted: set[str], files: dict[str, Media]) -> Iterator[str]:
    store = FolderStore(world.folder / "media", 1 << 30)
    for name in sorted(wanted):
        if name not in files or not files[name].complete:
            yield f"{box.name}: file {name} is named and not at central"
        elif hashlib.sha256(store.path(name).read_bytes()).hexdigest() != name:
            yield f"{box.name}: file {name} has other bytes at central"
    yield from (f"{box.name}: file {name} is at central and nobody names it" for name in sorted(set(files) - wanted))


def _processes(world: World) -> Iterator[str]:
    """A box goes on by itself. A replica may end where it finds no database or broker at its start, never of a fault."""
    for replica in world.replicas.values():
        if "ended by a fault of its own" in (told := replica.process.told()):
            yield f"{replica.name}: {told.partition('ended by a fault of its own')[2][:1500]}"
    for box in world.boxes.values():
        for one in (box.deliver, box.worker):
            if one.ended:
                yield f"{one.name}: ended by itself with {one.ended} - {one.told()[-600:]}"
            if "Traceback" in one.told():
                yield f"{one.name}: a traceback is in its log - {one.told().partition('Traceback')[2][:1500]}"


def _quarantine(world: World) -> Iterator[str]:
    with world.db.read() as session:
        for row in session.execute(select(Quarantine)).scalars():
            yield f"quarantine: {row.topic}: {row.reason} - {row.payload[:160]!r}"


def _ledger(world: World, names: list[str]) -> Iterator[str]:
    """Nothing waits, each event is one entry, and the audit finds nothing."""
    with world.db.read() as session:
        waiting = len(session.execute(select(LedgerWaiting.id)).all())
        leaves = Counter(session.execute(select(LedgerLeaf.ref).where(LedgerLeaf.kind == entries.EVENT)).scalars())
        if waiting:
            yield f"ledger: {waiting} rows wait to be entered"
        if leaves != Counter(names):
            yield f"ledger: {len(leaves)} events entered, {sum(leaves.values())} times; {len(names)} are stored"
        key = office_key(session, world.folder / "office" / "office.jwk")
        yield from audit.findings(session, key, world.folder / "office" / "heads.jsonl")


def _plan(box: ChaosBox) -> list[Saying]:
    return sayings(box.task.seed, box.name, box.task.events)


__all__ = ["Verdict", "verdict"]
