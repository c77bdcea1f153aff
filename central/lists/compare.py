"""The second look at a vehicle: what was seen beside what the register says of its plate (domain B5, guard of 复审).

Colours are compared where both sides name one that is known; a type is compared by its class only, because the words of
registers are finer than a camera's. What cannot be compared is left to the eye, and says so.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from central.db.lists import CURRENT, ListImport, RegisterVehicle
from central.lists.kinds import REGISTER
from central.tickets.views import RegisterCard, RegisterLine
from contract.events import Vehicle
from contract.exempt import plain

#: Colours of a register, by the letters and words of public vehicle registers (GA/T 16.8 as quoted, unverified).
_COLOURS = {
    "white": ("A", "白", "white"),
    "gray": ("B", "灰", "银", "gray", "grey", "silver"),
    "yellow": ("C", "黄", "yellow", "gold"),
    "pink": ("D", "粉", "pink"),
    "red": ("E", "红", "red"),
    "purple": ("F", "紫", "purple"),
    "green": ("G", "绿", "green"),
    "blue": ("H", "蓝", "blue"),
    "brown": ("I", "棕", "褐", "brown"),
    "black": ("J", "黑", "black"),
}
#: Classes of a camera, by the first letters of type codes (GA/T 16.4 as commonly quoted, unverified) and by words.
_TYPES = {
    "car": ("K2", "K3", "K4", "轿车", "小型客车", "小型普通客车", "越野", "微型", "car", "saloon", "suv", "van"),
    "bus": ("K1", "大型客车", "中型客车", "公交", "大型普通客车", "bus", "coach"),
    "truck": ("H", "Q", "货车", "牵引", "truck", "lorry"),
    "motorcycle": ("M", "摩托", "motorcycle", "moped"),
}


def card(session: Session, vehicle: Vehicle) -> RegisterCard:
    """What stands in the register of the plate of `vehicle`, beside what was seen of it."""
    there = select(ListImport.id).where(ListImport.kind == REGISTER, ListImport.state == CURRENT)
    if session.execute(there.limit(1)).first() is None:
        return RegisterCard(state="none")
    if vehicle.plate is None:
        return RegisterCard(state="unread")
    plate = plain(vehicle.plate)
    query = (
        select(RegisterVehicle)
        .join(ListImport, ListImport.id == RegisterVehicle.import_id)
        .where(RegisterVehicle.plate == plate, ListImport.state == CURRENT)
        .order_by(RegisterVehicle.plate_type)
    )
    rows = list(session.execute(query).scalars())
    rows = [row for row in rows if row.plate_type == vehicle.plate_type] or rows
    if not rows:
        return RegisterCard(state="unlisted", plate=plate)
    return RegisterCard(state="found", plate=plate, lines=[line for row in rows for line in _lines(vehicle, row)])


def _lines(vehicle: Vehicle, row: RegisterVehicle) -> list[RegisterLine]:
    return [
        RegisterLine(
            what="type",
            seen=vehicle.class_,
            book=row.vehicle_type,
            same=_same(vehicle.class_, row.vehicle_type, _TYPES),
        ),
        RegisterLine(what="color", seen=vehicle.color, book=row.color, same=_same(vehicle.color, row.color, _COLOURS)),
    ]


def _same(seen: str | None, book: str, words: dict[str, tuple[str, ...]]) -> bool | None:
    """Whether the register's word means what was seen; None when either is not one that is known."""
    meant = {name for name, known in words.items() if any(_means(book, word) for word in known)}
    aliases = {"grey": "gray", "silver": "gray"}
    said = aliases.get(seen, seen) if seen else None
    return said in meant if meant and said in words else None


def _means(book: str, word: str) -> bool:
    """Codes are letters at the beginning, words may stand anywhere; several colours are written one after the other."""
    if word.isascii() and word[0].isupper():
        return book.upper().startswith(word) if len(book) <= 3 else False
    return word in book.lower()


__all__ = ["card"]
