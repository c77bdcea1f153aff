"""The virtual cameras of a benchmark: GStreamer's RTSP server, many mounts over a few encoded streams.

    /usr/bin/python3 sightline/bench/camera_server.py PLAN.json

Runs under the system's Python (GObject introspection is no wheel) and so imports nothing of ours. The plan holds
`port`, `epoch` (Unix s) and `mounts`: `path`, `folder` (of a composed stream), `offset` (frames). Every mount has one
programme for all who watch, as a camera has: at Unix second T it shows frame (T - epoch) * fps + offset of its loop. A
viewer who comes begins at the next keyframe. Whole access units are pushed as they are: nothing is encoded here.
"""

import heapq
import json
import mmap
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions are chosen before the import

_LAUNCH = (
    "( appsrc name=camera is-live=true format=time block=false max-bytes=16000000 "
    'caps="video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1" '
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 mtu=1400 )"
)


class Reel:
    """A composed stream: the access units of its loop, in order."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "stream.json").read_text(encoding="utf-8"))
        self.fps = int(told["fps"])
        self.units: list[tuple[mmap.mmap, int, int]] = []
        self.keys: list[bool] = []
        segments = {}
        for name, segment in told["segments"].items():
            with (folder / segment["file"]).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            at, units = 0, []
            for size in segment["sizes"]:
                units.append((data, at, at + size))
                at += size
            segments[name] = units, [index % segment["gop"] == 0 for index in range(len(units))]
        for name in told["playlist"]:
            self.units += segments[name][0]
            self.keys += segments[name][1]

    def unit(self, number: int) -> bytes:
        """The access unit of frame `number`, which may be beyond the loop's end."""
        data, begin, end = self.units[number % len(self.units)]
        return data[begin:end]

    def next_key(self, number: int) -> int:
        """The first frame from `number` on that is a keyframe."""
        while not self.keys[number % len(self.keys)]:
            number += 1
        return number


class Mount:
    """One camera. `begin` and `push` run on different threads; `source` is swapped whole."""

    def __init__(self, reel: Reel, epoch: float, offset: int) -> None:
        self.reel, self.epoch, self.offset = reel, epoch, offset
        self.source: Any = None
        self.first = self.number = 0
        self.running = 0

    def begin(self, source: Any) -> float:
        """A viewer has come: when the first picture is due, Unix s."""
        now = int((time.time() - self.epoch) * self.reel.fps) + self.offset + 1
        self.first = self.number = self.reel.next_key(now)
        self.running = -1
        self.source = source
        return self.due()

    def due(self) -> float:
        """When the next picture is taken, Unix s."""
        return self.epoch + (self.number - self.offset) / self.reel.fps

    def push(self) -> bool:
        """Send the next picture; False when nobody watches any more."""
        source = self.source
        if source is None:
            return False
        if self.running < 0:
            clock = source.get_clock()
            if clock is None:  # not playing yet: this picture is missed, as by a viewer who comes too late
                self.first = self.number = self.reel.next_key(self.number + 1)
                return True
            self.running = clock.get_time() - source.get_base_time()
        buffer = Gst.Buffer.new_wrapped(self.reel.unit(self.number))
        buffer.pts = buffer.dts = self.running + (self.number - self.first) * Gst.SECOND // self.reel.fps
        buffer.duration = Gst.SECOND // self.reel.fps
        self.number += 1
        if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            self.source = None
            return False
        return True


class Pusher(threading.Thread):
    """One thread that gives every watched mount its pictures when they are due."""

    def __init__(self) -> None:
        super().__init__(name="pusher", daemon=True)
        self._wake = threading.Condition()
        self._queue: list[tuple[float, int, Mount, Any]] = []
        self._count = 0

    def watch(self, mount: Mount, source: Any) -> None:
        """Begin to serve a viewer of `mount`."""
        with self._wake:
            self._add(mount.begin(source), mount, source)
            self._wake.notify()

    def run(self) -> None:
        """Until the process ends."""
        while True:
            with self._wake:
                while not self._queue:
                    self._wake.wait()
                due, _, mount, source = self._queue[0]
                left = due - time.time()
                if left > 0:
                    self._wake.wait(left)
                    continue
                heapq.heappop(self._queue)
            if mount.source is source and mount.push():
                with self._wake:
                    self._add(mount.due(), mount, source)

    def _add(self, due: float, mount: Mount, source: Any) -> None:
        self._count += 1
        heapq.heappush(self._queue, (due, self._count, mount, source))


def _factory(mount: Mount, pusher: Pusher) -> Any:
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_LAUNCH.format(fps=mount.reel.fps))
    factory.set_shared(True)
    factory.set_latency(0)

    def configured(_factory: Any, media: Any) -> None:
        source = media.get_element().get_by_name_recurse_up("camera")
        pusher.watch(mount, source)
        media.connect("unprepared", lambda *_: setattr(mount, "source", None))

    factory.connect("media-configure", configured)
    return factory


def main() -> int:
    """Serve until killed; writes `listening` on standard output. Exit status 1 when the port is taken."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(plan["port"]))
    server.set_backlog(128)
    # A viewer waits for the next keyframe while he is answered: with one thread, each for all who came before.
    server.get_thread_pool().set_max_threads(64)
    pusher = Pusher()
    pusher.start()
    reels: dict[str, Reel] = {}
    for one in plan["mounts"]:
        reel = (
            reels.setdefault(one["folder"], Reel(Path(one["folder"])))
            if one["folder"] not in reels
            else reels[one["folder"]]
        )
        mount = Mount(reel, float(plan["epoch"]), int(one["offset"]))
        server.get_mount_points().add_factory(one["path"], _factory(mount, pusher))
    if server.attach(None) == 0:
        sys.stderr.write(f"127.0.0.1:{plan['port']}: the cameras cannot listen there - free the port\n")
        return 1
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    GLib.MainLoop().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
