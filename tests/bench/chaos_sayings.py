"""What the boxes of the fault campaign have to say: matters with stills and clips, and feeds, the same for one seed.

Nothing of it hangs on when it is said but its times, so that a worker that was killed goes on where it was.
"""

import hashlib
import json
import random
from collections import deque
from dataclasses import dataclass
from datetime import timedelta

from contract.events import (
    VIOLATION_TYPE,
    Clock,
    Closed,
    CloudEvent,
    EventType,
    Feed,
    Geometry,
    Image,
    Manifest,
    Model,
    ModelRef,
    Rule,
    Vehicle,
    Video,
    Violation,
    case_key,
    new_event,
    now,
)
from contract.sealing import sha256_hex

CAMERAS = ("cam-1", "cam-2")
_ZONE = [(100.0, 400.0), (600.0, 400.0), (600.0, 700.0), (100.0, 700.0)]
_BOX = (200.0, 420.0, 420.0, 600.0)
#: So many matters of a box are open at a time: a manifest comes some events after its decision.
_OPEN = 3


@dataclass(frozen=True, slots=True)
class Saying:
    """Number `number` of a box. `matter` joins decision, manifest and end; None for a feed. Sizes in bytes."""

    number: int
    camera: str
    kind: EventType
    matter: int | None = None
    stills: tuple[int, ...] = ()
    clip: int = 0

    def case_key(self, edge_id: str) -> str | None:
        """The key of its matter."""
        if self.matter is None:
            return None
        return case_key(edge_id, self.camera, Rule.ILLEGAL_PARKING, "kerb", f"stay-{self.matter}")


def sayings(seed: int, edge_id: str, total: int) -> list[Saying]:
    """All that a box says, in order."""
    dice = random.Random(f"{seed}-{edge_id}")
    waiting: deque[tuple[str, EventType, int]] = deque()
    said: list[Saying] = []
    matters = 0
    while len(said) < total:
        number = len(said)
        if dice.random() < 0.25:
            said.append(Saying(number, dice.choice(CAMERAS), EventType.FEED))
        elif len(waiting) > _OPEN:
            camera, kind, matter = waiting.popleft()
            said.append(_later(dice, number, camera, kind, matter))
        else:
            camera, matters = dice.choice(CAMERAS), matters + 1
            said.append(Saying(number, camera, VIOLATION_TYPE[Rule.ILLEGAL_PARKING], matters))
            waiting.extend([(camera, EventType.MANIFEST, matters), (camera, EventType.CLOSED, matters)])
    return said


def event_of(saying: Saying, edge_id: str) -> tuple[CloudEvent, list[bytes]]:
    """The event, as of this process's clock, and the files that it names."""
    files = [_file(edge_id, saying, number, size) for number, size in enumerate((*saying.stills, saying.clip)) if size]
    data = _DATA[saying.kind](saying, edge_id, files)
    return new_event(saying.kind, f"/edge/{edge_id}/camera/{saying.camera}", now(), data), files


def digest(data: dict[str, object]) -> str:
    """What an event says, without what deliver adds to it."""
    own = {key: value for key, value in data.items() if key not in {"chain", "camera_seq"}}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def _later(dice: random.Random, number: int, camera: str, kind: EventType, matter: int) -> Saying:
    if kind is EventType.CLOSED:
        return Saying(number, camera, kind, matter)
    stills = tuple(dice.randint(4_000, 24_000) for _ in range(dice.randint(1, 2)))
    return Saying(number, camera, kind, matter, stills, dice.randint(60_000, 200_000) if dice.random() < 0.1 else 0)


def _file(edge_id: str, saying: Saying, number: int, size: int) -> bytes:
    return b"\xff\xd8\xff\xe0" + random.Random(f"{edge_id}-{saying.number}-{number}").randbytes(size)


def _feed(saying: Saying, edge_id: str, _files: list[bytes]) -> Model:
    return Feed(edge_id=edge_id, camera_id=saying.camera, state="lost", cause=str(saying.number))


def _violation(saying: Saying, edge_id: str, _files: list[bytes]) -> Model:
    at, key = now(), saying.case_key(edge_id)
    assert key is not None
    return Violation(
        case_key=key, rule=Rule.ILLEGAL_PARKING, rule_ver="1", jurisdiction="cn-default", site="yingchun-road-03",
        site_version="a" * 64, edge_id=edge_id, camera_id=saying.camera, zone_id="kerb", track_id=saying.number,
        verdict="candidate", vehicle=Vehicle(class_="car", color="blue"), t_first=10.0, t_trigger=190.0, t_last=190.0,
        at_first=at - timedelta(seconds=180), at_trigger=at, at_last=at,
        clock=Clock(offset_ms=40.0, uncertainty_ms=20.0, source="rtcp"),
        geometry=Geometry(frame=(1280, 720), zone=_ZONE, boxes={"first": _BOX, "trigger": _BOX}),
        numbers={"stood_s": 180.0}, reason="stood 180 s, 180 s are permitted",
        model=ModelRef(name="yolo11n", version="1", sha256="b" * 64),
    )  # fmt: skip


def _manifest(saying: Saying, edge_id: str, files: list[bytes]) -> Model:
    at, key = now(), saying.case_key(edge_id)
    assert key is not None
    stills = files[: len(saying.stills)]
    images = [
        Image(role="far", moment="trigger", t=190.0, at=at, w=1280, h=720, sha256=sha256_hex(raw), bytes=len(raw))
        for raw in stills
    ]
    video = None
    if saying.clip:
        video = Video(t0=5.0, t1=195.0, at0=at, fps=12.5, codec="h264", w=1280, h=720,
                      sha256=sha256_hex(files[-1]), bytes=len(files[-1]))  # fmt: skip
    return Manifest(case_key=key, edge_id=edge_id, camera_id=saying.camera, images=images, video=video)


def _closed(saying: Saying, edge_id: str, _files: list[bytes]) -> Model:
    key = saying.case_key(edge_id)
    assert key is not None
    return Closed(case_key=key, edge_id=edge_id, camera_id=saying.camera, t_end=400.0, at_end=now(), dwell_s=390.0,
                  proven_s=390.0, how="left")  # fmt: skip


_DATA = {
    EventType.FEED: _feed,
    VIOLATION_TYPE[Rule.ILLEGAL_PARKING]: _violation,
    EventType.MANIFEST: _manifest,
    EventType.CLOSED: _closed,
}
