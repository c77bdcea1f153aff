"""A camera that sends exactly what a test plans: which picture, stamped when, sent when. GStreamer's RTSP server."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.cameras.packets import CameraPacket
from tests.scenes.rtsp import SYSTEM_PYTHON, ServerProcess, need_gst, open_port

_SERVER = """
import json, sys, threading, time, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer as R
Gst.init(None)
port, folder, codec, drop = sys.argv[1:5]
raw = open(folder + "/units.bin", "rb").read()
plan = json.load(open(folder + "/plan.json"))
after = f"! identity name=pay0 drop-probability={drop}" if float(drop) else ""
name = "pay" if after else "pay0"
def feed(source, media):
    gone = threading.Event()
    media.connect("unprepared", lambda *_: gone.set())
    while source.get_clock() is None and not gone.is_set():
        time.sleep(0.01)
    begun = time.monotonic()
    base = source.get_clock().get_time() - source.get_base_time()
    for unit in plan:
        if gone.wait(max(0.0, begun + unit["sent"] - time.monotonic())):
            return
        buffer = Gst.Buffer.new_wrapped(raw[unit["at"] : unit["at"] + unit["size"]])
        buffer.pts = base + int(unit["stamp"] * Gst.SECOND)
        buffer.dts = Gst.CLOCK_TIME_NONE
        if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            return
class Factory(R.RTSPMediaFactory):
    def do_create_element(self, url):
        return Gst.parse_launch(
            "( appsrc name=units is-live=true format=time "
            f"caps=video/x-{codec},stream-format=byte-stream,alignment=au "
            f"! rtp{codec}pay name={name} pt=96 mtu=1400 config-interval=-1 {after} )")
    def do_configure(self, media):
        source = media.get_element().get_by_name_recurse_up("units")
        threading.Thread(target=feed, args=(source, media), daemon=True).start()
server = R.RTSPServer(); server.set_address("127.0.0.1"); server.set_service(port)
factory = Factory()
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
GLib.MainLoop().run()
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture: Annex B bytes, its time stamp and when it is sent, both seconds from the viewer's coming."""

    data: bytes
    stamp: float
    sent: float


def planned(packets: Sequence[CameraPacket], data: Sequence[bytes]) -> list[Planned]:
    """The packets of a recording, sent as they were shown."""
    begin = packets[0].dts
    return [Planned(raw, packet.t - begin, packet.dts - begin) for packet, raw in zip(packets, data, strict=True)]


class Rewritten:
    """For `Relay`: changes each RTP packet of an interleaved stream on its way, in place."""

    def __init__(self, change: Callable[[bytearray], None]) -> None:
        self._change = change
        self._rest = b""

    def __call__(self, sent: bytes) -> bytes:
        data, self._rest = bytearray(self._rest + sent), b""
        at = 0
        while at < len(data):
            if data[at] != 0x24:  # an answer: it comes in one piece from a server on this machine
                following = data.find(b"$\x00", at)
                at = following if following >= 0 else len(data)
                continue
            end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
            if at + 4 > len(data) or end > len(data):
                break
            packet = data[at + 4 : end]
            if data[at + 1] == 0:
                self._change(packet)
                data[at + 4 : end] = packet
            at = end
        self._rest = bytes(data[at:])
        return bytes(data[:at])


def restamped(line: Callable[[float], float]) -> Rewritten:
    """Stamps moved along `line`: seconds since the first picture, as they are -> as they are to be."""
    first: list[int] = []

    def change(packet: bytearray) -> None:
        stamp = int.from_bytes(packet[4:8], "big")
        first.append(stamp) if not first else None
        moved = first[0] + round(line(((stamp - first[0]) % (1 << 32)) / 90_000) * 90_000)
        packet[4:8] = (moved % (1 << 32)).to_bytes(4, "big")

    return Rewritten(change)


class PlannedCamera(ServerProcess):
    """Sends `plan` (decode order) to each viewer from its beginning; `drop` is the share of RTP packets it loses."""

    def __init__(self, folder: Path, plan: Sequence[Planned], codec: str = "h264", drop: float = 0.0) -> None:
        need_gst()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.sends(plan)
        port = open_port()
        super().__init__([SYSTEM_PYTHON, "-c", _SERVER, str(port), str(folder), codec, str(drop)], port)

    def sends(self, plan: Sequence[Planned]) -> None:
        """What it sends from its next start on."""
        at, units = 0, []
        with (self._folder / "units.bin").open("wb") as file:
            for one in plan:
                units.append({"at": at, "size": len(one.data), "stamp": one.stamp, "sent": one.sent})
                at += file.write(one.data)
        (self._folder / "plan.json").write_text(json.dumps(units))

    @property
    def url(self) -> str:
        """Its address."""
        return f"rtsp://127.0.0.1:{self.port}/cam"


__all__ = ["Planned", "PlannedCamera", "Rewritten", "planned", "restamped"]
