"""Precision from people's decisions, cameras that go to shadow and come back, and what is kept of them meanwhile."""

import random
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from central_kit import AT, Box, decision, evidence, intake_of, open_db, violation
from fastapi.testclient import TestClient
from learning_kit import APPROVED, PASSED, cancelled, cases, decide, refused, rejected
from sqlalchemy import func, select

from central.accounts import areas
from central.accounts import service as accounts
from central.accounts.roles import Role
from central.app import create_app
from central.clock import clock_of
from central.db.cases import Case
from central.db.database import Database
from central.db.events import Event
from central.db.learning import LearningLog, Shadow, ShadowMatter
from central.db.ledger import LedgerWaiting
from central.db.media import Media
from central.learning import floor, log, shadow
from central.learning.floor import Floor
from central.learning.precision import CAMERA, HOUR, Tally, never_above, reasons, tallies, wilson
from central.ledger import entries
from central.media.folder import FolderStore
from central.metrics import Metrics
from central.reports import facts
from central.retention.sweep import Retention
from central.tickets.errors import CaseMissing, Unfit
from central.tickets.standing import standing
from contract.events import EventType, Rule, Unknown

LATER = AT + timedelta(days=10)
CAM = ("edge-01", "cam-1", "illegal_parking")
QUESTION = [Unknown(fact="driver_present", question="Was the driver in it?")]


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return open_db(tmp_path)


@pytest.fixture
def box(db: Database) -> Box:
    one = Box()
    one.enrol(db)
    return one


@pytest.fixture(autouse=True)
def later():
    with clock_of(lambda: LATER):
        yield


def the(db: Database, key=CAMERA):
    facts.catch_up(db)
    with db.read() as session:
        return tallies(session, key)


def test_what_counts_and_what_does_not(db: Database, box: Box) -> None:
    numbers = cases(db, box, 10)
    # Another camera saw it, too: nothing is wrong with this one.
    decide(db, numbers[9:], rejected("R12"))
    decide(db, numbers[:3], APPROVED)
    decide(db, numbers[3:4], rejected("R05"))
    # Taken back after the second look, and waits again.
    decide(db, numbers[4:5], (*APPROVED, ("undo", "APPROVED", "REVIEW2", "wang", None)))
    decide(db, numbers[5:6], (("set aside", "PRECHECK", "REJECTED", "system", "R06"),))
    decide(db, numbers[6:7], (("expire", "REVIEW1", "EXPIRED", "system", None),))
    # Approved and cancelled on appeal: the accusation did not stand.
    decide(db, numbers[7:8], (*cancelled("G6"), ("archive", "CANCELLED", "ARCHIVED", "system", None)))
    # Decided this very second: it may still be taken back.
    decide(db, numbers[8:9], APPROVED, at=LATER)
    asked = cases(db, box, 2, first=20, unknown=QUESTION)
    decide(db, asked[:1], APPROVED)
    decide(db, asked[1:], rejected())
    (tally,) = the(db)
    assert (tally.right, tally.wrong, tally.asked, tally.set_aside, tally.expired, tally.waiting) == (3, 2, 2, 1, 1, 2)
    assert (tally.precision.right, tally.precision.n, tally.unclear) == (3, 5, 1)
    with db.read() as session:
        assert reasons(session) == [("R05", 1), ("R12", 1)]


def test_the_hour_is_that_of_the_sites_clock(db: Database, box: Box) -> None:
    decide(db, cases(db, box, 3), APPROVED)
    assert [(one.key[0], one.right) for one in the(db, HOUR)] == [(10, 1), (11, 1), (12, 1)]


def test_wilson_is_that_of_the_books() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    known = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (right, n), bounds in known.items():
        found = wilson(right, n)
        assert (round(found.low or 0, 4), round(found.high or 0, 4)) == bounds
    assert wilson(0, 0).share is None


