"""Decoding by the machine's own video unit where the settings ask for it; by software where that fails, said once."""

import logging
import threading
from typing import Literal

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.error import FFmpegError

Decode = Literal["software", "vaapi", "qsv", "cuda"]
log = logging.getLogger("sightline.decode")
_told: set[str] = set()
_lock = threading.Lock()


def hardware_context(codec: str, decode: Decode) -> av.CodecContext | None:
    """A context of `codec` on the video unit `decode`; None when there is none, and that is said once a process."""
    try:
        if decode not in hwdevices_available():
            raise LookupError("this build of FFmpeg does not know it")
        unit = HWAccel(device_type=decode, allow_software_fallback=False)
        return av.CodecContext.create(codec, "r", hwaccel=unit)
    except (FFmpegError, LookupError, RuntimeError, NotImplementedError, ValueError, OSError) as error:
        _tell(decode, str(error) or type(error).__name__)
        return None


def _tell(decode: str, why: str) -> None:
    with _lock:
        if decode not in _told:
            _told.add(decode)
            log.warning("detection.decode: %s cannot decode here (%s) - software decodes instead", decode, why)
