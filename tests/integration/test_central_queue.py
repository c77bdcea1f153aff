"""The queue seeks and counts no further than it must, a look is one line, and who has a case open is shown."""

from datetime import timedelta

import pytest
from central_kit import Box, decision, evidence, intake_of, later, open_db, person, violation
from sqlalchemy import select, text

from central.db.accounts import ViewLog
from central.db.cases import Case
from central.db.database import Database
from central.db.leases import CaseLease
from central.db.media import Media
from central.ledger import entries
from central.metrics import _Stored
from central.tickets import leases, looks, opening, queue, seeking, showing
from central.tickets.errors import Unfit
from central.tickets.queue import Among
from central.tickets.states import REVIEW1
from contract.bundle import viewer_log
from contract.events import EventType, now
from contract.sealing import sha256_hex
from sightline.bench import desk_copies


@pytest.fixture
def db(tmp_path) -> Database:
    return open_db(tmp_path)


def waiting(db: Database, count: int, **changes) -> list[str]:
    """Cases in review, oldest first."""
    box = Box()
    box.enrol(db)
    for number in range(count):
        name = f"p{number}"
        data = violation(name, **changes)
        moment = data.at_trigger + timedelta(minutes=number)
        data = data.model_copy(update={"at_trigger": moment, "site": f"road-{number % 3}"})
        manifest, files = evidence(name)
        intake_of(db).take([decision(box, data), box.say(EventType.MANIFEST, manifest)])
        with db.write() as session:
            for raw in files:
                session.add(Media(sha256=sha256_hex(raw), size=1, edge_id="edge-01", complete=True, received_at=now()))
                session.flush()
                opening.media_arrived(session, sha256_hex(raw))
    with db.read() as session:
        return list(
            session.execute(select(Case.number).where(Case.state == REVIEW1).order_by(Case.at_trigger)).scalars()
        )


def test_every_page_and_neighbour_seeks_in_an_index_of_its_state(db) -> None:
    numbers = waiting(db, 7)
    assert len(numbers) == 7
    with db.read() as session:
        row = queue.found(session, numbers[3])
        assert queue.neighbours(session, row) == (numbers[2], numbers[4])
        assert queue.neighbours(session, row, Among(site="road-0")) == (numbers[0], numbers[6])
        page = queue.queue(session, limit=3, after=numbers[2])
        assert [one.number for one in page.items] == numbers[3:6] and page.next == numbers[5]
        assert [one.number for one in queue.queue(session, among=Among(site="road-1")).items] == numbers[1::3]
        assert queue.queue(session, among=Among(rule="failure_to_yield")).items == []
        assert queue.sites_of(session, REVIEW1) == ["road-0", "road-1", "road-2"]
        assert queue.counts(session)["REVIEW1"] == 7
        with pytest.raises(Unfit):
            queue.queue(session, among=Among(site="x" * 500))
        if session.connection().dialect.name == "sqlite":
            for among in (Among(), Among(site="road-1"), Among(rule="illegal_parking")):
                for back in (False, True):
                    onward = seeking.behind(REVIEW1, row, back)
                    query = seeking.first(session, REVIEW1, among, 3, onward, back=back)
                    compiled = query.compile(session.connection())
                    # The plan asks for no values.
                    values = (None,) * len(compiled.positiontup or ())
                    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
                    (line,) = [detail for *_, detail in plan.all()]
                    assert "SEARCH cases USING INDEX ix_cases_queue" in line and "sort_at" in line, line


def test_counting_ends_at_a_thousand(db) -> None:
    waiting(db, 1)
    # Two of three that wait are at the first look.
    assert desk_copies.copy(db, 8_400) == 1_680
    with db.read() as session:
        assert queue.counts(session)["REVIEW1"] == 1000
        (total,) = session.execute(text("SELECT count(*) FROM cases")).one()
        assert total == 8_401
        page = queue.queue(session, limit=200)
        assert len({one.number for one in page.items}) == 200
        assert all(one.thumbnail for one in page.items)


