"""What an evidence pack lacks, measured against a profile (domain B2): each lack in a sentence, and none invented."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from contract.events import Clock, Image, Rule, Video
from contract.jpeg import JpegHeader, jpeg_header
from contract.jurisdiction import load_profile
from contract.pack_check import Asked, lacks

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
CN = load_profile("cn-default").evidence
BEIJING = load_profile("cn-beijing").evidence
UK = load_profile("uk").evidence
GOOD = Clock(offset_ms=40, uncertainty_ms=20, source="rtcp")


def image(role: str = "far", moment: str = "first", t: float = 0.0, **more: object) -> Image:
    values = {"w": 1280, "h": 720, "bytes": 300_000, "overlay": False, **more}
    name = f"{role}{moment}{t}{values['overlay']}".encode().hex()[:64].ljust(64, "0")
    return Image.model_validate(
        {"role": role, "moment": moment, "t": t, "at": START + timedelta(seconds=t), "sha256": name, **values}
    )


def pack(*times: float, near: bool = True, **more: object) -> list[Image]:
    moments = ("first", "spacing", "trigger", "last")
    images = [image("far", moments[n], t, **more) for n, t in enumerate(times)]
    images += [image("far", moments[n], t, overlay=True) for n, t in enumerate(times)]
    return [*images, image("near", "trigger", times[-1])] if near else images


def clip(t0: float = 0.0, t1: float = 12.0, fps: float = 25.0) -> Video:
    return Video(t0=t0, t1=t1, at0=START, fps=fps, codec="h264", w=1280, h=720, sha256="a" * 64, bytes=5_000_000)


def parking(evidence=CN, wait_s: float | None = 180.0, clock: Clock | None = GOOD) -> Asked:
    return Asked(Rule.ILLEGAL_PARKING, evidence, wait_s, clock)


YIELD = Asked(Rule.FAILURE_TO_YIELD, CN, None, GOOD)


def test_a_whole_pack_lacks_nothing() -> None:
    assert lacks(parking(), pack(0, 12, 181), clip()) == []
    assert lacks(YIELD, pack(0, 1.2, 2.5), clip()) == []
    assert lacks(parking(BEIJING), pack(0, 12, 181), clip()) == []
    assert lacks(parking(UK), pack(0, 12, 181), clip()) == []


@pytest.mark.parametrize(
    ("asked", "images", "video", "said"),
    [
        (parking(), pack(0), clip(), "1 whole picture(s); at least 2 at different times are asked for"),
        (YIELD, pack(0, 1.2), clip(), "2 whole picture(s); at least 3 at different times are asked for"),
        (parking(BEIJING), pack(0, 190), clip(), "2 whole picture(s); at least 3 at different times are asked for"),
        (parking(), pack(0, 12, w=640, h=360), clip(), "pictures of 640x360; at least 1280x720 is asked for"),
        (parking(), pack(0, 12, w=1280, h=719), clip(), "pictures of 1280x719; at least 1280x720 is asked for"),
        (parking(), pack(0, 4), clip(), "pictures 4.0 s apart; 10 s are asked for while it stands"),
        (
            parking(BEIJING),
            pack(0, 12, 60),
            clip(),
            "pictures 60.0 s apart; more than the permitted 180 s is asked for",
        ),
        (parking(), pack(0, 12, near=False), clip(), "no picture of role plate"),
        (parking(), pack(0, 12, bytes=1_000_001), clip(), "2 picture(s) over 1 MB"),
        (parking(), pack(0, 12), None, "no clip; at least 10 s are asked for"),
        (parking(), pack(0, 12), clip(0, 6), "a clip of 6.0 s; at least 10 s are asked for"),
        (parking(UK), pack(0, 12), clip(fps=4.0), "a clip of 4 pictures a second; at least 5 are asked for"),
        (parking(clock=Clock()), pack(0, 12), clip(), "the camera's clock offset is unknown"),
        (
            parking(clock=Clock(offset_ms=-800, uncertainty_ms=300, source="onvif")),
            pack(0, 12),
            clip(),
            "the camera's clock may be off by 1.1 s; at most 1.0 s is asked for",
        ),
        (
            parking(),
            [one for one in pack(0, 12) if not (one.overlay and one.moment == "first")],
            clip(),
            "1 whole picture(s) without a copy that carries date, time and place",
        ),
    ],
)
def test_each_lack_is_one_sentence_and_alone(asked: Asked, images: list[Image], video: Video | None, said: str) -> None:
    assert lacks(asked, images, video) == [said]


def test_two_pictures_of_one_instant_are_one() -> None:
    assert lacks(parking(), pack(0, 0, 0), clip())[0].startswith("1 whole picture(s)")


def test_crops_copies_and_sheets_do_not_count_as_whole_pictures() -> None:
    images = [*pack(0), image("mid", "spacing", 15), image("composite", "trigger", 30, overlay=True)]
    assert lacks(parking(), images, clip()) == ["1 whole picture(s); at least 2 at different times are asked for"]


def test_a_yield_needs_no_spacing() -> None:
    assert lacks(YIELD, pack(0, 0.4, 0.8), clip()) == []


def test_nothing_at_all_is_said_once_each() -> None:
    assert lacks(parking(), [], None) == [
        "0 whole picture(s); at least 2 at different times are asked for",
        "no picture of role plate",
        "no clip; at least 10 s are asked for",
    ]


# JPEG headers


def jpeg(width: int = 64, height: int = 48, grey: bool = False, progressive: bool = False) -> bytes:
    picture = np.full((height, width) if grey else (height, width, 3), 99, np.uint8)
    done, raw = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)])
    assert done
    return bytes(raw.tobytes())


@pytest.mark.parametrize("progressive", [False, True])
def test_a_colour_jpeg_says_what_it_is(progressive: bool) -> None:
    header = jpeg_header(jpeg(640, 360, progressive=progressive))
    assert header == JpegHeader(640, 360, 8, 3, exif=False)
    assert header.colour_24


def test_an_exif_segment_is_seen() -> None:
    body = b"Exif\0\0" + bytes(20)
    raw = jpeg()
    with_exif = raw[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + raw[2:]
    assert jpeg_header(with_exif).exif


@pytest.mark.parametrize(
    "raw", [b"", b"\x89PNG\r\n", jpeg()[:40], jpeg()[:2], b"\xff\xd8" + bytes(50), b"\xff\xd8\xff\xff\xff"]
)
def test_what_is_no_whole_jpeg_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        jpeg_header(raw)


def test_files_are_held_to_what_the_manifest_says_of_them() -> None:
    images = pack(0, 12)
    grey = jpeg_header(jpeg(1280, 720, grey=True))
    small = jpeg_header(jpeg(640, 360))
    headers = {images[0].sha256: grey, images[1].sha256: small}
    said = lacks(parking(), images, clip(), headers)
    assert any("is not 24-bit colour (1 x 8 bits)" in one for one in said)
    assert any("holds 640x360 and is said to be 1280x720" in one for one in said)
    assert len(said) == 2
