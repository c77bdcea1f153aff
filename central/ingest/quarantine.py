"""What was refused is kept for a person to look at, within limits: a flood must not fill the disk."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from central.db.events import Quarantine
from central.ingest.admit import Message
from contract.events import now
from contract.sealing import sha256_hex

#: Of a message longer than this only the beginning is kept; its size and SHA-256 are those of the whole.
MAX_KEPT = 65_536
_MAX_JWS = 4096
_MAX_TOPIC = 300


def keep(session: Session, message: Message, reason: str, most: int) -> bool:
    """Keep the message with its reason, or count it when the same bytes are here; False when `most` rows are full."""
    digest, topic = sha256_hex(message.raw), _text(message.topic, _MAX_TOPIC)
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


def whole(message: Message) -> bool:
    """Whether all of the message is kept where it is kept."""
    return len(message.raw) <= MAX_KEPT


def listed(session: Session, edge_id: str | None = None, limit: int = 100) -> Sequence[Quarantine]:
    """The messages kept, the latest first; with `edge_id` those sent under the topics of that box."""
    query = select(Quarantine).order_by(Quarantine.last_at.desc(), Quarantine.id.desc()).limit(limit)
    if edge_id is not None:
        query = query.where(Quarantine.topic.startswith(f"sightline/v1/{edge_id}/", autoescape=True))
    return session.execute(query).scalars().all()


def found(session: Session, number: int) -> Quarantine | None:
    """The entry of that number, locked until the end of the transaction; None where there is none."""
    query = select(Quarantine).where(Quarantine.id == number).with_for_update()
    return session.execute(query).scalar_one_or_none()


def message_of(row: Quarantine) -> Message | None:
    """The message as it was received, None when only its beginning was kept."""
    if row.size > len(row.payload) or sha256_hex(row.payload) != row.sha256:
        return None
    return Message(row.topic, row.payload, row.jws)


def _text(value: str, most: int) -> str:
    return value.replace("\x00", "")[:most].encode("utf-8", "replace").decode()
