"""A folder a case for `edge replay --evidence`: the events and the files they name, as central would get them."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from contract.errors import InputError
from contract.events import CloudEvent, serialise
from edge.analysis import Judged, Output
from edge.cameras.packets import PacketStore
from edge.evidence.demands import demands_of
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.label import label_of
from edge.evidence.manifest import manifest_of
from edge.evidence.pack import Pack
from edge.evidence.plate import PlateWitness
from edge.judgement import EventMaker
from edge.replay import Tell
from edge.rules.decision import Keep, Outcome, Release

_SUFFIX = {"image/jpeg": ".jpg", "video/mp4": ".mp4"}


class CaseFolder:
    """Writes `<folder>/<case key>/` with `violation.json`, `manifest.json` and the media by role and moment."""

    def __init__(
        self, store: PacketStore, folder: Path, events: EventMaker, tell: Tell, plates: PlateWitness | None = None
    ) -> None:
        """`plates` reads the plate of the accused. Raises InputError when the folder cannot be made."""
        self._folder = folder
        self._work = folder / ".work"
        self._events = events
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror}) - choose another place") from error
        shutil.rmtree(self._work, ignore_errors=True)
        place = events.place
        self._keeper = EvidenceKeeper(
            store,
            self._work,
            label=label_of(place),
            frame=place.camera.frame,
            tell=tell,
            plates=plates,
            demands=demands_of(place, events.clock),
        )

    def take(self, outputs: Iterable[Output]) -> None:
        """Follow what the rules said."""
        for output in outputs:
            if isinstance(output, Keep):
                self._keeper.keep(output)
            elif isinstance(output, Release):
                self._keeper.release(output)
            else:
                self._judged(output)

    def due(self, t: float) -> None:
        """Write the packs that are complete at stream second `t`."""
        self._write(self._keeper.due(t))

    def finish(self) -> None:
        """Write what is left and clear the working folder."""
        self._write(self._keeper.flush())
        shutil.rmtree(self._work, ignore_errors=True)

    def _judged(self, judged: Judged) -> None:
        key = self._events.case_key(judged.decision)
        if judged.event is not None:
            name = "closed.json" if judged.decision.outcome is Outcome.CLOSED else "violation.json"
            self._save(key, name, judged.event)
        self._keeper.decided(judged.decision, key)

    def _write(self, packs: list[Pack]) -> None:
        for pack in packs:
            named: list[tuple[str, str, str]] = [
                (image.sha256, f"{image.moment}-{image.role}{'-overlay' if image.overlay else ''}", image.media_type)
                for image in pack.images
            ]
            if pack.video:
                named.append((pack.video.sha256, "clip", pack.video.media_type))
            folder = self._folder / pack.case_key
            folder.mkdir(exist_ok=True)
            for digest, name, kind in named:
                shutil.copyfile(pack.files[digest], folder / (name + _SUFFIX[kind]))
            event = manifest_of(self._events.place, pack, replay=self._events.replay)
            self._save(pack.case_key, "manifest.json", event)
            self._keeper.done(pack)

    def _save(self, key: str, name: str, event: CloudEvent) -> None:
        folder = self._folder / key
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(serialise(event) + b"\n")
