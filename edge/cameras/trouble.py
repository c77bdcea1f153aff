"""Why a camera or a video cannot be had, in one line that names the address without its password, and what to do."""

import errno
import os
import socket

import av.error

from edge.cameras.address import file_of, scrubbed, shown
from edge.cameras.conversation import RefusedError
from edge.cameras.raw import SILENT_S

_ANSWERS = {
    401: "refuses the user name or password (401) - mend them in the site file",
    403: "forbids this user the stream (403) - give the user the right to view",
    404: "has no stream of that path (404) - look it up in the camera's manual",
    461: "does not offer this way of sending (461) - choose the other rtsp_transport",
    453: "has no bandwidth left for another viewer (453) - end one, or lower its bit rate",
    503: "takes no more viewers (503) - end one of them",
}


def why_live(url: str, error: Exception, waited: float, timeout: float) -> str:
    """Why an RTSP address could not be opened, and what to do."""
    return f"{shown(url)}: {scrubbed(_live(error, waited, timeout), url)}"


def _live(error: Exception, waited: float, timeout: float) -> str:
    if isinstance(error, RefusedError):
        return _ANSWERS.get(error.status, f"answers an error ({error}) - look into the camera")
    kinds: list[tuple[tuple[type[BaseException], ...], str]] = [
        ((av.error.HTTPUnauthorizedError,), _ANSWERS[401]),
        ((av.error.HTTPForbiddenError,), _ANSWERS[403]),
        ((av.error.HTTPNotFoundError,), _ANSWERS[404]),
        ((av.error.HTTPError, av.error.HTTPClientError), f"answers an error ({error}) - look into the camera"),
        ((ConnectionRefusedError,), "refuses the connection - is the camera on, and is the port right?"),
        ((socket.gaierror,), "that host name is not known - check its spelling"),
        ((av.error.ExitError, TimeoutError), f"answers nothing within {timeout:.0f} s - check cable, address, port"),
    ]
    for classes, sentence in kinds:
        if isinstance(error, classes):
            return sentence
    number = getattr(error, "errno", None)
    if waited >= timeout * 0.95:
        return f"answers nothing within {timeout:.0f} s - check cable, address and port"
    if number in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return "no route to that host - check the address and the network"
    text = getattr(error, "strerror", None) or str(error)
    return f"is not an RTSP stream that can be read ({text}) - check the address"


def login_refused(error: BaseException | None) -> bool:
    """Whether a camera answered that it does not take this user or password."""
    if isinstance(error, RefusedError):
        return error.status in {401, 403}
    return isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError)


def why_file(url: str, error: Exception) -> str:
    """Why a video file could not be opened, and what to do."""
    path = file_of(url)
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file - check the path"
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return f"{path}: is a folder - give a video file"
    if path.is_file() and path.stat().st_size == 0:
        return f"{path}: is empty (0 bytes) - record or copy it again"
    text = getattr(error, "strerror", None) or str(error)
    if isinstance(error, PermissionError):
        return f"{path}: may not be read ({os.strerror(errno.EACCES)}) - give this user the right"
    return f"{path}: is not a video that can be read ({text}) - record or copy it again"


def why_lost(url: str, error: Exception) -> str:
    """Why a stream that ran broke off."""
    if isinstance(error, av.error.ExitError | TimeoutError):
        return why_silent(url)
    text = getattr(error, "strerror", None) or str(error)
    return f"{shown(url)}: the stream broke off ({scrubbed(text, url)})"


def why_silent(url: str) -> str:
    """That nothing came."""
    return f"{shown(url)}: sent nothing for {SILENT_S:.0f} s - check the camera and the network"
