"""Privacy masks in the camera (ONVIF Media2, GetMasks ff.): put there from the site file, and seen to be there.

No WSDL of Media2 comes with the package that brings the others, so these few questions are written out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from edge.onvif.device import Device
from edge.onvif.errors import NotThere, OnvifError
from edge.onvif.fitting import Corner, Limits
from edge.onvif.reading import plain

MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
_TT: Final = "http://www.onvif.org/ver10/schema"
#: Black in the YCbCr that ONVIF means by default.
_BLACK: Final = {"X": "0", "Y": "0", "Z": "0"}


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask of a camera: corners in -1..1, y upwards."""

    token: str
    corners: tuple[Corner, ...]
    enabled: bool


def limits(device: Device) -> Limits:
    """What the camera allows. Raises OnvifError; NotThere for one without masks by ONVIF."""
    said = device.say(MEDIA2, _asked("GetMaskOptions", ConfigurationToken=_source(device)))
    found = said.first("Options")
    if found is None:
        raise NotThere(f"{device.name}: has no masks that can be set by ONVIF - set them on its own page")
    return Limits(
        masks=_number(said.text("MaxMasks"), 0),
        corners=_number(said.text("MaxPoints"), 4),
        rectangles=(found.get("RectangleOnly") or "").lower() in {"true", "1"},
    )


def masks(device: Device) -> list[Mask]:
    """Those that it has. Raises OnvifError."""
    said = device.say(MEDIA2, _asked("GetMasks", ConfigurationToken=_source(device)))
    return [_mask(one) for one in said.every("Masks")]


def put(device: Device, drawn: Sequence[Sequence[Corner]]) -> None:
    """Have the camera hide `drawn` (its own coordinates) and nothing else: new masks first, as far as there is room.

    Raises OnvifError; then as much is hidden as before, or more.
    """
    source, old = _source(device), masks(device)
    allowed = limits(device).masks
    if len(drawn) > allowed:
        raise OnvifError(f"{device.name}: takes {allowed} masks, not {len(drawn)} - join some, or use masks: edge")
    room = allowed - len(old)
    for corners in drawn:
        if room > 0:
            room -= 1
            device.say(MEDIA2, _made("CreateMask", source, corners))
        else:
            device.say(MEDIA2, _made("SetMask", source, corners, old.pop(0).token))
    for one in old:
        device.say(MEDIA2, _asked("DeleteMask", Token=one.token))


def _source(device: Device) -> str:
    """The video source configuration that the first profile shows."""
    if not device.has(MEDIA2):
        raise NotThere(f"{device.name}: has no Media2 service - set the masks on its own page")
    said = device.say(MEDIA2, _asked("GetVideoSourceConfigurations"))
    found = said.first("Configurations")
    if found is None or not found.get("token"):
        raise NotThere(f"{device.name}: names no video source - set the masks on its own page")
    return str(found.get("token"))


def _asked(operation: str, **words: str) -> Any:
    asked = etree.Element(f"{{{MEDIA2}}}{operation}", nsmap={"tr2": MEDIA2, "tt": _TT})
    for name, value in words.items():
        etree.SubElement(asked, f"{{{MEDIA2}}}{name}").text = value
    return asked


def _made(operation: str, source: str, corners: Sequence[Corner], token: str | None = None) -> Any:
    asked = _asked(operation)
    mask = etree.SubElement(asked, f"{{{MEDIA2}}}Mask", {} if token is None else {"token": token})
    etree.SubElement(mask, f"{{{MEDIA2}}}ConfigurationToken").text = source
    polygon = etree.SubElement(mask, f"{{{MEDIA2}}}Polygon")
    for x, y in corners:
        etree.SubElement(polygon, f"{{{_TT}}}Point", {"x": f"{x:.5f}", "y": f"{y:.5f}"})
    etree.SubElement(mask, f"{{{MEDIA2}}}Type").text = "Color"
    etree.SubElement(mask, f"{{{MEDIA2}}}Color", _BLACK)
    etree.SubElement(mask, f"{{{MEDIA2}}}Enabled").text = "true"
    return asked


def _mask(element: Any) -> Mask:
    corners: list[Corner] = []
    enabled = False
    for one in element.iter():
        name = plain(one.tag) if isinstance(one.tag, str) else ""
        if name == "Point":
            corners.append((_share(one.get("x")), _share(one.get("y"))))
        elif name == "Enabled":
            enabled = (one.text or "").strip().lower() in {"true", "1"}
    return Mask(element.get("token", ""), tuple(corners), enabled)


def _share(said: str | None) -> float:
    try:
        return float(said or "")
    except ValueError:
        return 0.0


def _number(said: str | None, otherwise: int) -> int:
    return int(said) if said and said.isascii() and said.isdigit() else otherwise


__all__ = ["MEDIA2", "Mask", "limits", "masks", "put"]
