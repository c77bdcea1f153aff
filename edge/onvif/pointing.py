"""Where a camera's head points (ONVIF PTZ, GetStatus): at a polling station it is not to be turned."""

from dataclasses import dataclass

from edge.onvif.device import Device
from edge.onvif.errors import NotThere
from edge.onvif.wsdl import MEDIA, PTZ


@dataclass(frozen=True, slots=True)
class Pointing:
    """Pan and tilt in -1..1, zoom in 0..1, in the camera's own generic spaces."""

    pan: float
    tilt: float
    zoom: float

    def turned(self, other: "Pointing") -> float:
        """By how much it points elsewhere than `other`: the largest difference of an axis."""
        return max(abs(self.pan - other.pan), abs(self.tilt - other.tilt), abs(self.zoom - other.zoom))


def pointing(device: Device) -> Pointing | None:
    """Where it points; None for a camera that cannot be turned, or does not tell. Raises OnvifError."""
    if not device.has(PTZ) or not device.has(MEDIA):
        return None
    try:
        profile = device.read(MEDIA, "GetProfiles").first("Profiles")
        token = None if profile is None else profile.get("token")
        if not token:
            return None
        said = device.read(PTZ, "GetStatus", ProfileToken=token)
    except NotThere:
        return None
    found = said.number("PanTilt", "x"), said.number("PanTilt", "y"), said.number("Zoom", "x")
    pan, tilt, zoom = (value or 0.0 for value in found)
    return None if all(value is None for value in found) else Pointing(pan, tilt, zoom)


__all__ = ["Pointing", "pointing"]
