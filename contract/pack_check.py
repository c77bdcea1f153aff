"""What an evidence pack lacks, measured against what its jurisdiction asks for (domain B2, B6). Pure.

Count, size and spacing of whole pictures, 24-bit colour JPEG, roles, the copies with the facts printed beneath, length
and rate of the clip, the clock. One sentence for each lack; an empty list is a pack that holds. The edge marks its
packs with this, and whoever receives one can ask the same of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.events import Clock, Image, Rule, Video
from contract.jpeg import JpegHeader
from contract.profile import Evidence

#: Clips and spacings are told to the frame; what is short by less than one at 25 a second is not short. Seconds.
FRAME_S = 0.04


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one pack. `wait_s` is the zone's permitted wait; `clock` None leaves the clock to others."""

    rule: Rule
    evidence: Evidence
    wait_s: float | None = None
    clock: Clock | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that was measured: its name, whether it is enough, and the sentence that says so."""

    name: str
    ok: bool
    detail: str


def measured(asked: Asked, images: Sequence[Image]) -> list[Measured]:
    """Count, size and (of a standing vehicle) spacing of the whole pictures, each as it is, enough or not."""
    pictures, evidence = whole(images), asked.evidence
    times = sorted({image.at for image in pictures})
    enough = {
        "images": f"{len(times)} whole pictures; {evidence.images_min[asked.rule]} are asked for",
        "size": f"at least {evidence.frame_min[0]}x{evidence.frame_min[1]}",
    }
    said = {"images": [*_count(asked, images)], "size": [*_size(evidence, images)]}
    if asked.rule == Rule.ILLEGAL_PARKING and len(times) > 1:
        apart = (times[-1] - times[0]).total_seconds()
        needed = max(evidence.min_gap_s, asked.wait_s or 0.0 if evidence.gap_over_wait else 0.0)
        enough["spacing"] = f"pictures {apart:.1f} s apart; {needed:g} s are asked for"
        said["spacing"] = [*_spacing(asked, images)]
    rows = [(name, lack) for name, found in said.items() for lack in found or [""]]
    return [Measured(name, not lack, lack or enough[name]) for name, lack in rows]


def lacks(
    asked: Asked,
    images: Sequence[Image],
    video: Video | None,
    headers: Mapping[str, JpegHeader] | None = None,
) -> list[str]:
    """What `images` and `video` lack, one sentence each. `headers` are those of the files by SHA-256, where at hand."""
    return [
        *_count(asked, images),
        *_size(asked.evidence, images),
        *_spacing(asked, images),
        *_roles(asked.evidence, images),
        *_copies(images),
        *_weight(asked.evidence, images),
        *_headers(images, headers or {}),
        *_clip(asked.evidence, video),
        *_clock(asked),
    ]


def whole(images: Sequence[Image]) -> list[Image]:
    """The untouched whole pictures: GA/T 832 asks of these; crops, copies and sheets stand beside them."""
    return [image for image in images if image.role == "far" and not image.overlay]


def _count(asked: Asked, images: Sequence[Image]) -> Iterator[str]:
    times = {image.at for image in whole(images)}
    least = asked.evidence.images_min[asked.rule]
    if len(times) < least:
        yield f"{len(times)} whole picture(s); at least {least} at different times are asked for"


def _size(evidence: Evidence, images: Sequence[Image]) -> Iterator[str]:
    width, height = evidence.frame_min
    small = [image for image in whole(images) if image.w < width or image.h < height]
    if small:
        yield f"pictures of {small[0].w}x{small[0].h}; at least {width}x{height} is asked for"


def _spacing(asked: Asked, images: Sequence[Image]) -> Iterator[str]:
    """Of a standing vehicle alone; one picture has no spacing, and was counted above."""
    times = sorted({image.at for image in whole(images)})
    if asked.rule != Rule.ILLEGAL_PARKING or len(times) < 2:
        return
    apart = (times[-1] - times[0]).total_seconds()
    if apart < asked.evidence.min_gap_s - FRAME_S:
        yield f"pictures {apart:.1f} s apart; {asked.evidence.min_gap_s:.0f} s are asked for while it stands"
    if asked.evidence.gap_over_wait and asked.wait_s is not None and apart < asked.wait_s - FRAME_S:
        yield f"pictures {apart:.1f} s apart; more than the permitted {asked.wait_s:g} s is asked for"


def _roles(evidence: Evidence, images: Sequence[Image]) -> Iterator[str]:
    there = {image.role for image in images if not image.overlay}
    for role in dict.fromkeys(evidence.roles):
        fitting = {role, "near"} if role == "plate" else {role}
        if role != "far" and not there & fitting:
            yield f"no picture of role {role}"


def _copies(images: Sequence[Image]) -> Iterator[str]:
    """Every whole picture has its copy with the facts printed beneath."""
    copied = {(image.moment, image.at) for image in images if image.role == "far" and image.overlay}
    bare = [image for image in whole(images) if (image.moment, image.at) not in copied]
    if bare:
        yield f"{len(bare)} whole picture(s) without a copy that carries date, time and place"


def _weight(evidence: Evidence, images: Sequence[Image]) -> Iterator[str]:
    heavy = [image for image in images if image.bytes > evidence.jpeg_max_bytes]
    if heavy:
        yield f"{len(heavy)} picture(s) over {evidence.jpeg_max_bytes / 1_000_000:g} MB"


def _headers(images: Sequence[Image], headers: Mapping[str, JpegHeader]) -> Iterator[str]:
    for image in images:
        header = headers.get(image.sha256)
        if header is None:
            continue
        if not header.colour_24:
            yield f"picture {image.sha256[:12]} is not 24-bit colour ({header.components} x {header.bits} bits)"
        if (header.w, header.h) != (image.w, image.h):
            yield f"picture {image.sha256[:12]} holds {header.w}x{header.h} and is said to be {image.w}x{image.h}"


def _clip(evidence: Evidence, video: Video | None) -> Iterator[str]:
    if video is None:
        yield f"no clip; at least {evidence.video_min_s:g} s are asked for"
        return
    length = video.t1 - video.t0
    if length < evidence.video_min_s - FRAME_S:
        yield f"a clip of {length:.1f} s; at least {evidence.video_min_s:g} s are asked for"
    if evidence.fps_min is not None and video.fps < evidence.fps_min:
        yield f"a clip of {video.fps:g} pictures a second; at least {evidence.fps_min:g} are asked for"


def _clock(asked: Asked) -> Iterator[str]:
    lack = clock_lack(asked.clock, asked.evidence) if asked.clock is not None else None
    if lack is not None:
        yield lack


def clock_lack(clock: Clock, evidence: Evidence) -> str | None:
    """Why a clock cannot be relied on, as a sentence; None when it is known and, with its uncertainty, near enough."""
    limit = evidence.clock_max_ms
    if clock.offset_ms is None:
        return "the camera's clock offset is unknown"
    if (worst := abs(clock.offset_ms) + (clock.uncertainty_ms or 0.0)) > limit:
        return f"the camera's clock may be off by {worst / 1000:.1f} s; at most {limit / 1000:.1f} s is asked for"
    return None


__all__ = ["FRAME_S", "Asked", "Measured", "clock_lack", "lacks", "measured", "whole"]
