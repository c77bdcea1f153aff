"""Streams of the tamper campaign: pictures of real rooms, tampered with, as real H.264 keyframes on a clock of their own.

What is synthetic: the tampering (a hand-coloured cloth that moves in, blur, turned picture, dimmed lamps), sensor noise, and
the hours of a quiet room, which are made of one real picture. What is real: the rooms, the people, the codec.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.packets import CameraPacket, StreamInfo
from edge.masking.plan import Plan
from edge.masking.stage import Masks
from edge.record.tapped import Tapped

Picture = NDArray[np.uint8]
#: A picture for each second of the stream; noise and clock are added after.
Scene = Callable[[float], Picture]
Change = Callable[[Picture, float], Picture]
#: Unix time at which streams begin.
BEGIN = 1_796_000_000.0


class Clip:
    """A clip's pictures by their second, played forth and back so that its end is no cut."""

    def __init__(self, path: Path, step_s: float = 0.5, slow: float = 1.0, until: float = 1e9) -> None:
        """A picture every `step_s` of the clip up to second `until`, shown so many times slower."""
        self.pictures: list[Picture] = []
        self._step = step_s * slow
        with av.open(str(path)) as container:
            due = 0.0
            for frame in container.decode(video=0):
                if frame.time is not None and due <= frame.time < until:
                    self.pictures.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
                    due += step_s

    @property
    def seconds(self) -> float:
        """How long it lasts before its pictures come again."""
        return len(self.pictures) * self._step

    def __call__(self, t: float) -> Picture:
        many = len(self.pictures)
        place = int(t / self._step) % (2 * many - 2)
        return self.pictures[place if place < many else 2 * many - 2 - place]

    def still(self, t: float) -> Scene:
        """One picture of it for ever."""
        picture = self.pictures[int(t / self._step)]
        return lambda _: picture


class Encoder:
    """Encodes groups of `frames` pictures: of one, keyframes alone, as a camera's recorder hands them out."""

    def __init__(self, width: int, height: int, gop_s: float, epoch: int = 0, frames: int = 1) -> None:
        self._context = av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height = width, height
        self._context.pix_fmt = "yuv420p"
        self._context.time_base = Fraction(1, 1000)
        self._context.thread_count = 1
        self._context.options = {
            "crf": "24", "preset": "ultrafast", "tune": "zerolatency", "g": str(frames),
            "x264-params": "scenecut=0",
        }  # fmt: skip
        self._context.open()
        self._info = StreamInfo("h264", width, height, None, 25.0 if frames == 1 else frames / gop_s, 0, epoch)
        self._step = gop_s / frames

    def __call__(self, picture: Picture, t: float) -> Tapped:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = round(t * 1000)
        (packet,) = self._context.encode(frame)
        data = bytes(packet)
        key = bool(packet.is_keyframe)
        return Tapped(CameraPacket(t, t, self._step, data, key, False, self._info), round((BEGIN + t) * 1e6))


def camera(
    scene: Scene,
    seconds: float,
    gop_s: float = 2.0,
    change: Change | None = None,
    noise: float = 2.0,
    play: Callable[[float], float] = lambda t: t,
    frames: int = 1,
) -> Iterator[Tapped]:
    """A stream of `seconds`: a group of `frames` pictures every `gop_s`, each with noise of its own and a running clock.

    `play` says which second of the sensor is shown: a camera that plays a stored picture brings its noise as well.
    """
    encode: Encoder | None = None
    many = math.ceil(seconds / gop_s) * frames
    for t, picture in pictures(scene, many, gop_s / frames, change, noise, play):
        encode = encode or Encoder(picture.shape[1], picture.shape[0], gop_s, frames=frames)
        yield encode(picture, t)


