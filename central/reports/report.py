"""A report: what became of the captures of some days, and how long it took, from one look at the figures of cases.

Every part is summed from the same rows, so that parts are the whole: each capture has one outcome, lies in one step, is
of one camera and rule. What was decided is counted on the day of the capture, not of the decision.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Integer, cast, func, literal, select
from sqlalchemy.orm import Session

from central.db.learning import CaseFact
from central.reports.ask import Ask, Step
from central.reports.facts import APPROVED, CANCELLED, EXPIRED, OUTCOMES, REJECTED, as_of
from central.sites.areas import EVERYWHERE, within
from central.workflow.table import SYSTEM

#: Times are told in tenths of an hour, and kept no finer here. Seconds.
TENTH_S: Final = 360.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the capture to the decision that stands, to a tenth of an hour, of `n` decided; None of none."""

    n: int = 0
    median_s: float | None = None
    p90_s: float | None = None


@dataclass(slots=True)
class Counts:
    """Captures by outcome; `asked` of them were questions (`needs_human`), whatever became of them."""

    outcomes: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    times: Times = Times()

    @property
    def captures(self) -> int:
        """All of them."""
        return self.outcomes.total()

    def add(self, outcome: str, asked: bool, count: int) -> None:
        """Put `count` more in."""
        self.outcomes[outcome] += count
        self.asked += count if asked else 0


@dataclass(frozen=True, slots=True)
class PersonLine:
    """What one person did: no times, no shares and no rank.

    Of those `approved` at the second look some were `cancelled` on appeal or `expired` later: they stand in both.
    """

    name: str
    passed: int
    approved: int
    cancelled: int
    expired: int
    rejected: int


@dataclass(slots=True)
class Report:
    """`cameras` goes by (site, camera id, rule), `steps` by the key of each step, empty ones too.

    `lapsed` are those of the expired ones that two people had approved before.
    """

    ask: Ask
    as_of: datetime | None
    total: Counts = field(default_factory=Counts)
    steps: dict[int, Counts] = field(default_factory=dict)
    rules: dict[str, Counts] = field(default_factory=dict)
    cameras: dict[tuple[str, str, str], Counts] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    people: list[PersonLine] | None = None
    lapsed: int = 0

    @property
    def ever_approved(self) -> int:
        """Approved by two people, whatever became of it later."""
        return self.total.outcomes[APPROVED] + self.total.outcomes[CANCELLED] + self.lapsed


def report(session: Session, ask: Ask, *, people: bool = False) -> Report:
    """The report of `ask`; with `people` what each of them did."""
    _one_view(session)
    made = Report(ask, as_of(session), steps={key: Counts() for key in ask.steps()})
    _count_steps(session, ask, made)
    _count_cameras(session, ask, made)
    _time(session, ask, made)
    if people:
        made.people = _people(session, ask)
    return made


def _one_view(session: Session) -> None:
    """All queries of a report see the same moment; SQLite's transactions do anyway."""
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _step(ask: Ask) -> ColumnElement[int]:
    match ask.step:
        case Step.DAY:
            return CaseFact.day.expression
        case Step.WEEK:
            return CaseFact.week.expression
        case Step.MONTH:
            return _whole(CaseFact.day.expression, 100)


def _whole(value: ColumnElement[int], by: int) -> ColumnElement[int]:
    """Whole numbers divide to whole numbers on both databases; SQLAlchemy's own division would make fractions."""
    return value.op("/", return_type=Integer())(literal(by))


def _asked() -> ColumnElement[bool]:
    return CaseFact.verdict == "needs_human"


def _count_steps(session: Session, ask: Ask, made: Report) -> None:
    step, asked = _step(ask).label("step"), _asked().label("asked")
    # Who decided stands in an expired one only where it had been approved.
    approved = CaseFact.decided_at.is_not(None).label("approved")
    columns = (step, CaseFact.outcome, CaseFact.reason, asked, approved)
    query = select(*columns, func.count()).where(*ask.conditions()).group_by(*columns)
    for key, outcome, reason, is_asked, was_approved, count in session.execute(query):
        made.steps[int(key)].add(outcome, is_asked, count)
        made.total.add(outcome, is_asked, count)
        made.lapsed += count if outcome == EXPIRED and was_approved else 0
        if outcome == REJECTED:
            made.reasons[reason or "R16"] += count


