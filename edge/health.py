"""`/healthz` and `/metrics` of a box, on 127.0.0.1 alone: what its processes say about themselves, put together.

Workers write a heartbeat, deliver its state, the inference service answers at its socket; nothing here asks a camera.
"""

import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from contract.errors import ConfigError, SightlineError
from edge.box import Folders
from edge.child import Child
from edge.detect.client import service_stats

#: A heartbeat older than this says nothing about now. Seconds.
FRESH_S = 15.0
_STATES = ("starting", "live", "lost")
_CAMERA_COUNTERS = {
    "packets": "Packets captured",
    "bytes": "Bytes captured",
    "decoded": "Pictures decoded",
    "looked": "Pictures looked at by the detector and the rules",
    "shed": "Pictures that were due and passed over, because a newer one was there",
    "skipped_packets": "Packets never decoded, because analysis was far behind",
    "damaged": "Packets that the codec refused",
    "blind": "Pictures for which no detector answered",
    "losses": "Times the link was lost",
    "jumps": "Times the camera's time stamps jumped",
    "events": "Events handed to deliver",
    "packs": "Evidence packs handed to deliver",
}
_CAMERA_GAUGES = {
    "ring_bytes": "Encoded bytes in memory",
    "behind_s": "Seconds from newest packet to picture looked at",
}


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """Looks at a box from outside its parts."""

    parts: list[Child]
    folders: Folders

    def report(self) -> dict[str, Any]:
        """What `/healthz` answers: `ok`, `degraded` (a camera or the way out is lost), or `down` (a part is)."""
        parts = {part.name: {"running": part.running, "restarts": part.restarts} for part in self.parts}
        cameras = {name: figures.get("state", "starting") for name, figures in self._cameras().items()}
        outbox = _read(self.folders.outbox_state)
        down = [name for name, one in parts.items() if not one["running"]]
        lost = [name for name, state in cameras.items() if state != "live"]
        degraded = bool(lost or not outbox.get("connected", False))
        status = "down" if down else "degraded" if degraded else "ok"
        return {"status": status, "parts": parts, "cameras": cameras, "outbox": outbox}

    def collect(self) -> Iterable[Metric]:
        """What `/metrics` answers (a prometheus_client collector)."""
        yield from self._of_parts()
        yield from self._of_cameras(self._cameras())
        yield from self._of_outbox()
        yield from self._of_inference()

    def _of_parts(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("sightline_edge_part_up", "1 while the process runs", labels=["part"])
        restarts = CounterMetricFamily("sightline_edge_part_restarts", "Times it was started anew", labels=["part"])
        cpu = CounterMetricFamily("sightline_edge_part_cpu_seconds", "CPU time of the process", labels=["part"])
        for part in self.parts:
            up.add_metric([part.name], float(part.running))
            restarts.add_metric([part.name], part.restarts)
            if (pid := part.pid) is not None and (seconds := _cpu_s(pid)) is not None:
                cpu.add_metric([part.name], seconds)
        yield from (up, restarts, cpu)

    @staticmethod
    def _of_cameras(cameras: dict[str, dict[str, Any]]) -> Iterable[Metric]:
        state = GaugeMetricFamily("sightline_edge_camera_state", "1 for the state it is in", labels=["camera", "state"])
        for name, figures in cameras.items():
            for one in _STATES:
                state.add_metric([name, one], float(figures.get("state") == one))
        yield state
        for key, text in _CAMERA_COUNTERS.items():
            counter = CounterMetricFamily(f"sightline_edge_camera_{key}", text, labels=["camera"])
            for name, figures in cameras.items():
                counter.add_metric([name], float(figures.get(key, 0)))
            yield counter
        for key, text in _CAMERA_GAUGES.items():
            gauge = GaugeMetricFamily(f"sightline_edge_camera_{key}", text, labels=["camera"])
            for name, figures in cameras.items():
                gauge.add_metric([name], float(figures.get(key, 0)))
            yield gauge

    def _of_outbox(self) -> Iterable[Metric]:
        for key, value in _read(self.folders.outbox_state).items():
            if isinstance(value, int | float):
                yield GaugeMetricFamily(f"sightline_edge_outbox_{key}", f"Deliver: {key}", value=float(value))

    def _of_inference(self) -> Iterable[Metric]:
        try:
            stats = service_stats(self.folders.socket, 1.0)
        except (SightlineError, OSError):
            return
        yield CounterMetricFamily("sightline_edge_looks", "Pictures the detector looked at", value=stats.looks)
        yield CounterMetricFamily("sightline_edge_looks_failed", "Looks the detector failed", value=stats.failed)
        yield GaugeMetricFamily("sightline_edge_looks_queued", "Looks that wait", value=stats.queued)
        yield GaugeMetricFamily(
            "sightline_edge_looks_oldest_seconds", "Age of the oldest that waits", value=stats.oldest_s
        )

    def _cameras(self) -> dict[str, dict[str, Any]]:
        """Figures of every camera whose worker is alive."""
        found: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            if part.heartbeat is not None:
                beat = _read(part.heartbeat)
                if time.time() - float(beat.get("at", 0)) < FRESH_S:
                    found.update(beat.get("cameras", {}))
        return found


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


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _cpu_s(pid: int) -> float | None:
    """User and system time of a process in seconds (proc(5)); None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
