"""What the jurisdiction makes of a rule's decision: where a camera may judge, which facts decide, who is exempt.

A rule says what happened on the road; this says what may follow from it here. A decision leaves as it came, as one that
asks a person, or as one that accuses nobody - always with the reason, and with every fact that the table names: what
a live source told of it, or `unknown`. Nothing is guessed: a plate that nobody read is on no list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from contract.events import UNKNOWN, FactSaid, Rule
from contract.exempt import ExemptList
from contract.facts import FactRow, FactsTable, Source, Told
from contract.profile import Profile, UnknownFact
from contract.site import Camera, Zone
from contract.statement import Statement
from edge.rules.decision import Decision, Number, Outcome, Question
from edge.rules.testimony import Accused, Heard, light, weigh

SIGNAL = "signal_state"


@dataclass(frozen=True, slots=True)
class PlateTells:
    """What follows from a plate that was read after the decision: facts, and those that keep the case from review."""

    facts: Mapping[str, FactSaid] = field(default_factory=dict)
    suppression: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """What holds at a site: profile, the table of facts as that profile wants it, lists, first day of enforcement."""

    profile: Profile
    table: FactsTable
    exempt: Sequence[ExemptList] = ()
    enforcing_since: date | None = None

    def of_plate(self, accused: Accused, statements: Sequence[Statement] = ()) -> PlateTells:
        """What the plate of a vehicle tells that is accused already; nothing of one that nobody read.

        The decision stands sealed and is not taken back. What would have suppressed it, had the plate been known, is
        told as suppression, so that the case does not come to review (domain B5: no hard suppression there) and the
        owner of an exempt vehicle hears of nothing. A plate that was not read surely asks a person instead.
        """
        facts: dict[str, FactSaid] = {}
        if accused.plate is None:
            return PlateTells()
        for row in self.table.concerning(accused.rule, False, {}):
            named = any(said.fact == row.fact and said.plate for said in statements)
            if row.about == "vehicle" and (named or any(one.name == row.fact for one in self.exempt)):
                heard = weigh(row, accused, [said for said in statements if said.plate], self.exempt)
                if heard != Heard():
                    facts[row.fact] = _spoken(row, heard)
        hard = (fact for fact, said in facts.items() if self.suppresses(fact, said.value))
        return PlateTells(facts, tuple(hard))

    def suppresses(self, fact: str, value: str) -> bool:
        """Whether nobody is accused of whom this is told."""
        row = self.table.row(fact)
        return row is not None and row.told.get(value) is Told.SUPPRESS


class Policy:
    """The law of one camera's site, applied to decisions in the order in which they are made."""

    def __init__(self, law: Law, camera: Camera, zone_info: ZoneInfo, wall: Callable[[float], datetime]) -> None:
        """`wall` gives the true time, aware, of a stream second; days are those of `zone_info`."""
        self._law = law
        self._zones = {zone.id: zone for zone in camera.zones}
        self._zone_info = zone_info
        self._wall = wall
        self._accused: set[str] = set()

    def judged(self, decision: Decision, statements: Sequence[Statement] = ()) -> Decision:
        """The decision as the jurisdiction lets it stand. Who is accused is told the end as well, whatever comes.

        `statements` is what was said to the box of this camera, of whatever time.
        """
        if decision.outcome is Outcome.CLOSED and decision.passage in self._accused:
            self._accused.discard(decision.passage)
            return decision
        if decision.outcome not in {Outcome.VIOLATION, Outcome.CLOSED}:
            return decision
        zone, accused = self._zones[decision.zone_id], self._who(decision)
        asked = {question.fact: question.question for question in decision.unknown}
        rows = self._law.table.concerning(decision.rule, zone.signal != "none", asked)
        heard = {row.fact: self._heard(row, decision, accused, statements) for row in rows}
        facts = {row.fact: _spoken(row, heard[row.fact], asked.get(row.fact)) for row in rows}
        against = self._against(zone, facts)
        if against is not None:
            name, reason = against
            return replace(decision, outcome=Outcome.SUPPRESSED, suppression=(name,), reason=reason, facts=facts)
        if decision.outcome is Outcome.VIOLATION and decision.rule == Rule.ILLEGAL_PARKING:
            self._accused.add(decision.passage)
        numbers = {**decision.numbers, **self._warning(accused.day)}
        reason = ". ".join([decision.reason, *(one.doubt.rstrip(".") for one in heard.values() if one.doubt)])
        return replace(decision, facts=facts, unknown=_asked(decision, facts), numbers=numbers, reason=reason)

    def _who(self, decision: Decision) -> Accused:
        trigger = decision.trigger or decision.last
        first, decisive, last = (self._wall(one.t) for one in (decision.first, trigger, decision.last))
        day = decisive.astimezone(self._zone_info).date()
        return Accused(decision.rule, decision.zone_id, first, decisive, last, day, decision.plate)

    def _heard(self, row: FactRow, decision: Decision, accused: Accused, statements: Sequence[Statement]) -> Heard:
        """What a live source told of a fact; `unknown` when none did."""
        told = decision.told.get(row.fact)
        if row.fact == SIGNAL:
            return light(accused, told, statements) if told else Heard()
        if told:
            return Heard(told, Source.OBJECTS)
        return weigh(row, accused, statements, self._law.exempt)

    def _against(self, zone: Zone, facts: Mapping[str, FactSaid]) -> tuple[str, str] | None:
        """(word for the books, sentence) of what keeps this from being an accusation here, None when nothing does."""
        if not self._law.profile.allows(zone):
            marked = f" marked {zone.marking}" if zone.marking else ""
            return "jurisdiction", f"{self._law.profile.id} lets no camera judge a zone of type {zone.type}{marked}"
        for fact, said in facts.items():
            row = self._law.table.row(fact)
            if row is None:
                continue
            if self._law.suppresses(fact, said.value):
                return fact, f"{fact} is {said.value}{_who_said(said)}: {row.law}"
            if said.value == UNKNOWN and row.unknown is UnknownFact.BLOCKS:
                return fact, f"nobody could tell {fact}, and {self._law.profile.id} accuses nobody without it"
        return None

    def _warning(self, day: date) -> dict[str, Number]:
        """Whether only a warning may go out, where the jurisdiction begins with a time of warnings."""
        profile = self._law.profile
        if profile.warning_days is None and profile.warning_until is None:
            return {}
        until = profile.warns_until(self._law.enforcing_since)
        if until is None:
            return {"warning_only": UNKNOWN, "warning_until": UNKNOWN}
        return {"warning_only": day <= until, "warning_until": until.isoformat()}


def _spoken(row: FactRow, heard: Heard, own: str | None = None) -> FactSaid:
    """A fact as an event says it; `own` is the question that the rule itself asks about it."""
    ask = own is not None or bool(heard.doubt) or row.told.get(heard.value) is Told.ASK
    ask = ask or (heard.value == UNKNOWN and row.unknown is UnknownFact.ASKS)
    return FactSaid(
        value=heard.value,
        sources=[str(one) for one in row.sources],
        ask=ask,
        question=f"{heard.doubt} {own or row.question}".strip(),
        source=heard.source,
        by=heard.by,
        at=heard.at,
    )


def _who_said(said: FactSaid) -> str:
    return f", said by {said.by}" if said.by else ""


def _asked(decision: Decision, facts: Mapping[str, FactSaid]) -> tuple[Question, ...]:
    """The rule's own questions, then those that the table adds."""
    own = {question.fact for question in decision.unknown}
    added = [
        Question(fact, said.question, tuple(one for one in said.sources if one != Source.REVIEWER))
        for fact, said in facts.items()
        if said.ask and fact not in own
    ]
    return (*decision.unknown, *added)


__all__ = ["Law", "PlateTells", "Policy"]
