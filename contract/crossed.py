"""Shapes of a camera that cannot be what was meant: polygons that cross themselves, lines that are points."""

from collections.abc import Iterator

from shapely import Polygon as ShapelyPolygon
from shapely.validation import explain_validity

from contract.shapes import Line, Point
from contract.site import Camera


def crossings(camera: Camera) -> Iterator[tuple[str, str]]:
    """(path, why) of every polygon that is no simple area and every line that is a point; paths from the camera."""
    for path, polygon in _polygons(camera):
        shape = ShapelyPolygon(polygon)
        if not shape.is_valid:
            yield path, f"crosses itself or is flat ({explain_validity(shape)}) - redraw it"
        elif shape.area < 16:
            yield path, f"covers only {shape.area:.0f} square pixels - redraw it larger"
    for path, (first, last) in _drawn_lines(camera):
        if first == last:
            yield path, "begins and ends at one point - draw it from side to side"


def _drawn_lines(camera: Camera) -> Iterator[tuple[str, Line]]:
    for index, zone in enumerate(camera.zones):
        if zone.centre_line:
            yield f"zones.{index}.centre_line", zone.centre_line
        for number, lane in enumerate(zone.lanes):
            if lane.stop_line:
                yield f"zones.{index}.lanes.{number}.stop_line", lane.stop_line


def _polygons(camera: Camera) -> Iterator[tuple[str, list[Point]]]:
    for index, lane in enumerate(camera.lanes):
        yield f"lanes.{index}.polygon", lane.polygon
    for index, zone in enumerate(camera.zones):
        yield f"zones.{index}.polygon", zone.polygon
        if zone.carriageway:
            yield f"zones.{index}.carriageway", zone.carriageway
        if zone.refuge:
            yield f"zones.{index}.refuge", zone.refuge
        for number, lane in enumerate(zone.lanes):
            yield f"zones.{index}.lanes.{number}.polygon", lane.polygon


__all__ = ["crossings"]
