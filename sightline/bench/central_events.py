"""What boxes say in the benchmark of central: sealed events as the pipeline makes them, of a size as it makes them.

Two matters in three are parking (decision with a question for the officer, manifest, end of the stay), one is a
failure to yield (decision, manifest). Box by box the events form a real chain, in an order as on the street: the
manifest of a matter comes some events after its decision, the end of a stay later still.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from joserfc.jwk import OKPKey
from pydantic import BaseModel

from contract.events import (
    VIOLATION_TYPE,
    Chain,
    Clock,
    Closed,
    EventType,
    Geometry,
    Image,
    Manifest,
    ModelRef,
    Rule,
    TrackPoint,
    Unknown,
    Vehicle,
    Video,
    Violation,
    case_key,
    new_event,
    now,
    serialise,
)
from contract.sealing import GENESIS, new_key, sha256_hex, sign_detached

#: How many events of its box come between a decision and its manifest, and between that and the end of the stay.
_LATER = 4
_MOMENTS = (("far", "first", 10.0), ("far", "spacing", 25.0), ("near", "trigger", 190.0))


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event ready to be sent. `decision`: it opens a ticket."""

    id: str
    raw: bytes
    jws: str
    decision: bool


@dataclass
class Voice:
    """A box: its key, its chain, and what it has still to say of its matters."""

    edge_id: str
    key: OKPKey = field(default_factory=new_key)
    _seq: int = 0
    _prev: str = GENESIS
    _matters: int = 0
    _later: deque[tuple[EventType, BaseModel]] = field(default_factory=deque)

    def speak(self) -> Iterator[Sealed]:
        """Events without end."""
        while True:
            rule = Rule.FAILURE_TO_YIELD if self._matters % 3 == 2 else Rule.ILLEGAL_PARKING
            yield self._sealed(VIOLATION_TYPE[rule], self._decision(rule))
            self._matters += 1
            while len(self._later) > _LATER:
                kind, data = self._later.popleft()
                yield self._sealed(kind, data)

    def _decision(self, rule: Rule) -> Violation:
        at, name = now(), f"{self._matters:08d}"
        key = case_key(self.edge_id, "cam-1", rule, "kerb", name)
        self._later.append((EventType.MANIFEST, self._manifest(key, at)))
        if rule is Rule.ILLEGAL_PARKING:
            end = Closed(case_key=key, edge_id=self.edge_id, camera_id="cam-1", t_end=400.0, at_end=at,
                         dwell_s=390.0, proven_s=390.0, how="left")  # fmt: skip
            self._later.append((EventType.CLOSED, end))
        return _violation(self.edge_id, rule, key, at)

    def _manifest(self, key: str, at: datetime) -> Manifest:
        images = [
            Image(role=role, moment=moment, t=t, at=at, w=1920, h=1080, sha256=sha256_hex(f"{key}{t}".encode()),
                  bytes=400_000)
            for role, moment, t in _MOMENTS
        ]  # fmt: skip
        video = Video(t0=5.0, t1=195.0, at0=at, fps=25.0, codec="h264", w=1920, h=1080,
                      sha256=sha256_hex(f"{key}clip".encode()), bytes=9_000_000)  # fmt: skip
        return Manifest(case_key=key, edge_id=self.edge_id, camera_id="cam-1", images=images, video=video)

    def _sealed(self, kind: EventType, data: BaseModel) -> Sealed:
        whole = data.model_dump(mode="json", by_alias=True, exclude_none=True)
        whole |= {"camera_seq": self._seq, "chain": Chain(id="bench", seq=self._seq, prev=self._prev).model_dump()}
        event = new_event(kind, f"/edge/{self.edge_id}/camera/cam-1", now(), data)
        raw = serialise(event.model_copy(update={"data": whole}))
        self._seq, self._prev = self._seq + 1, sha256_hex(raw)
        return Sealed(event.id, raw, sign_detached(raw, self.key), isinstance(data, Violation))


def _violation(edge_id: str, rule: Rule, key: str, at: datetime) -> Violation:
    parking = rule is Rule.ILLEGAL_PARKING
    asked = Unknown(fact="driver_present", question="Was the driver in the car?", sources=["officer"])
    return Violation(
        case_key=key,
        rule=rule,
        rule_ver="1",
        jurisdiction="cn-default",
        site="yingchun-road-03",
        site_version="a" * 64,
        edge_id=edge_id,
        camera_id="cam-1",
        zone_id="kerb",
        lane_id=None if parking else "l1",
        track_id=7,
        verdict="needs_human" if parking else "candidate",
        unknown=[asked] if parking else [],
        vehicle=Vehicle(class_="car", color="blue"),
        t_first=10.0,
        t_trigger=190.0,
        t_last=190.0,
        at_first=at - timedelta(seconds=180),
        at_trigger=at,
        at_last=at,
        clock=Clock(offset_ms=40.0, uncertainty_ms=20.0, source="rtcp"),
        geometry=Geometry(
            frame=(1920, 1080),
            zone=[(100, 400), (600, 400), (600, 700), (100, 700)],
            boxes={"first": (200, 420, 420, 600), "trigger": (200, 420, 420, 600)},
            track=[TrackPoint(t=10.0 + 10.0 * step, box=(200, 420, 420.5, 600.25)) for step in range(18)],
        ),
        numbers={"stood_s": 180.0, "permitted_wait_s": 180.0},
        reason="stood 180 s, 180 s are permitted",
        model=ModelRef(name="yolo11n", version="1", sha256="b" * 64),
    )


__all__ = ["Sealed", "Voice"]
