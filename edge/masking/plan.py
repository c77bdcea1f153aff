"""What is to be hidden of one camera, from its site file."""

from collections.abc import Iterator
from dataclasses import dataclass

from contract.site import ZoneType
from edge.judgement import Place

#: A picture whose sides stand so otherwise than those of `frame` shows another part of the room: a share.
_ASPECT = 0.02
#: What decoding, painting and encoding 1080p25 costs, of a core (docs/polling.md).
CORES_1080P = 0.30


@dataclass(frozen=True, slots=True)
class Plan:
    """`polygons` to paint over, px of `frame` (width, height); none when the camera itself hides them.

    `max_height` px: a higher picture is made smaller where masks are painted, and refused where none are.
    """

    polygons: tuple[tuple[tuple[float, float], ...], ...]
    frame: tuple[int, int]
    max_height: int

    def refusal(self, width: int, height: int) -> str | None:
        """Why a stream of this size must not be recorded, as a sentence with what to do; None when it may be."""
        if not self.polygons:
            if height <= self.max_height:
                return None
            said = f"the stream is {width}x{height}, over `polling.max_height` {self.max_height}"
            return (
                f"{said}: marks on ballots could be read - set the camera's stream to {self.max_height} lines or less"
            )
        if abs(width * self.frame[1] / (height * self.frame[0]) - 1) > _ASPECT:
            said = f"the stream is {width}x{height}, another shape than `frame` {self.frame[0]}x{self.frame[1]}"
            return f"{said}, so nobody knows where the masks lie - set the stream as it was, or draw the masks anew"
        return None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is kept of such a picture: even, and no higher than it may be."""
        if height > self.max_height:
            width, height = round(width * self.max_height / height), self.max_height
        return max(2, width - width % 2), max(2, height - height % 2)


def plan_of(place: Place) -> Plan | None:
    """The plan of a polling station's camera; None for another camera, of which everything is recorded as it is."""
    polling, camera = place.site_file.site.polling, place.camera
    if polling is None:
        return None
    zones = [zone for zone in camera.zones if zone.type is ZoneType.PRIVACY_MASK and polling.masks == "edge"]
    return Plan(tuple(tuple(zone.polygon) for zone in zones), camera.frame, polling.max_height)


def painted(place: Place) -> bool:
    """Whether this box paints masks into the camera's pictures, which costs: see docs/polling.md."""
    plan = plan_of(place)
    return plan is not None and bool(plan.polygons)


def told(place: Place) -> Iterator[str]:
    """What whoever sets up a polling station must know of its camera's masks, a sentence each."""
    polling, camera = place.site_file.site.polling, place.camera
    zones = ", ".join(zone.id for zone in camera.zones if zone.type is ZoneType.PRIVACY_MASK)
    if polling is None or not zones:
        return
    if polling.masks == "camera":
        yield f"{camera.id}: the camera must hide {zones} itself (masks: camera) - this box paints nothing over it"
        return
    plan = plan_of(place)
    assert plan is not None
    width, height = plan.size(*camera.frame)
    share = CORES_1080P * width * height / (1920 * 1080)
    yield f"{camera.id}: this box paints over {zones} in every picture, for about {share:.2f} of a core at 25 a second"


__all__ = ["Plan", "painted", "plan_of", "told"]
