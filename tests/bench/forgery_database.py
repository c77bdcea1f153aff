"""Ways to forge central's database, by somebody who may write all of it and knows how it is made.

The forger drops what stands in the way, changes rows, and where that helps mends leaves, nodes and counts after it.
What is out of reach: the keys of boxes, the office's key, and the file of heads that the world has seen.
"""

import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from bundle_kit import still

from contract.merkle import completed
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint

Change = Callable[[sqlite3.Connection, Path, random.Random], str]


def forged(folder: Path, change: Change, rng: random.Random) -> str:
    """Forge the database in `folder`; a word that an audit's sentence must have."""
    base = sqlite3.connect(folder / "central.sqlite")
    try:
        kept = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            base.execute(f"DROP TRIGGER {name}")
        word = change(base, folder, rng)
        for _, sql in kept:
            base.execute(sql)
        base.commit()
    finally:
        base.close()
    return word


def _one(base: sqlite3.Connection, rng: random.Random, query: str) -> tuple:
    return rng.choice(base.execute(query).fetchall())


def byte_of_event(base, _, rng) -> str:
    name, raw = _one(base, rng, "SELECT id, raw FROM events")
    at = rng.randrange(len(raw))
    raw = raw[:at] + bytes([raw[at] ^ rng.randint(1, 255)]) + raw[at + 1 :]
    base.execute("UPDATE events SET raw = ? WHERE id = ?", (raw, name))
    return name


def event_removed(base, _, rng) -> str:
    (name,) = _one(base, rng, "SELECT id FROM events WHERE type LIKE '%closed'")
    base.execute("DELETE FROM events WHERE id = ?", (name,))
    return name


def events_swapped(base, _, rng) -> str:
    one, two = rng.sample(base.execute("SELECT id, raw, jws, sha256 FROM events").fetchall(), 2)
    for target, source in ((one, two), (two, one)):
        base.execute("UPDATE events SET raw=?, jws=?, sha256=? WHERE id=?", (*source[1:], target[0]))
    return one[0]


def events_reordered(base, _, rng) -> str:
    one, two = rng.sample(base.execute("SELECT id, chain_seq, chain_prev FROM events").fetchall(), 2)
    for target, source in ((one, two), (two, one)):
        base.execute("UPDATE events SET chain_seq=?, chain_prev=? WHERE id=?", (*source[1:], target[0]))
    return one[0]


def event_backdated(base, _, rng) -> str:
    (name,) = _one(base, rng, "SELECT id FROM events")
    column = rng.choice(["at", "received_at"])
    base.execute(f"UPDATE events SET {column} = '2025-03-01 08:00:00.000000' WHERE id = ?", (name,))
    return name


def event_resigned(base, _, rng) -> str:
    """Another event in its place, under a key that the forger puts into the box's place, the leaf mended."""
    name, raw = _one(base, rng, "SELECT id, raw FROM events")
    key = new_key()
    raw = raw.replace(b"2026-", b"2025-", 1)
    base.execute(
        "UPDATE events SET raw=?, sha256=?, jws=?, kid=? WHERE id=?",
        (raw, sha256_hex(raw), sign_detached(raw, key), thumbprint(key), name),
    )
    base.execute(
        "INSERT INTO edge_keys (kid, edge_id, public_jwk, enrolled_at) SELECT ?, edge_id, ?, enrolled_at FROM edge_keys",
        (thumbprint(key), json.dumps(public_jwk(key))),
    )
    return name


def key_swapped(base, _, rng) -> str:
    kid = base.execute("SELECT kid FROM edge_keys").fetchone()[0]
    base.execute("UPDATE edge_keys SET public_jwk = ?", (json.dumps(public_jwk(new_key())),))
    return kid


def chain_truncated(base, _, rng) -> str:
    """The newest events, their leaves and nodes: gone, and everything counts right again."""
    seq = rng.randint(3, base.execute("SELECT max(chain_seq) FROM events").fetchone()[0])
    refs = [one for (one,) in base.execute("SELECT id FROM events WHERE chain_seq >= ?", (seq,))]
    places = [base.execute("SELECT place FROM ledger_leaves WHERE ref = ?", (ref,)).fetchone()[0] for ref in refs]
    first = min(places)
    base.execute("PRAGMA foreign_keys=OFF")
    base.execute("DELETE FROM events WHERE chain_seq >= ?", (seq,))
    base.execute("DELETE FROM ledger_leaves WHERE place >= ?", (first,))
    base.execute("DELETE FROM ledger_nodes WHERE (place + 1) << level > ?", (first,))
    base.execute("UPDATE ledger_tree SET size = ?", (first,))
    return "the ledger: "


