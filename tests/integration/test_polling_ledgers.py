"""Ledgers of recordings at central: in any order, from many batches, and with every way of telling two pasts."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from central.db.database import Database
from central.db.polling import (
    BoxCommand,
    BoxState,
    CameraState,
    FeedTrouble,
    RecordingBlock,
    RecordingGap,
    RecordingLedger,
    Station,
)
from central.ingest.admit import Message
from central.ingest.statuses import take
from central.polling import continuity, stations
from central.polling import told as boxes_tell
from central.sites import register
from contract.continuity import Block, Coverage, Deleted, Missing, Recorded, coverage, hash_of
from contract.events import EventType, case_key, now
from contract.feedhealth import Cleared, Trouble
from contract.sealing import GENESIS
from contract.states import CameraStatus, Disk, EdgeStatus, Kept, Learned
from contract.topics import EdgeTopics
from tests.central_kit import Box, intake_of, open_db

SITE = Path(__file__).resolve().parents[2] / "configs" / "sites" / "polling.yaml"
S = 1_000_000
BEGIN = 1_796_970_600 * S  # 2026-12-11 06:30 UTC, within the rehearsal of the example


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_db(tmp_path)


@pytest.fixture
def box(db: Database) -> Box:
    one = Box()
    one.enrol(db)
    return one


def block(number: int, prev: str, start: int, lengths: list[tuple[str, int]], late: list[Any] | None = None) -> Block:
    """A block whose entries are (cause, or "" for recorded; seconds) from `start` on."""
    at, recorded, missing = start, [], []
    for cause, seconds in lengths:
        end = at + seconds * S
        if cause:
            missing.append(Missing.model_validate({"start_us": at, "end_us": end, "cause": cause}))
        else:
            recorded.append(Recorded(start_us=at, end_us=end, name=f"{at}.mp4", sha256="a" * 64, bytes=1, pictures=1))
        at = end
    return Block(
        edge_id="edge-01", camera_id="hall-1", site="chunjiang-polling-02", number=number, prev=prev,
        from_us=start, until_us=at, recorded=recorded, missing=missing, late=late or [],
    )  # fmt: skip


def ledger_of(*parts: list[tuple[str, int]]) -> list[Block]:
    """Blocks one after another."""
    made: list[Block] = []
    for number, lengths in enumerate(parts):
        start = made[-1].until_us if made else BEGIN
        made.append(block(number, hash_of(made[-1]) if made else GENESIS, start, lengths))
    return made


def sealed(box: Box, *blocks: Any, kind: EventType = EventType.RECORDING_BLOCK) -> list[Message]:
    return [box.say(kind, one, source="/edge/edge-01/camera/hall-1") for one in blocks]


def told(db: Database) -> tuple[RecordingLedger, Coverage]:
    with db.read() as session:
        ledger = session.execute(select(RecordingLedger)).scalar_one()
        assert ledger.from_us is not None and ledger.until_us is not None
        return ledger, continuity.coverage(session, ledger, ledger.from_us - S, ledger.until_us + S)


def plain(gaps: Any) -> list[tuple[int, int, str]]:
    return [(one.start_us, one.end_us, one.cause) for one in gaps]


parts = st.lists(
    st.lists(st.tuples(st.sampled_from(["", "", "network", "power"]), st.integers(1, 30)), min_size=1, max_size=4),
    min_size=1,
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=parts, seed=st.integers(0, 99))
def test_in_whatever_order_and_batches_it_is_told_as_the_contract_tells_it(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[str, int]]], seed: int
) -> None:
    db, box, rng = open_db(tmp_path_factory.mktemp("db")), Box(), random.Random(seed)
    box.enrol(db)
    blocks = ledger_of(*parts)
    messages = sealed(box, *blocks)
    messages += rng.sample(messages, min(2, len(messages)))  # sent again
    rng.shuffle(messages)
    intake = intake_of(db)
    while messages:
        size = rng.randint(1, 3)
        assert {one.outcome for one in intake.take(messages[:size])} <= {"stored", "duplicate"}
        messages = messages[size:]
    ledger, seen = told(db)
    meant = coverage(blocks, blocks[0].from_us - S, blocks[-1].until_us + S)
    assert ledger.fault is None and ledger.next_number == len(blocks) and ledger.hash == hash_of(blocks[-1])
    assert (seen.recorded_us, seen.unledgered_us) == (meant.recorded_us, meant.unledgered_us)
    assert plain(seen.gaps) == plain(meant.gaps)


def test_what_comes_late_fills_its_gap_and_no_other(db: Database, box: Box) -> None:
    first, second = ledger_of([("", 10), ("network", 20), ("", 10)], [("", 10)])
    filled = Recorded(
        start_us=BEGIN + 15 * S, end_us=BEGIN + 25 * S, name="x.mp4", sha256="b" * 64, bytes=1, pictures=1,
        origin="camera_store",
    )  # fmt: skip
    second = second.model_copy(update={"late": [filled]})
    intake_of(db).take(sealed(box, first, second))
    ledger, seen = told(db)
    assert ledger.fault is None and seen.recorded_us == 40 * S
    assert plain(seen.gaps) == [
        (BEGIN + 10 * S, BEGIN + 15 * S, "network"),
        (BEGIN + 25 * S, BEGIN + 30 * S, "network"),
    ]


@pytest.mark.parametrize("which", ["rewritten", "twice", "skipped", "hole", "tiling"])
def test_a_box_that_rewrites_its_past_is_found_out_and_stays_found_out(db: Database, box: Box, which: str) -> None:
    first, second, third = ledger_of([("", 60)], [("", 60)], [("", 60)])
    if which == "rewritten":
        blocks = [first, second.model_copy(update={"prev": "f" * 64}), third]
    elif which == "twice":
        blocks = [first, second, third, block(1, hash_of(first), first.until_us, [("network", 60)])]
    elif which == "skipped":
        blocks = [first, third]
    elif which == "hole":
        blocks = [first, block(1, hash_of(first), first.until_us + 5 * S, [("", 55)])]
    else:
        blocks = [first, second.model_copy(update={"until_us": second.until_us + S})]
    intake = intake_of(db)
    for message in sealed(box, *blocks):
        intake.take([message])
    ledger, seen = told(db)
    if which == "skipped":  # it may still come: nothing is held against it, and nothing is believed of it
        assert ledger.fault is None and ledger.next_number == 1
        assert seen.recorded_us == 60 * S
        return
    assert ledger.fault is not None and ledger.fault_number == 1
    if which == "hole":
        assert plain(seen.gaps) == [(first.until_us, first.until_us + 5 * S, "unknown")]
    fault = ledger.fault
    intake.take(sealed(box, block(3, hash_of(third), third.until_us, [("", 60)])))
    assert told(db)[0].fault == fault


def test_deletions_are_on_record(db: Database, box: Box) -> None:
    gone = Deleted(
        edge_id="edge-01", camera_id="hall-1", why="kept_long_enough", from_us=BEGIN, until_us=BEGIN + S,
        segments=["c" * 64, "d" * 64],
    )  # fmt: skip
    (message,) = sealed(box, gone, kind=EventType.RECORDING_DELETED)
    assert [one.outcome for one in intake_of(db).take([message, message])] == ["stored", "duplicate"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_trouble_begins_and_ends_once(db: Database, box: Box, order: tuple[int, ...]) -> None:
    key = case_key("edge-01", "hall-1", "feed", "covered", "1")
    at = now() - timedelta(minutes=5)
    begun = Trouble(
        case_key=key, edge_id="edge-01", camera_id="hall-1", site="s", check="covered", severity="alarm",
        at_first=at, at_trigger=at, reason="edges fell to 4 % of their own", figures={"edges": 0.04},
    )  # fmt: skip
    over = Cleared(
        case_key=key, edge_id="edge-01", camera_id="hall-1", check="covered", at_end=at, lasted_s=3.0, how="well"
    )
    messages = sealed(box, begun, begun, kind=EventType.TROUBLE) + sealed(box, over, kind=EventType.TROUBLE_CLEARED)
    intake = intake_of(db)
    for index in order:
        intake.take([messages[index]])
    with db.read() as session:
        (one,) = session.execute(select(FeedTrouble)).scalars().all()
        assert (one.kind, one.at_end, one.how) == ("covered", at, "well")


def test_a_registered_station_is_known_with_its_windows_and_told_phase_by_phase(db: Database, box: Box) -> None:
    with db.write() as session:
        terms = register.Terms("330122", datetime(2026, 11, 1, tzinfo=UTC).date(), None, "test")
        register.add(session, SITE, terms)
    blocks = ledger_of([("", 60), ("camera", 3)], [("", 57)])
    intake_of(db).take(sealed(box, *blocks))
    with db.read() as session:
        (station,) = stations.known(session)
        assert station.village == "春江社区" and stations.known(session, {"999999"}) == []
        moment = datetime.fromtimestamp(BEGIN / 1e6, UTC) + timedelta(seconds=120)
        (phase,) = continuity.of_station(session, station, moment)
        hall, count = phase.cameras
        assert phase.window.phase == "rehearsal" and (hall.edge_id, count.edge_id) == ("edge-01", None)
        assert hall.coverage.recorded_us == 117 * S and plain(hall.coverage.gaps)[0][2] == "camera"
        assert hall.coverage.unledgered_us == hall.coverage.planned_us - 120 * S
        assert count.coverage.recorded_us == 0 and 0 < phase.share < 0.5


def test_states_and_answers_are_heard_from_their_own_box_alone(db: Database, box: Box) -> None:
    topics = EdgeTopics("edge-01")
    at = now()
    live = CameraStatus(camera_id="hall-1", state="live", since=at, cause="a\0b").model_dump_json().encode()
    older = CameraStatus(camera_id="hall-1", state="lost", since=at - timedelta(hours=1)).model_dump_json().encode()
    with db.write() as session:
        session.add(
            BoxCommand(
                id="c-1", edge_id="edge-01", camera_id="hall-1", word="live_on", body={}, asked_by="li", asked_at=at
            )
        )
    heard = {
        topics.status: EdgeStatus(state="online", at=at).model_dump_json().encode(),
        topics.camera_status("hall-1"): live,
        topics.camera_status("hall-2"): live,
        EdgeTopics("edge-99").camera_status("hall-1"): live,
        topics.camera_status("hall-3"): b"\xff{",
        topics.camera_status("hall-4"): b"x" * 5000,
    }
    strange = (EdgeTopics("edge-99").reply, b'{"id": "c-1", "status": "refused"}')
    for said in (heard, heard, {topics.camera_status("hall-1"): older}):
        with db.write() as session:
            take(session, said, [strange, (topics.reply, b"{"), (topics.reply, b'{"id": "c-1", "status": "done"}')])
    with db.read() as session:
        (camera,) = session.execute(select(CameraState)).scalars().all()
        assert (camera.camera_id, camera.state, camera.cause) == ("hall-1", "live", "ab")
        assert session.execute(select(BoxState.state)).scalar_one() == "online"
        command = session.get_one(BoxCommand, "c-1")
        assert command.status == "done" and command.answered_at is not None


def test_what_a_box_tells_of_disk_and_pictures_stands_until_it_tells_something_else(db: Database, box: Box) -> None:
    topics, at = EdgeTopics("edge-01"), now()
    disk = Disk(at=at, budget_bytes=200, used_bytes=100, free_bytes=50, pace=3, full_at=at + timedelta(days=2))
    learned, kept = Learned(done=True, since=at), Kept(days=30, oldest=at - timedelta(days=4))
    camera = CameraStatus(camera_id="hall-1", state="live", since=at, learned=learned, kept=kept)

    def hear(status: EdgeStatus, camera: CameraStatus) -> None:
        heard = {topics.status: status.model_dump_json().encode()}
        heard[topics.camera_status("hall-1")] = camera.model_dump_json(exclude_none=True).encode()
        with db.write() as session:
            take(session, heard, [])

    def there() -> tuple[boxes_tell.DiskTold, boxes_tell.CameraTold]:
        with db.read() as session:
            later = now() + timedelta(minutes=10)
            return boxes_tell.disks(session, {"edge-01"}, later)["edge-01"], boxes_tell.cameras(session, {"edge-01"})[
                "edge-01", "hall-1"
            ]

    hear(EdgeStatus(state="online", at=at, disk=disk), camera)
    assert there() == (boxes_tell.DiskTold("edge-01", disk, True), boxes_tell.CameraTold(learned, kept))
    hear(EdgeStatus(state="offline"), camera)
    assert there()[0].disk == disk, "a last will says nothing of the disk"
    hear(EdgeStatus(state="online", at=at), camera.model_copy(update={"learned": None, "kept": None}))
    assert there() == (boxes_tell.DiskTold("edge-01", disk, True), boxes_tell.CameraTold(None, None)), (
        "an older box took over"
    )
    with db.write() as session:
        session.execute(update(BoxState).values(disk_heard_at=now() - timedelta(minutes=21)))
    hear(EdgeStatus(state="online", at=at, disk=disk), camera)
    assert not there()[0].fresh, "the same word, retained and heard again, is no newer"
    negative = b'{"state": "online", "disk": {"at": "2026-01-05T00:00:00Z", "budget_bytes": -1, "used_bytes": 0, "free_bytes": 0}}'
    with db.write() as session:
        take(session, {topics.status: negative}, [])
    assert there()[0].disk == disk


def test_nothing_is_kept_of_a_block_that_came_before(db: Database, box: Box) -> None:
    (one,) = ledger_of([("", 60)])
    intake = intake_of(db)
    intake.take(sealed(box, one))
    intake.take(sealed(box, one))  # the same block under another event
    with db.read() as session:
        assert len(session.execute(select(RecordingBlock)).scalars().all()) == 1
        assert session.execute(select(RecordingGap)).scalars().all() == []
        assert session.execute(select(Station)).scalars().all() == []
    assert told(db)[0].fault is None
