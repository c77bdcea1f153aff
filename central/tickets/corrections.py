"""What a person reads otherwise than the machine: plate, type, colour. What the machine read stays beside it.

Two people vouch for the same vehicle. What the second one reads otherwise therefore goes back to the first look.
"""

from typing import Final

from sqlalchemy.orm import Session

from central.accounts.service import SignedInUser
from central.db.cases import PLATE_LENGTH, Case
from central.tickets import decisions, showing
from central.tickets.errors import Unfit
from central.tickets.precheck.profiles import counted_by
from central.tickets.words import text_of
from central.workflow.said import Named
from contract.exempt import plain
from contract.plates import load_plates

#: What a vehicle can be said to be (the classes of the detector) and which colour it can have.
TYPES: Final = ("car", "bus", "truck", "motorcycle", "bicycle")
COLOURS: Final = (
    "white", "gray", "black", "red", "blue", "green", "yellow", "brown", "pink", "purple", "orange",
)  # fmt: skip


def correct(session: Session, number: str, version: int, user: SignedInUser, field: str, said: str) -> Case:
    """`field` (plate | type | color) is what `said` says. In the second look the case goes back to the first with it.

    Raises CaseMissing, Conflict, NotAllowed, or Unfit for a plate that none can be, without a look, too late, and in a
    state that is past it.
    """
    row = decisions.opened(session, number, version, user)
    value = _held(row, field, text_of(said, "correction").strip())
    before = _value(showing.vehicle_of(session, row), field)
    if value == before:
        raise Unfit(f"the {field} is {value} already", "correct.same", field=Named("correct", (field,)))
    if field == "plate":
        row.plate = value
    if field == "type":
        row.vehicle_class = value
    decisions.correct(session, row, user, field, value, before)
    return row


def _held(row: Case, field: str, value: str) -> str:
    if field == "type":
        return _one_of(value, TYPES, "type")
    if field == "color":
        return _one_of(value, COLOURS, "colour")
    if field != "plate":
        raise Unfit(f"there is no {field[:20]!r} to correct - plate, type or color", "correct.field")
    plate = plain(value)
    profile = counted_by(row.jurisdiction)
    if len(plate) > PLATE_LENGTH or not load_plates(profile.plate_schema).holds(plate):
        english = f"{value[:40]!r} is no plate of {profile.name} - reject the case where it cannot be read (R01)"
        raise Unfit(english, "correct.plate", plate=value[:40])
    return plate


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        english = f"{value[:40]!r} is no {what} - choose one of {', '.join(known)}"
        kind = {"type": "vehicle", "colour": "color"}[what]
        raise Unfit(english, "correct.one_of", value=value[:40], known=Named(kind, known))
    return value


def _value(vehicle: object, field: str) -> str | None:
    found = getattr(vehicle, {"type": "class_"}.get(field, field))
    return str(found) if found is not None else None


__all__ = ["COLOURS", "TYPES", "correct"]
