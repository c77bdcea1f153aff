"""The event that names the evidence of a decision: one function, for a box at the roadside and for replay."""

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


__all__ = ["manifest_of"]
