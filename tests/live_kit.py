"""Live view in a test: central's real front on a port, a station with a box, people with sessions, lines of both kinds."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from central_kit import Box, open_db
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from central.accounts import sessions
from central.accounts.roles import Role
from central.accounts.sessions import SESSION_COOKIE
from central.app import create_app
from central.db.accounts import User, UserArea, UserRole
from central.db.database import Database
from central.db.polling import RecordingLedger, Station
from central.db.sites import Site
from central.live.wire import UVICORN
from central.media.folder import FolderStore
from central.metrics import Metrics
from contract.command import AnyCommand, LiveOn
from contract.events import now
from contract.livestream import FRAGMENT, INIT, LiveMessage, path_of, unpack
from contract.sealing import GENESIS
from edge.asked import Asked

CAMERA = "hall-1"


@dataclass
class Heard:
    """What boxes are asked, as the broker would take it; what a box of `on_disk` is asked lies where its deliver puts it."""

    said: list[tuple[str, LiveOn]] = field(default_factory=list)
    up: bool = True
    on_disk: dict[str, Asked] = field(default_factory=dict)

    def say(self, edge_id: str, command: AnyCommand) -> bool:
        """See `Says`."""
        assert isinstance(command, LiveOn)
        if self.up:
            self.said.append((edge_id, command))
            if edge_id in self.on_disk:
                self.on_disk[edge_id].put(command)
        return self.up


@dataclass
class Hall:
    """A central on a port, one station `ps-1` in area `a1` whose box is `box`."""

    folder: Path
    db: Database
    box: Box = field(default_factory=Box)
    asked: Heard = field(default_factory=Heard)
    port: int = 0

    def __post_init__(self) -> None:
        self.box.enrol(self.db)
        station(self.db, self.box.edge_id, "ps-1", "a1")

    def app(self) -> FastAPI:
        return create_app(self.db, FolderStore(self.folder / "media", 1_000_000), Metrics(self.db), says=self.asked)

    def person(self, name: str, role: Role = Role.MONITOR, *areas: str) -> str:
        """The token of a session."""
        with self.db.write() as session:
            row = User(name=name, password_hash="$argon2id$none", created_at=now())
            session.add(row)
            session.flush()
            session.add(UserRole(user_id=row.id, role=str(role)))
            session.add_all(UserArea(user_id=row.id, area=area) for area in areas)
            return sessions.opened(session, row, "127.0.0.1", "test").token

    def brings(
        self, camera: str = CAMERA, stream: str | None = None, box: Box | None = None, token: str | None = None
    ) -> ClientConnection:
        """A box's connection."""
        headers = {"Authorization": (box or self.box).token() if token is None else token}
        address = f"ws://127.0.0.1:{self.port}{path_of(camera, stream)}"
        return connect(address, additional_headers=headers, compression=None)

    def watches(
        self, token: str | None, query: str = "", place: str = f"edge-01/{CAMERA}", **more: Any
    ) -> ClientConnection:
        """A viewer's connection, as a browser opens it."""
        headers = {} if token is None else {"Cookie": f"{SESSION_COOKIE}={token}"}
        more = {"origin": f"http://127.0.0.1:{self.port}", "compression": None} | more
        return connect(f"ws://127.0.0.1:{self.port}/live/{place}{query}", additional_headers=headers, **more)

    def opens(self, token: str) -> socket.socket:
        """A viewer who says hello and then takes nothing."""
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", self.port))
        hello = (
            f"GET /live/edge-01/{CAMERA} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            f"Cookie: {SESSION_COOKIE}={token}", "", "",
        )  # fmt: skip
        line.sendall("\r\n".join(hello).encode())
        assert b"101" in line.recv(15)
        return line


def station(db: Database, edge_id: str, site: str, area: str, camera: str = CAMERA) -> None:
    """A registered station with one camera, whose ledger a box has begun."""
    with db.write() as session:
        session.add(Site(site=site, name=site, area=area))
        session.flush()
        session.add(
            Station(
                site=site, station="1", township="T", village="V", name=site, sha256="0" * 64, windows=[],
                cameras=[{"id": camera, "name": camera}],
            )
        )  # fmt: skip
        session.add(
            RecordingLedger(
                edge_id=edge_id, camera_id=camera, site=site, next_number=0, hash=GENESIS, heard_at=now()
            )
        )  # fmt: skip


@contextmanager
def hall(folder: Path) -> Iterator[Hall]:
    """A central that serves."""
    one = Hall(folder, open_db(folder))
    server = uvicorn.Server(uvicorn.Config(one.app(), port=0, log_level="warning", lifespan="off", **UVICORN))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        one.port = server.servers[0].sockets[0].getsockname()[1]
        yield one
    finally:
        server.should_exit = True
        thread.join(30)
        one.db.close()


def header() -> bytes:
    """What comes before pictures."""
    return LiveMessage(INIT, True, time.time_ns() // 1000, b'video/mp4; codecs="avc1.42C01E"\nftyp').pack()


def picture(number: int, size: int = 200, *, key: bool = False) -> bytes:
    """A picture that bears its number."""
    body = struct.pack(">I", number) + bytes(size)
    return LiveMessage(FRAGMENT, key, time.time_ns() // 1000, body).pack()


def next_of(line: ClientConnection, timeout: float = 10.0) -> dict[str, str] | LiveMessage:
    """The next that comes: what is said, or a picture."""
    raw = line.recv(timeout)
    return json.loads(raw) if isinstance(raw, str) else unpack(raw)


def numbers(line: ClientConnection, count: int) -> list[int]:
    """The numbers of the next pictures; headers and words are passed over."""
    found: list[int] = []
    while len(found) < count:
        one = next_of(line)
        if isinstance(one, LiveMessage) and one.kind != INIT:
            found.append(struct.unpack_from(">I", one.body)[0])
    return found


def last_word(line: ClientConnection, timeout: float = 15.0) -> dict[str, str]:
    """The last thing said before the line is closed."""
    said: dict[str, str] = {}
    try:
        while True:
            one = next_of(line, timeout)
            said = one if isinstance(one, dict) else said
    except ConnectionClosed:
        return said


def until(true: Any, seconds: float = 20.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


__all__ = [
    "CAMERA", "Hall", "Heard", "hall", "header", "last_word", "next_of", "numbers", "picture", "station", "until",
]  # fmt: skip
