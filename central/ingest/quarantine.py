"""What was refused is kept for a person to look at, within limits: a flood must not fill the disk."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.db.events import Quarantine
from central.ingest.admit import Message
from contract.events import now
from contract.sealing import sha256_hex

#: Of a message longer than this only the beginning is kept; its size and SHA-256 are those of the whole.
MAX_KEPT = 65_536
_MAX_JWS = 4096


def keep(session: Session, message: Message, reason: str, most: int) -> bool:
    """Keep the message with its reason, or count it when the same bytes are here; False when `most` rows are full."""
    digest, topic = sha256_hex(message.raw), _text(message.topic, 300)
    query = select(Quarantine).where(Quarantine.sha256 == digest, Quarantine.topic == topic).with_for_update()
    row = session.execute(query).scalar_one_or_none()
    if row is not None:
        row.seen, row.last_at, row.reason = row.seen + 1, now(), reason[:500]
        return True
    if session.execute(select(func.count()).select_from(Quarantine)).scalar_one() >= most:
        return False
    moment = now()
    session.add(
        Quarantine(
            topic=topic,
            payload=message.raw[:MAX_KEPT],
            size=len(message.raw),
            sha256=digest,
            jws=_text(message.jws, _MAX_JWS) if message.jws else None,
            reason=reason[:500],
            seen=1,
            first_at=moment,
            last_at=moment,
        )
    )
    session.flush()
    return True


def _text(value: str, most: int) -> str:
    return value.replace("\x00", "")[:most].encode("utf-8", "replace").decode()
