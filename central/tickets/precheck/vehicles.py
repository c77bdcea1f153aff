"""What central's books say of the plate: can it exist, does a list name it, do others have the matter already."""

from collections.abc import Iterator

from central.lists.kinds import ON_SITE, PLATES, REPORTS
from central.lists.known import NEAR, Found
from central.tickets.precheck.profiles import profile_of
from central.tickets.views import Check
from contract.errors import ConfigError
from contract.events import Vehicle
from contract.exempt import plain
from contract.plates import PlateSchema, load_plates


def of_schema(vehicle: Vehicle, jurisdiction: str) -> Check:
    """Whether the plate can stand on a vehicle of that jurisdiction, and whether its colour and type agree with it."""
    schema = _schema(jurisdiction)
    if vehicle.plate is None:
        return Check(name="schema", ok=None, detail="the plate was not read")
    if schema is None:
        return Check(name="schema", ok=None, detail="no schema of plates is known here", form="none")
    text = plain(vehicle.plate)
    kinds = schema.fitting(text)
    if not kinds:
        said = f"{text} can stand on no plate of {schema.name}"
        return Check(name="schema", ok=False, detail=said, figures=[text, schema.name])
    if vehicle.plate_color and not any(vehicle.plate_color in kind.colours for kind in kinds):
        said = f"no such plate is {vehicle.plate_color}"
        return Check(name="schema", ok=False, detail=said, figures=[vehicle.plate_color], form="colour")
    codes = {kind.code for kind in kinds}
    if vehicle.plate_type and None not in codes and vehicle.plate_type not in codes:
        said = f"no such plate is of type {vehicle.plate_type}"
        return Check(name="schema", ok=False, detail=said, figures=[vehicle.plate_type], form="type")
    return Check(name="schema", ok=True, detail=f"a plate of {schema.name}", figures=[schema.name])


def of_lists(found: Found | None) -> Iterator[Check]:
    """Lists of plates, matters handled on the spot, public reports. None: the plate was not read."""
    yield _plates(found)
    for kind, name in ((ON_SITE, "on_site"), (REPORTS, "reports")):
        yield _handled(found, kind, name)


def _plates(found: Found | None) -> Check:
    if found is None:
        return Check(name="lists", ok=None, detail="the plate was not read")
    there = sorted(found.asked & PLATES.keys())
    if not there:
        return Check(name="lists", ok=None, detail="no list of plates was taken in", form="none")
    if named := [kind for kind, _ in found.entries]:
        return Check(name="lists", ok=False, detail=f"it stands on: {', '.join(named)}", figures=named)
    if old := [kind for kind in there if not found.knows(kind)]:
        said = f"on none, but these end before that moment or say not when: {', '.join(old)}"
        return Check(name="lists", ok=None, detail=said, figures=old, form="old")
    return Check(name="lists", ok=True, detail=f"on none of {', '.join(there)}", figures=there)


def _handled(found: Found | None, kind: str, name: str) -> Check:
    if found is None:
        return Check(name=name, ok=None, detail="the plate was not read")
    if kind not in found.asked:
        return Check(name=name, ok=None, detail="no such list was taken in", form="none")
    records = found.of(kind)
    if records:
        numbers = [one.number or "-" for one in records]
        said = f"{len(records)} of that plate at that time: {', '.join(numbers)}"
        return Check(name=name, ok=False, detail=said, figures=[str(len(records)), ", ".join(numbers)])
    if elsewhere := found.unplaced(kind):
        places = ", ".join(dict.fromkeys(one.site or "-" for one in elsewhere))
        said = f"{len(elsewhere)} of that plate at that time, at a place that is not known here: {places}"
        return Check(name=name, ok=None, detail=said, figures=[str(len(elsewhere)), places], form="place")
    if not found.knows(kind, NEAR):
        said = "none of that plate, but what was taken in ends before that time or says not when"
        return Check(name=name, ok=None, detail=said, form="old")
    return Check(name=name, ok=True, detail="none of that plate at that time")


def _schema(jurisdiction: str) -> PlateSchema | None:
    profile = profile_of(jurisdiction)
    try:
        return load_plates(profile.plate_schema) if profile else None
    except ConfigError:
        return None


__all__ = ["of_lists", "of_schema"]
