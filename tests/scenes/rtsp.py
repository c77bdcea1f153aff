"""RTSP peers for tests: real servers as processes of their own, and the ways in which a camera fails.

`FileServer` is the package of the demo (TCP); `GstServer` is Debian's GStreamer RTSP server (TCP and UDP, passwords,
B-frames stamped as cameras stamp them), where it is installed.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.ports import open_port

_FILES = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
import aio_rtsp_toolkit.server as server
async def main():
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(16))
    await server.serve(sys.argv[1], host=sys.argv[3], port=int(sys.argv[2]))
asyncio.run(main())
"""
_GST = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer as R
Gst.init(None)
port, path, codec, password = sys.argv[1:5]
server = R.RTSPServer(); server.set_address("127.0.0.1"); server.set_service(port)
factory = R.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={path} ! qtdemux ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96 )")
if password:
    auth, token, rights = R.RTSPAuth(), R.RTSPToken(), R.RTSPPermissions()
    token.set_string("media.factory.role", "user")
    auth.add_basic(R.RTSPAuth.make_basic("user", password), token)
    server.set_auth(auth)
    rights.add_role("user")
    for right in ("access", "construct"):
        rights.add_permission_for_role("user", "media.factory." + right, True)
    factory.set_permissions(rights)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
GLib.MainLoop().run()
"""
SYSTEM_PYTHON = "/usr/bin/python3"


@cache
def has_gst() -> bool:
    """Whether GStreamer's RTSP server is installed here."""
    if not Path(SYSTEM_PYTHON).exists():
        return False
    script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return subprocess.run([SYSTEM_PYTHON, "-c", script], capture_output=True, check=False).returncode == 0


def need_gst() -> None:
    """Skip the test where GStreamer's RTSP server is not installed."""
    if not has_gst():
        pytest.skip("needs Debian's gir1.2-gst-rtsp-server-1.0 and python3-gi")


class ServerProcess:
    """A server process that listens on `port`."""

    def __init__(self, arguments: list[str], port: int, host: str = "127.0.0.1") -> None:
        self.port, self.host = port, host
        self._arguments = arguments
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        pytest.fail(f"{self._arguments[0]} does not listen on {self.port}")

    def stall(self) -> None:
        """Stop without a word, connections open: a camera that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Go on after a stall."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it the hard way, as a camera that loses power."""
        self._process.kill()
        self._process.wait(10)


class FileServer(ServerProcess):
    """Serves the files of a folder over RTSP/TCP, each under its name; `behind`: words before its command."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", behind: tuple[str, ...] = ()) -> None:
        port = open_port()
        super().__init__([*behind, sys.executable, "-c", _FILES, str(folder), str(port), host], port, host)

    def url(self, name: str, port: int | None = None) -> str:
        """The address of a file, endlessly repeated; through `port` of a relay where given."""
        return f"rtsp://{self.host}:{port or self.port}/{name}?play_count=0"


class GstServer(ServerProcess):
    """Serves one MP4 (`codec` h264 or h265), from its beginning for each viewer."""

    def __init__(self, path: Path, codec: str = "h264", password: str = "", port: int | None = None) -> None:
        need_gst()
        port = port or open_port()
        super().__init__([SYSTEM_PYTHON, "-c", _GST, str(port), str(path), codec, password], port)

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return f"rtsp://127.0.0.1:{self.port}/cam"


class Relay:
    """Stands between a client and a server; `freeze` stops passing bytes while connections stay open."""

    def __init__(self, target: int, rewrite: Callable[[bytes], bytes] | None = None) -> None:
        """`rewrite` changes what comes from the server, as some cameras say less than others."""
        self._target = target
        self._rewrite = rewrite
        self._flows = threading.Event()
        self._flows.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """From here on nothing comes through."""
        self._flows.clear()

    def thaw(self) -> None:
        """Bytes flow again."""
        self._flows.set()

    def close(self) -> None:
        """Close everything."""
        self._flows.set()
        for one in [self._listener, *self._open]:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._open += [near, far]
            for source, sink, change in ((near, far, None), (far, near, self._rewrite)):
                threading.Thread(target=self._pass, args=(source, sink, change), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes] | None) -> None:
        try:
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(change(data) if change else data)
        except OSError:
            pass
        finally:
            for one in (source, sink):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class Deaf:
    """Takes connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


class Speaks:
    """Answers RTSP by the letter and offers the SDP it was given, but never sends a picture."""

    def __init__(self, sdp: str) -> None:
        self._sdp = sdp
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rwb") as stream:
            while request := self._request(stream):
                stream.write(self._answer(request))
                stream.flush()

    @staticmethod
    def _request(stream) -> list[str]:
        lines = []
        try:
            while (line := stream.readline().decode().strip()) or not lines:
                if not line:
                    return []
                lines.append(line)
        except OSError:
            return []
        return lines

    def _answer(self, request: list[str]) -> bytes:
        number = next(line.partition(":")[2].strip() for line in request if line.lower().startswith("cseq"))
        head, body = [f"RTSP/1.0 200 OK\r\nCSeq: {number}"], ""
        method = request[0].split()[0]
        if method == "OPTIONS":
            head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            body = self._sdp
            head += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            head += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1;timeout=60"]
        else:
            head.append("Session: 1")
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def leftovers(marker: str) -> list[int]:
    """Process ids whose command line holds `marker`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if marker in line:
                found.append(int(entry.name))
    return found
