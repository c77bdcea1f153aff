"""`sightline bench compose`: every stream of the county mix drawn and encoded, unless it is there already.

A stream is kept by the hash of what makes it (the code here, the clip, the libraries), so that a changed street is
composed anew and an unchanged one never twice.
"""

import ast
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock

from contract.errors import InputError, RunError
from sightline.bench.mix.clips import Picture, empty_street
from sightline.bench.mix.drawn_takes import drawn_kerb, drawn_zebra
from sightline.bench.mix.encode import encode
from sightline.bench.mix.kerb import Kerb, kerb_script
from sightline.bench.mix.passage import Passage, passages_of
from sightline.bench.mix.script import COUNTY, SHORT, Pace, Script, Take
from sightline.bench.mix.stream import FPS, GOP_S, Stream, read_stream, write_stream
from sightline.bench.mix.streets import KERBS, ZEBRAS
from sightline.bench.mix.view import Window
from sightline.bench.mix.zebra import Zebra, zebra_script
from sightline.demo import scene
from sightline.demo.scene.cutouts import photograph

#: Modules that change no picture of any stream (what `streets` says of one comes in by itself), or of one kind.
_NO_MATTER = {"compose.py", "stream.py", "streets.py", "__init__.py"}
_NOT_KERBS = {"drawn.py", "drawn_takes.py", "zebra.py"}
_NOT_ZEBRAS = {"drawn.py", "drawn_takes.py"}
_NOT_DRAWN = {"clips.py", "passage.py", "run.py", "walker.py", "zebra.py"}
#: Streams composed at a time: drawing and encoding leave Python most of the time, and each encodes with two threads.
_AT_A_TIME = 2
Progress = Callable[[str], None]


def default_streams(*, short: bool = False) -> Path:
    """$XDG_CACHE_HOME/sightline/streams, else ~/.cache/sightline/streams; `streams-short` for short loops."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "sightline" / ("streams-short" if short else "streams")


def compose(
    out: Path, clips: Path | None, say: Progress, only: str | None = None, *, short: bool = False
) -> list[Path]:
    """Compose what is missing in `out`; the folders of all streams. Clips that are not there leave the drawn street.

    Raises RunError, InputError or OSError.
    """
    pace = SHORT if short else COUNTY
    makers = _filmed(clips, pace, say) if clips is not None else {}
    makers |= _drawn(pace)
    if short:  # one street of each kind is enough to tell, and CI composes them anew
        kerb = next(iter(makers))
        makers = {name: makers[name] for name in (kerb, "drawn-zebra")}
    chosen = {name: one for name, one in makers.items() if only in {None, name}}
    given_up = Event()
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        made = [pool.submit(_made, out / name, *one, say, given_up) for name, one in chosen.items()]
        try:
            for one in as_completed(made):
                one.result()
        except BaseException:  # also Ctrl-C, which only this thread hears
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [one.result() for one in made]


def _made(folder: Path, fingerprint: str, script: Callable[[], Script], say: Progress, given_up: Event) -> Path:
    if _kept(folder, fingerprint):
        return folder
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    one = script()
    segments = {
        take.name: encode(part / f"{take.name}.h264", _frames(one, take, say, given_up), Window.SIZE)
        for take in one.takes
    }
    write_stream(
        part,
        Stream(one.name, one.kind, one.source, fingerprint, one.camera, segments, one.playlist, one.planted),
    )
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return folder


def _kept(folder: Path, fingerprint: str) -> bool:
    """Whether the stream is there already, made of the very same."""
    try:
        return read_stream(folder).fingerprint == fingerprint
    except InputError:
        return False


def _frames(script: Script, take: Take, say: Progress, given_up: Event) -> Iterator[Picture]:
    count = round(take.seconds / GOP_S) * GOP_S * FPS
    for index in range(count):
        if given_up.is_set():
            raise RunError(f"{script.name}: is not composed, another stream could not be")
        if index % (FPS * 10) == 0:
            say(f"{script.name}: {take.name} {100 * index // count} %")
        yield take.draw(index / FPS, index)


def _filmed(clips: Path, pace: Pace, say: Progress) -> dict[str, tuple[str, Callable[[], Script]]]:
    @cache
    def of(clip: str) -> tuple[Picture, list[Passage]]:
        say(f"{clip}: cutting out who passes")
        return _cut(clips / clip, say)

    one_at_a_time = Lock()  # streets share clips, and none is cut twice

    def script(street: Kerb | Zebra) -> Script:
        with one_at_a_time:
            material = of(street.clip)
        return (
            kerb_script(street, pace, *material) if isinstance(street, Kerb) else zebra_script(street, pace, *material)
        )

    return {
        street.name: (_of_street(clips, street, pace), partial(script, street))
        for street in (*KERBS, *ZEBRAS)
        if (clips / street.clip).is_file()
    }


def _of_street(clips: Path, street: Kerb | Zebra, pace: Pace) -> str:
    but = _NOT_KERBS if isinstance(street, Kerb) else _NOT_ZEBRAS
    return _fingerprint(clips / street.clip, but, repr(street), repr(pace))


def _drawn(pace: Pace) -> dict[str, tuple[str, Callable[[], Script]]]:
    made = _fingerprint(photograph(), _NOT_DRAWN, _scene_sources(), repr(pace))
    return {"drawn-kerb": (made, partial(drawn_kerb, pace)), "drawn-zebra": (made, partial(drawn_zebra, pace))}


def _scene_sources() -> str:
    """The code that the demo's street is drawn with."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(Path(scene.__file__).parent.glob("*.py")))


def _cut(clip: Path, say: Progress) -> tuple[Picture, list[Passage]]:
    from edge.detect.open import open_detector
    from models.prepare import default_package

    street = empty_street(clip)
    detector = open_detector(default_package(say))
    try:
        return street, passages_of(clip, street, detector)
    finally:
        detector.close()


def _fingerprint(material: Path, but: set[str], *more: str) -> str:
    """A hash of the clip or photograph, of what is said and imported here (comments and layout aside), of libraries."""
    digest = hashlib.sha256(material.read_bytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in _NO_MATTER | but:
            digest.update(ast.dump(ast.parse(source.read_text(encoding="utf-8"))).encode())
    for package in ("av", "numpy", "opencv-python"):
        digest.update(version(package).encode())
    for word in more:
        digest.update(word.encode())
    return digest.hexdigest()[:16]
