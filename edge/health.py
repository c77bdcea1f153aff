"""`/healthz` and `/metrics` of a box, on 127.0.0.1 alone: what its processes say about themselves, put together.

Workers write a heartbeat, deliver its state, the inference service answers at its socket; nothing here asks a camera.
"""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from contract.errors import ConfigError, SightlineError
from edge import metrics
from edge.beats import read_json
from edge.box import Folders
from edge.child import Child
from edge.detect.client import service_stats
from edge.detect.stats import Stats
from edge.gaps import GapBook
from edge.polling.metrics import feeds_of, of_feeds
from edge.record.metrics import of_recordings, recordings_of
from edge.sensors.metrics import of_sensors, sensors_of


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """Looks at a box from outside its parts."""

    parts: list[Child]
    folders: Folders
    gaps: GapBook

    def report(self) -> dict[str, Any]:
        """What `/healthz` answers: `ok`, `degraded`, or `down` (a part does not run).

        Degraded is a box that lost a camera or the way out, that cannot record what it should, or that is too slow and
        sheds looks of some cameras.
        """
        parts = {part.name: {"running": part.running, "restarts": part.restarts} for part in self.parts}
        cameras = {name: figures.get("state", "starting") for name, figures in metrics.cameras_of(self.parts).items()}
        recordings = {name: str(figures.get("state")) for name, figures in recordings_of(self.parts).items()}
        outbox = read_json(self.folders.outbox_state)
        stats = self._stats()
        shedding = stats.shedding if stats else []
        down = [name for name, one in parts.items() if not one["running"]]
        lost = [name for name, state in [*cameras.items(), *recordings.items()] if state != "live"]
        degraded = bool(lost or shedding or not outbox.get("connected", False))
        status = "down" if down else "degraded" if degraded else "ok"
        gaps = {name: round(seconds, 1) for name, seconds in self.gaps.seconds.items() if seconds}
        return {
            "status": status,
            "parts": parts,
            "cameras": cameras,
            "recordings": recordings,
            "sensors": {name: str(figures.get("state")) for name, figures in sensors_of(self.parts).items()},
            "troubles": {name: figures["troubles"] for name, figures in feeds_of(self.parts).items()},
            "shedding": shedding,
            "gaps": gaps,
            "outbox": outbox,
        }

    def collect(self) -> Iterable[Metric]:
        """What `/metrics` answers (a prometheus_client collector)."""
        yield from metrics.of_parts(self.parts, self.gaps)
        yield from metrics.of_cameras(metrics.cameras_of(self.parts))
        yield from of_recordings(recordings_of(self.parts))
        yield from of_feeds(feeds_of(self.parts))
        yield from of_sensors(sensors_of(self.parts))
        yield from metrics.of_outbox(read_json(self.folders.outbox_state))
        yield from metrics.of_inference(self._stats())

    def _stats(self) -> Stats | None:
        try:
            return service_stats(self.folders.socket, 1.0)
        except (SightlineError, OSError):
            return None


class HealthServer:
    """The HTTP server; `port` is where it listens."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.5,), name="health", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def serve(health: Health, port: int | None) -> HealthServer | None:
    """Answer on 127.0.0.1:`port`; None when no port is set. Raises ConfigError when it is taken."""
    if port is None:
        return None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(health)

    class Answer(BaseHTTPRequestHandler):
        """Two paths, no others."""

        def do_GET(self) -> None:
            if self.path == "/healthz":
                report = health.report()
                self._send(503 if report["status"] == "down" else 200, "application/json", json.dumps(report).encode())
            elif self.path == "/metrics":
                self._send(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))
            else:
                self._send(404, "text/plain", b"only /healthz and /metrics\n")

        def log_message(self, *_: object) -> None:
            """Say nothing: a probe every few seconds is no news."""

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    try:
        return HealthServer(ThreadingHTTPServer(("127.0.0.1", port), Answer))
    except OSError as error:
        raise ConfigError(f"health_port {port}: cannot listen there ({error.strerror}) - choose a free port") from error
