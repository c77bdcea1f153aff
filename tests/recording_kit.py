"""Archives of recordings made without a central: a box and an office with keys of their own, and a ledger in memory.

`world(seed)` is a random hour of a random camera: real fragmented MP4 as the recorder writes it, blocks that tile its
time with gaps of every cause, late words that take the place of earlier ones, deletions, and segments that are absent.
"""

import io
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from joserfc.jwk import OKPKey

from contract import bundle
from contract.continuity import Block, Deleted, Missing, Recorded, hash_of
from contract.events import EventType, new_event, serialise
from contract.ledger import canonical, moment, sign_head
from contract.merkle import completed, consistency_proof, inclusion_proof, leaf_hash, root
from contract.recording import Request, Wanted, segments_of
from contract.recording_archive import Look, Parts, SealedEvent, write_archive
from contract.sealing import GENESIS, new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from sightline.evidence.verify import Trust

S = 1_000_000
BEGIN = int(datetime(2026, 12, 12, 6, 30, tzinfo=UTC).timestamp()) * S
#: Each film has so many pictures of so many microseconds.
PICTURES, STEP_US = 8, 250_000
LENGTH_US = PICTURES * STEP_US
CAUSES = ("network", "power", "storage", "camera", "operator", "clock", "process")
SITE = """site: {site}
name: 春江社区第 2 投票站
timezone: Asia/Shanghai
jurisdiction: cn-default
polling:
  station: 330122-014-02
  township: 城南街道
  village: 春江社区
  windows:
    - {{phase: voting, from: 2026-12-12T06:30:00+08:00, until: 2026-12-12T20:00:00+08:00}}
cameras:
  - id: {camera}
    url: "rtsp://admin:${{secret:hall}}@10.0.0.5/1"
    name: 投票箱与通道
    frame: [1280, 720]
    recording: {{keep_days: 45}}
    zones:
      - {{id: booth, type: privacy_mask, polygon: [[0.02, 0.30], [0.22, 0.30], [0.22, 0.92], [0.02, 0.92]]}}
"""


