"""The parts of the fault campaign that need no county: its schedule, what boxes say, and packets of MQTT."""

import itertools
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from contract.events import EventType
from tests.bench.chaos_faults import KINDS, schedule, touched
from tests.bench.chaos_mqtt import Packets, carries_message, sent_again
from tests.bench.chaos_proxy import Proxy
from tests.bench.chaos_sayings import event_of, sayings
from tests.bench.chaos_world import Size

SIZE = Size(boxes=4, replicas=2, events=400, seconds=120.0)
PUBLISH = bytes([0x32, 10]) + b"\x00\x03a/b\x00\x07\x00xx"
PUBLISH_QOS0 = bytes([0x30, 7]) + b"\x00\x03a/b\x00x"
PINGREQ = bytes([0xC0, 0])
LARGE = bytes([0x32]) + bytes([0x80 | (300 & 0x7F), 300 >> 7]) + bytes(300)


def test_a_seed_gives_one_schedule_and_another_seed_another() -> None:
    assert schedule(3, 100, SIZE) == schedule(3, 100, SIZE)
    assert schedule(3, 100, SIZE) != schedule(4, 100, SIZE)


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_rises_ends_in_time_and_nothing_has_two_faults_at_once(seed: int) -> None:
    faults = schedule(seed, 150, SIZE)
    assert [one.at for one in faults] == sorted(one.at for one in faults)
    assert all(0 <= one.at <= SIZE.seconds and one.length <= SIZE.seconds / 3 for one in faults)
    ends: dict[str, float] = {}
    for one in faults:
        for held in touched(one.target, SIZE):
            assert ends.get(held, 0.0) <= one.at, one
            ends[held] = one.at + one.length
    assert len({one.kind for one in faults}) >= len(KINDS) - 2, "each kind once, but where nothing was free"
    assert all(one.at < SIZE.seconds / 2 for one in faults if KINDS[one.kind].early)


def test_boxes_say_the_same_for_one_seed_and_a_matter_in_its_order() -> None:
    said = sayings(7, "edge-01", 500)
    assert said == sayings(7, "edge-01", 500) != sayings(7, "edge-02", 500)
    assert [one.number for one in said] == list(range(500))
    for _, matter in itertools.groupby(sorted((one for one in said if one.matter), key=lambda one: one.matter), key=lambda one: one.matter):  # fmt: skip
        kinds = [one.kind for one in matter]
        assert kinds == [EventType.ILLEGAL_PARKING, EventType.MANIFEST, EventType.CLOSED][: len(kinds)]
    named = next(one for one in said if one.stills)
    assert event_of(named, "edge-01")[1] == event_of(named, "edge-01")[1], "a worker that goes on names the same files"


def test_packets_are_whole_wherever_the_stream_is_cut() -> None:
    whole = [PUBLISH, PINGREQ, LARGE, PUBLISH_QOS0, PUBLISH]
    stream = b"".join(whole)
    for seed in range(50):
        dice, packets, got, at = random.Random(seed), Packets(), [], 0
        while at < len(stream):
            step = dice.randint(1, 40)
            got += packets.feed(stream[at : at + step])
            at += step
        assert got == whole


def test_only_a_message_is_doubled_and_says_so_where_it_may() -> None:
    assert [carries_message(one) for one in (PUBLISH, PUBLISH_QOS0, LARGE, PINGREQ)] == [True, True, True, False]
    assert sent_again(PUBLISH)[0] == 0x3A and sent_again(PUBLISH)[1:] == PUBLISH[1:]
    assert sent_again(PUBLISH_QOS0) == PUBLISH_QOS0
    with pytest.raises(ValueError, match="is this MQTT"):
        Packets().feed(b"\x30\xff\xff\xff\x7f")


class Echo:
    """A server that gives back what it gets; `heard` is what came over each connection."""

    def __init__(self) -> None:
        self.heard: list[bytearray] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            line, _ = self._server.accept()
            self.heard.append(bytearray())
            threading.Thread(target=self._echo, args=(line, self.heard[-1]), daemon=True).start()

    def _echo(self, line: socket.socket, heard: bytearray) -> None:
        with line:
            try:
                while data := line.recv(65536):
                    heard += data
                    line.sendall(data)
            except OSError:
                return


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


def dial(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), 5)
    line.sendall(b"hello")
    return line


def until(done) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_line_that_stalls_passes_nothing_and_loses_nothing(proxy: Proxy) -> None:
    echo = Echo()
    line = proxy.line("x", [echo.port])
    with dial(line.port) as client:
        assert client.recv(10) == b"hello"
        line.stall(True)
        client.sendall(b"later")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        line.stall(False)
        client.settimeout(5)
        assert client.recv(10) == b"later"
    assert echo.heard == [b"hellolater"]


def test_a_line_is_cut_with_a_reset_and_torn_within_a_message(proxy: Proxy) -> None:
    echo = Echo()
    line = proxy.line("x", [1, echo.port])  # nobody is at the first: the next is asked
    with dial(line.port) as client:
        assert client.recv(10) == b"hello"
        line.tear()
        client.sendall(b"0123456789")
        with pytest.raises(ConnectionResetError):
            while client.recv(20):
                pass
    assert len(echo.heard[0]) < len(b"hello0123456789")
    with dial(line.port) as client:
        assert client.recv(10) == b"hello"
        line.cut(True)
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    assert proxy.counted == {"connections torn": 1, "connections cut": 1}


def test_a_connection_is_played_again_and_messages_are_doubled(proxy: Proxy) -> None:
    echo = Echo()
    line = proxy.line("x", [echo.port])
    with dial(line.port) as client:
        assert client.recv(10) == b"hello"
        line.play_again()
        until(lambda: echo.heard == [b"hello", b"hello"])
    doubling = proxy.line("m", [echo.port], mqtt=True)
    doubling.double(1.0)
    with socket.create_connection(("127.0.0.1", doubling.port), 5) as client:
        client.sendall(PINGREQ + PUBLISH[:5])
        client.sendall(PUBLISH[5:])
        until(lambda: len(echo.heard) == 3 and len(echo.heard[2]) >= len(PINGREQ + 2 * PUBLISH))
    assert bytes(echo.heard[2]).startswith(PINGREQ + PUBLISH + sent_again(PUBLISH))
