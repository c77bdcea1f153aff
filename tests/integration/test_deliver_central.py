"""Deliver against the real central: enrolment over HTTP, events through the broker, media by PUT, kills in between."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from deliver_peers import ROOT, Box, feed, listening, manifest, until

from contract.errors import CentralError, RunError
from contract.sealing import sha256_hex, thumbprint
from edge.config import load_config
from edge.deliver.enrol import enrol
from sightline.broker import EmbeddedBroker
from tests.ports import open_port

USERS = {"central": "c-secret-74a1", "box-1": "b-secret-90f3"}
CENTRAL = [sys.executable, "-c", "from sightline.commands.central import app; app()"]


class Central:
    """The governance centre as a process of its own, on SQLite."""

    def __init__(self, folder: Path, port: int, broker_port: int) -> None:
        folder.mkdir()
        self.port, self.url, self.folder = port, f"http://127.0.0.1:{port}", folder
        secret = folder / "broker-password"
        secret.write_text(USERS["central"])
        secret.chmod(0o600)
        self.config = folder / "central.yaml"
        broker = {"host": "127.0.0.1", "port": broker_port, "username": "central", "password_file": secret.name}
        self.config.write_text(yaml.safe_dump({"port": port, "data_dir": "data", "broker": broker,
                                               "database": {"url": "sqlite:///central.sqlite"}}))  # fmt: skip
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                [*CENTRAL, "serve", "--config", str(self.config)],
                cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        until(lambda: listening(self.port), 60, "central listens")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def code(self, edge_id: str) -> str:
        done = subprocess.run([*CENTRAL, "enrol-code", edge_id, "--config", str(self.config)],
                              cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
        return done.stdout.strip()

    def rows(self, query: str) -> list[tuple]:
        db = sqlite3.connect(f"file:{self.folder / 'central.sqlite'}?mode=ro", uri=True, timeout=10)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()


@pytest.fixture
def world(tmp_path, free_port):
    """A broker, central, and a box that is not enrolled."""
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS) as broker:
        central = Central(tmp_path / "central", open_port(), free_port)
        box = Box(tmp_path / "box", free_port, USERS["box-1"], central.url)
        box.ring.path.unlink()
        central.start()
        yield broker, central, box
        box.kill()
        central.kill()


def test_a_box_enrols_once_a_code_and_central_knows_its_key(world) -> None:
    _, central, box = world
    config = load_config(box.config)
    with pytest.raises(CentralError, match="refuses the code"):
        enrol(config, "AAAA-BBBB-CCCC")
    assert not box.ring.path.exists()
    code = central.code("box-1")
    seen = enrol(config, code)
    assert seen.kid == thumbprint(box.ring.load())
    assert box.ring.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CentralError, match="ask for a new one"):
        enrol(config, code)
    assert thumbprint(box.ring.load()) == seen.kid
    central.kill()
    with pytest.raises(CentralError, match="cannot be reached") as said:
        enrol(config, code)
    assert "\n" not in str(said.value) and code not in str(said.value)


def test_events_and_media_reach_central_through_its_death(world, tmp_path) -> None:
    _, central, box = world
    enrol(load_config(box.config), central.code("box-1"))
    still, clip = b"\xff\xd8 a still" * 500, b"a clip" * 200_000
    named = {}
    for raw in (still, clip):
        named[sha256_hex(raw)] = tmp_path / sha256_hex(raw)
        named[sha256_hex(raw)].write_bytes(raw)
    box.spool.put(feed("box-1", "cam-1", "before"), {})
    box.start()
    until(lambda: box.state().get("pending") == 0, 60, "the first two are acknowledged")
    central.kill()
    box.spool.put(manifest("box-1", "cam-1", still, clip), named)
    until(lambda: box.state().get("media_pending") == 2, 30)
    with pytest.raises(RunError, match="another deliver process"):
        enrol(load_config(box.config), "AAAA-BBBB-CCCC")
    central.start()
    until(lambda: box.state().get("pending") == 0 and box.state().get("media_pending") == 0, 120, "all is there")
    assert central.rows("SELECT count(*) FROM events") == [(3,)]
    assert {name for (name,) in central.rows("SELECT sha256 FROM media WHERE complete")} == set(named)
    assert box.state()["refused"] == 0
    assert not list(box.spool.media.iterdir())


@pytest.mark.timeout(600)
def test_kill_9_of_broker_central_and_deliver_with_the_real_central(world) -> None:
    broker, central, box = world
    seed = int(os.environ.get("SIGHTLINE_CHAOS_SEED", "20260105"))
    total = int(os.environ.get("SIGHTLINE_CHAOS_EVENTS", "150"))
    print(f"SIGHTLINE_CHAOS_SEED={seed}")
    dice = random.Random(seed)
    enrol(load_config(box.config), central.code("box-1"))
    box.start()
    put: list[str] = []
    for turn in range(6):
        for number in range(total // 6):
            event = feed("box-1", f"cam-{number % 3}", f"{turn}.{number}")
            box.spool.put(event, {})
            put.append(event.id)
        time.sleep(dice.uniform(0.05, 1.5))
        what = ("box", "central", "broker")[turn % 3]
        if what == "box":
            box.kill()
            box.start()
        elif what == "central":
            central.kill()
            central.start()
        else:
            os.kill(broker.pid, 9)
            broker.stop()
            broker.start()
    until(lambda: central.rows("SELECT count(*) FROM events") == [(len(put) + 1,)], 200, "all is committed")
    until(lambda: box.state().get("pending") == 0, 60, "all is acknowledged")
    rows = central.rows("SELECT id, chain_seq, chain_state FROM events ORDER BY chain_seq")
    assert [name for name, _, _ in rows[1:]] == put
    assert [seq for _, seq, _ in rows] == list(range(len(put) + 1))
    assert {state for _, _, state in rows} <= {"genesis", "linked", "pending"}
    assert box.state()["refused"] == 0


def test_a_rotated_key_begins_a_chain_and_what_the_old_one_sealed_still_arrives(world) -> None:
    _, central, box = world
    config = load_config(box.config)
    first = enrol(config, central.code("box-1"))
    code = central.code("box-1")
    central.kill()
    box.spool.put(feed("box-1", "cam-1", "sealed with the first key"), {})
    box.start()
    until(lambda: box.state().get("pending") == 2, 60)
    box.stop()
    central.start()
    second = enrol(config, code)
    assert second.kid != first.kid
    box.spool.put(feed("box-1", "cam-1", "sealed with the second key"), {})
    box.start()
    until(lambda: central.rows("SELECT count(*) FROM events") == [(4,)], 60, "two chains of two")
    assert sorted(central.rows("SELECT kid, chain_seq FROM events")) == sorted(
        (kid, seq) for kid in (first.kid, second.kid) for seq in (0, 1)
    )
    assert "a new chain begins: rotated" in box.told()
