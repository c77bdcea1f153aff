"""A box says that a still or a clip will not come: the case goes on without it, flagged, in whatever order it is told."""

import itertools

import pytest
from central_kit import Box, decision, evidence, intake_of, open_db, violation
from sqlalchemy import select

from central.db.cases import Case
from central.media import service as media_service
from central.tickets import service
from contract.dropped import Dropped, DroppedMedia
from contract.events import EventType
from contract.sealing import sha256_hex


@pytest.fixture
def db(tmp_path):
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def box(db) -> Box:
    one = Box()
    one.enrol(db)
    return one


def dropped(*raws: bytes, cause: str = "outbox_full", edge_id: str = "edge-01") -> Dropped:
    media = [DroppedMedia(sha256=sha256_hex(raw), bytes=len(raw), kind="clip", event="e") for raw in raws]
    return Dropped(edge_id=edge_id, cause=cause, reason="outbox over max_media_bytes (1000)", media=media)


def upload(db, files: list[bytes]) -> None:
    for raw in files:
        media_service.enter(db, sha256_hex(raw), len(raw), "edge-01")


def view(db):
    with db.read() as session:
        number = session.execute(select(Case.number)).scalar_one()
        return service.case(session, number, None)


def failed(db) -> list[str]:
    return [check.detail for check in view(db).checks if check.name == "dropped" and not check.ok]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_case_does_not_wait_for_what_will_not_come(db, box, order) -> None:
    manifest, files = evidence()
    intake = intake_of(db)
    messages = [
        decision(box, violation()),
        box.say(EventType.MANIFEST, manifest),
        box.say(EventType.DROPPED, dropped(files[-1]), source="/edge/edge-01"),
    ]
    for step in order:
        if step == 3:
            upload(db, files[:-1])
        else:
            assert [one.outcome for one in intake.take([messages[step]])] == ["stored"]
    shown = view(db)
    assert shown.state == "REVIEW1"
    assert failed(db) == ["video: dropped by the box, whose outbox was full"]
    assert [one.sha256 for one in shown.media] == [sha256_hex(raw) for raw in files[:-1]]
    assert [line.action for line in shown.history].count("evidence given up") == 1


def test_in_one_batch_it_is_the_same(db, box) -> None:
    manifest, files = evidence()
    upload(db, files[1:])
    messages = [
        decision(box, violation()),
        box.say(EventType.MANIFEST, manifest),
        box.say(EventType.DROPPED, dropped(files[0], cause="altered"), source="/edge/edge-01"),
    ]
    assert [one.outcome for one in intake_of(db).take(messages)] == ["stored"] * 3
    assert view(db).state == "REVIEW1" and failed(db) == ["far of first: altered on the box's disk"]


def test_what_came_after_all_stays(db, box) -> None:
    manifest, files = evidence()
    upload(db, files)
    messages = [
        decision(box, violation()),
        box.say(EventType.MANIFEST, manifest),
        box.say(EventType.DROPPED, dropped(files[-1], cause="gone"), source="/edge/edge-01"),
    ]
    intake_of(db).take(messages)
    assert len(view(db).media) == len(files) and failed(db) == []


def test_a_box_gives_up_nothing_of_another(db, box) -> None:
    manifest, files = evidence()
    intake_of(db).take([decision(box, violation()), box.say(EventType.MANIFEST, manifest)])
    other = Box("edge-02")
    other.enrol(db)
    said = other.say(EventType.DROPPED, dropped(files[-1], edge_id="edge-02"), source="/edge/edge-02")
    assert [one.outcome for one in intake_of(db).take([said])] == ["stored"]
    assert len(view(db).media) == len(files) and failed(db) == []
