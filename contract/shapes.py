"""Points, lines and polygons of a site file: pixels of the camera's frame, or all of them shares of it in 0..1."""

from typing import Annotated, Any

from pydantic import Field

Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-100_000, le=100_000)]
Point = tuple[Coordinate, Coordinate]
Polygon = Annotated[list[Point], Field(min_length=3, max_length=200)]
Line = tuple[Point, Point]
_SHAPES = frozenset({"polygon", "carriageway", "refuge", "stop_line", "centre_line", "roi", "image"})


def scaled(value: Any, width: int, height: int, key: str = "") -> Any:
    """`value` with every shape whose values all lie in 0..1 multiplied up to pixels."""
    if isinstance(value, dict):
        return {name: scaled(inner, width, height, name) for name, inner in value.items()}
    if key in _SHAPES and _is_share(value):
        return [[x * width, y * height] for x, y in value]
    if key == "towards" and _is_share([value]):
        return [value[0] * width, value[1] * height]
    if isinstance(value, list) and key not in _SHAPES:
        return [scaled(inner, width, height) for inner in value]
    return value


def _is_share(points: Any) -> bool:
    if not isinstance(points, list) or not points:
        return False
    pairs = all(isinstance(point, list | tuple) and len(point) == 2 for point in points)
    return pairs and all(
        isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= 1
        for point in points
        for number in point
    )


__all__ = ["Coordinate", "Line", "Point", "Polygon", "scaled"]
