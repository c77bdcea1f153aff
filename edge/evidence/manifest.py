"""The event that names the evidence of a decision: one function, for a box at the roadside and for replay."""

from dataclasses import replace

from contract.events import CloudEvent, EventType, Manifest, new_event
from edge.evidence.pack import Pack
from edge.judgement import Place


def manifest_of(place: Place, pack: Pack, *, replay: bool = False) -> CloudEvent:
    """Every still, clip and crop of `pack` by its hash, the plate if it was read, and what the pack lacks.

    The event's time is that of the decision's last instant; `replay` marks one that central must refuse.
    """
    data = Manifest(
        case_key=pack.case_key,
        edge_id=place.edge_id,
        camera_id=place.camera.id,
        images=pack.images,
        video=pack.video,
        vehicle=pack.vehicle,
        dropped=pack.dropped,
        below_profile=pack.below_profile,
        facts=pack.facts,
        suppression=pack.suppression,
        replay=replay,
    )
    return new_event(EventType.MANIFEST, place.source, pack.at, data)


def without(pack: Pack, sha256: str, why: str) -> Pack:
    """The pack without the file of that hash, which cannot be handed over any more: named in `dropped`."""
    lost = [
        f"{one.role} of {one.moment}{' (overlay)' if one.overlay else ''}"
        for one in pack.images
        if one.sha256 == sha256
    ]
    video = pack.video
    if video is not None and video.sha256 == sha256:
        lost.append("video")
        video = None
    return replace(
        pack,
        images=[one for one in pack.images if one.sha256 != sha256],
        video=video,
        files={name: path for name, path in pack.files.items() if name != sha256},
        dropped=[*pack.dropped, *(f"{what}: the box lost the file ({why})"[:300] for what in lost or [sha256])],
    )


__all__ = ["manifest_of", "without"]
