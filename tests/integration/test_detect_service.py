"""The inference service with real processes: many cameras, and what happens when either side is killed."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import detect_peers as peers
import numpy as np
import pytest

from contract.errors import ModelError, RunError
from edge.detect import wire
from edge.detect.client import RemoteDetector, service_stats
from edge.detect.open import open_detector


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "detect.sock"


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def wait_for(what, seconds: float = 20.0) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "did not come about"
        time.sleep(0.05)


def test_the_same_boxes_as_in_one_process(path: Path) -> None:
    local = open_detector(peers.nanodet())
    with peers.service(path, peers.nanodet()):
        remote = RemoteDetector(path, "cam-1")
        assert remote.model == local.model
        one, other = local.detect(peers.bus()), remote.detect(peers.bus())
        remote.close()
    local.close()
    np.testing.assert_allclose(one.boxes, other.boxes, atol=0.05)
    np.testing.assert_array_equal(one.classes, other.classes)


def test_many_cameras_are_all_served_and_counted(path: Path) -> None:
    cameras, looks = 12, 6
    failures: list[BaseException] = []

    def camera(number: int) -> None:
        detector = RemoteDetector(path, f"cam-{number}", urgent=number % 4 == 0)
        try:
            for _ in range(looks):
                assert len(detector.detect(peers.bus())) >= 4
        except BaseException as error:  # handed to the test's own thread
            failures.append(error)
        finally:
            detector.close()

    with peers.service(path, peers.nanodet()):
        threads = [threading.Thread(target=camera, args=(number,)) for number in range(cameras)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not failures
        stats = service_stats(path)
    assert {name: count.looks for name, count in stats.cameras.items()} == {f"cam-{n}": looks for n in range(cameras)}
    assert stats.looks == cameras * looks
    assert stats.failed == stats.queued == 0
    assert stats.cpu_s > 0


def test_a_killed_service_is_found_again(path: Path) -> None:
    with peers.service(path, peers.nanodet()) as first:
        remote = RemoteDetector(path, "cam-1", patience_s=60)
        assert len(remote.detect(peers.bus())) >= 4
        first.kill()
        first.wait(20)
        assert path.exists(), "a killed service cannot tidy up; the next one takes the address over"
        with peers.service(path, peers.nanodet()):
            assert len(remote.detect(peers.bus())) >= 4
        remote.close()


def test_a_service_killed_during_a_look_is_waited_for(path: Path) -> None:
    with peers.service(path, peers.nanodet()) as first:
        remote = RemoteDetector(path, "cam-1", patience_s=60)
        remote.detect(peers.bus())
        first.send_signal(signal.SIGSTOP)
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.append(len(remote.detect(peers.bus()))))
        thread.start()
        time.sleep(0.3)
        first.kill()
        first.wait(20)
        with peers.service(path, peers.nanodet()):
            thread.join(60)
        assert seen
        assert seen[0] >= 4
        remote.close()


def test_no_service_is_told_in_bounded_time(path: Path) -> None:
    remote = RemoteDetector(path, "cam-1", patience_s=0.5)
    with pytest.raises(RunError, match=r"detect\.sock: the inference service did not answer"):
        remote.detect(peers.bus())
    with pytest.raises(RunError, match=r"detect\.sock"):
        service_stats(path)


def test_a_hung_service_is_told_in_bounded_time(path: Path) -> None:
    with peers.service(path, peers.nanodet()) as process:
        remote = RemoteDetector(path, "cam-1", patience_s=1.0)
        remote.detect(peers.bus())
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(RunError, match="did not answer"):
            remote.detect(peers.bus())
        process.send_signal(signal.SIGCONT)
        assert len(remote.detect(peers.bus())) >= 4, "an answer to the look given up is not taken for this one"
        remote.close()


CLIENT = """
import sys, numpy as np
from pathlib import Path
from edge.detect.client import RemoteDetector
d = RemoteDetector(Path(sys.argv[1]), "doomed")
d.detect(np.zeros((1080, 1920, 3), np.uint8))
print("looking", flush=True)
while True:
    d.detect(np.zeros((1080, 1920, 3), np.uint8))
