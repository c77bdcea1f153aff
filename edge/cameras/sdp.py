"""What a camera offers in its SDP (RFC 8866): the video track, its codec, and parameter sets where it tells them."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from edge.cameras.nal import START
from edge.cameras.rtp import Codec

_CODECS: dict[str, Codec] = {"H264": "h264", "H265": "hevc"}


@dataclass(frozen=True, slots=True)
class Track:
    """A video track. `control` is its address for SETUP, `aggregate` the one for PLAY; `clock` ticks a second.

    `codec` is None for one that only FFmpeg may know, whose name is `name`. `parameters` are Annex B, empty when the
    camera sends them with its pictures alone; `rate` is what it says of pictures a second.
    """

    name: str
    codec: Codec | None
    payload_type: int
    clock: int
    control: str
    aggregate: str
    parameters: bytes = b""
    rate: float | None = None


def video_track(text: str, base: str) -> Track | None:
    """The first video track of an SDP, None when it has none. `base` is what its addresses are relative to."""
    session, *media = re.split(r"(?m)^(?=m=)", text.replace("\r\n", "\n"))
    section = next((one for one in media if one.startswith("m=video")), None)
    if section is None:
        return None
    words = section.splitlines()[0].split()
    kind = int(words[3]) if len(words) > 3 and words[3].isdigit() else 96
    mapped = re.search(rf"(?m)^a=rtpmap:{kind}\s+([^/\s]+)/(\d+)", section)
    name = mapped.group(1).upper() if mapped else {26: "JPEG", 33: "MP2T"}.get(kind, "unknown")
    rate = re.search(r"(?m)^a=framerate:\s*([\d.]+)", section)
    aggregate = _address(_control(session), base)
    codec = _CODECS.get(name)
    return Track(
        name=name,
        codec=codec,
        payload_type=kind,
        clock=int(mapped.group(2)) if mapped else 90_000,
        control=_address(_control(section), aggregate if _control(session) not in {None, "*"} else base),
        aggregate=aggregate,
        parameters=_parameters(section, kind) if codec else b"",
        rate=_positive(rate.group(1)) if rate else None,
    )


def _control(section: str) -> str | None:
    found = re.search(r"(?m)^a=control:\s*(\S+)", section)
    return found.group(1) if found else None


def _address(control: str | None, base: str) -> str:
    """A control attribute as an address (RFC 2326 appendix C.1.1); what is relative is appended, query or not."""
    if control in {None, "*", ""}:
        return base
    assert control is not None
    if re.match(r"(?i)rtsps?://", control):
        return control
    if control.startswith("/"):
        return urljoin(base, control)
    return base + ("" if base.endswith("/") else "/") + control


def _parameters(section: str, kind: int) -> bytes:
    """Parameter sets of the fmtp line as Annex B (RFC 6184 section 8.1, RFC 7798 section 7.1)."""
    line = re.search(rf"(?m)^a=fmtp:{kind}\s+(.*)$", section)
    if not line:
        return b""
    values = dict(part.strip().split("=", 1) for part in line.group(1).split(";") if "=" in part)
    lists = [values.get(key, "") for key in ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")]
    units = []
    for coded in ",".join(lists).split(","):
        try:
            unit = base64.b64decode(coded + "=" * (-len(coded) % 4))
        except (binascii.Error, ValueError):
            continue
        if unit:
            units.append(START + unit)
    return b"".join(units)


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1000 else None
