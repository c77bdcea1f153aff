"""The case's part of a bundle: that events, pictures, decisions and looks are this case's, and all of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from contract import bundle
from contract.errors import SealError
from contract.events import Manifest, Violation
from contract.sealing import sha256_hex
from sightline.evidence.opening import MOST, Opened
from sightline.evidence.proofs import Ledger, Line
from sightline.evidence.sealed import Sealed

#: An export is entered first, signed next, and written last: by one machine's clock, and within a day.
_MINUTE, _LONGEST = timedelta(minutes=1), timedelta(days=1)


def export_of(opened: Opened, ledger: Ledger) -> bundle.Exported:
    """What the ledger says was exported. Raises SealError when it has no such export."""
    place, case = opened.index.export, opened.index.case
    line = next((one for one in ledger.of("case") if one.place == place), None)
    if line is None or line.entry["action"] != bundle.EXPORTED or line.entry["case"] != case:
        raise SealError(f"{bundle.INDEX}: the ledger has no export of case {case} at entry {place}")
    if line.entry["by"] != opened.index.by:
        raise SealError(f"{bundle.INDEX}: says that {opened.index.by} exported it; the ledger says {line.entry['by']}")
    entered = datetime.fromisoformat(line.entry["at"])
    for name, moment in ((bundle.INDEX, opened.index.made_at), (bundle.HEAD, ledger.head.head.at)):
        if not -_MINUTE <= moment - entered <= _LONGEST:
            raise SealError(f"{name}: says {moment.isoformat()}, and the ledger entered the export {line.entry['at']}")
    try:
        return bundle.Exported.model_validate(line.entry["detail"])
    except ValidationError as error:
        raise SealError(f"{bundle.ENTRIES}: entry {place} does not say what was exported") from error


def history(opened: Opened, ledger: Ledger, said: bundle.Exported) -> None:
    """Every decision and every look is there, and only this case's. Raises SealError."""
    case = opened.index.case
    lines = [one for one in ledger.of("case") if one.entry["case"] == case]
    views = [one for one in ledger.of("view") if one.entry["case"] == case]
    for kind, mine in (("case", lines), ("view", views)):
        other = next((one for one in ledger.of(kind) if one not in mine), None)
        if other is not None:
            raise SealError(f"{bundle.ENTRIES}: entry {other.place} is of case {other.entry['case']}, not {case}")
    if len(lines) != said.lines + 1:
        raise SealError(f"the history of case {case}: has {len(lines) - 1} lines, the ledger exported {said.lines}")
    if len(views) != said.views:
        raise SealError(f"the viewer log of case {case}: has {len(views)} looks, the ledger exported {said.views}")
    _steps(case, sorted(lines, key=lambda one: int(one.entry["id"])))
    shown = opened.archive.read(bundle.VIEWERS, MOST)
    if shown != bundle.viewer_log([one.entry for one in sorted(views, key=lambda one: int(one.entry["id"]))]):
        raise SealError(f"{bundle.VIEWERS}: is not the viewer log that the ledger has")


def _steps(case: str, lines: Sequence[Line]) -> None:
    """Each step of the case begins in the state in which the one before it ended."""
    state = None
    for line in lines:
        source, target = line.entry["from"], line.entry["to"]
        if target is None:
            continue
        if state is not None and source != state:
            raise SealError(f"the history of case {case}: entry {line.place} goes on from {source}, and it was {state}")
        state = target


def matter(opened: Opened, events: Sequence[Sealed], said: bundle.Exported) -> None:
    """The events are the case's, and every still and clip that they name is there as it was taken. Raises SealError."""
    index = opened.index
    own = [one for one in events if getattr(one.data, "case_key", None) is not None]
    for one in own:
        if getattr(one.data, "case_key", None) != index.case_key or one.event.source.split("/")[2] != index.edge:
            raise SealError(f"{one.name}: is an event of another case than {index.case}")
    left = set(said.events) - {one.sha256 for one in own}
    if left:
        raise SealError(
            f"events/: the ledger exported {len(said.events)} events of case {index.case}, {len(left)} lacking"
        )
    if sum(isinstance(one.data, Violation) for one in own) != 1:
        raise SealError(f"events/: case {index.case} has no decision, or two")
    for one in own:
        if isinstance(one.data, Manifest):
            _media(opened, one, one.data)
    _copies(opened)
    originals = {file.sha256 for file in opened.named("original")}
    if originals != set(said.originals):
        raise SealError(f"originals/: are not the {len(said.originals)} that the ledger says were exported")


def _media(opened: Opened, sealed: Sealed, manifest: Manifest) -> None:
    wanted = {image.sha256: image.bytes for image in manifest.images}
    if manifest.video is not None:
        wanted[manifest.video.sha256] = manifest.video.bytes
    there = {file.sha256: file for file in opened.named("original")}
    missing = {one.sha256 for one in opened.index.missing}
    for name, file in ((file.sha256, file) for file in there.values()):
        if name not in wanted:
            raise SealError(f"{file.name}: is not a picture that the box sealed ({sealed.name}): it was swapped or cut")
        if file.bytes != wanted[name]:
            raise SealError(f"{file.name}: has {file.bytes} bytes, the box sealed {wanted[name]}")
    for name, place in _places(manifest).items():
        if name in there and there[name].name != place:
            raise SealError(f"{there[name].name}: is the picture that the box sealed as {place}: pictures were swapped")
    for name in wanted:
        if name not in there and name not in missing:
            raise SealError(f"originals/: the picture {name} that the box sealed ({sealed.name}) is missing")


def _places(manifest: Manifest) -> dict[str, str]:
    """Where each still and clip of the manifest stands in a bundle, by its hash; of the same one twice the first."""
    places: dict[str, str] = {}
    for position, image in enumerate(manifest.images):
        name = bundle.original_name(position, image.role, image.moment, image.media_type)
        places.setdefault(image.sha256, name)
    if manifest.video is not None:
        name = bundle.original_name(len(manifest.images), None, None, manifest.video.media_type)
        places.setdefault(manifest.video.sha256, name)
    return places


def _copies(opened: Opened) -> None:
    originals = {file.sha256 for file in opened.named("original")}
    for what in ("overlay", "redacted"):
        for file in opened.named(what):
            if file.of not in originals:
                raise SealError(f"{file.name}: is a copy of nothing in the bundle")
    reports = {file.sha256 for file in opened.named("report")}
    if len(reports) != len(opened.named("report")) or sha256_hex(b"") in reports:
        raise SealError("report: is empty, or the same in two languages")


__all__ = ["export_of", "history", "matter"]
