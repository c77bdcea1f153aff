"""Opens the files of a case folder (`edge replay --evidence`) and says what does not hold: written from domain B2.

It believes nothing that the manifest says and measures the files themselves: hashes, JPEG headers, the clip's own
packets against the recording it was cut from.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import av

from contract.events import Image, Manifest, Rule, Violation, parse_data, parse_event
from contract.jpeg import jpeg_header
from contract.jurisdiction import load_profile
from contract.pack_check import Asked, lacks
from contract.sealing import sha256_hex


def faults(folder: Path, wait_s: float | None = None) -> list[str]:
    """What is wrong with the files, and what the pack lacks under its profile; empty when it holds."""
    violation, manifest = read(folder)
    files = {sha256_hex(path.read_bytes()): path for path in folder.iterdir() if path.suffix in {".jpg", ".mp4"}}
    named = {image.sha256 for image in manifest.images} | ({manifest.video.sha256} if manifest.video else set())
    wrong = [f"{name} is named and not there" for name in sorted(named - set(files))]
    wrong += [f"{files[name].name} is there and not named" for name in sorted(set(files) - named)]
    wrong += [
        fault for image in manifest.images if image.sha256 in files for fault in _jpeg(image, files[image.sha256])
    ]
    if manifest.video and manifest.video.sha256 in files:
        wrong += _clip(files[manifest.video.sha256], manifest)
    headers = {name: jpeg_header(path.read_bytes()) for name, path in files.items() if path.suffix == ".jpg"}
    asked = Asked(Rule(violation.rule), load_profile(violation.jurisdiction).evidence, wait_s, violation.clock)
    return [*wrong, *lacks(asked, manifest.images, manifest.video, headers)]


def read(folder: Path) -> tuple[Violation, Manifest]:
    """The two events of a case folder."""
    violation, manifest = (
        parse_data(parse_event((folder / name).read_bytes())) for name in ("violation.json", "manifest.json")
    )
    assert isinstance(violation, Violation) and isinstance(manifest, Manifest)
    assert violation.case_key == manifest.case_key == folder.name
    return violation, manifest


def _jpeg(image: Image, path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    header = jpeg_header(raw)
    if (header.components, header.bits) != (3, 8):
        yield f"{path.name}: {header.components} components of {header.bits} bits"
    if (header.w, header.h) != (image.w, image.h) or len(raw) != image.bytes:
        yield f"{path.name}: {header.w}x{header.h}, {len(raw)} bytes; the manifest says otherwise"
    if not raw.endswith(b"\xff\xd9"):
        yield f"{path.name}: is cut short"
    if header.exif:
        yield f"{path.name}: carries EXIF that the camera did not write"


def _clip(path: Path, manifest: Manifest) -> Iterator[str]:
    video = manifest.video
    assert video is not None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream) if frame.pts is not None]
        name, size = stream.codec_context.name, (stream.codec_context.width, stream.codec_context.height)
    if (name, size) != (video.codec, (video.w, video.h)):
        yield f"{path.name}: {name} {size}; the manifest says {video.codec} {(video.w, video.h)}"
    if abs((times[-1] - times[0]) - (video.t1 - video.t0)) > 0.1:
        yield f"{path.name}: {times[-1] - times[0]:.2f} s; the manifest says {video.t1 - video.t0:.2f} s"


def units(path: Path) -> list[bytes]:
    """The coded pictures of an H.264 or H.265 file, in order, without what a container puts between them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        name = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}[stream.codec_context.name]
        unframed = av.BitStreamFilterContext(name, stream)
        found = [bytes(out) for packet in container.demux(stream) for out in unframed.filter(packet)]
    return [_pictures(raw) for raw in found if raw]


def _pictures(raw: bytes) -> bytes:
    """The slices (NAL types 1 and 5 of H.264) of one access unit."""
    parts = re.split(b"\x00\x00\x00\x01|\x00\x00\x01", raw)
    return b"".join(part for part in parts if part and part[0] & 0x1F in {1, 5})
