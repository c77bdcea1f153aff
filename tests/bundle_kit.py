"""A central with decided cases whose pictures and clips are real, and bundles of them: what the forgery tests forge."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import av
import cv2
import numpy as np
from central_kit import AT, CAMERA, Box, approved, decision, ended, intake_of, key_of, open_db, person, violation
from joserfc.jwk import OKPKey

from central.accounts import service as accounts
from central.accounts.service import SignedInUser
from central.credentials.signer import ContentSigner, content_signer
from central.db.database import Database
from central.ledger.keeper import Keeper
from central.ledger.key import office_key
from central.media import service as media_service
from central.media.folder import FolderStore
from contract.events import EventType, Image, Manifest, Video
from contract.sealing import sha256_hex, thumbprint
from sightline.evidence.export import Office, export
from sightline.evidence.verify import Trust

SIZE = (320, 180)


@dataclass
class Bureau:
    """The office: its database, store, key and published heads, one box, two officers."""

    folder: Path
    db: Database
    store: FolderStore
    box: Box
    key: OKPKey
    officer: SignedInUser
    second: SignedInUser
    signer: ContentSigner
    cases: list[str] = field(default_factory=list)

    @property
    def heads(self) -> Path:
        return self.folder / "heads.jsonl"

    @property
    def office(self) -> Office:
        return Office(self.db, self.store, self.key, signer=self.signer)

    @property
    def trust(self) -> Trust:
        return Trust(thumbprint(self.key), self.heads)

    def case(self, approve: bool = True, film: bytes | None = None, stills: list[bytes] | None = None) -> str:
        """A parking case with three stills and a clip, looked at and decided; its number."""
        number = len(self.cases)
        files = [*(stills or [still(number * 4 + one) for one in range(3)]), film or clip(number)]
        messages = [
            decision(self.box, violation(f"p{number}")),
            self.box.say(EventType.MANIFEST, manifest(f"p{number}", files)),
            self.box.say(EventType.CLOSED, ended(f"p{number}")),
        ]
        assert [one.outcome for one in intake_of(self.db).take(messages)] == ["stored"] * 3
        for raw in files:
            self.keep(raw)
        name = f"{AT:%Y%m%d}-{number + 1:04d}"
        self.cases.append(name)
        with self.db.write() as session:
            accounts.log_view(session, self.officer, name)
            accounts.log_view(session, self.officer, name, sha256_hex(files[0]))
        if approve:
            approved(self.db, name, self.officer, self.second)
        return name

    def keep(self, raw: bytes) -> None:
        """Bytes as a box uploads them."""

        async def once() -> AsyncIterator[bytes]:
            yield raw

        name = sha256_hex(raw)
        asyncio.run(self.store.receive(name, self.box.edge_id, 0, len(raw), once()))
        media_service.enter(self.db, name, len(raw), self.box.edge_id)

    def publish(self) -> None:
        """Enter everything and publish the day's head."""
        Keeper(self.db, self.key, self.heads).round()

    def bundle(self, case: str, target: Path) -> Path:
        export(self.office, case, self.officer.name, target)
        return target


def bureau(folder: Path) -> Bureau:
    """An office with one enrolled box and no case."""
    folder.mkdir(parents=True, exist_ok=True)
    db = open_db(folder)
    box = Box()
    box.enrol(db)
    officer = person(db)
    with db.read() as session:
        key = office_key(session, folder / "office.jwk")
    signer = content_signer(folder / "c2pa.pem", "Traffic office", None, db)
    store = FolderStore(folder / "media", 10_000_000)
    return Bureau(folder, db, store, box, key, officer, person(db, "wang"), signer)


def still(seed: int) -> bytes:
    """A small JPEG that no other seed gives."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    x, y = int(rng.integers(20, 200)), int(rng.integers(20, 100))
    cv2.rectangle(picture, (x, y), (x + 90, y + 50), tuple(int(v) for v in rng.integers(0, 255, 3)), -1)
    cv2.putText(picture, str(seed), (10, 170), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def clip(seed: int, frames: int = 12) -> bytes:
    """A small H.264 clip, one keyframe in four."""
    out = io.BytesIO()
    with av.open(out, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=12, options={"preset": "ultrafast", "g": "4", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(frames):
            picture = cv2.imdecode(np.frombuffer(still(seed * 4), np.uint8), cv2.IMREAD_COLOR)
            cv2.circle(picture, (20 + 20 * number, 40), 12, (0, 0, 255), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def manifest(passage: str, files: list[bytes]) -> Manifest:
    # Small pictures forge as well as large ones; what a law asks for of their size is told, or every case would be held.
    moments = [("first", 10.0), ("spacing", 25.0), ("trigger", 190.0)]
    images = [
        Image(
            role="far",
            moment=moment,
            t=t,
            at=AT + timedelta(seconds=t - 10),
            w=1280,
            h=720,
            sha256=sha256_hex(raw),
            bytes=len(raw),
        )
        for (moment, t), raw in zip(moments, files, strict=False)
    ]
    film = files[-1]
    video = Video(t0=5.0, t1=6.0, at0=AT, fps=12.0, codec="h264", w=SIZE[0], h=SIZE[1], sha256=sha256_hex(film),
                  bytes=len(film))  # fmt: skip
    return Manifest(case_key=key_of(passage), edge_id="edge-01", camera_id=CAMERA, images=images, video=video)


def copied(source: Path, target: Path) -> Path:
    """A copy of an office's folder, for a forger to work in."""
    shutil.copytree(source, target)
    return target