def history_removed(base, _, rng) -> str:
    (name,) = _one(base, rng, "SELECT id FROM case_log")
    base.execute("DELETE FROM case_log WHERE id = ?", (name,))
    return f"line of the case history {name} "


def history_changed(base, _, rng) -> str:
    # Of the two looks the first: the second is wang's already.
    (name,) = _one(base, rng, "SELECT id FROM case_log WHERE action = 'approve' AND actor <> 'wang'")
    column, value = rng.choice(
        [("actor", "wang"), ("at", "2026-01-01 00:00:00.000000"), ("detail", '{"reason": "R01"}')]
    )
    base.execute(f"UPDATE case_log SET {column} = ? WHERE id = ?", (value, name))
    return f"line of the case history {name} "


def history_made_up(base, _, rng) -> str:
    row = _one(base, rng, "SELECT case_id, at, actor, action, from_state, to_state, detail FROM case_log")
    made = base.execute(
        "INSERT INTO case_log (case_id, at, actor, action, from_state, to_state, detail) VALUES (?,?,?,?,?,?,?)", row
    )
    return f"line of the case history {made.lastrowid}: was never entered"


def history_mended(base, _, rng) -> str:
    """A changed line whose leaf, and every node above it, were made anew to fit: only signed heads tell."""
    name, at = _one(base, rng, "SELECT id, at FROM case_log WHERE action = 'approve' AND actor <> 'wang'")
    base.execute("UPDATE case_log SET actor = 'wang' WHERE id = ?", (name,))
    base.execute("UPDATE cases SET first_by = 'wang' WHERE id = (SELECT case_id FROM case_log WHERE id = ?)", (name,))
    number = base.execute(
        "SELECT number FROM cases WHERE id = (SELECT case_id FROM case_log WHERE id = ?)", (name,)
    ).fetchone()[0]
    source, target, detail = base.execute(
        "SELECT from_state, to_state, detail FROM case_log WHERE id=?", (name,)
    ).fetchone()
    from contract.ledger import canonical
    from contract.merkle import leaf_hash

    line = canonical({
        "kind": "case", "id": name, "case": number, "at": at.replace(" ", "T") + "+00:00", "by": "wang",
        "action": "approve", "from": source, "to": target, "detail": json.loads(detail),
    })  # fmt: skip
    base.execute("UPDATE ledger_leaves SET hash = ? WHERE kind = 'case' AND ref = ?", (leaf_hash(line), str(name)))
    _rebuild(base)
    return "the ledger: is not the one of the head"


def look_removed(base, _, rng) -> str:
    (name,) = _one(base, rng, "SELECT id FROM view_log")
    base.execute("DELETE FROM view_log WHERE id = ?", (name,))
    return f"line of the viewer log {name} "


def entry_removed(base, _, rng) -> str:
    place, _ref = _one(base, rng, "SELECT place, ref FROM ledger_leaves")
    base.execute("DELETE FROM ledger_leaves WHERE place = ?", (place,))
    last = base.execute("SELECT max(place) FROM ledger_leaves").fetchone()[0]
    return f"entry {place} is missing" if place <= last else "the ledger: "


def entry_changed(base, _, rng) -> str:
    (place,) = _one(base, rng, "SELECT place FROM ledger_leaves")
    base.execute("UPDATE ledger_leaves SET hash = ? WHERE place = ?", (rng.randbytes(32), place))
    return f"(entry {place})"


def head_changed(base, _, rng) -> str:
    (name,) = _one(base, rng, "SELECT id FROM ledger_heads")
    raw = base.execute("SELECT raw FROM ledger_heads WHERE id = ?", (name,)).fetchone()[0]
    at = rng.randrange(len(raw))
    raw = raw[:at] + bytes([raw[at] ^ rng.randint(1, 255)]) + raw[at + 1 :]
    base.execute("UPDATE ledger_heads SET raw = ? WHERE id = ?", (raw, name))
    return f"head {name} of the ledger"


