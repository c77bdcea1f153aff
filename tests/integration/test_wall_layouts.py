"""Saved layouts of the wall: one's own, a chief's for everybody, and addresses that are what was saved."""

import pytest
from central_kit import person
from test_duty import db

from central.accounts.roles import Role
from central.accounts.service import SignedInUser
from central.db.database import Database
from central.polling import layouts
from central.tickets.errors import NotAllowed, Unfit
from central.web import stations
from contract.events import now

__all__ = ["db"]


def names(db: Database, user: SignedInUser) -> list[str]:
    with db.read() as session:
        return [one.name for one in layouts.of(session, user)]


def test_own_ones_and_a_chiefs_are_seen_and_nobody_touches_anothers(db: Database) -> None:
    mei, guo, chen = person(db, "mei", Role.MONITOR), person(db, "guo", Role.MONITOR), person(db, "chen", Role.CHIEF)
    with db.write() as session:
        layouts.keep(session, mei, " my  wall ", "tiles=4", False, now())
        layouts.keep(session, mei, "my wall", "tiles=16", False, now())
        layouts.keep(session, chen, "all troubles", "show=problems", True, now())
        with pytest.raises(NotAllowed):
            layouts.keep(session, mei, "x", "", True, now())
        with pytest.raises(Unfit):
            layouts.keep(session, mei, "  ", "", False, now())
    assert names(db, mei) == ["my wall", "all troubles"] and names(db, guo) == ["all troubles"]
    with db.write() as session:
        (own, shared) = layouts.of(session, mei)
        assert own.query == "tiles=16"
        layouts.remove(session, mei, shared.id)
        layouts.remove(session, guo, own.id)
        layouts.remove(session, guo, 10**9)
    assert names(db, mei) == ["my wall", "all troubles"]
    with db.write() as session:
        layouts.remove(session, mei, own.id)
        for n in range(layouts.MOST):
            layouts.keep(session, mei, f"{n}", "", False, now())
        with pytest.raises(Unfit):
            layouts.keep(session, mei, "one more", "", False, now())
        layouts.keep(session, mei, "7", "tiles=1", False, now())


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("tiles=16&township=城南&page=7&show=problems&order=place", "tiles=16&township=%E5%9F%8E%E5%8D%97&show=problems&order=place"),
        ("tiles=5&show=x&order=<script>&other=1", ""),
        ("tiles=²&township=a%00b", "township=ab"),
        ("//evil.example/?tiles=4", ""),
        ("tiles=4&tiles=1", "tiles=1"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_is_kept_is_an_address_of_the_wall_and_nothing_else(said: str, kept: str) -> None:
    asked = stations.asked_in(said)
    assert asked.query == kept and stations.asked_in(asked.query) == asked
    assert asked.address(page=1).startswith("/stations")