def pictures(
    scene: Scene,
    many: int,
    step_s: float,
    change: Change | None = None,
    noise: float = 2.0,
    play: Callable[[float], float] = lambda t: t,
) -> Iterator[tuple[float, Picture]]:
    """What `camera` sends, before it is encoded: the second and the picture, so many, one every `step_s`."""
    height, width = (side // 2 * 2 for side in scene(0.0).shape[:2])
    bank = _noise((height, width), noise)
    for number in range(many):
        t = round(number * step_s, 3)
        own = play(t)
        picture = scene(own)[:height, :width]
        picture = _noisy(picture if change is None else change(picture, t), bank, round(own * 1000))
        yield t, clock(picture, t)


def again(stream: Iterator[Tapped], begin: float, many: int) -> Iterator[Tapped]:
    """The last `many` groups before second `begin`, a keyframe, are sent again and again, their bytes as they were."""
    kept: list[list[Tapped]] = []
    sent = 0
    for one in stream:
        if one.packet.t < begin:
            if one.packet.keyframe:
                kept = [*kept, []][-many:]
            kept[-1].append(one)
            yield one
        else:
            whole = [each for group in kept for each in group]
            old = whole[sent % len(whole)].packet
            sent += 1
            yield replace(one, packet=replace(one.packet, data=old.data, keyframe=old.keyframe))


def late(stream: Iterator[Tapped], begin: float, by: float) -> Iterator[Tapped]:
    """The stream's clock is set by `by` seconds at second `begin`."""
    for one in stream:
        yield replace(one, wall_us=one.wall_us + round(by * 1e6)) if one.packet.t >= begin else one


def _noise(shape: tuple[int, int], sigma: float) -> list[NDArray[np.int16]]:
    rng = np.random.default_rng(7)
    size = shape[0] + 64, shape[1] + 64
    return [np.rint(rng.normal(0, sigma / 2**0.5, size)).astype(np.int16) for _ in range(6)]


def _noisy(picture: Picture, bank: list[NDArray[np.int16]], seed: int) -> Picture:
    """Noise of one instant: two fields, each shifted by chance."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    total = np.zeros((height, width), np.int16)
    for _ in range(2):
        field = bank[int(rng.integers(len(bank)))]
        dy, dx = (int(one) for one in rng.integers(0, 64, 2))
        total += field[dy : dy + height, dx : dx + width]
    return np.asarray(np.clip(picture.astype(np.int16) + total[..., None], 0, 255), np.uint8)


def clock(picture: Picture, t: float) -> Picture:
    """A camera's own clock, printed into the picture."""
    seconds = int(t)
    said = f"2026-12-12 {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    cv2.putText(picture, said, (12, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    return picture


def between(change: Change, begin: float, end: float) -> Change:
    """`change` from second `begin` to `end` alone."""
    return lambda picture, t: change(picture, t) if begin <= t < end else picture


def covered(picture: Picture, t: float, begin: float) -> Picture:
    """A hand's cloth comes in from the side within 2 s: skin colour, soft edge, darker towards its middle, trembling."""
    height, width = picture.shape[:2]
    share = min(1.0, (t - begin + 1.0) / 2.0)
    reach = share * 1.25 * width + 4 * np.sin(3 * t)
    across = np.arange(width)[None, :]
    cover = np.clip((reach - across) / 40, 0, 1)[..., None]
    shade = np.linspace(0.55, 0.75, height)[:, None, None] + 0.05 * np.sin(across / 90)[..., None]
    hand = np.array([70, 90, 140], float) * shade
    return np.asarray(picture * (1 - cover) + hand * cover, np.uint8)


def turned(picture: Picture, share: float, degrees: float = 0.0) -> Picture:
    """The lens turned: the picture displaced by a share of its width."""
    height, width = picture.shape[:2]
    model = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    model[0, 2] += share * width
    return np.asarray(cv2.warpAffine(picture, model, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def defocused(picture: Picture, sigma: float) -> Picture:
    """The lens out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def dimmed(picture: Picture, share: float, lift: float = 0.0) -> Picture:
    """Less or more light."""
    return np.asarray(np.clip(picture.astype(np.float32) * share + lift, 0, 255), np.uint8)


def masked(picture: Picture, share: float = 1.0) -> Picture:
    """A mask as a camera paints it, over the left of the picture; of it `share` is painted."""
    height, width = picture.shape[:2]
    painted = picture.copy()
    painted[height // 4 : height * 3 // 4, : round(0.3 * width * share)] = 16
    return painted


def before_the_lens(picture: Picture, t: float, begin: float) -> Picture:
    """A person in a plain coat stands close before the lens, over 55 % of the picture, and sways."""
    height, width = picture.shape[:2]
    left = int(0.2 * width + 6 * np.sin(2 * t))
    body = picture.copy()
    cv2.ellipse(
        body, (left + int(0.28 * width), height), (int(0.3 * width), int(0.95 * height)), 0, 0, 360, (60, 48, 40), -1
    )
    return body


def painted(stream: Iterator[Tapped], mask: Sequence[tuple[float, float]]) -> Iterator[Tapped]:
    """The stream as a box hands it out that paints `mask` (shares of the picture) and encodes it again."""
    stage: Masks | None = None
    made: list[CameraPacket] = []
    for one in stream:
        if stage is None:
            size = one.packet.info.width, one.packet.info.height
            polygon = tuple((x * size[0], y * size[1]) for x, y in mask)
            stage = Masks("room", Plan((polygon,), size, 1080), made.append, _refused)
        stage.take(one.packet)
        yield from (replace(one, packet=packet) for packet in made)
        made.clear()


def _refused(why: str) -> None:
    raise AssertionError(f"nothing may be refused here: {why}")