def state_changed(base, _, rng) -> str:
    (number,) = _one(base, rng, "SELECT number FROM cases")
    base.execute("UPDATE cases SET state = 'REJECTED', reason_code = 'R16' WHERE number = ?", (number,))
    return f"case {number}: "


def plate_changed(base, _, rng) -> str:
    (number,) = _one(base, rng, "SELECT number FROM cases")
    base.execute("UPDATE cases SET plate = '浙A12345' WHERE number = ?", (number,))
    return f"case {number}: its plate"


def case_backdated(base, _, rng) -> str:
    (number,) = _one(base, rng, "SELECT number FROM cases")
    base.execute("UPDATE cases SET at_trigger = '2026-11-20 02:03:00.000000' WHERE number = ?", (number,))
    return f"case {number}: its at_trigger"


def deadline_moved(base, _, rng) -> str:
    return _deadline(base, rng, f"due_at = {_LATE}, sort_at = {_LATE}")


def deadline_unreckoned(base, _, rng) -> str:
    """Moved, and made one that nobody has reckoned yet."""
    return _deadline(base, rng, f"due_at = {_LATE}, sort_at = {_LATE}, due_certain = NULL")


def deadline_taken_off(base, _, rng) -> str:
    return _deadline(base, rng, "due_at = NULL, sort_at = at_trigger, due_certain = NULL")


_LATE = "'2031-01-01 00:00:00.000000'"


def _deadline(base: sqlite3.Connection, rng: random.Random, change: str) -> str:
    (number,) = _one(base, rng, "SELECT number FROM cases WHERE due_at IS NOT NULL")
    base.execute(f"UPDATE cases SET {change} WHERE number = ?", (number,))
    return f"case {number}: "


def picture_renamed(base, _, rng) -> str:
    number, one = _one(base, rng, "SELECT number, case_media.id FROM case_media JOIN cases ON cases.id = case_id")
    (other,) = _one(
        base, rng, f"SELECT sha256 FROM case_media WHERE case_id != (SELECT case_id FROM case_media WHERE id = {one})"
    )
    base.execute("UPDATE case_media SET sha256 = ? WHERE id = ?", (other, one))
    return f"case {number}: names other pictures"


def picture_changed(base, folder, rng) -> str:
    (name,) = _one(base, rng, "SELECT sha256 FROM media")
    file = folder / "media" / name[:2] / name
    raw = file.read_bytes()
    at = rng.randrange(len(raw))
    changed = rng.choice([
        raw[:at] + bytes([raw[at] ^ rng.randint(1, 255)]) + raw[at + 1 :], raw[:at], raw + b"\0", still(10**7 + at),
    ])  # fmt: skip
    file.write_bytes(changed)
    return f"media {name}: "


def picture_lost(base, folder, rng) -> str:
    (name,) = _one(base, rng, "SELECT sha256 FROM media")
    (folder / "media" / name[:2] / name).unlink()
    return f"media {name}: "


def _rebuild(base: sqlite3.Connection) -> None:
    nodes: dict[tuple[int, int], bytes] = {}
    for place, leaf in base.execute("SELECT place, hash FROM ledger_leaves ORDER BY place").fetchall():
        for level, at, value in completed(place, leaf, lambda level, at: nodes[level, at]):
            nodes[level, at] = value
    base.execute("DELETE FROM ledger_nodes")
    inner = [(level, at, value) for (level, at), value in nodes.items() if level]
    base.executemany("INSERT INTO ledger_nodes (level, place, hash) VALUES (?,?,?)", inner)


CHANGES: tuple[Change, ...] = (
    byte_of_event, event_removed, events_swapped, events_reordered, event_backdated, event_resigned, key_swapped,
    chain_truncated, history_removed, history_changed, history_made_up, history_mended, look_removed, entry_removed,
    entry_changed, head_changed, state_changed, plate_changed, case_backdated, deadline_moved,
    deadline_unreckoned, deadline_taken_off, picture_renamed, picture_changed, picture_lost,
)  # fmt: skip
