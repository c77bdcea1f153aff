"""Whether the rules can work with a site file: what only shows when its polygons are laid on the road.

`contract.sitefile` checks each key and each shape; this checks them together, before a camera is opened.
"""

from collections.abc import Iterator

from contract.errors import SiteError
from contract.site import Camera, ZoneType
from contract.sitefile import line_of
from edge.judgement import Place
from edge.rules.ground import plane_of
from edge.rules.yielding import YieldRule


def require_fit(place: Place) -> None:
    """Lay the ground and the crosswalks of a camera. Raises SiteError with file and line when they cannot be."""
    cameras = place.site_file.site.cameras
    index = next(number for number, camera in enumerate(cameras) if camera.id == place.camera.id)
    for key, why in _misfits(place.profile.completed(place.camera)):
        path = place.site_file.path
        raise SiteError(f"{path}:{line_of(path, ('cameras', index, *key))}  {why}")


def _misfits(camera: Camera) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key below the camera, sentence) of what does not fit."""
    try:
        plane = plane_of(camera)
    except ValueError as error:
        yield ("ground",), str(error)
        return
    for number, zone in enumerate(camera.zones):
        if zone.type is ZoneType.CROSSWALK:
            try:
                YieldRule(camera, zone, plane)
            except ValueError as error:
                yield ("zones", number), f"camera {camera.id}: {error}"


__all__ = ["require_fit"]
