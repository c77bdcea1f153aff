"""What sources told of one fact, weighed for one decision: lists of plates, and what people and devices said.

What was said of a place holds for everyone there at the decisive instant. What was said of a vehicle holds for the one
whose plate was named, when its plate is known. Anything less is a doubt: the value stays `unknown`, and a person is
asked with the words of who said it. Times are true time, aware; nothing here knows a clock or a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from contract.events import UNKNOWN, Clock
from contract.exempt import ExemptList, plain
from contract.facts import FactRow, Source
from contract.statement import Statement


@dataclass(frozen=True, slots=True)
class Accused:
    """Who is to be judged, where and when. `sure`: the plate is certain, to its last character."""

    rule: str
    zone_id: str
    first: datetime
    trigger: datetime
    last: datetime
    day: date
    plate: str | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a fact, and from whom. `doubt` is what was said and does not prove the value: a sentence."""

    value: str = UNKNOWN
    source: str | None = None
    by: str | None = None
    at: datetime | None = None
    doubt: str = ""


def weigh(row: FactRow, accused: Accused, statements: Sequence[Statement], lists: Sequence[ExemptList]) -> Heard:
    """What the lists and the statements tell of the fact of `row`. A list that names the plate comes first."""
    listed = _listed(row, accused, lists)
    if listed is not None and listed.value != "no":
        return listed
    said = _said(row, accused, statements)
    return said or listed or Heard()


def light(accused: Accused, state: str, statements: Sequence[Statement]) -> Heard:
    """A signal's `state` at the decisive instant, with who told it: a device, else the file of boxes."""
    told = [one for one in statements if one.fact == "signal_state" and one.zone_id == accused.zone_id]
    before = [one for one in told if one.valid_from <= accused.trigger and one.value == state]
    if not before:
        return Heard(state, Source.OBJECTS)
    newest = max(before, key=lambda one: one.valid_from)
    return Heard(state, Source.MQTT, newest.by, newest.valid_from)


def true_time(at: datetime, clock: Clock) -> datetime:
    """The true time of an instant that a camera's clock tells, as far as its offset is known."""
    return at if clock.offset_ms is None else at - timedelta(milliseconds=clock.offset_ms)


def _listed(row: FactRow, accused: Accused, lists: Sequence[ExemptList]) -> Heard | None:
    mine = [one for one in lists if one.name == row.fact]
    if not mine or not accused.plate:
        return None
    listed = any(one.holds(accused.plate, accused.day) for one in mine)
    if accused.sure:
        return Heard("yes" if listed else "no", Source.PLATE_LIST)
    doubt = f"The plate was read as {accused.plate}, not surely, and that is on the list {row.fact}."
    return Heard(source=Source.PLATE_LIST, doubt=doubt) if listed else None


def _said(row: FactRow, accused: Accused, statements: Sequence[Statement]) -> Heard | None:
    if Source.MQTT not in row.sources:
        return None
    here = [one for one in statements if one.fact == row.fact and one.zone_id in {None, accused.zone_id}]
    here = [one for one in here if one.overlaps(accused.first, accused.last) and not _of_another(one, accused)]
    sure = [one for one in here if one.holds(accused.trigger) and (row.about == "place" or _of_this(one, accused))]
    values = {one.value for one in sure}
    if len(values) == 1:
        newest = max(sure, key=lambda one: one.valid_from)
        return Heard(newest.value, Source.MQTT, newest.by, newest.valid_from)
    weighty = [one for one in here if one.value in row.told]
    if not weighty:
        return None
    newest = max(weighty, key=lambda one: one.valid_from)
    others = [one for one in sure if one.value != newest.value]
    doubt = _words(newest) + (f" {_words(others[0])}" if others else "")
    return Heard(source=Source.MQTT, by=newest.by, at=newest.valid_from, doubt=doubt)


def _of_this(said: Statement, accused: Accused) -> bool:
    named, known = said.plate, accused.plate
    return bool(named and known) and accused.sure and plain(str(named)) == plain(str(known))


def _of_another(said: Statement, accused: Accused) -> bool:
    """Whether it names the plate of a vehicle that this one surely is not."""
    named, known = said.plate, accused.plate
    return bool(named and known) and accused.sure and plain(str(named)) != plain(str(known))


def _words(said: Statement) -> str:
    """`duty-7 said of 沪A·B1234 that emergency_on_task is yes, from 10:00:05 to 10:02:00 +0800.`"""
    until = f" to {said.valid_until:%H:%M:%S}" if said.valid_until else ""
    whom = f" of {said.plate}" if said.plate else ""
    zone = f"{said.valid_from:%z}"
    return f"{said.by} said{whom} that {said.fact} is {said.value}, from {said.valid_from:%H:%M:%S}{until} {zone}."


__all__ = ["Accused", "Heard", "light", "true_time", "weigh"]