@pytest.mark.parametrize(("right", "wrong", "goes"), [(4, 25, False), (4, 26, True), (7, 23, False), (6, 24, True)])
def test_only_a_bound_below_the_floor_and_enough_decisions_send_to_shadow(right, wrong, goes) -> None:
    # By hand: 1 / (31 * C(30, 6)) / 0.5^30 = 58 and of 7 it is 17; at 40 the chance is 2.5 %. 4 of 29 are too few.
    assert floor.falls(Tally(CAM, right=right, wrong=wrong), Floor()) is goes


def test_a_morning_of_rejections_sends_nobody_to_shadow_while_the_others_wait_for_their_second_look() -> None:
    assert not floor.falls(Tally(CAM, wrong=30, waiting=170), Floor())
    assert not floor.falls(Tally(CAM, wrong=30, expired=170), Floor())
    assert floor.falls(Tally(CAM, wrong=170, waiting=30), Floor())


def test_of_cameras_at_the_floor_looks_every_day_send_no_more_to_shadow_than_one_would() -> None:
    """A thousand cameras of exactly one half, looked at after each of 300 decisions."""
    draw, ever, wilsons = random.Random(3), 0, 0
    for _ in range(1000):
        right, fell, below = 0, False, False
        for n in range(1, 301):
            right += draw.random() < 0.5
            if n >= 30:
                fell = fell or never_above(right, n) < 0.5
                below = below or (wilson(right, n).high or 1.0) < 0.5
        ever, wilsons = ever + fell, wilsons + below
    assert ever <= 25 < wilsons


@pytest.mark.parametrize(
    ("by_li", "by_chen", "goes"), [(40, 0, False), (39, 1, False), (25, 5, False), (15, 15, True), (90, 15, True)]
)
def test_no_person_sends_a_camera_to_shadow_alone(db: Database, box: Box, by_li: int, by_chen: int, goes: bool) -> None:
    numbers = cases(db, box, by_li + by_chen)
    decide(db, numbers[:by_li], rejected())
    decide(db, numbers[by_li:], rejected(by="chen"))
    facts.catch_up(db)
    assert floor.judge(db) == ([CAM] if goes else [])
    if not goes:
        with db.read() as session:
            (tally,) = floor.judged(session, Floor())
        assert floor.hangs(tally, Floor()), "the page says that another must look"


@pytest.mark.parametrize("steps", [rejected("R01"), rejected("R02"), rejected("R04"), cancelled("G2"), cancelled("G7")])
def test_what_is_not_the_cameras_fault_sends_it_nowhere(db: Database, box: Box, steps: tuple) -> None:
    numbers = cases(db, box, 60)
    decide(db, numbers[::2], steps)
    decide(
        db,
        numbers[1::2],
        tuple((*step[:3], {"li": "chen", "zhao": "qian"}.get(step[3], step[3]), step[4]) for step in steps),
    )
    facts.catch_up(db)
    assert floor.judge(db) == []
    (tally,) = the(db)
    assert (tally.wrong, tally.unclear) == (0, 60)


def test_what_was_taken_back_counts_for_who_took_it_back(db: Database, box: Box) -> None:
    numbers = cases(db, box, 40)
    decide(db, numbers[:20], cancelled("G6"))
    decide(db, numbers[20:], cancelled("G5"))
    facts.catch_up(db)
    assert floor.judge(db) == [], "it was one person"
    decide(
        db,
        cases(db, box, 20, first=100),
        (*cancelled("G1", "qian"), ("archive", "CANCELLED", "ARCHIVED", "system", None)),
    )
    facts.catch_up(db)
    assert floor.judge(db) == [CAM]