"""


def test_a_killed_client_leaves_nothing_behind(path: Path) -> None:
    with peers.service(path, peers.nanodet()) as process:
        other = RemoteDetector(path, "other")
        other.detect(peers.bus())
        before = descriptors(process.pid)
        for _ in range(3):
            client = subprocess.Popen(
                [sys.executable, "-c", CLIENT, str(path)], cwd=peers.ROOT, stdout=subprocess.PIPE, text=True
            )
            assert client.stdout is not None
            assert client.stdout.readline() == "looking\n"
            assert service_stats(path).clients == 2
            client.kill()
            client.wait(20)
            client.stdout.close()
            wait_for(lambda: service_stats(path).clients == 1)
        wait_for(lambda: descriptors(process.pid) <= before)
        assert service_stats(path).queued == 0
        assert len(other.detect(peers.bus())) >= 4
        other.close()


def test_a_stale_generation_and_a_foreign_slot_are_refused(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        first, old, slots = peers.dial(path)
        second, new, _ = peers.dial(path)
        assert new.generation != old.generation
        slots[0][:] = 0
        assert "stale" in str(peers.ask(first, wire.Look(id=1, slot=0, generation=new.generation))["reason"])
        assert "not one of" in str(peers.ask(first, wire.Look(id=2, slot=99, generation=old.generation))["reason"])
        assert peers.ask(first, wire.Look(id=3, slot=0, generation=old.generation))["op"] == "seen"
        first.close()
        assert peers.ask(second, wire.Look(id=4, slot=0, generation=new.generation))["op"] == "seen"
        assert service_stats(path).cameras["raw"].refused == 2
        second.close()


def test_memory_of_one_client_is_never_seen_by_another(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        first, _, mine = peers.dial(path, "one")
        second, _, yours = peers.dial(path, "two")
        mine[0][:] = 255
        yours[0][:] = 7
        assert (mine[0] == 255).all()
        first.close()
        second.close()


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b'\x00\x00\x00\x0c{"op":"look"}'])
def test_nonsense_ends_that_connection_alone(path: Path, said: bytes) -> None:
    with peers.service(path, peers.nanodet()):
        remote = RemoteDetector(path, "cam-1")
        remote.detect(peers.bus())
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(20)
            line.connect(str(path))
            line.sendall(said)
            assert line.recv(1) == b""
        assert len(remote.detect(peers.bus())) >= 4
        remote.close()


def test_only_this_user_may_connect(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        assert path.stat().st_mode & 0o777 == 0o600


def test_it_ends_cleanly_and_takes_its_socket_away(path: Path) -> None:
    with peers.service(path, peers.nanodet()) as process:
        remote = RemoteDetector(path, "cam-1")
        remote.detect(peers.bus())
        process.terminate()
        assert process.wait(20) == 0
        assert not path.exists()
        remote.close()


def test_a_second_service_at_one_address_is_told(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        done = run_service(path, peers.nanodet())
        assert done.returncode == 1
        assert "another inference service answers there" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_bad_package_is_told_and_exits_2(path: Path, tmp_path: Path) -> None:
    done = run_service(path, tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not path.exists()


def test_it_ends_with_its_parent(path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-m', 'edge.detect.service', '--exit-with-parent', *sys.argv[1:]],"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, "--socket", str(path), "--model", str(peers.nanodet())],
        cwd=peers.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(20)
    parent.stdout.close()
    wait_for(lambda: not path.exists())
    wait_for(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes())


def test_a_closed_remote_detector_says_so(path: Path) -> None:
    remote = RemoteDetector(path, "cam-1")
    remote.close()
    remote.close()
    with pytest.raises(ModelError, match="closed"):
        remote.detect(peers.bus())


def run_service(path: Path, package: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edge.detect.service", "--socket", str(path), "--model", str(package)]
    return subprocess.run(command, cwd=peers.ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_stats_are_json_for_metrics(path: Path) -> None:
    with peers.service(path, peers.nanodet()):
        data = json.loads(service_stats(path).model_dump_json())
    assert {"looks", "queued", "oldest_s", "cpu_s", "cameras", "model"} <= data.keys()
