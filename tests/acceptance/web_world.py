"""A central with cases in it, made as the field makes them: enrolled box, sealed events, verified media."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from central.accounts import service as accounts
from central.accounts.roles import OFFICER, Role
from central.after import After
from central.app import create_app
from central.db.database import Database
from central.db.media import Media as MediaRow
from central.edges import enrolment
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.live.wire import UVICORN
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.tickets import opening
from contract.events import (
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
from contract.sealing import GENESIS, new_key, public_jwk, sha256_hex, sign_detached
from contract.topics import EdgeTopics
from tests.acceptance import web_scene
from tests.schema_kit import sqlite_at

EDGE = "edge-demo"
CHINA = timezone(timedelta(hours=8))
PASSWORD = "correct horse battery"
#: Yesterday: what was seen then is still in time to be reviewed.
BEGIN = (datetime.now(CHINA) - timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
DAY = f"{BEGIN:%Y%m%d}"


@dataclass
class World:
    """Central's stores under `folder`, and the box that fills them."""

    folder: Path
    db: Database
    store: FolderStore
    intake: Intake
    metrics: Metrics
    key: OKPKey
    seq: Iterator[int] = field(default_factory=itertools.count)
    prev: str = GENESIS
    held: list[web_scene.Media] = field(default_factory=list)
    after: After | None = None
    passages: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send(self, kind: EventType, at: datetime, data: Any) -> None:
        """Seal an event as deliver does, and hand it to ingest as the broker does."""
        camera = f"/camera/{data.camera_id}"
        event = new_event(kind, f"/edge/{EDGE}{camera}", at, data)
        seq = next(self.seq)
        chain = {"id": "chain-1", "seq": seq, "prev": self.prev}
        event = event.model_copy(update={"data": {**event.data, "chain": chain, "camera_seq": seq}})
        raw = serialise(event)
        self.prev = sha256_hex(raw)
        result = self.intake.take([Message(EdgeTopics(EDGE).event, raw, sign_detached(raw, self.key))])
        assert result[0].outcome == "stored", result

    def upload(self, media: web_scene.Media) -> None:
        """Bytes as the box uploads them: verified by the store, then the cases that waited move on."""

        async def body() -> AsyncIterator[bytes]:
            yield media.raw

        # In a thread of its own: Playwright's has an event loop running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(
                lambda: asyncio.run(self.store.receive(media.sha256, EDGE, 0, len(media.raw), body()))
            ).result()
        with self.db.write() as session:
            if session.get(MediaRow, media.sha256) is None:
                session.add(
                    MediaRow(sha256=media.sha256, size=len(media.raw), edge_id=EDGE, complete=True, received_at=now())
                )
            opening.media_arrived(session, media.sha256)

    def arrive(self) -> None:
        """What was held back comes at last."""
        while self.held:
            self.upload(self.held.pop())

    def user(self, name: str, role: Role | Collection[Role] = OFFICER) -> None:
        with self.db.write() as session:
            accounts.add_user(session, name, role, PASSWORD)

    def parking(self, *, media: bool = True, **changes: Any) -> str:
        """A stay of 190 s in a zone that permits 180; returns the case key."""
        at, passage = self._next()
        changes = {"zone_id": "kerb", "reason": "stood 190.0 s, 180 s permitted", **changes}
        data = self._violation(Rule.ILLEGAL_PARKING, at, passage, (0.0, 190.0, 190.0), **changes)
        self.send(EventType.ILLEGAL_PARKING, data.at_trigger, data)
        # Another passage, another picture: the store knows pictures by their bytes.
        nudge = 0.002 * int(passage.rpartition("-")[2])
        shares = {"first": 0.42 + nudge, "spacing": 0.43 + nudge, "trigger": 0.44 + nudge}
        stills = [
            ("far", moment, data.t_first + gap, web_scene.still(share))
            for (moment, share), gap in zip(shares.items(), (0, 15, 190), strict=True)
        ]
        stills.append(("near", "trigger", data.t_trigger, web_scene.close_up(0.44 + nudge)))
        self._evidence(data, stills, None, media)
        return data.case_key

    def passing(self, *, media: bool = True, **changes: Any) -> str:
        """A bus that does not yield, with a clip of four seconds around it; returns the case key."""
        at, passage = self._next()
        changes = {
            "zone_id": "zebra",
            "lane_id": "l1",
            "pedestrian_ids": [12],
            "reason": "the front passed the stop line while pedestrian 12 was crossing",
            **changes,
        }
        data = self._violation(Rule.FAILURE_TO_YIELD, at, passage, (1.0, 2.0, 3.2), **changes)
        self.send(EventType.FAILURE_TO_YIELD, data.at_last, data)
        moments = {"first": data.t_first, "trigger": data.t_trigger, "last": data.t_last}
        stills = [("far", moment, t, web_scene.still(t / 4)) for moment, t in moments.items()]
        stills.append(("near", "trigger", data.t_trigger, web_scene.close_up(data.t_trigger / 4)))
        self._evidence(data, stills, web_scene.clip(4.0), media)
        return data.case_key

    def left(self, key: str, dwell_s: float) -> None:
        """The end of a stay."""
        end = BEGIN + timedelta(seconds=dwell_s)
        data = Closed(
            case_key=key,
            edge_id=EDGE,
            camera_id="cam-1",
            t_end=dwell_s,
            at_end=end,
            dwell_s=dwell_s,
            proven_s=dwell_s,
            how="left",
        )
        self.send(EventType.CLOSED, end, data)

    def _next(self) -> tuple[datetime, str]:
        number = next(self.passages)
        return BEGIN + timedelta(minutes=7 * number), f"passage-{number}"

    def _violation(
        self, rule: Rule, at: datetime, passage: str, times: tuple[float, float, float], **changes: Any
    ) -> Violation:
        first, trigger, last = times
        unknown = changes.pop("unknown", [])
        values: dict[str, Any] = {
            "case_key": case_key(EDGE, "cam-1", rule, changes["zone_id"], passage),
            "rule": rule,
            "rule_ver": "1",
            "jurisdiction": "cn-default",
            "violation_code": "1039" if rule is Rule.ILLEGAL_PARKING else "1357",
            "site": "yingchun-road-03",
            "site_version": sha256_hex(b"the site file"),
            "edge_id": EDGE,
            "camera_id": "cam-1",
            "track_id": 7,
            "verdict": "needs_human" if unknown else "candidate",
            "unknown": unknown,
            "vehicle": Vehicle(class_="bus", color=None, plate=None),
            "t_first": first,
            "t_trigger": trigger,
            "t_last": last,
            "at_first": at + timedelta(seconds=first),
            "at_trigger": at + timedelta(seconds=trigger),
            "at_last": at + timedelta(seconds=last),
            "clock": Clock(offset_ms=120.0, uncertainty_ms=40.0, source="rtcp"),
            "geometry": _geometry(rule, times),
            "numbers": {"speed_kmh": 21.4, "d_stop_m": 11.35, "distance_m": 14.2}
            if rule is Rule.FAILURE_TO_YIELD
            else {"proven_s": 190.0, "permitted_wait_s": 180.0, "overlap_share": 0.93},
            "model": ModelRef(name="yolo11n", version="8.4.190-int8", sha256=sha256_hex(b"the model")),
        }
        return Violation(**{**values, **changes})

    def _evidence(
        self,
        data: Violation,
        stills: list[tuple[str, str, float, web_scene.Media]],
        video: web_scene.Media | None,
        upload: bool,
    ) -> None:
        images = [
            Image(
                role=role,
                moment=moment,
                t=t,
                at=data.at_first + timedelta(seconds=t - data.t_first),
                w=one.w,
                h=one.h,
                sha256=one.sha256,
                bytes=len(one.raw),
            )  # type: ignore[arg-type]
            for role, moment, t, one in stills
        ]
        film = None
        if video is not None:
            film = Video(
                t0=0.0,
                t1=4.0,
                at0=data.at_first - timedelta(seconds=data.t_first),
                fps=web_scene.FPS,
                codec="h264",
                w=video.w,
                h=video.h,
                sha256=video.sha256,
                bytes=len(video.raw),
            )
        manifest = Manifest(case_key=data.case_key, edge_id=EDGE, camera_id="cam-1", images=images, video=film)
        self.send(EventType.MANIFEST, data.at_last, manifest)
        pack = [*(one for *_, one in stills), *([video] if video else [])]
        if not upload:
            self.held += pack
            return
        for one in pack:
            self.upload(one)