def test_a_bad_camera_goes_to_shadow_a_person_lifts_it_and_all_of_it_is_in_the_ledger(db: Database, box: Box) -> None:
    bad = cases(db, box, 30)
    waiting = cases(db, box, 1, first=50)
    good = cases(db, box, 30, first=100, rule=Rule.FAILURE_TO_YIELD)
    refused(db, bad)
    decide(db, good, APPROVED)
    facts.catch_up(db)
    assert floor.judge(db, Floor(share=0.0)) == []
    assert floor.judge(db, Floor(window=timedelta(days=5))) == []
    assert floor.judge(db) == [CAM]
    assert floor.judge(db) == []
    # Another rule of the same camera goes on; the case that is open stays.
    assert cases(db, box, 1, first=60) == []
    (_,) = cases(db, box, 1, first=160, rule=Rule.FAILURE_TO_YIELD)
    with db.read() as session:
        assert session.execute(select(Case.state).where(Case.number == waiting[0])).scalar_one() == "CANDIDATE"
        assert session.execute(select(func.count()).select_from(ShadowMatter)).scalar_one() == 1
    for why in ("", "  ", "x" * 3000, "\x00"):
        with pytest.raises(Unfit), db.write() as session:
            floor.lift(session, CAM, "chief", why)
    with db.write() as session:
        floor.lift(session, CAM, "chief", "the lens was cleaned")
    with pytest.raises(CaseMissing), db.write() as session:
        floor.lift(session, CAM, "chief", "again")
    # Old errors send nobody back, and what came in shadow stays without a case.
    facts.catch_up(db)
    assert floor.judge(db) == []
    assert len(cases(db, box, 1, first=61)) == 1
    with db.read() as session:
        lines = session.execute(select(LearningLog).order_by(LearningLog.id)).scalars().all()
        assert [(one.action, one.actor) for one in lines] == [(log.SHADOWED, "system"), (log.LIFTED, "chief")]
        assert lines[0].detail == {"floor": 0.5, "least": 30, "right": 0, "n": 30, "high": 0.2656}
        assert session.execute(select(func.count()).where(LedgerWaiting.kind == "learning")).scalar_one() == 2
        said = entries.lines(session, [(entries.LEARNING, str(lines[1].id))])
        assert b"the lens was cleaned" in next(iter(said.values()))
        assert session.execute(select(func.count()).select_from(Shadow)).scalar_one() == 0
    with pytest.raises(ValueError, match="only added to"), db.write() as session:
        session.get(LearningLog, lines[0].id).note = "never"


def test_a_matter_of_the_shadow_never_becomes_a_case_whatever_comes_later(db: Database, box: Box) -> None:
    refused(db, cases(db, box, 30))
    facts.catch_up(db)
    floor.judge(db)
    data, (manifest, _) = violation("late"), evidence("late")
    early = box.say(EventType.MANIFEST, manifest)
    assert [one.outcome for one in intake_of(db).take([early, decision(box, data)])] == ["stored", "stored"]
    with db.write() as session:
        floor.lift(session, CAM, "chief", "mended")
    # A second decision of the same matter, after the lift: the box had restarted.
    assert intake_of(db).take([decision(box, data)])[0].outcome == "duplicate"
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(Case)).scalar_one() == 30
        (row,) = session.execute(select(ShadowMatter)).scalars()
        seen = shadow.seen(session, row.id)
        assert len(seen.images) == 3 and seen.video is not None and seen.ready == frozenset()
        assert session.execute(select(func.count()).where(Event.case_key == data.case_key)).scalar_one() == 2


def test_a_sample_is_labelled_and_shows_that_it_is_better_now(db: Database, box: Box) -> None:
    refused(db, cases(db, box, 30))
    facts.catch_up(db)
    floor.judge(db)
    cases(db, box, 25, first=200, begin=LATER)
    with db.read() as session:
        drawn = shadow.sample(session, CAM, draw=random.Random(1))
        assert len(drawn) == shadow.SAMPLE and len(set(drawn)) == shadow.SAMPLE
    for wrong in (("wrong", None), ("right", "R03"), ("maybe", None), ("wrong", "R99")):
        with pytest.raises(Unfit), db.write() as session:
            shadow.label(session, drawn[0], *wrong, "li")
    with db.write() as session:
        for number in drawn:
            shadow.label(session, number, "right", None, "li")
        shadow.label(session, drawn[0], "wrong", "R10", "wang")
        shadow.label(session, drawn[1], "unclear", None, "wang")
        shadow.look(session, drawn[0], "wang", ["a" * 64])
    with db.read() as session:
        (row,) = floor.shadows(session)
        found = shadow.counted(session, row)
        assert (found.kept, found.labelled, found.unclear) == (25, 20, 1)
        assert (found.precision.right, found.precision.n) == (18, 19)
        assert len(shadow.listed(session, CAM, most=10)) == 10
        actions = session.execute(select(LearningLog.action, func.count()).group_by(LearningLog.action)).all()
        assert dict(actions) == {log.SHADOWED: 1, log.LABELLED: 22, log.LOOKED: 1}
    with pytest.raises(CaseMissing), db.read() as session:
        shadow.found(session, 10**12)


