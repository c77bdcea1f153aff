"""The demo's small parts: the verdict, the programme, ports and prerequisites."""

import json
import socket
import sys
import time
from pathlib import Path

import pytest
import yaml

from central.config import load_config as load_central
from contract.errors import RunError
from contract.sitefile import load_site
from edge.config import load_config as load_edge
from sightline.demo import checks
from sightline.demo.folder import OFFICER, Folder, Ports
from sightline.demo.office import undecided
from sightline.demo.parts import Part, run_once
from sightline.demo.programme import Programme
from sightline.demo.udp import UdpTrack, client_ports
from sightline.demo.verdict import Ticket, difference
from sightline.setup import prerequisites

EXPECTED = [
    {"rule": "illegal_parking", "zone_id": "kerb"},
    {"rule": "failure_to_yield", "zone_id": "zebra", "lane_id": "l1"},
]


def ticket(rule: str, zone: str, lane: str | None = None, complete: bool = True, state: str = "REVIEW1") -> Ticket:
    return Ticket("1", state, rule, zone, lane, complete)


PARKED, RAN = ticket("illegal_parking", "kerb"), ticket("failure_to_yield", "zebra", "l1")


def test_nothing_differs_when_all_is_there() -> None:
    assert difference([RAN, PARKED], EXPECTED) == []


@pytest.mark.parametrize(
    ("tickets", "said"),
    [
        ([PARKED], ["missing: 1 x failure_to_yield at zebra, lane l1"]),
        ([PARKED, RAN, RAN], ["not expected: 1 x failure_to_yield at zebra, lane l1"]),
        ([PARKED, RAN, ticket("illegal_parking", "bay")], ["not expected: 1 x illegal_parking at bay"]),
        (
            [PARKED, ticket("failure_to_yield", "zebra", "l2")],
            ["missing: 1 x failure_to_yield at zebra, lane l1", "not expected: 1 x failure_to_yield at zebra, lane l2"],
        ),
    ],
)
def test_what_differs_is_said(tickets: list[Ticket], said: list[str]) -> None:
    assert difference(tickets, EXPECTED) == said


def test_evidence_on_its_way_is_a_difference() -> None:
    late = ticket("illegal_parking", "kerb", complete=False, state="CANDIDATE")
    assert difference([late, RAN], EXPECTED) == [
        "incomplete: evidence of 1 (illegal_parking at kerb) has not all arrived"
    ]


def test_only_a_decision_takes_a_ticket_off_the_desk() -> None:
    assert undecided([PARKED, ticket("x", "y", state="CANDIDATE"), ticket("x", "y", state="APPROVED")]) == 2


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pass_begins_with_its_first_viewer_and_is_one_for_all(tmp_path: Path) -> None:
    clock = Clock()
    programme = Programme(tmp_path / "scene", tmp_path / "quiet", 10.0, clock)
    assert programme.join().file.name == "quiet"
    assert programme.play()
    assert not programme.play()
    clock.now += 60
    assert programme.waiting
    assert programme.now().file.name == "scene"
    assert not programme.running
    first = programme.join()
    clock.now += 4
    second = programme.join()
    assert (first.file.name, first.position) == ("scene", 0.0)
    assert (second.file.name, second.position) == ("scene", 4.0)
    assert not programme.play()
    clock.now += 7
    assert programme.join().looped
    assert programme.passes == 1
    assert programme.play()


@pytest.mark.parametrize(
    ("transport", "ports"),
    [
        ("RTP/AVP;unicast;client_port=5000-5001", (5000, 5001)),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001", (5000, 5001)),
        ("RTP/AVP/TCP;unicast;interleaved=0-1", None),
        ("RTP/AVP;unicast;client_port=0-99999", None),
        ("", None),
    ],
)
def test_the_transport_header_is_read(transport: str, ports: tuple[int, int] | None) -> None:
    assert client_ports(transport) == ports


