"""A box whose camera stalls in the midst of a picture, or whose network loses packets: it goes on, and says why."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deliver_peers import until
from edge_peers import Field, enrolled
from goes_on_peers import MARKERS, Table, change_camera, running, since
from test_cameras_odd import recorded

from contract.events import EventType
from tests.scenes.recordings import record
from tests.scenes.rtsp import Relay
from tests.scenes.units import PlannedCamera, planned


class Stalling(Relay):
    """A relay whose connections of now can be made to stall for ever, in the midst of what they carry."""

    def __init__(self, target: int) -> None:
        self._stalled = threading.Event()
        super().__init__(target)

    def stall(self) -> None:
        """Connections that are open stay open, and carry nothing any more; new ones carry everything."""
        stalled, self._stalled = self._stalled, threading.Event()
        stalled.set()

    def _pass(self, source: socket.socket, sink: socket.socket, change: object) -> None:
        stalled = self._stalled
        try:
            while data := source.recv(65536):
                if stalled.is_set():
                    sink.sendall(data[: len(data) // 2])
                    while source.recv(65536):
                        pass
                    break
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, sink):
                one.close()


@pytest.mark.timeout(240)
def test_a_camera_that_stalls_in_the_midst_of_a_picture_is_lost_and_dialled_anew(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    address = box.site.read_text(encoding="utf-8").partition("rtsp://")[2].partition("/cam")[0]
    port = int(address.rpartition(":")[2])
    relay = Stalling(port)
    try:
        change_camera(box, url=f"rtsp://127.0.0.1:{relay.port}/cam")
        with running(tmp_path, free_port, box) as watched:
            until(lambda: len(watched.index()[0]) >= 2, 30, box.told())

            def lost() -> list[dict]:
                return [feed for feed in watched.events(EventType.FEED) if feed["state"] == "lost"]

            relay.stall()
            began = time.monotonic()
            until(lost, 30, box.told())
            noticed = time.monotonic() - began
            until(lambda: watched.beats("recorder-1", "recording").get("losses"), 30, box.told())
            took = since(began, watched.looks, watched.records)
            cause = lost()[0]["cause"]
            table.note("a camera stalls in mid-picture: known to central", noticed, cause.partition(": ")[2])
            assert "sent nothing for 4 s" in cause
            until(watched.unrecorded, 30, box.told())
            (gap,) = watched.unrecorded()
            table.note("a camera stalls in mid-picture: dialled anew", took, gap["cause"])
            assert gap["cause"].startswith("not recorded, camera: ") and "sent nothing for 4 s" in gap["cause"]
            assert gap["cameras"] == ["cam-1"] and gap["gap_s"] >= 4.0
            assert [row.cause for row in watched.index()[1]] == ["camera"]
            until(lambda: watched.events(EventType.FEED)[-1]["state"] == "live", 30, box.told())
            assert watched.restarts() == dict.fromkeys(MARKERS, 0), box.told()
    finally:
        relay.close()


@pytest.mark.timeout(240)
def test_ten_percent_of_packets_lost_on_udp_stop_neither_looking_nor_recording(
    tmp_path: Path, free_port: int, field: Callable[[int, str], Field], table: Table
) -> None:
    box = enrolled(field(free_port, "http://127.0.0.1:9"))
    packets, data = recorded(record(tmp_path / "in.mp4", 90.0, gop=25, size=(640, 360)))
    camera = PlannedCamera(tmp_path / "camera", planned(packets, data), drop=0.1)
    try:
        change_camera(box, url=camera.url)
        box.set(rtsp_transport="udp")
        with running(tmp_path, free_port, box) as watched:
            pauses = []
            end = time.monotonic() + 15.0
            while time.monotonic() < end:
                pauses.append(since(time.monotonic(), watched.looks, watched.records))
            lost = watched.beats("recorder-1", "recording")["packets_lost"]
            assert lost > 0
            said = f"{lost} packets lost, {sum(row.damaged for row in watched.index()[0])} pictures lack some"
            table.note("10 % of packets lost on UDP: longest pause", max(pauses), said)
            assert watched.box.report()["cameras"] == watched.box.report()["recordings"] == {"cam-1": "live"}
            assert not [feed for feed in watched.events(EventType.FEED) if feed["state"] == "lost"]
            segments, gaps = watched.index()
            assert gaps == [] and sum(row.damaged for row in segments) > 0
            assert watched.restarts() == dict.fromkeys(MARKERS, 0), box.told()
    finally:
        camera.stop()
