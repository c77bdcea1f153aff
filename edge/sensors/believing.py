"""From what a gateway sent to a reading that may be judged, or why it is not believed, as a sentence.

A reading must be a number (or for a state true or false) in a unit that fits, of an instant near this box's own time.
One from long ago or from the future proves nothing about now, and is no sign of life either: a gateway whose clock is
wrong becomes a silent sensor, and the alarm says why.
"""

from pydantic import ValidationError

from contract.sensors import MAX_MEASUREMENT_BYTES, OFF, ON, Measurement, Sensor
from edge.rules.threshold import Limits, Reading

#: A sensor whose clock is further from ours than this is not believed, as with what is told of facts. Seconds.
CLOCK_S = 60.0
#: Lengths in millimetres. No other two units of a sensor are of one kind.
_MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
#: What no sensor measures.
_MOST = 1e9


class Unbelieved(ValueError):  # noqa: N818 - reads as a sentence
    """A reading that is not judged. The text says why, for the log and for the alarm of silence."""


def limits_of(sensor: Sensor) -> Limits:
    """What a sensor is judged by. A state is an alarm while it is on."""
    measures = sensor.raise_at is not None and sensor.clear_at is not None
    return Limits(
        raise_at=sensor.raise_at if measures and sensor.raise_at is not None else ON,
        clear_at=sensor.clear_at if measures and sensor.clear_at is not None else OFF,
        for_s=sensor.for_s,
        clear_for_s=sensor.clear_for_s,
        silent_after_s=sensor.silent_after_s,
        holds=sensor.reports == "change",
    )


def from_json(sensor: Sensor, raw: bytes, now: float, *, retained: bool) -> Reading:
    """The reading in a message that came at `now` (seconds since 1970). Raises Unbelieved."""
    if len(raw) > MAX_MEASUREMENT_BYTES:
        raise Unbelieved(f"is over {MAX_MEASUREMENT_BYTES} bytes")
    try:
        said = Measurement.model_validate_json(raw)
    except ValidationError as error:
        raise Unbelieved(_why(error)) from error
    at = said.at.timestamp() if said.at is not None else None
    return reading(sensor, said.value, said.unit, at, now, retained=retained)


def reading(
    sensor: Sensor, value: float | bool, unit: str | None, at: float | None, now: float, *, retained: bool = False
) -> Reading:
    """A value as a reading of `at`, or of `now` where nobody says when. Raises Unbelieved."""
    number = _state(value, unit) if sensor.unit is None else _measured(sensor.unit, value, unit)
    if at is None:
        if retained:
            raise Unbelieved("is an old message that the broker kept, and does not say of when - send `at`")
        return Reading(now, number, dated=False)
    if abs(at - now) > CLOCK_S:
        raise Unbelieved(f"is dated {at - now:+.0f} s from this box's time - set the gateway's clock")
    return Reading(at, number)


def _state(value: float | bool, unit: str | None) -> float:
    if unit is not None:
        raise Unbelieved("has a unit, and the sensor is declared as a state - declare unit, raise_at and clear_at")
    if value not in (OFF, ON):
        raise Unbelieved("is no state: true or false is asked")
    return float(value)


def _measured(declared: str, value: float | bool, unit: str | None) -> float:
    if isinstance(value, bool):
        raise Unbelieved(f"is a state, and a number in {declared} is asked")
    if value != value:  # noqa: PLR0124 - as math.isnan, which a whole number of 400 digits ends
        raise Unbelieved("is not a number")
    if abs(value) > _MOST:
        raise Unbelieved("is larger than anything measured")
    if unit is None or unit == declared:
        return float(value)
    if unit not in _MILLIMETRES or declared not in _MILLIMETRES:
        raise Unbelieved(f"is not in {declared}, as the site file declares it")
    number = value * _MILLIMETRES[unit] / _MILLIMETRES[declared]
    if abs(number) > _MOST:
        raise Unbelieved("is larger than anything measured")
    return number


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # Of a union, the branch is named as well, and of an unknown key the stranger's own words: neither is repeated.
    key = str(first["loc"][0]) if first["loc"] else ""
    if key not in Measurement.model_fields:
        return "is not the JSON it should be: value, and where known unit and at"
    return f"{key}: {'is missing' if first['type'] == 'missing' else 'is not what it should be'}"


__all__ = ["CLOCK_S", "Unbelieved", "from_json", "limits_of", "reading"]
