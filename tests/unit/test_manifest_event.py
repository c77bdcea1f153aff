"""The manifest's event is made by one function: what a pack holds is what it says, live and in replay."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.events import EventType, FactSaid, Image, Vehicle, Video, parse_data
from contract.sitefile import load_site
from edge.evidence.manifest import manifest_of
from edge.evidence.pack import Pack
from edge.judgement import Place, law_of
from tests.scenes.sites import DEMO

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
IMAGE = Image(role="far", moment="first", t=1.0, at=AT, w=1280, h=720, sha256="a" * 64, bytes=9)
VIDEO = Video(t0=0.0, t1=11.0, at0=AT, fps=25, codec="h264", w=1280, h=720, sha256="b" * 64, bytes=9)


@pytest.mark.parametrize("replay", [False, True])
def test_everything_of_the_pack_is_in_the_event(replay: bool) -> None:
    site = load_site(DEMO)
    place = Place("edge-1", site, site.site.cameras[0], law_of(site))
    said = {"works_vehicle": FactSaid(value="no", sources=["plate_list"])}
    vehicle = Vehicle(class_="car", plate="皖A195K9")
    pack = Pack("p", "c" * 64, AT, [IMAGE], VIDEO, ["video"], ["640x360"], {"a" * 64: Path("x")}, vehicle, said, ["x"])
    event = manifest_of(place, pack, replay=replay)
    assert (event.type, event.time, event.source) == (EventType.MANIFEST, AT, place.source)
    data = parse_data(event)
    assert data is not None
    assert data.model_dump(exclude={"schema_ver", "camera_seq", "chain"}) == {
        "case_key": "c" * 64,
        "edge_id": "edge-1",
        "camera_id": place.camera.id,
        "images": [IMAGE.model_dump()],
        "video": VIDEO.model_dump(),
        "vehicle": vehicle.model_dump(),
        "dropped": ["video"],
        "below_profile": ["640x360"],
        "facts": {"works_vehicle": said["works_vehicle"].model_dump()},
        "suppression": ["x"],
        "replay": replay,
    }
