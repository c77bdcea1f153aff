"""A box in a test: it seals what it says with a real key and keeps its chain, as deliver does."""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.orm import Session

from central.accounts import log
from central.accounts.roles import OFFICER, Role, ordered
from central.accounts.service import SignedInUser
from central.clock import clock_of
from central.db import migrate
from central.db.accounts import User, UserRole
from central.db.cases import Case
from central.db.database import Database
from central.edges import enrolment
from central.ingest.admit import Message
from central.ingest.intake import Intake
from central.metrics import Metrics
from central.tickets import decisions, looks, queue
from contract.events import (
    VIOLATION_TYPE,
    Chain,
    Clock,
    Closed,
    EventType,
    Geometry,
    Image,
    Manifest,
    Model,
    ModelRef,
    Rule,
    Unknown,
    Vehicle,
    Video,
    Violation,
    case_key,
    new_event,
    now,
    serialise,
)
from contract.sealing import GENESIS, new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from contract.topics import EdgeTopics
from tests.schema_kit import sqlite_at

SHANGHAI = timezone(timedelta(hours=8))
#: Yesterday: what was seen then is still in time, and is never of the future.
AT = (datetime.now(SHANGHAI) - timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
DAY = f"{AT:%Y%m%d}"
CAMERA = "cam-1"
_OPENED: list[Database] = []


@dataclass
class Box:
    """An edge: its key, and the chain of what it said."""

    edge_id: str = "edge-01"
    key: OKPKey = field(default_factory=new_key)
    seq: int = 0
    prev: str = GENESIS
    chain_id: str = "chain-1"

    def say(self, kind: EventType, data: Model, *, source: str | None = None, **changes: Any) -> Message:
        """A sealed message of the next link of the chain."""
        whole = data.model_dump(mode="json", by_alias=True, exclude_none=True) | changes
        whole["chain"] = Chain(id=self.chain_id, seq=self.seq, prev=self.prev).model_dump()
        event = new_event(kind, source or f"/edge/{self.edge_id}/camera/{CAMERA}", now(), data)
        return self.seal(serialise(event.model_copy(update={"data": whole})))

    def seal(self, raw: bytes, topic: str | None = None) -> Message:
        """`raw` as the next message of this box."""
        self.seq, self.prev = self.seq + 1, sha256_hex(raw)
        return Message(topic or EdgeTopics(self.edge_id).event, raw, sign_detached(raw, self.key))

    def token(self, **changes: Any) -> str:
        """An Authorization header for media."""
        moment = int(now().timestamp())
        claims = {"iss": self.edge_id, "aud": "sightline-central", "iat": moment, "exp": moment + 300} | changes
        header = {"alg": "EdDSA", "kid": thumbprint(self.key)}
        return "Bearer " + jwt.encode(header, claims, self.key, algorithms=["EdDSA"])

    def enrol(self, db: Database) -> str:
        """Let this box in, through a real code and proof."""
        with db.write() as session:
            code = enrolment.issue_code(session, self.edge_id)
        proof = sign_detached(f"{code}:{self.edge_id}".encode(), self.key)
        shown = enrolment.Application(code, self.edge_id, public_jwk(self.key), proof)
        return enrolment.enrol(db, shown, "127.0.0.1").kid


def key_of(passage: str, rule: Rule = Rule.ILLEGAL_PARKING, edge_id: str = "edge-01") -> str:
    """The case key of a passage."""
    return case_key(edge_id, CAMERA, rule, "kerb", passage)


def violation(passage: str = "p1", rule: Rule = Rule.ILLEGAL_PARKING, **changes: Any) -> Violation:
    """A decision with everything a page shows."""
    edge_id = changes.get("edge_id", "edge-01")
    values: dict[str, Any] = {
        "case_key": key_of(passage, rule, edge_id),
        "rule": rule,
        "rule_ver": "1",
        "jurisdiction": "cn-default",
        "site": "yingchun-road-03",
        "site_version": "a" * 64,
        "edge_id": edge_id,
        "camera_id": CAMERA,
        "zone_id": "kerb",
        "track_id": 7,
        "verdict": "needs_human" if changes.get("unknown") else "candidate",
        "vehicle": Vehicle(class_="car", color="blue"),
        "t_first": 10.0,
        "t_trigger": 190.0,
        "t_last": 190.0,
        "at_first": AT,
        "at_trigger": AT + timedelta(seconds=180),
        "at_last": AT + timedelta(seconds=180),
        "clock": Clock(offset_ms=40.0, uncertainty_ms=20.0, source="rtcp"),
        "geometry": Geometry(
            frame=(1280, 720),
            zone=[(100, 400), (600, 400), (600, 700), (100, 700)],
            boxes={"first": (200, 420, 420, 600), "trigger": (200, 420, 420, 600)},
        ),
        "numbers": {"stood_s": 180.0},
        "reason": "stood 180 s, 180 s are permitted",
        "model": ModelRef(name="yolo11n", version="1", sha256="b" * 64),
    }
    return Violation(**(values | changes))


def unknown_driver() -> Unknown:
    """The question that a parking camera cannot answer."""
    return Unknown(fact="driver_present", question="Was the driver in the car?", sources=["officer"])


def picture(seed: str) -> bytes:
    """Bytes that stand for a still; central never looks inside."""
    return b"\xff\xd8\xff\xe0" + hashlib.sha256(seed.encode()).digest() * 200


def evidence(passage: str = "p1", rule: Rule = Rule.ILLEGAL_PARKING, **changes: Any) -> tuple[Manifest, list[bytes]]:
    """A manifest of three stills and a clip, and their bytes in its order."""
    edge_id = changes.pop("edge_id", "edge-01")
    moments = [("far", "first", 10.0), ("far", "spacing", 25.0), ("far", "trigger", 190.0)]
    files = [picture(f"{passage}-{moment}") for _, moment, _ in moments]
    images = [
        Image(role=role, moment=moment, t=t, at=AT + timedelta(seconds=t - 10), w=1280, h=720,
              sha256=sha256_hex(raw), bytes=len(raw))
        for (role, moment, t), raw in zip(moments, files, strict=True)
    ]  # fmt: skip
    clip = b"clip" * 20_000 + passage.encode()
    video = Video(t0=5.0, t1=195.0, at0=AT - timedelta(seconds=5), fps=12.5, codec="h264", w=1280, h=720,
                  sha256=sha256_hex(clip), bytes=len(clip))  # fmt: skip
    values: dict[str, Any] = {"case_key": key_of(passage, rule, edge_id), "edge_id": edge_id, "camera_id": CAMERA}
    return Manifest(**(values | {"images": images, "video": video} | changes)), [*files, clip]


def ended(passage: str = "p1", edge_id: str = "edge-01") -> Closed:
    """The end of a stay."""
    return Closed(case_key=key_of(passage, edge_id=edge_id), edge_id=edge_id, camera_id=CAMERA, t_end=400.0,
                  at_end=AT + timedelta(seconds=390), dwell_s=390.0, proven_s=390.0, how="left")  # fmt: skip


def decision(box: Box, data: Violation) -> Message:
    """The sealed decision."""
    return box.say(VIOLATION_TYPE[data.rule], data)


def open_db(folder: Any) -> Database:
    """A migrated database: SQLite in `folder`, or a fresh one on the server of SIGHTLINE_TEST_DATABASE (an address)."""
    url = os.environ.get("SIGHTLINE_TEST_DATABASE")
    db = Database(_fresh(url)) if url else sqlite_at(Path(folder) / "central.sqlite")
    _OPENED.append(db)
    if url:
        migrate.upgrade(db)
    return db


def give_back_files() -> None:
    """Close what idle databases of `open_db` hold open; one that is used again opens its file again."""
    while _OPENED:
        _OPENED.pop().close()


def _fresh(url: str) -> str:
    name = f"test_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def intake_of(db: Database) -> Intake:
    """Ingest without a broker."""
    return Intake(db, Metrics(db), 1000)


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """The office's clock goes that much ahead: a decision that could be undone is final."""
    with clock_of(lambda: now() + timedelta(seconds=seconds)):
        yield


def looked(db: Database, user: SignedInUser, number: str) -> int:
    """`user` has the page of the case open; the version that it shows."""
    with db.write() as session:
        row = queue.found(session, number)
        looks.page(session, row.id, user.id, looks.Why.OPENED, [])
        return row.version


def approved(db: Database, number: str, first: SignedInUser, second: SignedInUser, **answers: str) -> Case:
    """Both looks are taken; the row as the second one leaves it."""
    version = looked(db, first, number)
    with db.write() as session:
        decisions.approve(session, number, version, first, answers)
    version = looked(db, second, number)
    with later(11), db.write() as session:
        return decisions.approve(session, number, version, second, {})


def person(db: Database, name: str = "li", roles: Role | Collection[Role] = OFFICER) -> SignedInUser:
    """An account that is signed in (without the cost of a password)."""
    with db.write() as session:
        row = User(name=name, password_hash="$argon2id$none", created_at=now())
        session.add(row)
        session.flush()
        held = {roles} if isinstance(roles, Role) else set(roles)
        session.add_all(UserRole(user_id=row.id, role=str(role)) for role in held)
        log.note(session, row.id, "system", "added", roles=ordered(held))
        return SignedInUser(row.id, name, frozenset(map(str, held)), "csrf-of-the-session")


def person_named(session: Session, name: str) -> SignedInUser:
    """The account `name`, as signed in."""
    row = session.execute(select(User).where(User.name == name)).scalar_one()
    roles = session.execute(select(UserRole.role).where(UserRole.user_id == row.id)).scalars()
    return SignedInUser(row.id, name, frozenset(roles), "csrf-of-the-session")
