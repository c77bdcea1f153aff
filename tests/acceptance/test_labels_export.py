"""Real video, judged, sealed, decided by people, exported - and `sightline eval` runs on what was exported."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import av
import pytest
import yaml
from central_kit import Box, decision, intake_of, open_db, violation
from learning_kit import APPROVED, decide, rejected
from sqlalchemy import select
from typer.testing import CliRunner

from central.db.cases import Case
from central.db.learning import LearningLog
from central.db.media import Media
from central.learning.labelled import Labelled, Truth, _by_boxes, truth_of
from central.media.folder import FolderStore
from central.sites import register
from central.sites.register import Terms
from contract.events import EventType, Geometry, Manifest, TrackPoint, Video, Violation, now
from contract.sitefile import load_site
from sightline.cli import app
from sightline.evaluation.labelling import label_of, write

pytestmark = pytest.mark.shared

CLIP = "road_illegal_parking_kevinjoy"


def sightline(*words: str) -> str:
    said = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return said.output


def replayed(site: Path, clip: Path) -> Violation:
    """What the product says of the clip, as a live box would seal it."""
    lines = sightline("edge", "replay", "--site", str(site), str(clip)).splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    (event,) = [one for one in events if one["type"] == EventType.ILLEGAL_PARKING]
    data = event["data"] | {"replay": False, "edge_id": "edge-01"}
    for key in ("chain", "camera_seq"):
        data.pop(key, None)
    return Violation.model_validate(data)


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Violation]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_WEIGHTS", str(shared / "weights"))
        yield _real(shared, tmp_path_factory)


def _real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Violation]:
    folder = tmp_path_factory.mktemp("site")
    said = yaml.safe_load((shared / "clips" / f"{CLIP}.wait6.site.yaml").read_text(encoding="utf-8"))
    said["cameras"][0]["url"] = "rtsp://10.20.30.40/secret-way"
    site = folder / "site.yaml"
    site.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    clip = fewer(shared / "clips" / f"{CLIP}.mp4", folder / "clip.mp4")
    return site, clip, replayed(site, clip)


def fewer(source: Path, target: Path) -> Path:
    """Every fifth picture of the clip: enough for the rules, and quick to blur."""
    with av.open(str(source)) as read, av.open(str(target), "w", "mp4") as written:
        stream = read.streams.video[0]
        out = written.add_stream("libx264", rate=5, options={"bf": "0", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
        out.codec_context.time_base = stream.time_base
        for number, frame in enumerate(read.decode(stream)):
            if number % 5 == 0:
                copy = av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")
                copy.pts, copy.time_base = frame.pts, frame.time_base
                written.mux(out.encode(copy))
        written.mux(out.encode(None))
    return target


@pytest.mark.parametrize(("steps", "events"), [(APPROVED, 1), (rejected("R11"), 0)])
def test_a_decided_case_becomes_a_scene_that_eval_judges(
    real: tuple[Path, Path, Violation], tmp_path: Path, steps: Sequence[tuple], events: int
) -> None:
    site, clip, data = real
    db, box = open_db(tmp_path), Box()
    box.enrol(db)
    raw = clip.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    video = Video(
        t0=0.0, t1=data.t_last + 3, at0=data.at_first - timedelta(seconds=data.t_first), fps=25, codec="h264", w=640,
        h=360, sha256=digest, bytes=len(raw),
    )  # fmt: skip
    manifest = Manifest(case_key=data.case_key, edge_id="edge-01", camera_id=data.camera_id, images=[], video=video)
    intake_of(db).take([decision(box, data), box.say(EventType.MANIFEST, manifest)])
    place = tmp_path / "media" / digest[:2] / digest
    place.parent.mkdir(parents=True)
    shutil.copyfile(clip, place)
    with db.write() as session:
        session.add(Media(sha256=digest, size=len(raw), edge_id="edge-01", complete=True, received_at=now()))
        register.add(session, site, Terms("330122", data.at_first.date(), None, "li"))
        number = session.execute(select(Case.number)).scalar_one()
    decide(db, [number], steps)
    config = tmp_path / "central.yaml"
    config.write_text("data_dir: .\ndatabase: {url: 'sqlite:///central.sqlite'}\n", encoding="utf-8")
    out = tmp_path / "decided"
    assert "1 scenes" in sightline("central", "labels", "--out", str(out), "--config", str(config))
    written = "".join(one.read_text(encoding="utf-8") for one in sorted(out.glob("*.*")) if one.suffix != ".mp4")
    assert number not in written and "10.20.30.40" not in written
    (copy,) = out.glob("*.mp4")
    assert copy.read_bytes() != raw
    load_site(next(out.glob("*.site.yaml")))
    sightline("eval", str(out), "--json", str(tmp_path / "said.json"), "--processes", "1")
    said = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))
    # Approved: the rules say it again of the blurred copy. Rejected: they still accuse, and now it counts against them.
    assert len(said["wrong"]) == 1 - events
    with db.read() as session:
        (line,) = session.execute(select(LearningLog)).scalars()
        assert line.action == "export labels" and sum(line.detail["scenes"].values()) == 1
    db.close()


@pytest.mark.parametrize(
    ("outcome", "verdict", "reason", "truth"),
    [
        ("approved", "candidate", None, "right"),
        ("approved", "needs_human", None, "right"),
        ("rejected", "candidate", "R05", "wrong"),
        ("rejected", "candidate", "R01", "unclear"),
        ("rejected", "candidate", "R12", "unclear"),
        ("rejected", "needs_human", "R11", "unclear"),
    ],
)
def test_what_a_decision_says_of_the_accusation(outcome: str, verdict: str, reason: str | None, truth: str) -> None:
    assert truth_of(outcome, verdict, reason) == truth


def test_another_matter_in_the_clip_is_no_false_accusation(real: tuple[Path, Path, Violation]) -> None:
    data = real[2]
    video = Video(t0=2.0, t1=20.0, at0=data.at_first, fps=25, codec="h264", w=640, h=360, sha256="a" * 64, bytes=1)
    label = label_of(Labelled(data, "wrong", "R05", video, b"", (data,)), "x")
    assert label.events == [] and label.tags.kind == "wrong-R05"
    (other,) = label.tolerated
    assert other.t_first == pytest.approx((data.t_first - 3.5, data.t_first - 0.5), abs=0.002)


@pytest.mark.parametrize(("truth", "reason", "as_expected"), [("right", None, True), ("wrong", "R10", False)])
def test_a_stay_longer_than_its_clip_is_told_by_the_boxes_that_were_sealed(
    tmp_path: Path, truth: Truth, reason: str | None, as_expected: bool
) -> None:
    """Five minutes at a kerb, thinned to 200 sightings as boxes seal them."""
    said = {
        "site": "long", "name": "long", "timezone": "Asia/Shanghai", "jurisdiction": "cn-default",
        "cameras": [
            {
                "id": "cam-1", "url": "rtsp://10.0.0.1/x", "frame": [1280, 720],
                "zones": [
                    {
                        "id": "kerb", "type": "no_parking", "permitted_wait_s": 180,
                        "polygon": [[100, 300], [900, 300], [900, 700], [100, 700]],
                    }
                ],
            }
        ],
    }  # fmt: skip
    track = [TrackPoint(t=1000.0 + 1.5 * n, box=(300.0, 400.0, 620.0, 600.0)) for n in range(130)]
    geometry = Geometry(frame=(1280, 720), zone=[(100, 300), (900, 300), (900, 700), (100, 700)], track=track)
    data = violation(
        t_first=1000.0, t_trigger=1180.5, t_last=1193.0, geometry=geometry, site="long", verdict="candidate",
        vehicle={"class": "car"},
    )  # fmt: skip
    assert _by_boxes(data, None, truth, reason) and not _by_boxes(data, None, "wrong", "R05")
    case = Labelled(data, truth, reason, None, yaml.safe_dump(said).encode(), boxes=True)
    done = write([case], FolderStore(tmp_path / "media", 1), None, tmp_path / "out")  # type: ignore[arg-type]
    assert done.scenes == {truth: 1}
    sightline("eval", str(tmp_path / "out"), "--json", str(tmp_path / "said.json"), "--processes", "1")
    wrong = json.loads((tmp_path / "said.json").read_text(encoding="utf-8"))["wrong"]
    assert (wrong == []) is as_expected, wrong
