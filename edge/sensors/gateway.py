"""A node of Sparkplug B, as its listener: what it called its metrics at birth, and the values it tells since.

The listener asks a node to be born again (NCMD `Node Control/Rebirth`) when it tells values under aliases whose birth
was not heard: births are not kept by a broker, and a box that starts later has missed them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.sensors import MAX_SPARKPLUG_BYTES, Sensor
from edge.sensors import payload
from edge.sensors.believing import Unbelieved

BIRTHS, DATA, DEATHS = frozenset({"NBIRTH", "DBIRTH"}), frozenset({"NDATA", "DDATA"}), frozenset({"NDEATH", "DDEATH"})
_REBIRTH = "Node Control/Rebirth"
#: Most metrics of one message that are looked at.
_MOST = 1000
#: Signed whole numbers travel as unsigned ones of the wire's width (section 6.4.16): datatype -> bits.
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
_WIRE = {"int_value": 32, "long_value": 64}


@dataclass(frozen=True, slots=True)
class Told:
    """What a node tells of one sensor: the value, or why there is none, and of when (seconds since 1970)."""

    sensor_id: str
    value: float | bool | None
    fault: str
    at: float | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What an alias stands for."""

    name: str
    datatype: int


class Gateway:
    """One node. `wants_rebirth` is set when something was told that cannot be understood without a birth."""

    def __init__(self, sensors: Iterable[Sensor]) -> None:
        """`sensors` are those whose metrics this node tells."""
        self.wants_rebirth = True
        self._wanted: Mapping[tuple[str | None, str], str] = {
            (one.sparkplug.device, one.sparkplug.metric): one.id for one in sensors if one.sparkplug is not None
        }
        self._born: set[str | None] = set()
        self._aliases: dict[tuple[str | None, int], _Known] = {}
        self._types: dict[tuple[str | None, str], int] = {}

    def hear(self, kind: str, device: str | None, raw: bytes) -> list[Told]:
        """What a message of `kind` tells of our sensors. Raises Unbelieved for bytes that are no payload."""
        if kind in DEATHS:
            self._forget(None if kind == "NDEATH" else device, whole=kind == "NDEATH")
            return []
        if kind not in BIRTHS | DATA:
            return []
        if len(raw) > MAX_SPARKPLUG_BYTES:
            raise Unbelieved(f"is over {MAX_SPARKPLUG_BYTES} bytes")
        try:
            said = payload.read(raw)
        except ValueError as error:
            raise Unbelieved(str(error)) from error
        if kind in BIRTHS:
            self._forget(device, whole=kind == "NBIRTH")
            self._born.add(device)
            self.wants_rebirth = False
        return list(self._told(said, device, birth=kind in BIRTHS))

    def _forget(self, device: str | None, *, whole: bool) -> None:
        """A device, or with the node all of them, is gone or begins anew."""
        if whole:
            self._born.clear()
            self._aliases.clear()
            self._types.clear()
            return
        self._born.discard(device)
        self._aliases = {key: one for key, one in self._aliases.items() if key[0] != device}
        self._types = {key: one for key, one in self._types.items() if key[0] != device}

    def _told(self, said: Any, device: str | None, *, birth: bool) -> Iterator[Told]:
        for metric in said.metrics[:_MOST]:
            name, datatype = self._named(metric, device, birth)
            sensor_id = self._wanted.get((device, name))
            if sensor_id is None or metric.is_historical:
                continue
            stamp = metric.timestamp or said.timestamp
            value, fault = _value(metric, datatype)
            yield Told(sensor_id, value, fault, stamp / 1000.0 if stamp else None)

    def _named(self, metric: Any, device: str | None, birth: bool) -> tuple[str, int]:
        """Name and datatype of a metric: told with it, or at birth under its alias."""
        if metric.name:
            key = (device, str(metric.name))
            if birth and key in self._wanted:
                self._types[key] = metric.datatype
                if metric.HasField("alias"):
                    self._aliases[device, metric.alias] = _Known(metric.name, metric.datatype)
            return metric.name, metric.datatype or self._types.get(key, 0)
        known = self._aliases.get((device, metric.alias))
        if known is not None:
            return known.name, metric.datatype or known.datatype
        if device not in self._born:
            self.wants_rebirth = True
        return "", 0


def _value(metric: Any, datatype: int) -> tuple[float | bool | None, str]:
    field = metric.WhichOneof("value")
    if metric.is_null or field is None:
        return None, "is null: the gateway has no value"
    value = getattr(metric, field)
    if field == "string_value":
        return None, "is a text, and a number or a state is asked"
    if field in _WIRE and datatype in _SIGNED:
        value = _signed(value, _SIGNED[datatype], _WIRE[field])
    return value, ""


def _signed(value: int, bits: int, wire: int) -> int:
    """A signed number of `bits` from the wire: in its own width (Eclipse Tahu) or widened to the wire's."""
    width = bits if value < 1 << bits else wire
    return value - (1 << width) if value >= 1 << (width - 1) else value


def rebirth(now: float) -> bytes:
    """The command that asks a node to be born again, made at `now` (seconds since 1970)."""
    said = payload.fresh()
    said.timestamp = int(now * 1000)
    metric = said.metrics.add()
    metric.name, metric.timestamp, metric.datatype, metric.boolean_value = _REBIRTH, said.timestamp, 11, True
    return bytes(said.SerializeToString())


__all__ = ["BIRTHS", "DATA", "DEATHS", "Gateway", "Told", "rebirth"]
