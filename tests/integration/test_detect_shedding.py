"""A box that is too slow: which looks are passed over, who keeps being served, and a network that hangs."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import detect_peers as peers
import pytest

from edge.detect import wire
from edge.detect.client import RemoteDetector, service_stats
from edge.detect.protocol import LateError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "detect.sock"


def look(hello: wire.Hello, number: int, before: float | None = None) -> wire.Look:
    return wire.Look(id=number, slot=number % hello.slots, generation=hello.generation, before=before)


def test_a_live_look_past_its_deadline_is_not_computed(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        line, hello, slots = peers.dial(path, "late-one")
        slots[0][:] = slots[1][:] = 0
        late = peers.ask(line, look(hello, 1, before=time.monotonic() - 0.001))
        assert (late["op"], late["id"], late["why"]) == ("late", 1, "too old")
        stats = service_stats(path)
        assert stats.looks == 0 and stats.late == 1 and stats.shedding == ["late-one"]
        assert stats.cameras["late-one"].late == 1
        assert peers.ask(line, look(hello, 2, before=time.monotonic() + 60))["op"] == "seen"
        assert peers.ask(line, look(hello, 3))["op"] == "seen"
        line.close()


def test_the_latest_frame_wins_for_live_and_never_for_a_replay(path: Path) -> None:
    with peers.service(path, peers.nanodet(), "--lanes", "1", "--threads", "1"):
        busy, other, _ = peers.dial(path, "busy")
        line, hello, _ = peers.dial(path, "live")
        later = time.monotonic() + 60
        busy.sendall(wire.pack(look(other, 1)) + wire.pack(look(other, 2)))
        answers = [peers.ask(line, look(hello, 1, later), look(hello, 2, later)), peers.answer(line)]
        assert [(one["op"], one["id"]) for one in answers] == [("late", 1), ("seen", 2)]
        assert answers[0]["why"] == "newer one waits"
        assert {peers.answer(busy)["id"], peers.answer(busy)["id"]} == {1, 2}
        busy.sendall(wire.pack(look(other, 3)) + wire.pack(look(other, 4)))
        answers = [peers.ask(line, look(hello, 3), look(hello, 4)), peers.answer(line)]
        assert [(one["op"], one["id"]) for one in answers] == [("seen", 3), ("seen", 4)]
        busy.close()
        line.close()


def test_the_camera_is_told_that_nobody_looked(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        hasty = RemoteDetector(path, "hasty", worth_s=1e-6)
        assert not hasty.shedding
        with pytest.raises(LateError, match="nobody looked at a picture"):
            hasty.detect(peers.bus())
        assert hasty.shedding
        patient = RemoteDetector(path, "patient", worth_s=60)
        assert len(patient.detect(peers.bus())) >= 4
        assert not patient.shedding
        hasty.close()
        patient.close()


def test_asked_for_too_much_nobody_starves_and_crossings_come_first(path: Path) -> None:
    kerbs, crossings = 6, 2
    stop = threading.Event()
    failures: list[BaseException] = []

    def camera(name: str, urgent: bool) -> None:
        detector = RemoteDetector(path, name, urgent=urgent, worth_s=30)
        try:
            while not stop.is_set():
                detector.detect(peers.bus())
        except BaseException as error:  # handed to the test's own thread
            failures.append(error)
        finally:
            detector.close()

    with peers.service(path, peers.nanodet(), "--lanes", "1", "--threads", "1"):
        names = [(f"kerb-{n}", False) for n in range(kerbs)] + [(f"zebra-{n}", True) for n in range(crossings)]
        threads = [threading.Thread(target=camera, args=one) for one in names]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while service_stats(path).looks < 150 and time.monotonic() < until:
            time.sleep(0.1)
        stats = service_stats(path)
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not failures
    served = {name: stats.cameras[name].looks for name, _ in names}
    kerb = [served[name] for name, urgent in names if not urgent]
    zebra = [served[name] for name, urgent in names if urgent]
    assert min(kerb) >= 2, served
    assert max(kerb) <= 2 * min(kerb) + 2, served
    assert min(zebra) > max(kerb), served


def test_the_cap_of_instructions_takes_effect(path: Path) -> None:
    has = Path("/proc/cpuinfo").read_text()
    seen = {}
    for cpu in ("native", "avx2_vnni"):
        with peers.service(path, peers.nanodet(), "--cpu", cpu):
            seen[cpu] = service_stats(path).instructions
    assert seen["avx2_vnni"] == "avx2"
    assert seen["native"] in ({"avx512", "amx"} if "avx512f" in has else {"avx2"})


HANGING = """
import asyncio, sys
from pathlib import Path
import structlog
from contract.events import ModelRef
from edge.detect import serving
from edge.detect.service import _serve

class Hanging:
    "A network that takes pictures and gives nothing back."
    model, size, lanes, instructions = ModelRef(name="hanging", version="1", sha256="a" * 64), (64, 64), 2, ""
    def submit(self, blob, done): pass
    def close(self): pass

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
serving.STUCK_S = 0.5
asyncio.run(_serve(serving.Service(Hanging(), Path(sys.argv[1])), None))
"""


def test_a_network_that_hangs_ends_the_process(path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(path)],
        cwd=peers.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    line, hello, _ = peers.dial(path)
    time.sleep(2.5)
    assert process.poll() is None, "nothing was asked of it: it does not hang"
    line.sendall(wire.pack(look(hello, 1)))
    _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "the network hangs" in told
    line.close()