def _geometry(rule: Rule, times: tuple[float, float, float]) -> Geometry:
    if rule is Rule.ILLEGAL_PARKING:
        boxes = {
            "first": web_scene.picture_at(0.42)[1],
            "trigger": web_scene.picture_at(0.44)[1],
            "last": web_scene.picture_at(0.44)[1],
        }
        return Geometry(frame=web_scene.FRAME, zone=web_scene.KERB, boxes=boxes, ground="estimated")
    moments = dict(zip(("first", "trigger", "last"), times, strict=True))
    seen = {name: web_scene.picture_at(t / 4) for name, t in moments.items()}
    track = [TrackPoint(t=n / 12, box=web_scene.picture_at(n / 48)[1]) for n in range(0, 48, 2)]
    walker = {name: one[2] for name, one in seen.items()}
    return Geometry(
        frame=web_scene.FRAME,
        zone=web_scene.ZEBRA,
        stop_line=web_scene.STOP_LINE,
        boxes={name: one[1] for name, one in seen.items()},
        pedestrians={"12": walker},  # type: ignore[dict-item]
        track=track,
        ground="calibrated",
    )


QUESTION = Unknown(fact="officer_directing", question="Was an officer directing the traffic?", sources=["mqtt"])


def build(folder: Path, db: Database | None = None) -> World:
    """An empty central with one enrolled box, on SQLite or on the migrated database `db`."""
    folder.mkdir(parents=True, exist_ok=True)
    db = db or sqlite_at(folder / "central.sqlite")
    key = new_key()
    with db.write() as session:
        code = enrolment.issue_code(session, EDGE)
    proof = sign_detached(f"{code}:{EDGE}".encode(), key)
    enrolment.enrol(db, enrolment.Application(code, EDGE, public_jwk(key), proof), "127.0.0.1")
    metrics = Metrics(db)
    return World(folder, db, FolderStore(folder / "media", 50_000_000), Intake(db, metrics, 100), metrics, key)


def application(world: World) -> FastAPI:
    """The very application that `sightline central serve` runs."""
    return create_app(world.db, world.store, world.metrics, after=world.after)


@contextmanager
def serving(world: World, app: FastAPI | None = None) -> Iterator[str]:
    """The web front over loopback on a port of the system's choice; gives its address and stops cleanly."""
    config = uvicorn.Config(
        app or application(world), host="127.0.0.1", port=0, log_level="warning", lifespan="off", **UVICORN
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        for _ in range(600):
            if server.started or not thread.is_alive():
                break
            thread.join(0.1)
        assert server.started, "the web front did not start"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        world.db.close()
