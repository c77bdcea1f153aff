"""How often somebody may fail before having to wait. Kept in the database, so that every replica counts together."""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from central.db.accounts import Attempt

WINDOW = timedelta(minutes=15)


def network(address: str) -> str:
    """What an address counts as: itself, or for IPv6 its network of 64 bits, which one customer has all of."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ip_network((known, 64), strict=False))
    return str(known)


def failures(session: Session, key: str, now: datetime) -> int:
    """Failures of `key` within the window."""
    query = select(func.count()).select_from(Attempt).where(Attempt.key == key[:200], Attempt.at > now - WINDOW)
    return session.execute(query).scalar_one()


def failed(session: Session, key: str, now: datetime) -> None:
    """Remember one failure."""
    session.add(Attempt(key=key[:200], at=now))


def forgive(session: Session, key: str) -> None:
    """A success takes the failures of `key` away."""
    session.execute(delete(Attempt).where(Attempt.key == key[:200]))


def sweep(session: Session, now: datetime) -> None:
    """Forget failures that limit nobody any more."""
    session.execute(delete(Attempt).where(Attempt.at <= now - WINDOW))
