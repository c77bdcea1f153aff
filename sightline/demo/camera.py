"""The virtual camera: an RTSP server (TCP and UDP) that shows the demo's street, a process of its own.

    python -m sightline.demo.camera --folder SCENE_FOLDER --port 8554

Standard input takes one word a line: `play` shows the scene once. Standard output tells, one JSON object a line:
`listening`, `pass` (a viewer has come and a pass begins), `end`. Whoever starts the pass sees it as a new connection,
a new epoch of the stream, as after a camera's restart.
"""

import argparse
import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
from aio_rtsp_toolkit import server as toolkit
from aio_rtsp_toolkit.server_session import RtspServerSession
from aio_rtsp_toolkit.server_session_types import QueuedMediaPacket, StreamTrackState

from sightline.demo.programme import Programme, Showing
from sightline.demo.scene.site import CAMERA_ID
from sightline.demo.udp import UdpTrack, client_ports

HOST = "127.0.0.1"
log = logging.getLogger("sightline.demo.camera")


class StreetServer(toolkit.RtspServer):  # type: ignore[misc]
    """Serves the programme under `/cam-1` and nothing else."""

    def __init__(self, programme: Programme, folder: Path, port: int) -> None:
        super().__init__(str(folder), host=HOST, port=port, session_name="Sightline demo street")
        self.logger = log
        self.programme = programme
        self.sessions: set[StreetSession] = set()

    async def _handle_client(self, sock: Any) -> None:
        session = StreetSession(self, sock)
        self.sessions.add(session)
        try:
            with suppress(ConnectionError):
                await session.run()
        finally:
            self.sessions.discard(session)

    def resolve_request_path(self, uri: str) -> Path:
        """The file that is on. Raises FileNotFoundError (404) for any address but the camera's."""
        if urlsplit(uri).path.strip("/") != CAMERA_ID:
            raise FileNotFoundError(uri)
        return self.programme.now().file

    def parse_play_count(self, uri: str) -> int:  # noqa: ARG002 - the toolkit asks with the address
        """Once for the scene (the connection then ends), without end for the empty street."""
        return 0 if self.programme.now().looped else 1

    async def play(self) -> None:
        """Begin a pass: every connection ends, and who comes back sees the scene from its beginning."""
        if self.programme.play():
            for session in list(self.sessions):
                await session.close()


class StreetSession(RtspServerSession):  # type: ignore[misc]
    """One viewer."""

    def __init__(self, server: StreetServer, sock: Any) -> None:
        super().__init__(server, sock)
        self._udp: dict[str, UdpTrack] = {}

    def _produce_container_packets(self, loop: Any, queue: Any, stop_event: threading.Event) -> None:
        state = next((one for one in self.track_states.values() if one.rtp_channel is not None), None)
        if state is None:
            return
        starts_pass = self.server.programme.waiting
        showing = self.server.programme.join()
        if starts_pass:
            _say("pass", number=self.server.programme.passes)
        if showing.looped:
            super()._produce_container_packets(loop, queue, stop_event)
            return
        for item in _from_position(showing, state):
            if self.closed or not self._threadsafe_queue_put(loop, queue, item, stop_event):
                return

    async def _handle_setup(self, uri: str, req_headers: dict[str, str]) -> None:
        ports = client_ports(req_headers.get("transport", ""))
        state = self.track_states.get(self.server.resolve_track_name(uri))
        if ports is None or state is None:
            await super()._handle_setup(uri, req_headers)
            return
        channels = (2 * len(self._udp), 2 * len(self._udp) + 1)
        track = UdpTrack.open(HOST, self.peername[0], ports, channels)
        self._udp[state.info.control] = track
        state.rtp_channel, state.rtcp_channel = channels
        self.session_active = True
        self._mark_activity()
        sides = "client_port={}-{};server_port={}-{}".format(*ports, *track.server_ports)
        answer = {"Transport": f"RTP/AVP;unicast;{sides}", "Session": self._session_header_value()}
        await self._send_response(req_headers, 200, "OK", answer)

    async def _send_interleaved_frame(self, channel: int, payload: bytes) -> None:
        for track in self._udp.values():
            if channel in track.channels:
                with suppress(ConnectionRefusedError):
                    track.send(channel, payload)
                return
        await super()._send_interleaved_frame(channel, payload)

    async def close(self) -> None:
        """End the session and give its UDP ports back."""
        await super().close()
        for track in self._udp.values():
            track.close()
        self._udp.clear()


def _from_position(showing: Showing, state: StreamTrackState) -> Iterator[QueuedMediaPacket]:
    """The packets of a file from the key frame at or before a position, with times that begin at nought."""
    with av.open(str(showing.file)) as container:
        video = container.streams.video[0]
        container.seek(int(showing.position / video.time_base), stream=video)
        duration = float(1 / video.average_rate)
        first: float | None = None
        for packet in container.demux(video):
            if packet.pts is None or packet.size <= 0:
                continue
            at = float(packet.pts * packet.time_base)
            first = at if first is None else first
            yield QueuedMediaPacket(
                kind="video",
                track_control=state.info.control,
                data=bytes(packet),
                media_time=at - first,
                duration_seconds=duration,
                is_keyframe=bool(packet.is_keyframe),
            )


def _say(event: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


async def _watch(programme: Programme) -> None:
    """Tell the end of every pass."""
    was = False
    while True:
        await asyncio.sleep(0.2)
        if was and not programme.running:
            _say("end", number=programme.passes)
        was = programme.running


async def _serve(folder: Path, port: int) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(32, thread_name_prefix="viewer"))
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    programme = Programme(folder / "scene.mp4", folder / "quiet.mp4", float(truth["duration_s"]))
    server = StreetServer(programme, folder, port)
    await server.start()
    _say("listening", port=port)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watcher = asyncio.create_task(_watch(programme))
    try:
        while line := await reader.readline():
            if line.strip() == b"play":
                await server.play()
        await asyncio.Event().wait()
    finally:
        watcher.cancel()
        await server.close()


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Exit status 1 when the port is in use."""
    parser = argparse.ArgumentParser(prog="python -m sightline.demo.camera", description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where scene.mp4, quiet.mp4 and truth.json are")
    parser.add_argument("--port", type=int, default=8554)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(given.folder, given.port))
    except OSError as error:
        sys.stderr.write(f"{HOST}:{given.port}: the camera cannot listen there ({error.strerror or error})\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
