"""The matters on the desk of the benchmark: sealed by a box, verified, taken in by ingest, with real pictures.

Pictures are drawn: a street with the grain of a camera, 1080p, of the size that a camera's JPEG has. Two hundred
matters share a few dozen of them; each case names its own, so that a browser fetches and decodes them anew.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from joserfc.jwk import OKPKey

from central.config import CentralConfig
from central.db.database import Database
from central.edges import enrolment
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.media import service as media
from central.media.opening import open_store
from central.metrics import Metrics
from contract.errors import RunError
from contract.events import (
    VIOLATION_TYPE,
    Chain,
    Clock,
    EventType,
    Geometry,
    Image,
    Manifest,
    Model,
    ModelRef,
    Rule,
    TrackPoint,
    Unknown,
    Vehicle,
    Violation,
    case_key,
    new_event,
    now,
    serialise,
)
from contract.sealing import GENESIS, new_key, public_jwk, sha256_hex, sign_detached
from contract.topics import EdgeTopics

EDGE = "edge-desk"
MATTERS = 200
_FRAME = (1920, 1080)
#: How many streets are drawn; a matter shows three of them and a close-up.
_STREETS = 24
_BATCH = 100
_MOMENTS = (("first", 10.0), ("spacing", 25.0), ("trigger", 190.0))


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, its size in pixels, and where in the whole frame the vehicle stands (x1, y1, x2, y2)."""

    raw: bytes
    size: tuple[int, int]
    box: tuple[float, float, float, float]

    @property
    def sha256(self) -> str:
        """Its name."""
        return sha256_hex(self.raw)


@dataclass
class _Box:
    """The box: its key and its chain."""

    key: OKPKey
    seq: int = 0
    prev: str = GENESIS

    def say(self, kind: EventType, data: Model) -> Message:
        whole = data.model_dump(mode="json", by_alias=True, exclude_none=True)
        whole["chain"] = Chain(id="desk", seq=self.seq, prev=self.prev).model_dump()
        event = new_event(kind, f"/edge/{EDGE}/camera/cam-1", now(), data)
        raw = serialise(event.model_copy(update={"data": whole}))
        self.seq, self.prev = self.seq + 1, sha256_hex(raw)
        return Message(EdgeTopics(EDGE).event, raw, sign_detached(raw, self.key))


def take_in(db: Database, config: CentralConfig) -> int:
    """Let a box in and take in its matters, pictures first; returns how many. Raises RunError when one is refused."""
    box = _Box(new_key())
    with db.write() as session:
        code = enrolment.issue_code(session, EDGE)
    proof = sign_detached(f"{code}:{EDGE}".encode(), box.key)
    enrolment.enrol(db, enrolment.Application(code, EDGE, public_jwk(box.key), proof), "127.0.0.1")
    wholes = [_street(number) for number in range(_STREETS)]
    crops = [_close_up(one) for one in wholes]
    asyncio.run(_upload(db, config, [picture for picture, _ in wholes] + crops))
    intake, messages = Intake(db, Metrics(db), 1000), []
    for number in range(MATTERS):
        stills = [wholes[(number + step) % _STREETS][0] for step in range(3)]
        messages += _matter(box, number, stills, crops[(number + 2) % _STREETS])
    for at in range(0, len(messages), _BATCH):
        for taken in intake.take(messages[at : at + _BATCH]):
            if taken.outcome != "stored":
                raise RunError(f"ingest of the benchmark's own events: {taken} - this is a fault, please report it")
    return MATTERS


def _matter(box: _Box, number: int, stills: list[Picture], crop: Picture) -> list[Message]:
    rule = Rule.FAILURE_TO_YIELD if number % 3 == 2 else Rule.ILLEGAL_PARKING
    at = now() - timedelta(minutes=10 + 2 * (MATTERS - number))
    key = case_key(EDGE, "cam-1", rule, "kerb", f"{number:06d}")
    decision = _violation(rule, key, at, number, [one.box for one in stills])
    images = [
        Image(role="far", moment=moment, t=t, at=decision.at_first + timedelta(seconds=t - 10), w=one.size[0],
              h=one.size[1], sha256=one.sha256, bytes=len(one.raw))
        for (moment, t), one in zip(_MOMENTS, stills, strict=True)
    ]  # fmt: skip
    near = Image(role="near", moment="trigger", t=190.0, at=at, w=crop.size[0], h=crop.size[1],
                 sha256=crop.sha256, bytes=len(crop.raw))  # fmt: skip
    manifest = Manifest(case_key=key, edge_id=EDGE, camera_id="cam-1", images=[*images, near], video=None)
    return [box.say(VIOLATION_TYPE[rule], decision), box.say(EventType.MANIFEST, manifest)]


