"""Bookmarks in a real database, both kinds: marks of two people at once are one, spans only grow, chiefs let go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from central_kit import person
from sqlalchemy import select
from test_duty import db
from test_polling_wall import MIN, NOW, fill

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.db.marks import Bookmark, BookmarkMark, StationLog
from central.db.polling import BoxCommand
from central.ledger import entries
from central.polling import bookmarked, bookmarks, lines
from central.polling.bookmarks import AROUND_US, LONGEST_US, Wanted, Words
from central.polling.continuity import micros
from central.tickets.errors import CaseMissing, Unfit

__all__ = ["db"]
AT = micros(NOW - 10 * MIN)
SEC = timedelta(seconds=1)


def marked(db: Database, user: SignedInUser, at_us: int | None, sent: str, box: str = "box-001") -> int:
    with db.write() as session:
        return bookmarks.mark(session, user, Wanted(box, "hall", at_us, sent), NOW).id


def asked(db: Database) -> list[tuple[str, object, object]]:
    """What boxes were asked, in order."""
    with db.read() as session:
        rows = session.execute(
            select(BoxCommand).order_by(BoxCommand.asked_at, BoxCommand.word, BoxCommand.id)
        ).scalars()
        return [(one.word, one.body.get("from_us"), one.body.get("until_us")) for one in rows]


def kept(db: Database) -> list[Bookmark]:
    with db.read() as session:
        return list(session.execute(select(Bookmark).where(Bookmark.gone_at.is_(None)).order_by(Bookmark.id)).scalars())


def test_marks_of_two_people_at_the_same_instant_are_one_bookmark(db: Database) -> None:
    fill(db, 2)
    people = [person(db, f"m{n}", Role.MONITOR) for n in range(6)]
    at_once = Barrier(len(people))

    def press(n: int) -> int:
        at_once.wait()
        return marked(db, people[n], AT + n * 5_000_000, f"s{n}")

    with ThreadPoolExecutor(len(people)) as pool:
        assert len(set(pool.map(press, range(len(people))))) == len(people)
    (row,) = kept(db)
    assert (row.from_us, row.until_us) == (AT - AROUND_US, AT + 25_000_000 + AROUND_US)
    spans = {(first, last) for word, first, last in asked(db) if word == "keep_span"}
    assert (row.from_us, row.until_us) in spans and len(row.holds) == len(spans)
    with db.read() as session:
        ((seen,), more) = bookmarked.listed(session, frozenset(), bookmarked.Filter())
        assert [one.name for one in seen.marks] == [one.name for one in people] and not more
        assert seen.kept == "asked"


def test_a_mark_between_two_bookmarks_makes_them_one_and_far_ones_stay_alone(db: Database) -> None:
    fill(db, 2)
    mei, guo = person(db, "mei", Role.MONITOR), person(db, "guo", Role.MONITOR)
    marked(db, mei, AT, "a")
    marked(db, mei, AT + 100_000_000, "b")
    marked(db, mei, AT, "c", box="box-000")
    assert len(kept(db)) == 3
    marked(db, guo, AT + 50_000_000, "d")
    one, other = kept(db)
    assert (one.from_us, one.until_us) == (AT - AROUND_US, AT + 100_000_000 + AROUND_US) and len(one.holds) == 3
    assert other.edge_id == "box-000"
    marked(db, guo, AT + 160_000_001, "e")
    assert len(kept(db)) == 3
    for n in range(80):  # a crowd that is marked again and again
        marked(db, guo, AT - n * 55_000_000, f"f{n}")
    assert all(each.until_us - each.from_us <= LONGEST_US for each in kept(db)) and len(kept(db)) > 3


def test_a_mark_that_comes_twice_is_one_and_says_what_it_is(db: Database) -> None:
    fill(db, 2)
    mei, guo = person(db, "mei", Role.MONITOR), person(db, "guo", Role.MONITOR)
    number = marked(db, mei, None, "a")
    assert marked(db, mei, None, "a") == number and marked(db, guo, AT + 10**15, "a") != number
    with db.write() as session:
        bookmarks.say(session, mei, number, Words("ballots", "high", " two\nof them "), NOW)
        with pytest.raises(CaseMissing):
            bookmarks.say(session, guo, number, Words("other", None, ""), NOW)
        for bad in (Words("x", None, ""), Words(None, "x", ""), Words(None, None, "x" * 501)):
            with pytest.raises(Unfit):
                bookmarks.say(session, mei, number, bad, NOW)
        for sent in ("", "x" * 33, "ä", "a b"):
            with pytest.raises(Unfit):
                bookmarks.mark(session, mei, Wanted("box-001", "hall", AT, sent), NOW)
        with pytest.raises(Unfit):
            bookmarks.mark(session, mei, Wanted("box-001", "hall", 5, "old"), NOW)
    with db.read() as session:
        (row,) = kept(db)
        assert (row.from_us, row.until_us) == (micros(NOW) - AROUND_US, micros(NOW) + AROUND_US)
        found = lines.lines(session, ["ps-001"], micros(NOW - 20 * MIN), micros(NOW))
        assert found["box-001", "hall"].marks == ((micros(NOW), "ballots", "high", "mei"), (micros(NOW), "", "", "guo"))
        for wanted, count in (({"category": "ballots"}, 1), ({"category": "crowd"}, 0), ({"severity": "high"}, 1)):
            assert len(bookmarked.listed(session, frozenset(), bookmarked.Filter(**wanted))[0]) == count
        for area, count in (("area-1", 1), ("area-0", 0)):
            assert len(bookmarked.listed(session, frozenset(), bookmarked.Filter(area=area))[0]) == count
            assert len(bookmarked.listed(session, frozenset({area}), bookmarked.Filter())[0]) == count


def test_the_span_goes_with_the_last_mark_in_it_and_not_before(db: Database) -> None:
    fill(db, 2)
    mei, guo = person(db, "mei", Role.MONITOR), person(db, "guo", Role.MONITOR)
    first, second = marked(db, mei, AT, "a"), marked(db, guo, AT, "b")
    with db.write() as session:
        bookmarks.undo(session, mei, first, NOW + 10 * SEC)
        with pytest.raises(Unfit):
            bookmarks.say(session, mei, first, Words("crowd", None, ""), NOW)
    assert [word for word, *_ in asked(db)] == ["keep_span"] and len(kept(db)) == 1
    with db.write() as session:
        with pytest.raises(Unfit):
            bookmarks.undo(session, guo, second, NOW + 16 * SEC)
        bookmarks.undo(session, guo, second, NOW + 9 * SEC)
        bookmarks.undo(session, guo, second, NOW + 99 * SEC)
    assert [word for word, *_ in asked(db)] == ["keep_span", "release_span"] and kept(db) == []
    marked(db, mei, AT, "c")
    assert len(kept(db)) == 1, "what was taken back is no bookmark to join"


def test_a_chief_lets_go_with_a_reason_and_every_step_enters_the_ledger(db: Database) -> None:
    fill(db, 2)
    mei, chen = person(db, "mei", Role.MONITOR), person(db, "chen", Role.CHIEF)
    far = SignedInUser(chen.id, "chen", frozenset({"chief"}), "", areas=frozenset({"area-4"}))
    marked(db, mei, AT, "a")
    marked(db, mei, AT + 30_000_000, "b")
    (row,) = kept(db)
    with db.write() as session:
        with pytest.raises(CaseMissing):
            bookmarks.release(session, far, row.id, "it is over", NOW)
        with pytest.raises(CaseMissing):
            bookmarks.mark(session, far, Wanted("box-001", "hall", AT, "x"), NOW)
        with pytest.raises(Unfit):
            bookmarks.release(session, chen, row.id, " \n", NOW)
        bookmarks.release(session, chen, row.id, "it is over " + "x" * 200, NOW)
        bookmarks.release(session, chen, row.id, "again", NOW)
    assert [word for word, *_ in asked(db)] == ["keep_span"] * 2 + ["release_span"] * 2
    marked(db, mei, AT, "c")
    assert len(kept(db)) == 2, "what was let go takes no more marks"
    with db.write() as session:
        log = session.execute(select(StationLog).order_by(StationLog.id)).scalars().all()
        assert [one.action for one in log] == ["marked", "marked", "bookmark released", "marked"]
        said = entries.lines(session, [(entries.STATION, str(one.id)) for one in log])
        assert len(said) == 4 and b"it is over" in said[entries.STATION, str(log[2].id)]
        made = session.execute(select(BookmarkMark)).scalars().first()
        assert made is not None
        log[0].name = "another"
        with pytest.raises(ValueError, match="only added to"):
            session.flush()
        session.rollback()
