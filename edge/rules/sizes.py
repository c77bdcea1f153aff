"""How large things of a class are where nothing better is known (domain section C2), in metres."""

from dataclasses import dataclass

from edge.frames import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK


@dataclass(frozen=True, slots=True)
class Size:
    """Length along the heading, width across it, height above the road; metres."""

    length: float
    width: float
    height: float


#: Lengths and widths of vehicles as in domain C2; a person is 1.7 m tall; the other heights are everyday values.
SIZES = {
    PERSON: Size(0.5, 0.5, 1.7),
    BICYCLE: Size(1.8, 0.6, 1.1),
    MOTORCYCLE: Size(2.0, 0.7, 1.2),
    CAR: Size(4.5, 1.8, 1.5),
    BUS: Size(11.0, 2.5, 3.1),
    TRUCK: Size(7.5, 2.4, 3.0),
}


def size_of(kind: int) -> Size:
    """The size of an index into `edge.frames.CLASSES`."""
    return SIZES[kind]
