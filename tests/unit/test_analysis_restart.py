"""A restarted box goes on with what was proven: one stay is one case, whatever ran when."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from contract.events import Clock, EventType
from contract.sitefile import load_site
from edge.analysis import Analysis, Judged, Output
from edge.judgement import Place, law_of
from tests.scenes.kerbside import START, Street, car, visit, world

SITE = """\
site: s
name: s
timezone: Asia/Shanghai
jurisdiction: cn-default
cameras:
  - {id: cam-1, url: "rtsp://127.0.0.1:8554/cam-1", frame: [64, 64], zones: []}
"""
SCENES = list(world(car(visit(4.2, 22, 20, 200)), noise=0.4).scenes(0, 260, 2))


def begun(folder: Path, begin: datetime) -> Analysis:
    """The analysis of a box whose stream second 0 is `begin`."""
    path = folder / "site.yaml"
    path.write_text(SITE)
    site_file = load_site(path)
    place = Place("edge-1", site_file, Street(wait_s=60).camera(), law_of(site_file))
    return Analysis(place, lambda t: begin + timedelta(seconds=t), lambda: Clock(source="file"))


def run(analysis: Analysis, offset: float, after: float, until: float) -> list[Output]:
    said: list[Output] = []
    for scene in SCENES:
        if after < scene.t <= until:
            said += analysis.take(scene.t - offset, scene.tracks)
    return said


def events(outputs: list[Output]) -> list[tuple[str, str]]:
    return [
        (one.event.type, str(one.event.data["case_key"])) for one in outputs if isinstance(one, Judged) and one.event
    ]


def test_a_wait_that_began_before_the_restart_is_proven_after_it(tmp_path: Path) -> None:
    first = begun(tmp_path, START)
    assert events(run(first, 0, -1, 50) + first.suspend()) == []
    second = begun(tmp_path, START + timedelta(seconds=60))
    second.resume(json.loads(json.dumps(first.proven())))
    said = events(run(second, 60, 60, 260) + second.finish())
    assert [kind for kind, _ in said] == [EventType.ILLEGAL_PARKING, EventType.CLOSED]
    assert said[0][1] == said[1][1]


def test_a_stay_that_was_accused_before_the_restart_is_only_closed_after_it(tmp_path: Path) -> None:
    first = begun(tmp_path, START)
    before = events(run(first, 0, -1, 120) + first.suspend())
    second = begun(tmp_path, START + timedelta(seconds=130))
    second.resume(json.loads(json.dumps(first.proven())))
    after = events(run(second, 130, 130, 260) + second.finish())
    assert [kind for kind, _ in before] == [EventType.ILLEGAL_PARKING]
    assert [kind for kind, _ in after] == [EventType.CLOSED]
    assert before[0][1] == after[0][1]


def test_what_another_site_file_proved_is_not_carried_over(tmp_path: Path) -> None:
    first = begun(tmp_path, START)
    run(first, 0, -1, 70)
    proven = {**(first.proven() or {}), "site_version": "0" * 64}
    second = begun(tmp_path, START + timedelta(seconds=75))
    second.resume(proven)
    said = events(run(second, 75, 75, 125))
    assert said == []
