"""The tables of the index of recordings, and how an index of an older version becomes one of this."""

import sqlite3

VERSION = 3
_FIRST = """
CREATE TABLE IF NOT EXISTS segment (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    run TEXT NOT NULL, epoch INTEGER NOT NULL, t0 REAL NOT NULL, t1 REAL NOT NULL, name TEXT NOT NULL,
    bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, pictures INTEGER NOT NULL, damaged INTEGER NOT NULL,
    codec TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, clock TEXT NOT NULL,
    torn INTEGER NOT NULL DEFAULT 0, deleted_us INTEGER, why TEXT, UNIQUE (camera, name));
CREATE INDEX IF NOT EXISTS segment_time ON segment (camera, start_us);
CREATE INDEX IF NOT EXISTS segment_kept ON segment (start_us) WHERE deleted_us IS NULL;
CREATE TABLE IF NOT EXISTS gap (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    cause TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS gap_time ON gap (camera, start_us);
CREATE TABLE IF NOT EXISTS hold (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
    reason TEXT NOT NULL, made_us INTEGER NOT NULL, released_us INTEGER);
CREATE TABLE IF NOT EXISTS run (
    recorder TEXT PRIMARY KEY, id TEXT NOT NULL, boot TEXT NOT NULL, ended TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (only INTEGER PRIMARY KEY CHECK (only = 1), bytes INTEGER NOT NULL);
INSERT OR IGNORE INTO total VALUES (1, 0);
"""
#: The continuity ledger. What was recorded before there was one stays out of it: block -1.
_SECOND = """
ALTER TABLE segment ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE segment ADD COLUMN boot_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN lead_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN by_camera INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment ADD COLUMN cause TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE segment ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE segment ADD COLUMN block INTEGER;
UPDATE segment SET block = -1;
CREATE INDEX segment_untold ON segment (camera, n) WHERE block IS NULL;
CREATE TABLE mark (
    n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, after INTEGER NOT NULL, boot TEXT NOT NULL,
    boot_us INTEGER NOT NULL, lead_us INTEGER NOT NULL, cause TEXT NOT NULL, detail TEXT NOT NULL, block INTEGER);
CREATE INDEX mark_untold ON mark (camera) WHERE block IS NULL;
CREATE TABLE ledger (camera TEXT PRIMARY KEY, number INTEGER NOT NULL, hash TEXT NOT NULL, state TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE block (
    camera TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL, from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL, event TEXT NOT NULL, handed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (camera, number)) WITHOUT ROWID;
CREATE INDEX block_waiting ON block (camera, number) WHERE handed = 0;
CREATE TABLE keeping (camera TEXT PRIMARY KEY, days REAL NOT NULL, polling INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE deletion (n INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, names TEXT NOT NULL,
    event TEXT NOT NULL);
CREATE TABLE trusted (only INTEGER PRIMARY KEY CHECK (only = 1), boot TEXT NOT NULL, boot_us INTEGER NOT NULL,
    wall_us INTEGER NOT NULL);
ALTER TABLE hold ADD COLUMN command TEXT;
CREATE UNIQUE INDEX hold_command ON hold (command) WHERE command IS NOT NULL;
"""
#: Whether the box painted the privacy masks. What was recorded before had none painted.
_THIRD = """
ALTER TABLE segment ADD COLUMN masked INTEGER NOT NULL DEFAULT 0;
"""


def prepared(db: sqlite3.Connection) -> None:
    """Bring the database to this version, whole or not at all. One process at a time. Raises sqlite3.Error."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version >= VERSION:
        return
    steps = [_FIRST, _SECOND, _THIRD][version:]
    db.executescript(f"BEGIN IMMEDIATE;{''.join(steps)}PRAGMA user_version = {VERSION};COMMIT;")


__all__ = ["VERSION", "prepared"]