def _count_cameras(session: Session, ask: Ask, made: Report) -> None:
    columns = (CaseFact.site, CaseFact.camera_id, CaseFact.rule, CaseFact.outcome, _asked().label("asked"))
    query = select(*columns, func.count()).where(*ask.conditions()).group_by(*columns)
    for site, camera, rule, outcome, asked, count in session.execute(query.order_by(*columns[:3])):
        made.cameras.setdefault((site, camera, rule), Counts()).add(outcome, asked, count)
        made.rules.setdefault(rule, Counts()).add(outcome, asked, count)


def _time(session: Session, ask: Ask, made: Report) -> None:
    """From one histogram in tenths of an hour: what is shown is exact to its last digit, and no time is ever sorted."""
    step, tenths = _step(ask).label("step"), cast(func.round(CaseFact.decision_s / TENTH_S), Integer).label("tenths")
    columns = (step, CaseFact.rule, tenths)
    decided = [*ask.conditions(), CaseFact.decision_s.is_not(None)]
    query = select(*columns, func.count()).where(*decided).group_by(*columns)
    whole: Counter[int] = Counter()
    steps: dict[int, Counter[int]] = {}
    rules: dict[str, Counter[int]] = {}
    for key, rule, tenth, count in session.execute(query):
        for part in (whole, steps.setdefault(int(key), Counter()), rules.setdefault(rule, Counter())):
            part[int(tenth)] += count
    made.total.times = times_of(whole)
    for key, found in steps.items():
        made.steps[key].times = times_of(found)
    for rule, found in rules.items():
        made.rules[rule].times = times_of(found)


def times_of(tenths: Counter[int]) -> Times:
    """Median and p90 by nearest rank: the smallest time that at least half, or nine of ten, did not exceed."""
    n, seen = tenths.total(), 0
    median = p90 = None
    for tenth, count in sorted(tenths.items()):
        seen += count
        if median is None and seen * 2 >= n:
            median = tenth * TENTH_S
        if p90 is None and seen * 10 >= n * 9:
            p90 = tenth * TENTH_S
    return Times(n, median, p90)


def _people(session: Session, ask: Ask) -> list[PersonLine]:
    """By name: the order of an alphabet says nothing of anybody."""
    columns = (CaseFact.first_by, CaseFact.decided_by, CaseFact.outcome)
    passed: Counter[str] = Counter()
    decided: dict[str, Counter[str]] = {}
    for first, last, outcome, count in session.execute(
        select(*columns, func.count()).where(*ask.conditions()).group_by(*columns)
    ):
        if first is not None:
            passed[first] += count
        if last is not None and last != SYSTEM:
            decided.setdefault(last, Counter())[outcome] += count
    return [_person(name, passed[name], decided.get(name, Counter())) for name in sorted({*passed, *decided})]


def _person(name: str, passed: int, decided: Counter[str]) -> PersonLine:
    rejected = decided[REJECTED]
    return PersonLine(name, passed, decided.total() - rejected, decided[CANCELLED], decided[EXPIRED], rejected)


def choices(session: Session, areas: frozenset[str] = EVERYWHERE) -> tuple[list[str], list[str]]:
    """Sites and cameras of `areas` that a report can be narrowed to."""
    query = select(CaseFact.site, CaseFact.camera_id).where(*within(CaseFact.site, areas)).distinct().limit(2000)
    rows = session.execute(query.order_by(CaseFact.site, CaseFact.camera_id)).all()
    return _distinct(site for site, _ in rows), _distinct(camera for _, camera in rows)


def _distinct(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


__all__ = ["APPROVED", "OUTCOMES", "Counts", "PersonLine", "Report", "Times", "choices", "report"]