def test_a_udp_track_has_an_even_port_and_the_next_one() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        track = UdpTrack.open("127.0.0.1", "127.0.0.1", (peer.getsockname()[1], 9), (0, 1))
        rtp, rtcp = track.server_ports
        assert rtp % 2 == 0
        assert rtcp == rtp + 1
        track.send(0, b"picture")
        assert peer.recv(100) == b"picture"
        track.close()


def test_a_port_in_use_is_named_with_its_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(RunError, match=rf"127\.0\.0\.1:{number}: the port is in use .* --port"):
            checks.port(number, 8080)
        assert checks.port(None, number) != number


def test_a_full_disk_and_an_old_python_are_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="GB free"):
        checks.require_space(tmp_path / "not" / "there", 10**18)
    checks.require_space(tmp_path, 1)
    with pytest.raises(RunError, match=r"Python 3\.9 is too old"):
        checks.require_python((3, 9))


def test_what_is_missing_for_set_up_is_told_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = prerequisites.missing(tmp_path)
    assert [line.split()[0] for line in said] == ["Node", "npm", "make"]
    assert all(" - install " in line for line in said)


def test_an_old_node_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v12.1.0\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert "Node v12.1.0 is too old - install Node 18 or newer" in prerequisites.missing(tmp_path)


def test_written_settings_load_and_secrets_are_private_and_fresh(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    ports = Ports(central=18080, broker=18883, camera=18554)
    folder.make()
    first = folder.write(ports, tmp_path / "model")
    central, edge = load_central(folder.central_config), load_edge(folder.edge_config)
    assert (central.port, central.broker.port, edge.broker.port) == (18080, 18883, 18883)
    assert edge.central.url == "http://127.0.0.1:18080"
    assert load_site(edge.sites[0]).site.cameras[0].url == "rtsp://127.0.0.1:18554/cam-1"
    for file in (folder.broker_config, central.broker.password_file, edge.broker.password_file):
        assert file is not None
        assert file.stat().st_mode & 0o077 == 0
    users = yaml.safe_load(folder.broker_config.read_text())["users"]
    assert users[str(edge.broker.username)] == edge.broker.password_file.read_text().strip()  # type: ignore[union-attr]
    written = "".join(path.read_text() for path in folder.run.rglob("*") if path.is_file())
    assert len(set(first.values())) == 2 and not any(one in written for one in first.values())
    folder.make()
    assert folder.write(ports, tmp_path / "model") != first
    assert yaml.safe_load(folder.broker_config.read_text())["users"] != users
    assert OFFICER not in users


def test_a_part_that_does_not_start_is_told_with_its_last_line(tmp_path: Path) -> None:
    part = Part("broker", [sys.executable, "-c", "import sys; sys.exit('no room on the shelf')"], tmp_path / "log")
    part.start()
    assert part.process is not None
    part.process.wait(30)
    with pytest.raises(RunError, match="broker did not start: no room on the shelf - see "):
        part.require()
    part.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_part_that_ignores_sigterm_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.demo.parts._GRACE_S", 1.0)
    script = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    part = Part("stubborn", [sys.executable, "-c", script], tmp_path / "log", piped=True)
    part.start()
    assert part.process is not None
    assert part.process.stdout is not None
    child = int(part.process.stdout.readline())
    part.stop()
    assert not part.alive
    until = time.monotonic() + 20
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)


def test_a_command_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(RunError, match=r"^asking: no such box$"):
        run_once([sys.executable, "-c", "import sys; sys.exit('sightline: no such box')"], "asking")
    assert run_once([sys.executable, "-c", "print(input())"], "asking", stdin="yes\n") == "yes\n"


def test_the_result_is_plain_json() -> None:
    assert json.loads(json.dumps(PARKED.as_json()))["zone_id"] == "kerb"


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with Folder(tmp_path).claimed():
        with pytest.raises(RunError, match="another demo runs"), Folder(tmp_path).claimed():
            pass
        with Folder(tmp_path / "other").claimed():
            pass
    with Folder(tmp_path).claimed():
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--data-dir"), Folder(tmp_path / "file").claimed():
        pass