def _violation(
    rule: Rule, key: str, at: datetime, number: int, boxes: list[tuple[float, float, float, float]]
) -> Violation:
    parking = rule is Rule.ILLEGAL_PARKING
    # One in four has a question that only a person can answer.
    asked = [Unknown(fact="driver_present", question="Was the driver in the car?", sources=["officer"])]
    unknown = asked if number % 4 == 0 and parking else []
    values: dict[str, Any] = {
        "case_key": key,
        "rule": rule,
        "rule_ver": "1",
        "jurisdiction": "cn-default",
        "violation_code": "1039" if parking else "1357",
        "site": f"yingchun-road-{number % 7:02d}",
        "site_version": "a" * 64,
        "edge_id": EDGE,
        "camera_id": "cam-1",
        "zone_id": "kerb",
        "lane_id": None if parking else "l1",
        "track_id": number,
        "verdict": "needs_human" if unknown else "candidate",
        "unknown": unknown,
        "vehicle": Vehicle(class_="car", color="blue", plate=f"皖A{number:05d}", per_char_conf=[0.99] * 7),
        "t_first": 10.0,
        "t_trigger": 190.0,
        "t_last": 190.0,
        "at_first": at - timedelta(seconds=180),
        "at_trigger": at,
        "at_last": at,
        "clock": Clock(offset_ms=40.0, uncertainty_ms=20.0, source="rtcp"),
        "geometry": Geometry(
            frame=_FRAME,
            zone=[(100, 500), (1800, 460), (1860, 1000), (60, 1040)],
            boxes=dict(zip(("first", "spacing", "trigger"), boxes, strict=True)),
            track=[TrackPoint(t=10.0 + 10.0 * step, box=boxes[0]) for step in range(18)],
        ),
        "numbers": {"stood_s": 180.0, "permitted_wait_s": 180.0},
        "reason": "stood 180 s, 180 s are permitted",
        "model": ModelRef(name="yolo11n", version="1", sha256="b" * 64),
    }
    return Violation(**values)


def _street(number: int) -> tuple[Picture, Any]:
    """A street with a vehicle, and its pixels (rows, columns, BGR)."""
    import cv2

    width, height = _FRAME
    rng = np.random.default_rng(number)
    ground = np.linspace(190, 70, height)[:, None] + 18 * np.sin(np.linspace(0, 9 + number, width))[None, :]
    coarse = cv2.resize(rng.normal(0, 22, (height // 12, width // 12)).astype(np.float32), (width, height))
    grain = rng.normal(0, 3.5, (height, width))
    pixels = np.clip((ground + coarse + grain)[:, :, None] * np.array([1.0, 0.98, 0.94]), 0, 255).astype(np.uint8)
    left = 120 + (number * 53) % 1100
    box = (float(left), 520.0, left + 560.0, 860.0)
    cv2.rectangle(pixels, (left, 520), (left + 560, 860), (140, 90, 40), -1)
    cv2.rectangle(pixels, (left + 90, 545), (left + 470, 640), (60, 60, 66), -1)
    cv2.putText(pixels, f"A {number:05d}", (left + 190, 820), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (240, 240, 240), 4)
    return Picture(_jpeg(pixels), _FRAME, box), pixels


def _close_up(street: tuple[Picture, Any]) -> Picture:
    picture, pixels = street
    x1, y1, x2, y2 = (int(value) for value in picture.box)
    return Picture(_jpeg(pixels[y1:y2, x1:x2]), (x2 - x1, y2 - y1), picture.box)


def _jpeg(pixels: Any) -> bytes:
    import cv2

    done, raw = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise RunError("a picture of the benchmark could not be encoded - is opencv-python whole?")
    return bytes(raw.tobytes())


async def _upload(db: Database, config: CentralConfig, pictures: list[Picture]) -> None:
    """As boxes upload them: verified by the store, then entered."""
    store = open_store(config)
    for one in pictures:

        async def body(raw: bytes = one.raw) -> AsyncIterator[bytes]:
            yield raw

        await store.receive(one.sha256, EDGE, 0, len(one.raw), body())
        await asyncio.to_thread(media.enter, db, one.sha256, len(one.raw), EDGE)


__all__ = ["EDGE", "MATTERS", "take_in"]
