"""Live view with two processes of central on one PostgreSQL: the box comes to one, its viewers to the other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import yaml
from central_kit import Box
from central_replicas import postgres_server
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from central.db import migrate
from central.db.database import Database
from central.live import replicas
from central.live.place import Place
from central.live.relay import PATH
from sightline.bench.central_postgres import PostgresServer
from tests.live_kit import CAMERA, Hall, header, last_word, next_of, numbers, picture, until
from tests.ports import open_port

RUN = (
    "import sys; from pathlib import Path; from central.serve import serve; from central.config import load_config; "
    "serve(load_config(Path(sys.argv[1])), 'web')"
)


@dataclass
class Two:
    """Two replicas; `hall` speaks to the first unless its `port` is set to the other's."""

    hall: Hall
    ports: list[int]
    server: PostgresServer
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, number: int) -> None:
        folder = self.hall.folder / f"replica-{number}-{len(self.processes)}"
        folder.mkdir()
        settings = {
            "port": self.ports[number], "data_dir": "data", "broker": {"port": 1},
            "database": {"url": self.hall.db.engine.url.render_as_string(hide_password=False)},
        }  # fmt: skip
        (folder / "central.yaml").write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-c", RUN, str(folder / "central.yaml")]
        with (folder / "log").open("wb") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def up(self, number: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[number]}/sign-in", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def at(self, number: int) -> Hall:
        self.hall.port = self.ports[number]
        return self.hall


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    with postgres_server() as server:
        db = Database(server.url)
        migrate.upgrade(db)
        one = Two(Hall(folder, db), [open_port(), open_port()], server)
        try:
            for number in (0, 1):
                one.start(number)
            until(lambda: one.up(0) and one.up(1), 60)
            yield one
        finally:
            for process in one.processes:
                process.kill()
                process.wait()
            db.close()


@contextmanager
def filming(line: ClientConnection) -> Iterator[None]:
    """A box that brings 25 pictures a second, a keyframe every second, numbered by their time in ms."""
    over = threading.Event()

    def film() -> None:
        count = 0
        try:
            line.send(header())
            while not over.wait(0.04):
                line.send(picture(time.time_ns() // 1_000_000 % 2**32, 2000, key=count % 25 == 0))
                count += 1
        except WebSocketException:
            pass

    thread = threading.Thread(target=film, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)


def late_ms(number: int) -> int:
    return (time.time_ns() // 1_000_000 % 2**32) - number


def test_a_viewer_at_one_replica_sees_what_a_box_brings_to_the_other(two: Two) -> None:
    mei = two.hall.person("mei")
    with two.at(1).watches(mei) as viewer, two.at(1).watches(mei) as second:
        assert next_of(viewer)["state"] == "asking"  # type: ignore[index]
        with two.at(0).brings() as box, filming(box):
            assert [numbers(one, 1) for one in (viewer, second)]
            numbers(viewer, 20)  # what there was since the keyframe is older
            delays = sorted(late_ms(numbers(viewer, 1)[0]) for _ in range(40))
            print(f"\nfrom box to viewer over two replicas: {delays[20]} ms (median), {delays[-1]} ms at most")
            assert delays[20] < 250
            with two.at(1).brings() as moved:  # the balancer sends its next connection elsewhere
                with pytest.raises(ConnectionClosed) as ended:
                    box.recv(10)
                assert ended.value.rcvd is not None and ended.value.rcvd.code == 4001
                moved.send(header())
                moved.send(picture(7, key=True))
                until(lambda: 7 in numbers(viewer, 1))
                until(lambda: 7 in numbers(second, 1))


def test_what_a_box_says_reaches_viewers_at_the_other_replica(two: Two) -> None:
    with two.at(1).watches(two.hall.person("yu")) as live, two.at(0).brings() as box:
        box.send(header())
        box.send(picture(1, key=True))
        assert numbers(live, 1) == [1]
        box.send('{"state": "cut", "reason": "a mask is not painted"}')
        assert next_of(live) == {"state": "cut", "reason": "a mask is not painted"}


def test_a_replica_that_is_killed_takes_no_viewer_of_another_with_it(two: Two) -> None:
    mei = two.hall.person("mei-2")
    with two.at(1).watches(mei) as stays:
        at_first = two.at(0)
        with (
            pytest.raises((ConnectionClosed, OSError)), at_first.watches(mei) as goes, at_first.brings() as box,
            filming(box),
        ):  # fmt: skip
            assert numbers(stays, 3) and numbers(goes, 3)
            two.processes[0].kill()
            two.processes[0].wait()
            begun = time.monotonic()
            while True:
                goes.recv(10)
        with two.at(1).brings() as again, filming(again), two.at(1).watches(mei) as returned:
            assert numbers(returned, 1)
            newest = numbers(stays, 1)
            while late_ms(newest[0]) > 500:
                newest = numbers(stays, 1)
            print(f"\npictures again {time.monotonic() - begun:.1f} s after the replica was killed")
        two.start(0)
        until(lambda: two.up(0), 60)
        with two.at(1).brings() as box, filming(box), two.at(0).watches(mei) as other:
            assert numbers(other, 5)


def test_only_a_ticket_opens_the_door_of_replicas_and_once(two: Two) -> None:
    def fetch(token: str) -> ClientConnection:
        address = f"ws://127.0.0.1:{two.ports[1]}{PATH}"
        return connect(address, additional_headers={"Authorization": f"Bearer {token}"}, compression=None)

    box = Box("edge-77")
    box.enrol(two.hall.db)
    with two.hall.db.write() as session:
        token = replicas.ticket(session, Place("edge-01", CAMERA))
    with two.at(1).brings() as line:
        line.send(header())
        line.send(picture(5, key=True))
        time.sleep(0.3)
        with fetch(token) as good:
            assert numbers(good, 1) == [5]
        for bad in (token, "x" * 43, "", box.token().removeprefix("Bearer ")):
            with pytest.raises(InvalidStatus) as refused, fetch(bad):
                pass
            assert refused.value.response.status_code == 401
    with two.hall.db.write() as session:
        token = replicas.ticket(session, Place("edge-01", "none-1"))
    with fetch(token) as nothing:
        assert last_word(nothing) == {}


def test_while_the_database_is_away_who_watches_goes_on_watching(two: Two) -> None:
    mei = two.hall.person("mei-3")
    with two.at(0).watches(mei) as here, two.at(1).watches(mei) as there, two.at(0).brings() as box, filming(box):
        assert numbers(here, 2) and numbers(there, 2)
        two.server.kill()
        begun = time.monotonic()
        while time.monotonic() - begun < 5.0:
            assert numbers(here, 1) and late_ms(numbers(there, 1)[0]) < 1000
        with pytest.raises(InvalidStatus) as refused, two.at(1).watches(mei):
            pass
        assert refused.value.response.status_code == 503
        two.server.start()
        two.hall.db.close()
        for _ in range(50):
            assert numbers(here, 1) and numbers(there, 1)
    until(lambda: two.up(1))
    with two.at(1).brings() as box, filming(box), two.at(0).watches(mei) as again:
        assert numbers(again, 3)