def test_figures_follow_their_cases(db: Database, box: Box) -> None:
    numbers = cases(db, box, 3)
    assert facts.catch_up(db) == 3
    assert facts.catch_up(db) == 0
    decide(db, numbers[:1], APPROVED)
    decide(db, numbers[1:2], (PASSED,))
    assert facts.catch_up(db) == 2
    with db.read() as session:
        assert facts.as_of(session) is not None


def test_a_history_is_folded_to_what_stands() -> None:
    from central.db.cases import CaseLog

    def folded(*steps):
        lines = [
            CaseLog(
                at=AT + timedelta(seconds=n),
                actor=by,
                action=did,
                from_state=a,
                to_state=b,
                detail={"reason": code} if code else {},
            )
            for n, (did, a, b, by, code) in enumerate(steps)
        ]
        return SimpleNamespace(**facts.told(standing(lines)))

    assert folded().outcome == facts.WAITING
    done = folded(*APPROVED)
    assert (done.outcome, done.first_by, done.decided_by) == (facts.APPROVED, "li", "wang")
    back = folded(PASSED, ("send back", "REVIEW2", "REVIEW1", "wang", None))
    assert (back.outcome, back.first_by) == (facts.WAITING, None)
    again = folded(
        PASSED, ("send back", "REVIEW2", "REVIEW1", "wang", None), ("undo", "REVIEW1", "REVIEW2", "wang", None)
    )
    assert again.first_by == "li"
    before = folded(("approve", "REVIEW", "APPROVED", "li", None), ("two looks", "APPROVED", "REVIEW2", "system", None))
    assert (before.outcome, before.first_by, before.decided_by) == (facts.WAITING, "li", None)
    late = folded(*APPROVED, ("expire", "APPROVED", "EXPIRED", "system", None))
    assert (late.outcome, late.decided_by) == (facts.EXPIRED, "wang")
    # A way down that called it rejected, and up again: it was not set aside meanwhile.
    back = (("one look", "EXPIRED", "REJECTED", "system", None), ("two looks", "REJECTED", "EXPIRED", "system", None))
    late = folded(*APPROVED, ("expire", "APPROVED", "EXPIRED", "system", None), *back)
    assert (late.outcome, late.decided_by, late.decided_at) == (facts.EXPIRED, "wang", AT + timedelta(seconds=1))
    gone = folded(*rejected("R07"), ("archive", "REJECTED", "ARCHIVED", "system", None))
    assert (gone.outcome, gone.reason) == (facts.REJECTED, "R07")
    upheld = folded(
        *APPROVED, ("appeal", "NOTIFIED", "APPEAL", "desk", None), ("uphold", "APPEAL", "UPHELD", "zhao", None)
    )
    assert (upheld.outcome, upheld.decided_by, upheld.decided_at) == (facts.APPROVED, "wang", AT + timedelta(seconds=1))


@pytest.fixture
def office(db: Database, box: Box, tmp_path: Path):
    """Central's pages over a camera that is in shadow, with one decision kept."""
    refused(db, cases(db, box, 30))
    facts.catch_up(db)
    floor.judge(db)
    data, (manifest, files) = violation("kept"), evidence("kept")
    intake_of(db).take([decision(box, data), box.say(EventType.MANIFEST, manifest)])
    store = FolderStore(tmp_path / "media", 1_000_000)
    name = manifest.images[0].sha256
    path = tmp_path / "media" / name[:2] / name
    path.parent.mkdir(parents=True)
    path.write_bytes(files[0])
    with db.write() as session:
        session.add(Media(sha256=name, size=len(files[0]), edge_id="edge-01", complete=True, received_at=AT))
        for role in (Role.REVIEWER, Role.CHIEF, Role.AUDITOR):
            accounts.add_user(session, str(role), role, "correct horse battery")
    app = create_app(db, store, Metrics(db))
    with TestClient(app, headers={"Accept": "text/html", "Accept-Language": "en"}, follow_redirects=False) as client:
        yield client, name


