"""From story to H.264: every frame drawn, sensor noise added, encoded with a key frame every two seconds.

`prepare_scene` renders once and keeps the result by a hash of everything that makes it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path

import av
import cv2
import numpy as np

from sightline.demo.scene.actors import Bus, Stage, Walker
from sightline.demo.scene.backdrop import Backdrop, paint_street
from sightline.demo.scene.cutouts import Picture, bus_skin, load_photograph, photograph, recoloured, walkers
from sightline.demo.scene.motion import Walk
from sightline.demo.scene.story import FRAMES, VEHICLES, WALKERS, truth
from sightline.demo.scene.world import FPS, HEIGHT, WIDTH, Pinhole

Progress = Callable[[str], None]
#: The quiet street that is shown between two passes, seconds.
QUIET_S = 8.0
_GOP = int(FPS * 2)


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """The scene, the empty street, and what must come out of one pass."""

    scene: Path
    quiet: Path
    truth: Path


class Film:
    """Draws the street at any second of the story."""

    def __init__(self) -> None:
        photo = load_photograph()
        self.backdrop: Backdrop = paint_street(photo)
        self.camera = Pinhole()
        skin = bus_skin(photo)
        people = walkers(photo)
        self._buses = [
            (one.drive, Bus(skin if one.paint is None else recoloured(skin, *one.paint))) for one in VEHICLES
        ]
        self._people = [(one.walk, Walker(people[one.sprite], one.height)) for one in WALKERS]
        rng = np.random.default_rng(5)
        self._noise = rng.normal(0, 2.0, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)
        self._noise = cv2.GaussianBlur(self._noise, (0, 0), 0.6) * 1.8

    def frame(self, index: int, quiet: bool = False) -> Picture:
        """Frame number `index` of the scene, or of the empty street."""
        picture = self.backdrop.picture.copy()
        if not quiet:
            self._act(Stage(picture, self.camera, self.backdrop.cover), index / FPS)
        return self._sensed(picture, index)

    def _act(self, stage: Stage, t: float) -> None:
        """Everybody who is in the picture: all shadows first, then the bodies from far to near."""
        buses = [(bus, pose) for drive, bus in self._buses if (pose := drive.pose(t)) is not None and pose.y > 3]
        people = [(walker, *step) for walk, walker in self._people if (step := self._step(stage, walk, t)) is not None]
        for bus, pose in buses:
            bus.draw_shadow(stage, pose)
        for walker, x, y, walked, to_left in people:
            walker.draw_shadow(stage, x, y, walked, to_left)
        bodies = [(stage.camera.depth((pose.x, pose.y, 0)), partial(bus.draw, stage, pose)) for bus, pose in buses]
        bodies += [
            (stage.camera.depth((x, y, 0)), partial(walker.draw, stage, x, y, walked, to_left))
            for walker, x, y, walked, to_left in people
        ]
        for _, draw in sorted(bodies, key=itemgetter(0), reverse=True):
            draw()

    def _step(self, stage: Stage, walk: Walk, t: float) -> tuple[float, float, float, bool] | None:
        here = walk.at(t)
        if here is None:
            return None
        before, after = walk.at(max(walk.points[0][0], t - 0.4)) or here, walk.at(t + 0.2) or here
        return (*here, self._heads_left(stage, before, after))

    @staticmethod
    def _heads_left(stage: Stage, a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
        return stage.camera.ground_pixel(b[0], b[1])[0] < stage.camera.ground_pixel(a[0], a[1])[0]

    def _sensed(self, picture: Picture, index: int) -> Picture:
        rng = np.random.default_rng(index)
        dx, dy = rng.integers(0, 64, 2)
        noise = self._noise[dy : dy + HEIGHT, dx : dx + WIDTH]
        return np.asarray(cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U), np.uint8)


def prepare_scene(folder: Path, say: Progress) -> SceneFiles:
    """The demo's videos in `folder`, rendered unless they are there already (about twenty seconds)."""
    home = folder / f"scene-{_fingerprint()}"
    files = SceneFiles(home / "scene.mp4", home / "quiet.mp4", home / "truth.json")
    if files.truth.is_file():
        return files
    home.mkdir(parents=True, exist_ok=True)
    say("drawing the street")
    film = Film()
    _encode(files.quiet, (film.frame(index, quiet=True) for index in range(int(QUIET_S * FPS))))
    _encode(files.scene, _told(film, say))
    temporary = files.truth.with_suffix(".part")
    temporary.write_text(json.dumps(truth(), indent=1), encoding="utf-8")
    temporary.replace(files.truth)
    return files


def _told(film: Film, say: Progress) -> Iterator[Picture]:
    for index in range(FRAMES):
        if index % (FRAMES // 5) == 0:
            say(f"rendering the scene: {100 * index // FRAMES} %")
        yield film.frame(index)


def _encode(path: Path, frames: Iterator[Picture]) -> None:
    """H.264 with a key frame every two seconds and no B frames, as cameras send it."""
    temporary = path.with_suffix(".part.mp4")
    with av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS).limit_denominator(100))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23", "bf": "0", "g": str(_GOP), "sc_threshold": "0"}
        for picture in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    temporary.replace(path)


def _fingerprint() -> str:
    digest = hashlib.sha256(photograph().read_bytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for package in ("av", "numpy", "opencv-python"):
        digest.update(version(package).encode())
    return digest.hexdigest()[:16]