def test_what_another_has_open_is_shown_and_passed_over_and_blocks_nobody(db) -> None:
    numbers = waiting(db, 3)
    li, wang = person(db), person(db, "wang")
    with db.write() as session:
        second = queue.found(session, numbers[1])
        leases.take(session, second.id, wang.id, "tab-1")
    with db.write() as session:
        leases.take(session, second.id, li.id, "tab-9")
        assert leases.holders(session, [second.id], li.id) == {second.id: "wang"}
        assert leases.holders(session, [second.id], wang.id) == {}
        assert queue.next_of(session, REVIEW1, numbers[0], li.id) == numbers[2]
        assert queue.next_of(session, REVIEW1, numbers[0], wang.id) == numbers[1]
        assert queue.next_of(session, REVIEW1, numbers[2], li.id) == numbers[0]
        taken = [one.taken_by for one in queue.queue(session, me=li.id).items]
        assert taken == [None, "wang", None]
    with db.write() as session:
        leases.drop(session, second.id, wang.id, "another tab")
        assert leases.holders(session, [second.id], li.id) == {second.id: "wang"}
        leases.drop(session, second.id, wang.id, "tab-1")
        assert leases.holders(session, [second.id], li.id) == {}
    with db.write() as session:
        leases.take(session, second.id, wang.id, "tab-1")
        session.get_one(CaseLease, second.id).until = now() - timedelta(seconds=1)
    with db.write() as session:
        assert queue.next_of(session, REVIEW1, numbers[0], li.id) == numbers[1]
        leases.take(session, second.id, li.id, "tab-9")
        assert leases.holders(session, [second.id], wang.id) == {second.id: "li"}
        session.get_one(CaseLease, second.id).until = now() - timedelta(seconds=1)
        leases.sweep(session)
    with db.read() as session:
        assert session.execute(select(CaseLease)).all() == []


def test_a_look_is_one_line_with_its_stills_and_an_old_line_keeps_its_bytes(db) -> None:
    (number,) = waiting(db, 1)
    li, wang = person(db), person(db, "wang")
    with db.write() as session:
        case = queue.found(session, number)
        stills = [one.sha256 for one in showing.whole(session, case, None, None, None).media if one.kind == "image"]
        looks.page(session, case.id, li.id, looks.Why.PREFETCHED, stills)
        session.add(ViewLog(at=now(), user_id=li.id, case_id=case.id, sha256=None))
        looks.shown(session, case.id, li.id)
        # Nothing was fetched ahead for this one: there is nothing to be in sight.
        looks.shown(session, case.id, wang.id)
    with db.read() as session:
        assert looks.shown_on_page(session, number, li.id, stills[0])
        assert not looks.shown_on_page(session, number, wang.id, stills[0])
        long_ago = now() - timedelta(hours=1)
        assert looks.seen(session, case.id, li.id, long_ago) and not looks.seen(session, case.id, wang.id, long_ago)
        rows = session.execute(select(ViewLog).order_by(ViewLog.id)).scalars().all()
        said = entries.lines(session, [(entries.VIEW, str(row.id)) for row in rows])
    whys = [row.why for row in rows]
    assert whys == ["prefetch", None, "shown"]
    old = said[entries.VIEW, str(rows[1].id)]
    assert b'"why"' not in old and b'"media"' not in old
    assert stills[0].encode() in said[entries.VIEW, str(rows[0].id)]
    listed = viewer_log(
        [
            {"at": "t", "by": "li", "sha256": None},
            {"at": "t", "by": "li", "sha256": None, "why": "shown", "media": ["a", "b"]},
        ]
    )
    assert listed == b"at,by,looked_at\r\nt,li,case page\r\nt,li,case page (shown): a b\r\n"


def test_a_still_asked_for_long_after_its_page_is_a_look_of_its_own(db) -> None:
    (number,) = waiting(db, 1)
    li = person(db)
    with db.write() as session:
        case = queue.found(session, number)
        looks.page(session, case.id, li.id, looks.Why.OPENED, ["aa"])
    with db.read() as session:
        long_ago, since = now() - timedelta(hours=1), now() + timedelta(seconds=1)
        assert looks.shown_on_page(session, number, li.id, "aa")
        assert looks.given_lately(session, case.id, li.id, long_ago)
        # The case was moved since: what stands there now was not given yet.
        assert not looks.given_lately(session, case.id, li.id, since)
        assert not looks.seen(session, case.id, li.id, since)
        with later(11 * 60):
            assert not looks.shown_on_page(session, number, li.id, "aa")
            assert not looks.given_lately(session, case.id, li.id, long_ago)
            assert looks.seen(session, case.id, li.id, long_ago)


def test_what_took_long_to_count_is_told_again_for_a_while(db) -> None:
    moments = iter([0.0, 1.0, 1.2, 10.0, 22.0, 22.01, 22.02, 22.03])
    stored = _Stored(db, lambda: next(moments))

    def told() -> float:
        (cases,) = [one for one in stored.collect() if one.name == "sightline_central_cases"]
        return sum(sample.value for sample in cases.samples)

    assert told() == 0.0
    waiting(db, 1)
    # Counting took 0.2 s: until 20 s later it is not done again, and what is quick is done each time.
    assert [told(), told(), told()] == [0.0, 1.0, 1.0]
