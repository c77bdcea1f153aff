"""What the jurisdiction makes of a rule's decision: where a camera may judge, which facts decide, who is exempt.

A rule says what happened on the road; this says what may follow from it here. A decision leaves as it came, as one that
asks a person, or as one that accuses nobody - always with the reason, and with every fact that the table names: what
a live source told of it, or `unknown`. Nothing is guessed: a plate that nobody read is on no list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from contract.events import UNKNOWN, FactSaid, Rule
from contract.exempt import ExemptList
from contract.facts import FactRow, FactsTable, Source, Told
from contract.profile import Profile, UnknownFact
from contract.site import Camera, Zone
from edge.rules.decision import Decision, Number, Outcome, Question


@dataclass(frozen=True, slots=True)
class Law:
    """What holds at a site: profile, the table of facts as that profile wants it, lists, first day of enforcement."""

    profile: Profile
    table: FactsTable
    exempt: Sequence[ExemptList] = ()
    enforcing_since: date | None = None

    def of_plate(self, rule: str, plate: str, day: date) -> dict[str, FactSaid]:
        """What the lists say of a plate read after the decision: whoever is on one is for a person to judge."""
        facts = {}
        for row in self.table.facts:
            lists = [one for one in self.exempt if one.name == row.fact]
            if lists and rule in row.rules:
                listed = any(one.holds(plate, day) for one in lists)
                sources = [str(one) for one in row.sources]
                value = "yes" if listed else "no"
                facts[row.fact] = FactSaid(value=value, sources=sources, ask=listed, question=row.question)
        return facts


class Policy:
    """The law of one camera's site, applied to decisions in the order in which they are made."""

    def __init__(self, law: Law, camera: Camera, zone_info: ZoneInfo, wall: Callable[[float], datetime]) -> None:
        """`wall` gives the aware wall clock of a stream second; days are those of `zone_info`."""
        self._law = law
        self._zones = {zone.id: zone for zone in camera.zones}
        self._zone_info = zone_info
        self._wall = wall
        self._accused: set[str] = set()

    def judged(self, decision: Decision) -> Decision:
        """The decision as the jurisdiction lets it stand. Who is accused is told the end as well, whatever comes."""
        if decision.outcome is Outcome.CLOSED and decision.passage in self._accused:
            self._accused.discard(decision.passage)
            return decision
        if decision.outcome not in {Outcome.VIOLATION, Outcome.CLOSED}:
            return decision
        zone, day = self._zones[decision.zone_id], self._day(decision)
        facts = self._facts(decision, zone, day)
        against = self._against(zone, facts)
        if against is not None:
            name, reason = against
            return replace(decision, outcome=Outcome.SUPPRESSED, suppression=(name,), reason=reason, facts=facts)
        if decision.outcome is Outcome.VIOLATION and decision.rule == Rule.ILLEGAL_PARKING:
            self._accused.add(decision.passage)
        numbers = {**decision.numbers, **self._warning(day)}
        return replace(decision, facts=facts, unknown=_asked(decision, facts), numbers=numbers)

    def _day(self, decision: Decision) -> date:
        moment = decision.trigger or decision.last
        return self._wall(moment.t).astimezone(self._zone_info).date()

    def _facts(self, decision: Decision, zone: Zone, day: date) -> dict[str, FactSaid]:
        """Every fact of the table that concerns this decision."""
        asked = {question.fact: question for question in decision.unknown}
        facts = {}
        for row in self._law.table.concerning(decision.rule, zone.signal != "none", asked):
            value = self._value(row, decision, day)
            ask = row.fact in asked or row.told.get(value) is Told.ASK
            ask = ask or (value == UNKNOWN and row.unknown is UnknownFact.ASKS)
            question = asked[row.fact].question if row.fact in asked else row.question
            facts[row.fact] = FactSaid(
                value=value, sources=[str(one) for one in row.sources], ask=ask, question=question
            )
        return facts

    def _value(self, row: FactRow, decision: Decision, day: date) -> str:
        """What a live source told of a fact; `unknown` when none did."""
        if row.fact in decision.told:
            return decision.told[row.fact]
        if decision.plate:
            told = self._law.of_plate(decision.rule, decision.plate, day).get(row.fact)
            return told.value if told else UNKNOWN
        return UNKNOWN

    def _against(self, zone: Zone, facts: Mapping[str, FactSaid]) -> tuple[str, str] | None:
        """(word for the books, sentence) of what keeps this from being an accusation here, None when nothing does."""
        if not self._law.profile.allows(zone):
            marked = f" marked {zone.marking}" if zone.marking else ""
            return "jurisdiction", f"{self._law.profile.id} lets no camera judge a zone of type {zone.type}{marked}"
        for fact, said in facts.items():
            row = self._law.table.row(fact)
            if row is None:
                continue
            if row.told.get(said.value) is Told.SUPPRESS:
                return fact, f"{fact} is {said.value}: {row.law}"
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


def _asked(decision: Decision, facts: Mapping[str, FactSaid]) -> tuple[Question, ...]:
    """The rule's own questions, then those that the table adds."""
    own = {question.fact for question in decision.unknown}
    added = [
        Question(fact, said.question, tuple(one for one in said.sources if one != Source.REVIEWER))
        for fact, said in facts.items()
        if said.ask and fact not in own
    ]
    return (*decision.unknown, *added)


__all__ = ["Law", "Policy"]
