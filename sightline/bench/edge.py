"""`sightline bench edge`: a whole box under the county's streams, and what the usual pipelines need for the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.errors import RunError
from sightline.bench.county import Mount, mounts, without_rest
from sightline.bench.field import CPU, Field
from sightline.bench.machine import machine
from sightline.bench.measure import Say, figures, measure
from sightline.bench.mix.compose import compose
from sightline.bench.mix.stream import FILE, FPS
from sightline.bench.peers import ratios, run_peer, weights_of

#: In a run that is shorter than a loop every stay comes within the first minute, and so much is permitted; s.
SHORT_WAIT_S = 20.0
#: The short run: kerbs, zebras, seconds measured, and seconds of the peer on each stream.
SHORT_PARKING, SHORT_YIELD, SHORT_S, SHORT_PEER_S = 3, 1, 50.0, 12.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for. `streams` that somebody named and that holds some is taken as it is."""

    parking: int
    crossings: int
    seconds: float
    streams: Path
    clips: Path | None
    run: Path
    peer: str | None = None
    peer_seconds: float = 60.0
    peer_weights: Path | None = None
    model: Path | None = None
    cpu: str = "native"
    short: bool = False
    as_it_is: bool = False
    moving: bool = False
    only: str | None = None


def bench_edge(wish: Wish, say: Say) -> dict[str, Any]:
    """Compose what is missing, run, and report as plain JSON. Raises RunError or InputError in one line."""
    from models.prepare import default_package

    if wish.parking + wish.crossings < 1:
        raise RunError("a box without cameras measures nothing - give --parking or --yield")
    model = wish.model or default_package(say)
    weights = weights_of(model, wish.peer_weights) if wish.peer else None
    if not (wish.as_it_is and any(wish.streams.glob(f"*/{FILE}"))):
        compose(wish.streams, wish.clips, say, short=wish.short)
    soon = wish.seconds < 300
    streams = without_rest(wish.streams, wish.run.with_name(wish.run.name + "-moving")) if wish.moving else wish.streams
    shown = mounts(streams, wish.parking, wish.crossings, soon=soon, only=wish.only)
    on = machine()
    field = Field(wish.run, shown, model, wish.cpu, SHORT_WAIT_S if soon else None, {})
    field.make()
    try:
        listener = field.start_world()
        try:
            measured = measure(field, listener, wish.seconds, say)
        finally:
            listener.close()
        own = figures(measured, shown, float(FPS))
        result = _result(wish, model, shown, on, own)
        if wish.peer and weights is not None:
            port = field.ports["cameras"]
            result["peer"] = run_peer(wish.peer, weights, shown, port, wish.cpu, wish.peer_seconds, say)
            result["ratio"] = ratios(result["peer"], own["cpu_s_per_camera_minute"])
        return result
    finally:
        field.parts.stop()


def shortfalls(result: dict[str, Any], floor: float | None) -> list[str]:
    """What a person must know before he believes in the box: missed and false matters, a ratio below `floor`.

    Nothing where the machine was busy before the run and cameras starved: that run says nothing of the box.
    """
    box, on, planted = result["box"], result["machine"], result["box"]["planted"]
    if box["sustained_cameras"] < box["cameras"] and on["load_before"] > on["cores"]:
        return []  # a machine that others keep busy judges nobody; `show` says so
    found = [f"missed: {one}" for one in planted["missed"]] + [f"false: {one}" for one in planted["false"]]
    ratio = result.get("ratio", {}).get("at_full_rate")
    if floor is not None and ratio is not None and ratio < floor:
        found.append(f"only {ratio:g} times cheaper than {result['peer']['pipeline']}, the floor is {floor:g}")
    return found


def _result(wish: Wish, model: Path, shown: list[Mount], on: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    from edge.detect.package import read_package

    return {
        "bench": "edge",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "parking": wish.parking,
        "yield": wish.crossings,
        "short": wish.short,
        "cpu": wish.cpu,
        "capped_with": CPU[wish.cpu],
        "detector": read_package(model).name,
        "streams": {
            one.name: {"kind": one.kind, "source": one.source, "mbit_s": round(one.bit_rate / 1e6, 2)}
            for one in {mount.stream.name: mount.stream for mount in shown}.values()
        },
        "machine": on,
        "box": own,
    }