@cache
def film(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A segment as the recorder writes them: fragmented MP4, half a second a fragment; no two are alike."""
    out = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "500000"}
    with av.open(out, "w", "mp4", options=options) as target:
        target.metadata["comment"] = json.dumps({"t0": float(number)})
        stream = target.add_stream("libx264", rate=4, options={"preset": "ultrafast", "g": "8", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        rng = np.random.default_rng(number)
        for one in range(PICTURES):
            picture = np.full((size[1], size[0], 3), 40 + 20 * one, np.uint8)
            picture[:, : int(rng.integers(4, size[0] // 2))] = rng.integers(0, 255, 3)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        target.mux(stream.encode(None))
    return out.getvalue()


@dataclass
class Book:
    """The office's ledger: entries in their order, and what proves that one is there."""

    key: OKPKey
    lines: list[bytes] = field(default_factory=list)
    published: int = 0
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)

    def enter(self, kind: str, **entry: Any) -> int:
        line = canonical({"kind": kind} | entry)
        for level, index, digest in completed(len(self.lines), leaf_hash(line), self._at):
            self.nodes[level, index] = digest
        self.lines.append(line)
        return len(self.lines) - 1

    def entries(self, places: list[int]) -> list[dict[str, Any]]:
        return [json.loads(self.lines[place]) for place in places]

    def publish(self, at: datetime) -> None:
        self.published = len(self.lines)
        self.heads.append(sign_head(self.published, root(self.published, self._at), at, self.key).as_line())

    def files(self, places: list[int], at: datetime) -> dict[str, bytes]:
        """The ledger's files of an archive that proves these entries, as central makes them."""
        size = len(self.lines)
        head = sign_head(size, root(size, self._at), at, self.key)
        way = [step.hex() for step in consistency_proof(self.published, size, self._at)]
        old = json.loads(self.heads[-1])
        proven = [
            bundle.Proven(place=place, line=self.lines[place].decode(),
                          path=[step.hex() for step in inclusion_proof(place, size, self._at)])
            for place in sorted(set(places))
        ]  # fmt: skip
        return {
            bundle.OFFICE_KEY: json.dumps(public_jwk(self.key), sort_keys=True).encode(),
            bundle.HEAD: head.raw,
            bundle.HEAD_SEAL: head.jws.encode(),
            bundle.PUBLISHED: bundle.Published(head=old["head"], jws=old["jws"], path=way).model_dump_json().encode(),
            bundle.ENTRIES: bundle.Entries(entries=proven).model_dump_json().encode(),
        }

    def _at(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


@dataclass
class World:
    """A box, an office, a camera's hour, and what central holds of it."""

    folder: Path
    office: OKPKey
    box: OKPKey
    wanted: Wanted
    blocks: list[Block]
    deleted: list[Deleted]
    request: Request
    site: bytes
    segments: dict[str, Path]
    absent: dict[str, str]
    made_at: datetime
    looks: list[Look]
    watched: list[dict[str, Any]] = field(default_factory=list)

    def book(
        self, events: list[SealedEvent], box: OKPKey | None = None, office: OKPKey | None = None
    ) -> tuple[Book, list[int]]:
        """The ledger that has these events, and the places of all that an archive proves."""
        key, edge = box or self.box, self.wanted.edge_id
        book, places = Book(office or self.office), []
        for _ in range(3):
            book.enter("case", case="20261211-0001", action="opened")
        at = moment(self.request.asked_at - timedelta(days=30))
        places.append(book.enter("key", kid=thumbprint(key), edge=edge, jwk=public_jwk(key), at=at))
        book.publish(self.request.asked_at - timedelta(days=1))
        for one in events:
            sha256, data = sha256_hex(one.raw), json.loads(one.raw)
            places.append(book.enter("event", id=data["id"], edge=edge, type=data["type"], sha256=sha256,
                                     chain=data["data"]["chain"], jws_sha256=sha256_hex(one.jws.encode()),
                                     kid=thumbprint(key), at=at))  # fmt: skip
            book.enter("view", case="20261211-0001")
        for number, one in enumerate(self.watched):
            camera = {"edge": edge, "camera": self.wanted.camera_id, "site": "s", "watch": f"w{number // 2}"}
            places.append(book.enter("watch", id=number, **camera, **one))
        ask, what = self.request, self.request.wanted.model_dump()
        places.append(book.enter("approval", request=ask.key, id=1, at=moment(ask.asked_at), by=ask.asked_by, action="asked",
                                 detail={"kind": "recording", "what": what, "reason": ask.reason}))  # fmt: skip
        places.append(book.enter("approval", request=ask.key, id=2, at=moment(ask.approved_at), by=ask.approved_by,
                                 action="approved", detail={"note": ""}))  # fmt: skip
        return book, places

    def events(self, box: OKPKey | None = None) -> list[SealedEvent]:
        """The blocks and deletions as the box seals and sends them."""
        made = [(EventType.RECORDING_BLOCK, one) for one in self.blocks]
        made += [(EventType.RECORDING_DELETED, one) for one in self.deleted]
        source, found, prev = f"/edge/{self.wanted.edge_id}/camera/{self.wanted.camera_id}", [], GENESIS
        for seq, (kind, data) in enumerate(made):
            event = new_event(kind, source, self.made_at, data)
            chain = {"chain": {"id": "c1", "seq": seq, "prev": prev}, "camera_seq": seq}
            raw = serialise(event.model_copy(update={"data": event.data | chain}))
            prev = sha256_hex(raw)
            found.append(SealedEvent(raw, sign_detached(raw, box or self.box)))
        return found

    def parts(self) -> Parts:
        events = self.events()
        book, places = self.book(events)
        self.heads.write_text("".join(f"{line}\n" for line in book.heads))
        return Parts(
            request=self.request, events=events, sites=[(0, self.site)], segments=self.segments, absent=self.absent,
            ledger=book.files(places, self.made_at), made_at=self.made_at, looks=self.looks,
        )  # fmt: skip

    @property
    def heads(self) -> Path:
        return self.folder / "heads.jsonl"

    @property
    def trust(self) -> Trust:
        return Trust(thumbprint(self.office), self.heads)

    def archive(self, name: str = "recording.zip") -> Path:
        path = self.folder / name
        with path.open("wb") as target:
            write_archive(target, self.parts(), self.office)
        return path


def world(folder: Path, seed: int, films: int = 0) -> World:
    """A random hour: `films` segments, or as many as the seed says."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    camera, edge, site = f"hall-{seed % 3 + 1}", f"box-{seed % 5}", "chunjiang-polling-02"
    laid, at = _laid(rng, films or rng.randint(6, 14)), datetime(2026, 12, 20, 9, 0, tzinfo=UTC)
    segments: dict[str, Path] = {}
    for one in laid:
        if isinstance(one, Recorded):
            path = folder / f"{one.sha256}.mp4"
            path.write_bytes(film(int(one.name)))
            segments[one.sha256] = path
    raw = SITE.format(site=site, camera=camera).encode()
    blocks = _blocks(rng, laid, edge, camera, site, sha256_hex(raw))
    inner = [one for one in laid if isinstance(one, Recorded)]
    first = laid[0].start_us + rng.choice((0, 0, 700_000))
    blocks, last = _asked_for(rng, blocks, first)
    wanted = Wanted(edge_id=edge, camera_id=camera, from_us=first, until_us=last - rng.choice((0, 0, 300_000)))
    deleted, absent = [], {}
    if rng.random() < 0.4:
        gone = rng.choice(inner[: max(1, sum(one.end_us <= last for one in inner))])
        span = {"from_us": gone.start_us, "until_us": gone.end_us}
        deleted.append(Deleted(edge_id=edge, camera_id=camera, why="disk_full", segments=[gone.sha256], **span))
        absent[gone.sha256] = "disk_full"
        segments.pop(gone.sha256)
    request = Request(
        key=f"F20261220-{seed % 90 + 1:02d}", wanted=wanted, reason="选举争议：第 3 号票箱", asked_by="li", asked_at=at,
        approved_by="wang", approved_at=at + timedelta(hours=1),
    )  # fmt: skip
    watched: list[dict[str, Any]] = []
    for n in range(rng.randint(0, 3)):
        when, detail = (
            at - timedelta(days=1, minutes=10 * n),
            rng.choice(({"quality": "main"}, {"from_us": first, "pace": 2})),
        )
        watched.append({"at": moment(when), "by": rng.choice(("li", "zhao")), "action": "begin", "detail": detail})
        ended = {"why": "left", "pictures": 99, "lost": 0}
        watched.append({"at": moment(when + timedelta(minutes=2)), "by": "li", "action": "end", "detail": ended})
    looks = [
        Look(at + timedelta(minutes=n), rng.choice(("li", "zhao")), "recording handed out")
        for n in range(rng.randint(0, 4))
    ]
    return World(
        folder, new_key(), new_key(), wanted, blocks, deleted, request, raw,
        segments, absent, at + timedelta(hours=2), looks, watched,
    )  # fmt: skip


def of_blocks(folder: Path, blocks: list[Block], segments: dict[str, Path], site: bytes) -> World:
    """What a real recorder wrote, from its first block to its last."""
    folder.mkdir(parents=True, exist_ok=True)
    first, at = blocks[0], datetime.now(UTC)
    wanted = Wanted(
        edge_id=first.edge_id, camera_id=first.camera_id, from_us=first.from_us, until_us=blocks[-1].until_us
    )
    request = Request(key="F20261220-01", wanted=wanted, reason="选举争议", asked_by="li", asked_at=at, approved_by="wang",
                      approved_at=at)  # fmt: skip
    return World(folder, new_key(), new_key(), wanted, blocks, [], request, site, segments, {}, at, [])


def _asked_for(rng: random.Random, blocks: list[Block], first: int) -> tuple[list[Block], int]:
    """The blocks of a span that ends with one of them, and what later ones say of it; the span's end."""
    end = rng.randint((len(blocks) + 1) // 2, len(blocks))
    while end < len(blocks) and len(segments_of(blocks[:end], first, blocks[end - 1].until_us)) < 4:
        end += 1
    last = blocks[end - 1].until_us
    later = [one for one in blocks[end:] if any(late.start_us < last and first < late.end_us for late in one.late)]
    return [*blocks[:end], *later], last


def _laid(rng: random.Random, films: int) -> list[Recorded | Missing]:
    at, laid = BEGIN + rng.randrange(0, 3600) * S, list[Recorded | Missing]()
    base = rng.randrange(0, 40)
    for number in range(films):
        raw = film(base + number)
        laid.append(Recorded(start_us=at, end_us=at + LENGTH_US, name=str(base + number), sha256=sha256_hex(raw), bytes=len(raw),
                             pictures=PICTURES, masked=True))  # fmt: skip
        at += LENGTH_US
        if 1 <= number < films - 1 and rng.random() < 0.3:
            end = at + rng.randint(200_000, 5 * S)
            laid.append(Missing(start_us=at, end_us=end, cause=rng.choice(CAUSES), detail=rng.choice(("", "no route"))))
            at = end
    return laid


def _blocks(
    rng: random.Random, laid: list[Recorded | Missing], edge: str, camera: str, site: str, version: str
) -> list[Block]:
    """Blocks of some entries each; what is late was told as a gap, or at another time, and is put right by a later one."""
    groups, number = list[list[Recorded | Missing]](), rng.choice((0, 7, 1440))
    while laid:
        count = rng.randint(1, 4)
        groups.append(laid[:count])
        laid = laid[count:]
    blocks, late, prev = list[Block](), list[Recorded | Missing](), GENESIS if number == 0 else "ab" * 32
    for place, group in enumerate(groups):
        told, due = list(group), late
        late = []
        if place + 1 < len(groups) and rng.random() < 0.25:
            moved = next((one for one in told if isinstance(one, Recorded)), None)
            if moved is not None:
                told[told.index(moved)] = Missing(start_us=moved.start_us, end_us=moved.end_us, cause="network")
                late = [moved.model_copy(update={"origin": "camera_store"})]
        block = Block(
            edge_id=edge, camera_id=camera, site=site, site_version=version, number=number + place, prev=prev, from_us=group[0].start_us,
            until_us=group[-1].end_us, recorded=[one for one in told if isinstance(one, Recorded)],
            missing=[one for one in told if isinstance(one, Missing)], late=due, clock="rtcp",
        )  # fmt: skip
        blocks.append(block)
        prev = hash_of(block)
    return blocks


__all__ = ["BEGIN", "LENGTH_US", "Book", "S", "World", "film", "of_blocks", "world"]
