"""How often a camera was right, as the people who looked have decided: counts, shares and Wilson's intervals.

Only an outright accusation (`candidate`) whose decision is final counts. A question (`needs_human`) is an abstention
whatever was answered; what the system set aside, what expired unseen and what waits say nothing of the machine.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from central.clock import office_now
from central.db.learning import CaseFact
from central.reports.facts import APPROVED, CANCELLED, EXPIRED, REJECTED, SET_ASIDE, WAITING
from central.tickets.reasons import against_camera

#: A decision can be taken back for ten seconds; after this it is final on every clock of ours.
FINAL_AFTER: Final = timedelta(seconds=60)
Z95: Final = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `n`, with the bounds of Wilson's 95 % interval; all three None where n is 0."""

    right: int
    n: int
    share: float | None
    low: float | None
    high: float | None


def wilson(right: int, n: int, z: float = Z95) -> Share:
    """The score interval of a share (Wilson 1927)."""
    if n == 0:
        return Share(0, 0, None, None, None)
    p = right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Share(right, n, p, max(0.0, middle - half), min(1.0, middle + half))


def never_above(right: int, n: int, doubt: float = 0.025) -> float:
    """The upper bound of a share that holds at every look at once, however often one looks.

    The chance that it ever falls below the true share is at most `doubt` (Ville's inequality for Robbins' mixture
    with a uniform prior); the bound of Wilson's interval has that chance at each look.
    """
    if right >= n:
        return 1.0
    mixed = math.lgamma(right + 1) + math.lgamma(n - right + 1) - math.lgamma(n + 2)
    low, high = right / n, 1.0
    for _ in range(50):
        p = (low + high) / 2
        ruled_out = mixed - right * math.log(p) - (n - right) * math.log1p(-p) >= -math.log(doubt)
        low, high = (low, p) if ruled_out else (p, high)
    return high


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the cases under one `key` (a camera and rule, an hour...). Their sum is every case under it.

    `alone` of the `wrong` ones are what one person says beyond all that the others say together.
    """

    key: tuple[Any, ...]
    right: int = 0
    wrong: int = 0
    unclear: int = 0
    asked: int = 0
    set_aside: int = 0
    expired: int = 0
    waiting: int = 0
    alone: int = 0

    @property
    def precision(self) -> Share:
        """Right among outright accusations that people have decided."""
        return wilson(self.right, self.right + self.wrong)

    @property
    def judged_by(self) -> int:
        """Decisions that the floor goes by: no person's word weighs more than that of all others together."""
        return self.right + self.wrong - self.alone

    @property
    def at_most(self) -> float:
        """What the precision is at most, if all that nobody has decided yet, or in time, were right.

        One person rejects at once, and it takes two and some days to approve: what is decided first is worse than the
        camera.
        """
        undecided = self.waiting + self.expired
        return never_above(self.right + undecided, self.judged_by + undecided)


_FIELDS = {
    APPROVED: "right", REJECTED: "wrong", CANCELLED: "wrong", SET_ASIDE: "set_aside", EXPIRED: "expired",
    WAITING: "waiting",
}  # fmt: skip
CAMERA: Final = (CaseFact.edge_id, CaseFact.camera_id, CaseFact.rule)
HOUR: Final = (CaseFact.hour,)


def tallies(
    session: Session, key: Sequence[Any], conditions: Iterable[ColumnElement[bool]] = (), at: datetime | None = None
) -> list[Tally]:
    """A tally for each value of the columns `key`, in their order. `at` (default: now) is when they are final."""
    moment = (at or office_now()) - FINAL_AFTER
    final = CaseFact.decided_at.is_not(None) & (CaseFact.decided_at <= moment)
    columns = (*key, CaseFact.outcome, CaseFact.verdict, CaseFact.reason, final.label("final"))
    query = select(*columns, func.count()).where(*conditions).group_by(*columns)
    found: dict[tuple[Any, ...], Tally] = {}
    for *names, outcome, verdict, reason, done, count in session.execute(query):
        tally = found.setdefault(tuple(names), Tally(tuple(names)))
        field = _field(outcome, verdict, reason, bool(done))
        found[tally.key] = replace(tally, **{field: getattr(tally, field) + count})
    return sorted(found.values(), key=lambda one: one.key)


def _field(outcome: str, verdict: str, reason: str | None, final: bool) -> str:
    field = _FIELDS[outcome]
    if field in {"right", "wrong"}:
        if not final:
            return "waiting"
        if verdict == "needs_human":
            return "asked"
        return "unclear" if field == "wrong" and not against_camera(reason) else field
    return field


def judged_alone(session: Session, found: Sequence[Tally], conditions: Iterable[ColumnElement[bool]]) -> list[Tally]:
    """The tallies of CAMERA again, with what one person `alone` says against each camera."""
    moment = office_now() - FINAL_AFTER
    who = func.coalesce(CaseFact.cancelled_by, CaseFact.decided_by)
    query = (
        select(*CAMERA, CaseFact.reason, who, func.count())
        .where(CaseFact.outcome.in_((REJECTED, CANCELLED)), CaseFact.verdict == "candidate")
        .where(CaseFact.decided_at <= moment, *conditions)
        .group_by(*CAMERA, CaseFact.reason, who)
    )
    said: dict[tuple[Any, ...], Counter[str]] = {}
    for *key, reason, name, count in session.execute(query):
        if against_camera(reason):
            said.setdefault(tuple(key), Counter())[name] += count
    return [replace(one, alone=_alone(said.get(one.key, Counter()))) for one in found]


def _alone(by: Counter[str]) -> int:
    most = max(by.values(), default=0)
    return max(0, 2 * most - by.total())


def reasons(session: Session, conditions: Iterable[ColumnElement[bool]] = ()) -> list[tuple[str, int]]:
    """(code, count) of final rejections of outright accusations, most frequent first."""
    moment = office_now() - FINAL_AFTER
    query = (
        select(CaseFact.reason, func.count())
        .where(CaseFact.outcome == REJECTED, CaseFact.verdict == "candidate", CaseFact.decided_at <= moment)
        .where(CaseFact.reason.is_not(None), *conditions)
        .group_by(CaseFact.reason)
    )
    return sorted(((str(code), count) for code, count in session.execute(query)), key=lambda one: (-one[1], one[0]))


__all__ = [
    "CAMERA",
    "FINAL_AFTER",
    "HOUR",
    "Share",
    "Tally",
    "judged_alone",
    "never_above",
    "reasons",
    "tallies",
    "wilson",
]
