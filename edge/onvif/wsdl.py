"""The services of ONVIF as their WSDL describes them, read once a process and shared by all cameras.

The files are those that the package `onvif-zeep` brings. Its own client is not used: importing it sets up logging and
takes proxies out of the environment, and its constructor leaves a subscription behind at every camera.
"""

from functools import cache
from importlib.metadata import files
from threading import Lock
from typing import Any, Final

from zeep import Settings
from zeep.transports import Transport
from zeep.wsdl import Document

#: Cameras depart from the schema in what they answer; entities and files of elsewhere are never read.
SETTINGS: Final = Settings(strict=False, forbid_entities=True, forbid_external=True)
DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
EVENTS: Final = "http://www.onvif.org/ver10/events/wsdl"
MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
PTZ: Final = "http://www.onvif.org/ver20/ptz/wsdl"
_FILES: Final = {DEVICE: "devicemgmt.wsdl", EVENTS: "events.wsdl", MEDIA: "media.wsdl", PTZ: "ptz.wsdl"}
_reading = Lock()


def document(namespace: str) -> Any:
    """The parsed WSDL of a service. Raises KeyError for a service that is none of ours."""
    with _reading:
        return _read(_FILES[namespace])


@cache
def _read(name: str) -> Any:
    found = next(one for one in files("onvif-zeep") or () if one.parts == ("wsdl", name))
    return Document(str(found.locate()), Transport(), settings=Settings(strict=False))


__all__ = ["DEVICE", "EVENTS", "MEDIA", "PTZ", "SETTINGS", "document"]
