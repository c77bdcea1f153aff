"""The continuity ledger of a recorder's cameras, kept in the index: closes blocks and hands them to deliver.

A block, the rows that it tells and the state of the ledger after it are one transaction, so that a crash neither loses
nor doubles nor forks one. The event is made with the block and handed over as often as it takes: deliver takes one id
once. Used by one thread.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from contract.continuity import Block, Recorded, hash_of
from contract.events import CloudEvent, EventType, new_event
from contract.sealing import GENESIS
from edge.deliver.spool import Spool
from edge.record.elapsed import Here
from edge.record.index import Gap, Index
from edge.record.reckoning import Bridge, Cursor, Entry, Reckoning, State, believed, may_reopen, reckon, reopened
from edge.record.tiles import Draft

log = logging.getLogger("sightline.recorder")
#: Most rows that are told anew when the clock was set: two weeks of segments. More keep the date they have.
_MOST_ANEW = 120_000
_ENTRIES = (
    "SELECT n, n, 0, boot, boot_us, start_us, end_us, lead_us, by_camera, cause, detail, run, epoch, t0, t1, clock,"
    " name, sha256, bytes, pictures, damaged, torn, masked FROM segment WHERE camera = ? AND {}"
    " UNION ALL SELECT n, after, n, boot, boot_us, boot_us + lead_us, boot_us + lead_us, lead_us, 0, cause, detail,"
    " '', -1, 0, 0, 'unknown', NULL, NULL, 0, 0, 0, 0, 0 FROM mark WHERE camera = ? AND {} ORDER BY 2, 3"
)


class Ledger:
    """The ledgers of some cameras. Raises sqlite3.Error when the disk refuses."""

    def __init__(self, index: Index, spool: Spool, edge_id: str, sites: Mapping[str, tuple[str, str]]) -> None:
        """`sites`: of each camera its site, and the SHA-256 of the site file that is recorded by."""
        self._index = index
        self._spool = spool
        self._edge_id = edge_id
        self._sites = dict(sites)

    def close(self, camera: str, now: Here) -> list[Gap]:
        """Close what is known of a camera into blocks; gaps whose length was not known when they were noted."""
        with self._index.at_once() as db:
            row = db.execute("SELECT number, hash, state FROM ledger WHERE camera = ?", (camera,)).fetchone()
            number, before = (int(row[0]), str(row[1])) if row else (-1, GENESIS)
            state = _read(row[2]) if row else None
            entries = believed(state, self._entries(camera, "block IS NULL"), now)
            if may_reopen(state, now, entries):
                state, entries = self._anew(camera, state, entries, now)
            found = reckon(state, entries, now)
            if found is None or (not found.drafts and not found.told):
                return []
            for draft in found.drafts:
                number += 1
                before = self._put(camera, number, before, draft)
            self._told(camera, number, found, now)
            values = (camera, number, before, json.dumps(asdict(found.state)))
            db.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?)", values)
            gaps = [Gap(camera, *span) for span in found.gaps]
            self._index.add(gaps)
        return gaps

    def hand_over(self) -> None:
        """Give blocks that are closed to deliver, in their order. Raises OSError when the disk refuses."""
        db = self._index.db
        for camera in self._sites:
            rows = db.execute(
                "SELECT number, event FROM block WHERE camera = ? AND handed = 0 ORDER BY number", (camera,)
            ).fetchall()
            for number, event in rows:
                self._spool.put(CloudEvent.model_validate_json(event), {})
                db.execute("UPDATE block SET handed = 1 WHERE camera = ? AND number = ?", (camera, number))

    def _anew(
        self, camera: str, state: State | None, entries: list[Entry], now: Here
    ) -> tuple[State | None, list[Entry]]:
        """The state and entries with which this start of the machine is told anew, or those that are."""
        assert state is not None
        everything = believed(state, self._entries(camera, "boot = ?", now.boot), now)
        if len(everything) > _MOST_ANEW:
            log.error("%s: the clock was set after %d segments, which keep their dates", camera, len(everything))
            return state, entries
        again = reopened(state, everything, now)
        if again is state:
            return state, entries
        log.warning("%s: the clock was set - %d entries of its ledger are told anew", camera, len(everything))
        return again, everything

    def _entries(self, camera: str, which: str, *values: Any) -> list[Entry]:
        rows = self._index.db.execute(_ENTRIES.format(which, which), (camera, *values, camera, *values))
        return [_entry(row) for row in rows]

    def _put(self, camera: str, number: int, before: str, draft: Draft) -> str:
        """Write one block; its hash."""
        block = Block(
            edge_id=self._edge_id,
            camera_id=camera,
            site=self._sites[camera][0],
            site_version=self._sites[camera][1],
            number=number,
            prev=before,
            from_us=draft.from_us,
            until_us=draft.until_us,
            recorded=draft.recorded,
            missing=draft.missing,
            late=draft.late,
            clock=draft.clock,
        )
        digest = hash_of(block)
        until = datetime.fromtimestamp(draft.until_us / 1e6, UTC)
        event = new_event(EventType.RECORDING_BLOCK, f"/edge/{self._edge_id}/camera/{camera}", until, block)
        values = (camera, number, digest, draft.from_us, draft.until_us, event.model_dump_json(by_alias=True))
        self._index.db.execute(
            "INSERT INTO block (camera, number, hash, from_us, until_us, event) VALUES (?, ?, ?, ?, ?, ?)", values
        )
        return digest

    def _told(self, camera: str, number: int, found: Reckoning, now: Here) -> None:
        db = self._index.db
        segments = [(number, one.n) for one in found.told if one.told is not None]
        marks = [(number, one.n) for one in found.told if one.told is None]
        db.executemany("UPDATE segment SET block = ? WHERE n = ?", segments)
        db.executemany("UPDATE mark SET block = ? WHERE n = ?", marks)
        db.executemany(
            "UPDATE segment SET start_us = ?, end_us = ? WHERE n = ?", [(s, e, n) for n, s, e in found.dated]
        )
        # Marks of this start of the machine may have to be told anew; those before it never.
        db.execute("DELETE FROM mark WHERE camera = ? AND block IS NOT NULL AND boot != ?", (camera, now.boot))


def _entry(row: tuple[Any, ...]) -> Entry:
    n, _, _, boot, boot_us, start, end, lead, by_camera, cause, detail, run, epoch, t0, t1, clock, name, *rest = row
    told = None
    if name is not None:
        sha256, size, pictures, damaged, torn, masked = rest
        told = Recorded(
            start_us=start, end_us=max(end, start + 1), name=name, sha256=sha256, bytes=size, pictures=pictures,
            damaged=damaged, torn=bool(torn), masked=bool(masked),
        )  # fmt: skip
    return Entry(
        n, boot, boot_us, start, end, lead, bool(by_camera), cause, detail, run, epoch, t0, t1, clock, told
    )  # fmt: skip


def _read(text: str) -> State:
    told = json.loads(text)
    bridge = told["bridge"]
    if bridge is not None:
        bridge = Bridge(**bridge | {"before": Cursor(**bridge["before"])})
    return State(told["until_us"], Cursor(**told["cursor"]), bridge)


__all__ = ["Ledger"]
