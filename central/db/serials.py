"""Serial numbers of a day: counted on without a gap by whoever commits, one after the other."""

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from central.db.cases import CaseNumber


def following(session: Session, letter: str, day: str) -> int:
    """The next serial of `letter` on `day` (YYYYMMDD). The day's counter is locked until the commit."""
    name = letter + day[len(letter) :]  # a counter's name has eight signs
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # Two who are the first of the day: the second waits for the first one's commit, and counts on.
    session.execute(insert(CaseNumber).values(day=name, last=0).on_conflict_do_nothing())
    counted = update(CaseNumber).where(CaseNumber.day == name).values(last=CaseNumber.last + 1)
    return session.execute(counted.returning(CaseNumber.last)).scalar_one()


__all__ = ["following"]
