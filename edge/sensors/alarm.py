"""Decisions of the rule as events: what is sealed, in words that the person who is called can use."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from contract.events import CloudEvent, EventType, case_key, new_event, now, rfc3339
from contract.sensors import Sensor, SensorAlarm, SensorClosed, SensorKind, Unstable
from contract.sitefile import SiteFile
from edge.rules.threshold import CALM_S, HOUR_S, MOST_AN_HOUR, Cleared, Decision, Heard, Limits, Raised, Silent, State
from edge.sensors.believing import limits_of

_TYPE = {
    SensorKind.WATER_LEVEL: EventType.WATER_LEVEL,
    SensorKind.SMOKE: EventType.SMOKE,
    SensorKind.MANHOLE: EventType.MANHOLE,
    SensorKind.PARKING: EventType.PARKING,
}
#: What a state that is on means, for the sentence.
_STATES = {
    SensorKind.WATER_LEVEL: "reports water",
    SensorKind.SMOKE: "reports smoke",
    SensorKind.MANHOLE: "reports an open cover",
    SensorKind.PARKING: "is occupied",
}
#: What the alarm says that is one too many, of alarms and of silences.
_UNSTABLE = f"; unstable: number {MOST_AN_HOUR} or more within an hour, over only after {CALM_S / 60:g} min "


@dataclass(frozen=True, slots=True)
class Doubt:
    """Readings of late that were not believed, and why the last one was not."""

    count: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A sensor at its place: which box, which site, and in whose time its moments are written."""

    edge_id: str
    site: SiteFile
    sensor: Sensor

    @property
    def limits(self) -> Limits:
        """What it is judged by."""
        return limits_of(self.sensor)

    @property
    def zone(self) -> tzinfo:
        """The site's time zone."""
        return self.site.site.zone_info

    @property
    def source(self) -> str:
        """The CloudEvents `source`."""
        return f"/edge/{self.edge_id}/sensor/{self.sensor.id}"


def event_of(post: Post, state: State, decision: Decision, doubt: Doubt) -> CloudEvent:
    """The event of a decision; `state` is the one after it."""
    if isinstance(decision, Raised):
        return _made(post, _TYPE[post.sensor.kind], _raised(post, state, decision))
    if isinstance(decision, Silent):
        return _made(post, EventType.SENSOR_SILENT, _silent(post, state, decision, doubt))
    return _made(post, EventType.SENSOR_CLOSED, _ended(post, state, decision))


def _made(post: Post, kind: EventType, data: SensorAlarm | SensorClosed) -> CloudEvent:
    return new_event(kind, post.source, now(), data)


def matter_of(edge_id: str, sensor_id: str, matter: str, begun: float) -> str:
    """The case key of what began at `begun` (seconds since 1970)."""
    return case_key(edge_id, "", matter, sensor_id, rfc3339(datetime.fromtimestamp(begun, UTC)))


def _raised(post: Post, state: State, decision: Raised) -> SensorAlarm:
    sensor, limits, wait = post.sensor, post.limits, decision.wait
    lasted = f"for {decision.t - wait.t_first:.0f} s, {sensor.for_s:g} s are asked"
    if sensor.unit is None:
        reason = f"{_STATES[sensor.kind]} {lasted}"
    else:
        side = "at or over" if limits.sign > 0 else "at or under"
        reason = f"{side} {limits.raise_at:g} {sensor.unit} {lasted}; furthest {wait.peak:g} {sensor.unit}"
    if decision.unstable:
        reason += _UNSTABLE + "of calm"
    return SensorAlarm(
        **_common(post, state, decision),
        case_key=matter_of(post.edge_id, sensor.id, "raised", wait.t_first),
        matter="raised",
        peak=wait.peak,
        at_first=_moment(post, wait.t_first),
        at_trigger=_moment(post, decision.t),
        dated="reading" if wait.dated else "arrival",
        reason=reason,
    )


def _silent(post: Post, state: State, decision: Silent, doubt: Doubt) -> SensorAlarm:
    reason = f"nothing heard while the box listened for {post.sensor.silent_after_s:g} s"
    if doubt.count:
        reason += f"; {doubt.count} reading(s) came and were not believed, the last {doubt.why}"[:300]
    if decision.unstable:
        reason += _UNSTABLE + "without another"
    return SensorAlarm(
        **_common(post, state, decision),
        case_key=matter_of(post.edge_id, post.sensor.id, "silent", decision.since),
        matter="silent",
        at_first=_moment(post, decision.since),
        at_trigger=_moment(post, decision.t),
        dated="reading" if state.last is not None and state.last.dated else "arrival",
        refused=doubt.count,
        refused_why=doubt.why[:300],
        reason=reason[:500],
    )


def _common(post: Post, state: State, decision: Raised | Silent) -> dict[str, Any]:
    sensor, limits = post.sensor, post.limits
    return {
        "kind": sensor.kind,
        "edge_id": post.edge_id,
        "sensor_id": sensor.id,
        "site": post.site.site.site,
        "site_version": post.site.sha256,
        "place": sensor.place,
        "camera": sensor.camera,
        "call": sensor.call,
        "unit": sensor.unit,
        "value": state.last.value if state.last is not None else None,
        "raise_at": limits.raise_at,
        "clear_at": limits.clear_at,
        "for_s": limits.for_s,
        "silent_after_s": limits.silent_after_s,
        "unstable": Unstable(begun=MOST_AN_HOUR, within_s=HOUR_S, calm_s=CALM_S) if decision.unstable else None,
    }


def _ended(post: Post, state: State, decision: Cleared | Heard) -> SensorClosed:
    if isinstance(decision, Heard):
        began, matter, how, peak = decision.since, "silent", "heard", None
        reason = "the sensor is heard again"
    else:
        began, matter, how, peak = decision.raised.t_first, "raised", "cleared", decision.raised.peak
        unit = f" {post.sensor.unit}" if post.sensor.unit else ""
        reason = f"at or beyond {post.limits.clear_at:g}{unit} for {post.sensor.clear_for_s:g} s"
    return SensorClosed(
        case_key=matter_of(post.edge_id, post.sensor.id, matter, began),
        edge_id=post.edge_id,
        sensor_id=post.sensor.id,
        at_end=_moment(post, decision.t),
        lasted_s=max(0.0, round(decision.t - began, 3)),
        value=state.last.value if state.last is not None else None,
        peak=peak,
        how=how,
        reason=reason,
    )


def removed(edge_id: str, sensor_id: str, state: State) -> list[CloudEvent]:
    """The ends of what a sensor that no site file names any more had begun."""
    at = now()
    began = [("raised", state.raised.t_first)] if state.raised is not None else []
    began += [("silent", state.silent)] if state.silent is not None else []
    return [
        new_event(
            EventType.SENSOR_CLOSED,
            f"/edge/{edge_id}/sensor/{sensor_id}",
            at,
            SensorClosed(
                case_key=matter_of(edge_id, sensor_id, matter, begun),
                edge_id=edge_id,
                sensor_id=sensor_id,
                at_end=at,
                lasted_s=max(0.0, round(at.timestamp() - begun, 3)),
                how="removed",
                reason="the site file no longer names the sensor",
            ),
        )
        for matter, begun in began
    ]


def _moment(post: Post, t: float) -> datetime:
    return datetime.fromtimestamp(t, post.zone)


__all__ = ["Doubt", "Post", "event_of", "matter_of", "removed"]
