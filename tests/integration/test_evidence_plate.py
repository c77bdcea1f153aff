"""Plates in the evidence: real photographs of cars, encoded as a camera would, read from the stills and the ring."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from contract.events import Clock, Manifest, parse_data, parse_event
from contract.plates import load_plates
from contract.sealing import sha256_hex
from contract.sitefile import load_site
from edge.analysis import Judged
from edge.cameras.file import FilePackets
from edge.evidence.demands import demands_of
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.manifest import manifest_of
from edge.evidence.pack import Pack
from edge.evidence.plate import PlateWitness, witness
from edge.judgement import EventMaker, Place, law_of
from edge.plates.open import open_reader
from edge.plates.protocol import PlateReading
from edge.replay_evidence import CaseFolder
from edge.rules.decision import Box, Decision, Moment, Outcome
from models.bundles import prepare
from tests.bench.plates import picture

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
#: Two photographs stand side by side in one frame.
LEFT: Box = (0.0, 0.0, 720.0, 1160.0)
RIGHT: Box = (720.0, 0.0, 1440.0, 1160.0)


def wall(t: float) -> datetime:
    return START + timedelta(seconds=t)


@pytest.fixture(scope="module")
def weights() -> Path:
    return prepare("plates-cn", lambda _: None)


@pytest.fixture(scope="module")
def reader(weights: Path) -> PlateWitness:
    found = witness(weights, "cn", pytest.fail)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def photos(shared: Path) -> dict[str, np.ndarray]:
    """Truth -> photograph (1160, 720, 3)."""
    folder = shared / "plates" / "photos"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return {plate: picture(folder / name) for name, plate in truth.items()}


def filmed(path: Path, still: np.ndarray, seconds: int = 13) -> FilePackets:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=5, options={"preset": "ultrafast", "crf": "20", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = still.shape[1], still.shape[0], "yuv420p"
        for _ in range(seconds * 5):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="bgr24")))
        target.mux(stream.encode(None))
    return FilePackets(path, wall)


def parked(box: Box) -> Decision:
    end = Moment(11.0, box)
    return Decision(
        rule="illegal_parking",
        outcome=Outcome.VIOLATION,
        passage="kerb|1",
        zone_id="kerb",
        track_id=1,
        vehicle_class="car",
        first=Moment(0.0, box),
        trigger=end,
        last=end,
        reason="stood for longer than is permitted",
        track=tuple((t, box) for t in (0.0, 3.0, 6.0, 9.0, 11.0)),
    )


def packed(store: FilePackets, folder: Path, box: Box, plates: PlateWitness | None) -> Pack:
    keeper = EvidenceKeeper(store, folder, plates=plates)
    keeper.decided(parked(box), "f" * 64)
    (pack,) = keeper.flush()
    return pack


@pytest.fixture(scope="module")
def two_cars(photos: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilePackets]:
    both = np.hstack([photos["皖A195K9"], photos["皖AMK620"]])
    yield filmed(tmp_path_factory.mktemp("cars") / "two.mp4", both)


@pytest.mark.parametrize(("box", "plate"), [(LEFT, "皖A195K9"), (RIGHT, "皖AMK620")])
def test_the_plate_of_the_accused_alone_is_read(
    two_cars: FilePackets, reader: PlateWitness, tmp_path: Path, box: Box, plate: str
) -> None:
    pack = packed(two_cars, tmp_path, box, reader)
    vehicle = pack.vehicle
    assert vehicle is not None
    assert (vehicle.class_, vehicle.plate, vehicle.plate_color, vehicle.plate_type) == ("car", plate, "blue", "02")
    assert vehicle.per_char_conf is not None and len(vehicle.per_char_conf) == 7
    assert vehicle.conf == min(vehicle.per_char_conf) >= 0.9
    assert not [line for line in pack.below_profile if "plate" in line]
    (crop,) = [image for image in pack.images if image.role == "plate"]
    raw = pack.files[crop.sha256].read_bytes()
    assert sha256_hex(raw) == crop.sha256 and len(raw) == crop.bytes
    shown = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (crop.h, crop.w, 3) and crop.w < 400


def test_two_plates_in_one_box_are_nobodys(two_cars: FilePackets, reader: PlateWitness, tmp_path: Path) -> None:
    pack = packed(two_cars, tmp_path, (0.0, 0.0, 1440.0, 1160.0), reader)
    assert pack.vehicle is not None and pack.vehicle.plate is None
    assert "plate: 2 plates within the vehicle's box" in pack.below_profile
    assert not [image for image in pack.images if image.role == "plate"]


def test_a_plate_too_far_away_is_unreadable_and_said_to_be(
    photos: dict[str, np.ndarray], reader: PlateWitness, tmp_path: Path
) -> None:
    small = cv2.resize(photos["皖AT022C"], (108, 174), interpolation=cv2.INTER_AREA)
    scene = np.full((720, 1280, 3), 90, np.uint8)
    scene[300:474, 500:608] = small
    pack = packed(filmed(tmp_path / "far.mp4", scene), tmp_path / "kept", (500.0, 300.0, 608.0, 474.0), reader)
    assert pack.vehicle is not None and pack.vehicle.plate is None and pack.vehicle.per_char_conf is None
    (why,) = [line for line in pack.below_profile if line.startswith("plate: ")]
    assert "too small or unclear" in why or "no plate" in why


def test_without_a_reader_nothing_is_said_of_plates(two_cars: FilePackets, tmp_path: Path) -> None:
    pack = packed(two_cars, tmp_path, LEFT, None)
    assert pack.vehicle is None
    assert not [line for line in pack.below_profile if "plate" in line]


def test_a_reader_that_fails_costs_the_plate_and_never_the_case(
    two_cars: FilePackets, weights: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "weights"
    broken.mkdir()
    for name in ("bundle.yaml", "detector.onnx", "recogniser.onnx"):
        (broken / name).write_bytes((weights / name).read_bytes())
    failing = witness(broken, "cn", pytest.fail)
    (broken / "detector.onnx").write_bytes(b"altered after it was checked")
    told: list[str] = []
    keeper = EvidenceKeeper(two_cars, tmp_path / "kept", plates=failing, tell=told.append)
    keeper.decided(parked(LEFT), "f" * 64)
    (pack,) = keeper.flush()
    assert pack.vehicle is None and "plate: the reader failed" in pack.below_profile
    assert pack.video is not None and [image for image in pack.images if image.role == "far"]
    assert any("the plate could not be read" in line for line in told)


class Slow:
    """The real reader, which waits until it is let."""

    def __init__(self, weights: Path) -> None:
        self.reader = open_reader(weights, load_plates("cn"), pytest.fail)
        self.let = threading.Event()

    def read(self, picture: np.ndarray, vehicle: Box) -> PlateReading:
        assert self.let.wait(60)
        assert self.reader is not None
        return self.reader.read(picture, vehicle)


def test_a_plate_that_takes_its_time_holds_up_its_own_pack_alone(
    two_cars: FilePackets, weights: Path, tmp_path: Path
) -> None:
    slow = Slow(weights)
    keeper = EvidenceKeeper(two_cars, tmp_path, plates=PlateWitness(slow, load_plates("cn")))
    keeper.decided(parked(LEFT), "f" * 64)
    assert keeper.due(100.0) == []  # at once: analysis goes on
    slow.let.set()
    until = time.monotonic() + 60
    while not (packs := keeper.due(100.0)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pack.vehicle.plate for pack in packs if pack.vehicle] == ["皖A195K9"]


def test_a_box_that_stops_does_not_wait_for_a_plate(two_cars: FilePackets, weights: Path, tmp_path: Path) -> None:
    slow = Slow(weights)
    keeper = EvidenceKeeper(two_cars, tmp_path, plates=PlateWitness(slow, load_plates("cn")))
    keeper.decided(parked(LEFT), "f" * 64)
    (pack,) = keeper.flush(patience_s=0.1)
    slow.let.set()
    assert pack.vehicle is None and "plate: it was not read in time" in pack.below_profile
    assert [image for image in pack.images if image.role == "far"]


def test_after_a_restart_the_stills_are_still_read(two_cars: FilePackets, reader: PlateWitness, tmp_path: Path) -> None:
    EvidenceKeeper(two_cars, tmp_path, plates=reader).decided(parked(LEFT), "f" * 64)
    (pack,) = EvidenceKeeper(two_cars, tmp_path, plates=reader).flush()
    assert pack.video is None
    assert pack.vehicle is not None and pack.vehicle.plate == "皖A195K9"


# A plate on a list, read after the decision: live and in replay by the same functions


def exempt(folder: Path, *plates: str) -> Place:
    """A kerb in the frame of the two cars, with these plates on the list of permits."""
    (folder / "permits.txt").write_text("\n".join(plates), encoding="utf-8")
    zone = {"id": "kerb", "type": "no_parking", "polygon": [[0, 0], [1440, 0], [1440, 1160], [0, 1160]]}
    camera = {"id": "cam-1", "url": "rtsp://127.0.0.1/c", "frame": [1440, 1160], "zones": [zone]}
    head = {"site": "s", "name": "s", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default"}
    lists = {"exempt_lists": {"disabled_permit": "permits.txt"}, "cameras": [camera]}
    path = folder / "site.yaml"
    path.write_text(json.dumps(head | lists), encoding="utf-8")
    site = load_site(path)
    return Place("edge-1", site, site.site.cameras[0], law_of(site))


@pytest.mark.parametrize(("listed", "suppression"), [("皖A·195K9", ["disabled_permit"]), ("皖AMK620", [])])
def test_whose_plate_is_listed_does_not_come_to_review_live_or_in_replay(
    two_cars: FilePackets, reader: PlateWitness, tmp_path: Path, listed: str, suppression: list[str]
) -> None:
    where = exempt(tmp_path, listed)
    sound = Clock(offset_ms=0, uncertainty_ms=10, source="rtcp")
    keeper = EvidenceKeeper(two_cars, tmp_path / "kept", plates=reader, demands=demands_of(where, lambda: sound))
    keeper.decided(parked(LEFT), "f" * 64)
    (pack,) = keeper.flush()
    live = parse_data(manifest_of(where, pack))

    events = EventMaker(where, wall, lambda: sound, replay=True)
    folder = CaseFolder(two_cars, tmp_path / "cases", events, pytest.fail, reader)
    folder.take([Judged(parked(LEFT), events.violation(parked(LEFT)))])
    folder.finish()
    (file,) = (tmp_path / "cases").glob("*/manifest.json")
    replayed = parse_data(parse_event(file.read_bytes()))

    assert isinstance(live, Manifest) and isinstance(replayed, Manifest)
    assert live.vehicle is not None and live.vehicle.plate == "皖A195K9"
    assert live.suppression == replayed.suppression == suppression
    said = live.facts["disabled_permit"]
    assert (said.value, said.ask, said.source) == ("yes" if suppression else "no", False, "plate_list")
    assert replayed.facts == live.facts and replayed.replay and not live.replay
    assert [image.role for image in live.images if image.role == "far"]  # a person can look after what was set aside