def come(client: TestClient, role: Role) -> str:
    """Sign in; the token of the session's forms."""
    client.cookies.clear()
    client.post("/sign-in", data={"name": str(role), "password": "correct horse battery", "next": "/"})
    return re.search(r'name="csrf" value="([^"]+)"', client.get("/learning").text)[1]


def test_the_pages_show_the_shadow_take_labels_and_only_a_chief_lifts(db: Database, office, tmp_path: Path) -> None:
    client, name = office
    token = come(client, Role.REVIEWER)
    page = client.get("/learning").text
    assert "0 % right (0-11 %), n = 30" in page and "Cameras in shadow" in page and "/learning/lift" not in page
    camera = {"edge": "edge-01", "camera": "cam-1", "rule": "illegal_parking", "why": "cleaned"}
    assert client.post("/learning/lift", data=camera | {"csrf": token}).status_code == 403
    listed = client.get("/learning/shadows", params=camera).text
    (way,) = set(re.findall(r'href="(/learning/shadow/\d+)"', listed))
    shown = client.get(way).text
    assert f"{way}/media/{name}" in shown and "Nobody is accused here" in shown
    still = client.get(f"{way}/media/{name}")
    # Desks are shared: what one person looked at is not in the browser of the next.
    assert still.content[:2] == b"\xff\xd8" and still.headers["cache-control"] == "private, no-store"
    for wrong in (
        f"{way}/media/{'a' * 64}",
        "/learning/shadow/99",
        "/learning/shadow/x",
        "/learning/shadow/" + "9" * 30,
    ):
        assert client.get(wrong).status_code == 404
    assert client.post(f"{way}/label", data={"csrf": token, "label": "maybe"}).status_code == 422
    done = client.post(f"{way}/label", data={"csrf": token, "label": "wrong", "reason": "R10"})
    assert done.status_code == 303 and done.headers["location"].startswith("/learning/shadows?")
    assert "reviewer said: It is not right" in client.get(way).text
    token = come(client, Role.AUDITOR)
    assert client.get(way).status_code == 200
    assert client.post(f"{way}/label", data={"csrf": token, "label": "right"}).status_code == 403
    token = come(client, Role.CHIEF)
    assert client.post("/learning/lift", data=camera | {"csrf": token, "why": " "}).status_code == 422
    assert client.post("/learning/lift", data=camera | {"csrf": token}).status_code == 303
    assert client.post("/learning/lift", data=camera | {"csrf": token}).status_code == 404
    page = client.get("/learning").text
    assert "lifted. cleaned" in page and "Cameras in shadow" not in page
    with db.read() as session:
        looks = session.execute(select(LearningLog.actor).where(LearningLog.action == log.LOOKED)).scalars().all()
        assert looks == ["reviewer"] * 3 + ["auditor"]
    with clock_of(lambda: LATER + timedelta(days=32)):
        assert Retention(db, FolderStore(tmp_path / "media", 1_000_000), None).run().removed == 1
    page = client.get(way).text
    assert "stills and clips were deleted because the time for which they are kept had ended" in page
    assert "have not arrived" not in page and client.get(f"{way}/media/{name}").status_code == 404


def test_who_has_areas_sees_no_shadow_of_another(db: Database, office) -> None:
    client, _ = office
    with db.write() as session:
        areas.give(session, "chief", ["330122"], "admin")
    token = come(client, Role.CHIEF)
    page = client.get("/learning").text
    assert "Cameras in shadow" not in page and "edge-01" not in page
    camera = {"edge": "edge-01", "camera": "cam-1", "rule": "illegal_parking", "why": "cleaned"}
    assert client.get("/learning/shadows", params=camera).status_code == 404
    assert client.get("/learning/shadow/1").status_code == 404
    assert client.post("/learning/lift", data=camera | {"csrf": token}).status_code == 404
