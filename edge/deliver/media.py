"""Which files an event brings, and how urgent each is: stills before clips (design section 4)."""

from dataclasses import dataclass

from edge.deliver.spool import SpoolItem

STILL, CLIP = 0, 1


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One file: hex SHA-256, bytes, the event that brought it, STILL or CLIP."""

    sha256: str
    size: int
    event: str
    rank: int

    @property
    def kind(self) -> str:
        """For a person."""
        return "clip" if self.rank == CLIP else "still"


def media_rows(item: SpoolItem) -> list[MediaRow]:
    """The files of a spool item. What the manifest calls its video is a clip, everything else a still."""
    video = item.event.data.get("video")
    clip = video.get("sha256") if isinstance(video, dict) else None
    return [MediaRow(one.sha256, one.bytes, item.event.id, CLIP if one.sha256 == clip else STILL) for one in item.media]
