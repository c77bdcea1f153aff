"""Live pictures from end to end in a test: central on a port, a box's own live process, and cameras with a time code.

What central says to the box reaches it as deliver leaves it: on disk, for the part that does it.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import av
import uvicorn
import yaml
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from central.db.database import Database
from central.db.polling import BoxState, CameraState, RecordingGap, RecordingLedger, Station
from central.db.sites import Site
from central.edges import enrolment
from central.live.wire import UVICORN
from central.polling.continuity import micros
from contract.command import AnyCommand
from contract.polling import Window
from contract.sealing import public_jwk, sign_detached
from edge.asked import Asked
from edge.box import Folders
from edge.cameras.file import FilePackets
from edge.cameras.packets import CameraPacket
from edge.deliver.keys import KeyRing
from edge.record.tap import Tap
from sightline.bench.timecode import stamp
from tests.mask_kit import room

ROOT = Path(__file__).resolve().parents[1]
EDGE, SIZE, FPS, LOOP_S = "box-live", (640, 352), 25, 4
MIN, CHINA = timedelta(minutes=1), timezone(timedelta(hours=8))


def film(path: Path) -> Path:
    """A loop of a room, a keyframe a second, in which every picture bears its number."""
    options = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0"}
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=Fraction(FPS), options=options)
        (stream.width, stream.height), stream.pix_fmt = SIZE, "yuv420p"
        for number in range(LOOP_S * FPS):
            picture = room(number, *SIZE)
            stamp(picture, number)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        target.mux(stream.encode(None))
    return path


class LiveBox:
    """The live process of a box with `cameras`, and taps that give them all the same loop. It is what central `says` to."""

    def __init__(self, place: Path, cameras: list[str]) -> None:
        place.mkdir(parents=True)
        self.place, self.cameras = place, cameras
        self.folders = Folders(place / "data").make()
        ring = KeyRing(self.folders.data_dir / "keys")
        ring.pending()
        self.key: OKPKey = ring.accept()
        source = FilePackets(film(place / "a.mp4"), lambda _t: datetime.now(UTC))
        self._packets = list(source.walk())
        self._asked = Asked(self.folders.asked, "live_on")
        self._tap = Tap(self.folders.taps, cameras)
        self._tap.start()
        self._over = threading.Event()
        self._player = threading.Thread(target=self._play, daemon=True)
        self._player.start()
        self.process: subprocess.Popen[bytes] | None = None

    def say(self, _edge_id: str, command: AnyCommand) -> bool:
        """See `Says`."""
        return self._asked.put(command) is None

    def enrol(self, db: Database) -> None:
        with db.write() as session:
            code = enrolment.issue_code(session, EDGE)
        proof = sign_detached(f"{code}:{EDGE}".encode(), self.key)
        enrolment.enrol(db, enrolment.Application(code, EDGE, public_jwk(self.key), proof), "127.0.0.1")

    def start(self, central: str) -> None:
        """Begin to bring what is asked for to `central`."""
        day = {"phase": "voting", "from": "2026-12-12T06:30:00+08:00", "until": "2026-12-12T15:00:00+08:00"}
        site = {
            "site": "s", "name": "S", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
            "polling": {"station": "1", "township": "T", "village": "V", "windows": [day]},
            "cameras": [
                {"id": one, "url": "rtsp://127.0.0.1/x", "frame": list(SIZE), "recording": {"segment_s": 2}}
                for one in self.cameras
            ],
        }  # fmt: skip
        (self.place / "site.yaml").write_text(yaml.safe_dump(site))
        settings = {"edge_id": EDGE, "sites": ["site.yaml"], "data_dir": "data", "central": {"url": central}}
        (self.place / "edge.yaml").write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "edge.live.process", "--config", str(self.place / "edge.yaml")]
        self.process = subprocess.Popen(command, cwd=ROOT)
        heartbeat, until = self.folders.heartbeat("live"), time.monotonic() + 60
        while not heartbeat.exists():
            assert time.monotonic() < until and self.process.poll() is None
            time.sleep(0.05)

    def cut(self, camera: str, reason: str | None) -> None:
        """Forbid the camera's pictures, or allow them again (None)."""
        path = self.folders.run / "cut" / camera
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True) if reason is None else path.write_text(f"{reason}\n")

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
        self._over.set()
        self._player.join(5)
        self._tap.stop()

    def _play(self) -> None:
        begun, count, info = time.monotonic(), 0, self._packets[0].info
        while not self._over.is_set():
            one, shift = self._packets[count % len(self._packets)], count // len(self._packets) * LOOP_S
            moved = CameraPacket(
                one.t + shift, one.dts + shift, one.duration, one.data, one.keyframe, one.disposable, info
            )
            for camera in self.cameras:
                self._tap.give(camera, moved, time.time_ns() // 1000)
            count += 1
            time.sleep(max(0.0, begun + count / FPS - time.monotonic()))


class Front:
    """Central's front on one port, which can be ended and started again."""

    def __init__(self, app: Callable[[], FastAPI]) -> None:
        self._app = app
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="warning", lifespan="off",
            timeout_graceful_shutdown=1, **UVICORN,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < until and self._thread.is_alive(), "the web front did not start"
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def stations(db: Database, cameras: list[str]) -> None:
    """A station for each two cameras of the box, two hours into its day, with a gap in the ledger of the first."""
    at = datetime.now(CHINA).replace(microsecond=0)
    window = Window(phase="voting", begin=at - 120 * MIN, until=at + 600 * MIN)  # type: ignore[call-arg]
    said = window.model_dump(mode="json", by_alias=True)
    with db.write() as session:
        session.add(BoxState(edge_id=EDGE, state="online", since=at - 120 * MIN, heard_at=at))
        for n in range(0, len(cameras), 2):
            site = f"ps-{n // 2 + 1:02}"
            session.add(Site(site=site, name=site, area="a"))
            session.flush()
            some = [{"id": one, "name": ("Hall", "Count")[k]} for k, one in enumerate(cameras[n : n + 2])]
            session.add(
                Station(
                    site=site, station=f"{n // 2 + 1:03}", township="Longwan", village=f"V{n // 6}",
                    name=f"Village hall {n // 2 + 1}", sha256="0" * 64, windows=[said], cameras=some,
                )
            )  # fmt: skip
            for one in some:
                session.add(
                    CameraState(
                        edge_id=EDGE, camera_id=one["id"], state="live", since=at - 60 * MIN, cause="", heard_at=at
                    )
                )
                session.add(
                    RecordingLedger(
                        edge_id=EDGE, camera_id=one["id"], site=site, next_number=9, hash="0" * 64,
                        from_us=micros(at - 120 * MIN), until_us=micros(at + 1440 * MIN),
                        heard_at=at + 1440 * MIN,
                    )
                )  # fmt: skip
        for ago, lasts, cause in ((50, 4, "network"), (35, 2, "power"), (21, 3, "camera")):
            begin = micros(at - ago * MIN)
            session.add(
                RecordingGap(
                    edge_id=EDGE, camera_id=cameras[0], start_us=begin, end_us=begin + lasts * 60_000_000, cause=cause,
                    detail="",
                )
            )  # fmt: skip


__all__ = ["EDGE", "FPS", "LOOP_S", "SIZE", "Front", "LiveBox", "film", "stations"]
