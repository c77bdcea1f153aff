"""Forgotten in time and never before it: what goes, what stays, what a hold keeps, and the certificate that is checked."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from after_kit import Desk, later
from central_kit import decision, evidence, intake_of, looked, violation
from joserfc.jwk import OKPKey
from sqlalchemy import delete, func, inspect, select, text, update

from central.db import migrate
from central.db.cases import Case, CaseLog
from central.db.deletions import Deletion, DeletionCertificate
from central.db.exports import Export, ExportCase
from central.db.learning import Shadow, ShadowMatter
from central.db.media import Media
from central.db.notices import Notice, Statement
from central.export import service as export
from central.ledger.key import office_key
from central.media import holds
from central.media.sweep import Sweep
from central.notices import public
from central.retention import certificates
from central.retention.rounds import clear
from central.retention.sweep import Retention, Tally
from central.retention.terms import term
from central.tickets import decisions, service
from central.tickets.errors import CaseMissing
from contract.deletion import checked
from contract.errors import SealError
from contract.events import EventType, now
from contract.jurisdiction import load_profile
from contract.sealing import new_key, sha256_hex, thumbprint
from sightline.evidence import auditing
from sightline.evidence.export import Office

DAY = 86400.0


def key_of(desk: Desk) -> OKPKey:
    with desk.db.read() as session:
        return office_key(session, desk.folder / "office.jwk")


def forget(desk: Desk, days: float, key: OKPKey | None = None) -> Tally:
    with later(days * DAY):
        return Retention(desk.db, desk.store, key or key_of(desk)).run()


def rejected(desk: Desk, **changes) -> str:
    number = desk.candidate(**changes)
    version = looked(desk.db, desk.li, number)
    with desk.db.write() as session:
        decisions.reject(session, number, version, desk.li, "R03", "")
    return number


def handled(desk: Desk) -> str:
    number, _ = desk.notified()
    desk.step(number, "handle")
    return number


def here(desk: Desk, number: str) -> list[bool]:
    return [desk.store.size(name) is not None for name in desk.case_media(number)]


def audit(desk: Desk) -> list[str]:
    return list(auditing.findings(Office(desk.db, desk.store, key_of(desk)), desk.folder / "heads.jsonl"))


def test_each_goes_when_its_time_has_come_and_not_a_day_before(desk: Desk) -> None:
    no, done, waits = rejected(desk), handled(desk), desk.approved()
    names = desk.case_media(no)
    assert forget(desk, 30.0).archived == 0 and all(here(desk, no))
    tally = forget(desk, 32)
    assert (tally.archived, tally.removed, tally.certified) == (1, len(names), len(names))
    assert not any(here(desk, no)) and all(here(desk, done)) and all(here(desk, waits))
    assert desk.case(no).state == "ARCHIVED" and desk.case(done).state == "HANDLED"
    assert forget(desk, 729).archived == 0 and all(here(desk, done))
    assert forget(desk, 733).archived == 1 and not any(here(desk, done))
    # What nobody has dealt with has no end: it is not the sweep's to forget.
    assert all(here(desk, waits)) and forget(desk, 9000).archived == 0
    # Statistics are kept: the rows, their decisions and their history.
    row = desk.case(no)
    assert (row.reason_code, row.decided_by) == ("R03", "li")
    with desk.db.read() as session:
        detail = session.execute(select(CaseLog.detail).where(CaseLog.to_state == "ARCHIVED")).scalars().first()
    assert (detail["rule"], detail["days"], detail["profile"]) == ("rejected_days", 30, "cn-default")
    assert audit(desk) == []
    with pytest.raises(CaseMissing, match="time had ended"), desk.db.read() as session:
        service.media_of(session, no, names[0])


def test_the_certificate_says_what_why_when_and_by_whose_rule_and_is_checked_offline(plain: Desk) -> None:
    no, key = rejected(plain), key_of(plain)
    forget(plain, 32)
    with plain.db.read() as session:
        (row,) = certificates.listed(session)
        raw = certificates.as_file(session, row.number, key)
        gone = certificates.of_case(session, plain.case(no).id)
    assert gone and gone.certificates == [row.number] and gone.files == 4
    told = json.loads(json.loads(raw)["signed"])
    assert {one["sha256"] for one in told["objects"]} == set(plain.case_media(no))
    (why,) = told["objects"][0]["why"]
    assert (why["case"], why["rule"], why["days"], why["basis"], why["profile"]) == (
        no, "rejected_days", 30, "rejected", "cn-default")  # fmt: skip
    assert (
        why["profile_version"] == load_profile("cn-default").version and why["until"] < told["objects"][0]["removed_at"]
    )
    assert checked(raw, thumbprint(key))[0].startswith(f"certificate {row.number}")
    with pytest.raises(SealError, match="not by the office"):
        checked(raw, thumbprint(new_key()))
    for forged in (
        raw.replace(b"rejected_days", b"rejected_dayz"),
        raw.replace(no.encode(), b"20260101-0001"),
        b"{}",
        b"\xff",
    ):
        with pytest.raises(SealError):
            checked(forged)


def test_what_a_hold_keeps_stays_and_goes_when_it_is_released(desk: Desk) -> None:
    no = rejected(desk)
    holds.place(desk.db, desk.store, no, "court", "file 7")
    assert forget(desk, 400).archived == 0 and all(here(desk, no))
    holds.release(desk.db, desk.store, no, "court", "file 7 closed")
    assert forget(desk, 401).removed == 4 and not any(here(desk, no))


def test_a_hold_that_comes_between_list_and_removal_wins(desk: Desk) -> None:
    no, key = rejected(desk), key_of(desk)
    with later(40 * DAY):
        sweep = Retention(desk.db, desk.store, key)
        steps = sweep.steps()
        while sweep.tally.listed < 4:
            next(steps)
        holds.place(desk.db, desk.store, no, "court", "file 8")
        for _ in steps:
            pass
    assert (sweep.tally.removed, sweep.tally.kept) == (0, 4) and all(here(desk, no))
    with desk.db.read() as session:
        assert session.execute(select(Deletion)).first() is None
        assert set(session.execute(select(Media.sha256)).scalars()) == set(desk.case_media(no))
    assert audit(desk) == []


def test_what_another_case_still_needs_stays(plain: Desk) -> None:
    no, needed = rejected(plain), plain.approved()
    shared = plain.case_media(needed)[0]
    with plain.db.write() as session:
        row = session.execute(select(Case).where(Case.number == no)).scalar_one()
        session.execute(
            text("UPDATE case_media SET sha256 = :s WHERE case_id = :c AND position = 0"), {"s": shared, "c": row.id}
        )
    forget(plain, 40)
    assert all(here(plain, needed))


def test_what_comes_late_to_an_archived_case_goes_with_the_next_sweep(plain: Desk) -> None:
    no = rejected(plain)
    forget(plain, 32)
    raw = b"late"
    name = plain.case_media(no)[0]
    with plain.db.write() as session:
        session.execute(delete(Deletion).where(Deletion.sha256 == name))
        session.add(
            Media(sha256=name, size=len(raw), edge_id="edge-01", complete=True, received_at=plain.case(no).created_at)
        )
    assert forget(plain, 33).listed == 1
    assert Sweep(plain.db, plain.store, timedelta(days=1)).run().removed == 0


def test_replicas_share_the_work_and_nothing_is_certified_twice(desk: Desk) -> None:
    numbers, key = [rejected(desk) for _ in range(6)], key_of(desk)
    with later(40 * DAY), ThreadPoolExecutor(3) as replicas:
        done = list(replicas.map(lambda _: Retention(desk.db, desk.store, key).run(), range(3)))
    forget(desk, 40, key)
    assert sum(one.archived for one in done) == 6 and not any(flag for one in numbers for flag in here(desk, one))
    with desk.db.read() as session:
        rows = session.execute(select(DeletionCertificate.raw)).scalars().all()
    named = [one["sha256"] for raw in rows for one in json.loads(raw)["objects"]]
    assert sorted(named) == sorted(name for one in numbers for name in desk.case_media(one))
    assert audit(desk) == []


_KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from central.clock import set_clock
from central.db.database import Database
from central.ledger.key import office_key
from central.media.folder import FolderStore
from central.retention.sweep import Retention
from contract.events import now
set_clock(lambda: now() + timedelta(days=40))
folder, after = Path(sys.argv[1]), int(sys.argv[2])
db = Database(sys.argv[3])
with db.read() as session:
    key = office_key(session, folder / "office.jwk")
store, count = FolderStore(folder / "media", 50_000_000), 0
remove = store.remove
def removing(name):
    global count
    remove(name)
    count += 1
    if count == after:
        os.kill(os.getpid(), signal.SIGKILL)
store.remove = removing
sweep = Retention(db, store, key)
for step in sweep.steps():
    if after == -1 and sweep.tally.archived or after == -2 and sweep.tally.listed or after == -3 and sweep.tally.removed:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", [1, 3, -1, -2, -3])
def test_killed_at_any_moment_the_next_sweep_ends_it(plain: Desk, moment: int) -> None:
    no = rejected(plain)
    key_of(plain)
    url = plain.db.engine.url.render_as_string(hide_password=False)
    plain.db.close()
    words = [sys.executable, "-c", textwrap.dedent(_KILLED), str(plain.folder), str(moment), url]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    forget(plain, 40)
    assert not any(here(plain, no)) and audit(plain) == []
    with plain.db.read() as session:
        rows = session.execute(select(DeletionCertificate.raw)).scalars().all()
    assert sorted(one["sha256"] for raw in rows for one in json.loads(raw)["objects"]) == sorted(plain.case_media(no))


def test_the_audit_finds_what_went_without_a_certificate_and_what_was_changed(plain: Desk) -> None:
    no, kept = rejected(plain), plain.approved()
    forget(plain, 32)
    lost = plain.case_media(kept)[1]
    with plain.db.write() as session:
        session.execute(delete(Media).where(Media.sha256 == lost))
    assert any("no certificate says why" in one and kept in one for one in audit(plain))
    with plain.db.write() as session:
        session.execute(update(Deletion).values(size=1))
    assert any("list of what was deleted is not the one that was signed" in one for one in audit(plain))
    name = plain.case_media(no)[0]
    path = plain.folder / "media" / name[:2]
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(b"back")
    assert any("its bytes are in the store" in one for one in audit(plain))
    with plain.db.write() as session:
        session.execute(text("UPDATE deletion_certificates SET raw = :raw"), {"raw": b"{}"})
    found = audit(plain)
    assert any("signature does not hold" in one for one in found)
    assert any("certificate of deletion" in one and "changed" in one for one in found)


def test_an_unknown_profile_forgets_nothing_and_a_dry_run_neither(plain: Desk) -> None:
    foreign, no = rejected(plain, jurisdiction="elsewhere"), rejected(plain)
    with later(40 * DAY):
        tally = Retention(plain.db, plain.store, None, dry_run=True).run()
    assert (tally.archived, tally.unknown, tally.removed) == (1, 1, 0) and all(here(plain, no))
    tally = forget(plain, 4000)
    assert (tally.archived, tally.unknown) == (1, 1) and all(here(plain, foreign))


def test_what_was_upheld_and_never_noted_as_dealt_with_is_archived_by_the_table_too(plain: Desk) -> None:
    number, _ = plain.notified()
    plain.step(number, "appeal")
    plain.step(number, "verify", plain.zhao, ground="G1", note="looked at it anew")
    plain.step(number, "uphold", plain.zhao, note="the sign is plain to see")
    assert forget(plain, 729).archived == 0 and all(here(plain, number))
    assert forget(plain, 733).archived == 1 and not any(here(plain, number))
    assert plain.case(number).state == "ARCHIVED" and audit(plain) == []


def shadowed(desk: Desk, on: bool) -> None:
    with desk.db.write() as session:
        key = (desk.box.edge_id, "cam-1", "illegal_parking")
        if on:
            edge_id, camera_id, rule = key
            session.add(Shadow(edge_id=edge_id, camera_id=camera_id, rule=rule, since=now()))
        else:
            session.delete(session.get_one(Shadow, key))


def in_shadow(desk: Desk, passage: str, **changes) -> tuple[int, list[str]]:
    """A decision of a camera in shadow with its evidence: its number, and the names of its stills and clip."""
    data, (manifest, files) = violation(passage, **changes), evidence(passage)
    taken = intake_of(desk.db).take([decision(desk.box, data), desk.box.say(EventType.MANIFEST, manifest)])
    assert [one.outcome for one in taken] == ["stored", "stored"]
    for raw in files:
        desk.upload(raw)
    with desk.db.read() as session:
        number = session.execute(select(ShadowMatter.id).where(ShadowMatter.case_key == data.case_key)).scalar_one()
    return number, [sha256_hex(raw) for raw in files]


def test_pictures_of_cameras_in_shadow_go_with_the_time_of_rejected_cases_and_a_certificate(desk: Desk) -> None:
    shadowed(desk, True)
    (number, names), (_, foreign) = in_shadow(desk, "s1"), in_shadow(desk, "s2", jurisdiction="elsewhere")
    shadowed(desk, False)
    waits = desk.approved()
    assert forget(desk, 30.0).shadows == 0
    with later(32 * DAY):
        dry = Retention(desk.db, desk.store, None, dry_run=True).run()
    assert (dry.shadows, dry.unknown, dry.removed) == (1, 1, 0)
    assert all(desk.store.size(name) is not None for name in names)
    tally = forget(desk, 32)
    assert (tally.shadows, tally.removed, tally.certified, tally.unknown) == (1, len(names), len(names), 1)
    assert not any(desk.store.size(name) is not None for name in names)
    assert all(desk.store.size(name) is not None for name in foreign) and all(here(desk, waits))
    with desk.db.read() as session:
        (row,) = certificates.listed(session)
        gone = certificates.of_objects(session, names)
        # The decision, its label and its figures stay.
        assert session.get(ShadowMatter, number) is not None
    assert gone and (gone.files, gone.certificates) == (len(names), [row.number])
    told = json.loads(row.raw)["objects"]
    assert {one["sha256"] for one in told} == set(names)
    (why,) = told[0]["why"]
    assert (why["shadow"], why["rule"], why["days"], why["basis"]) == (number, "rejected_days", 30, "shadow")
    assert audit(desk) == [] and forget(desk, 33).shadows == 0


def test_what_a_case_and_a_decision_in_shadow_both_name_waits_for_the_later_of_them(plain: Desk) -> None:
    shadowed(plain, True)
    _, names = in_shadow(plain, "s1")
    shadowed(plain, False)
    case = plain.approved()
    with plain.db.write() as session:
        session.execute(
            text("UPDATE case_media SET sha256 = :s WHERE case_id = :c AND position = 0"),
            {"s": names[0], "c": plain.case(case).id},
        )
    forget(plain, 40)
    assert [plain.store.size(name) is not None for name in names] == [True] + [False] * (len(names) - 1)


class Killed(BaseException):
    """The machine stopped."""


def sweep_killed(desk: Desk, days: float, after: int) -> None:
    """A sweep that is killed behind the `after`-th object that the store let go, before anything is committed."""
    left, remove = [after], desk.store.remove

    def removing(name: str) -> None:
        remove(name)
        left[0] -= 1
        if not left[0]:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(desk.store, "remove", removing)
        forget(desk, days)


def test_a_hold_after_a_crash_leaves_what_was_deleted_on_record_and_keeps_the_rest(desk: Desk) -> None:
    no = rejected(desk)
    sweep_killed(desk, 40, after=2)
    assert here(desk, no).count(False) == 2
    holds.place(desk.db, desk.store, no, "court", "file 9")
    tally = forget(desk, 41)
    gone = [name for name, there in zip(desk.case_media(no), here(desk, no), strict=True) if not there]
    assert (tally.removed, tally.kept, tally.certified) == (2, 2, 2)
    with desk.db.read() as session:
        assert set(session.execute(select(Deletion.sha256)).scalars()) == set(gone)
        assert set(session.execute(select(Media.sha256)).scalars()) == set(desk.case_media(no)) - set(gone)
    assert audit(desk) == []


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_between_each_object_is_here_or_its_deletion_is_on_record(plain: Desk, seed: int) -> None:
    chance, cases, held, key = random.Random(seed), [rejected(plain) for _ in range(3)], set[str](), key_of(plain)
    for day, what in enumerate(["kill", *chance.choices(["kill", "hold", "sweep", "orphans"], [2, 3, 1, 1], k=8)], 40):
        number = chance.choice(cases)
        match what:
            case "kill":
                sweep_killed(plain, day, after=chance.randint(2, 6))
            case "hold" if number in held:
                holds.release(plain.db, plain.store, number, "court", "closed")
                held.discard(number)
            case "hold":
                holds.place(plain.db, plain.store, number, "court", "file")
                held.add(number)
            case "sweep":
                forget(plain, day, key)
            case _:
                Sweep(plain.db, plain.store, timedelta(days=1)).run()
    for number in held:
        holds.release(plain.db, plain.store, number, "court", "closed")
    forget(plain, 60, key)
    names = sorted(name for number in cases for name in plain.case_media(number))
    with plain.db.read() as session:
        rows = session.execute(select(DeletionCertificate.raw)).scalars().all()
    assert sorted({one["sha256"] for raw in rows for one in json.loads(raw)["objects"]}) == names
    assert not any(flag for number in cases for flag in here(plain, number)) and audit(plain) == []


def test_redacted_copies_go_with_their_originals(plain: Desk) -> None:
    no, kept = rejected(plain), plain.approved()
    copies = plain.folder / "copies"
    copies.mkdir()
    for number in (no, kept):
        (copies / f"{number}-{plain.case_media(number)[0]}.jpg").write_bytes(b"copy")
    forget(plain, 32)
    assert clear(plain.db, copies) == 1
    assert [path.name[:13] for path in copies.iterdir()] == [kept]


def test_terms_by_hand() -> None:
    """Written out from the profiles: rejected 30 days, approved two years from handling; New York a year from notice."""
    from datetime import UTC, datetime, timezone

    shanghai, york = timezone(timedelta(hours=8)), timezone(timedelta(hours=-5))
    cn, ny = load_profile("cn-default"), load_profile("us-nyc")
    at = datetime(2026, 2, 1, 18, 0, tzinfo=UTC)  # 2 February in Shanghai
    assert term("REJECTED", at, None, cn, shanghai).until == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    assert term("EXPIRED", at, None, cn, shanghai).rule == "rejected_days"
    assert term("HANDLED", at, None, cn, shanghai).until == datetime(2028, 2, 2, 16, 0, tzinfo=UTC)
    assert term("UPHELD", at, None, cn, shanghai).until == datetime(2028, 2, 2, 16, 0, tzinfo=UTC)
    for state in ("APPROVED", "ENTERED", "NOTIFIED", "APPEAL", "REVIEW1", "ARCHIVED"):
        assert term(state, at, at, cn, shanghai) is None
    told = at - timedelta(days=10)
    found = term("HANDLED", at, told, ny, york)
    assert (found.basis, found.days) == ("notified", ny.retention.approved_days)
    late = term("HANDLED", at + timedelta(days=5000), told, ny, york)
    assert late.until == at + timedelta(days=5000)


def test_down_and_up_again_nothing_that_was_told_handed_over_or_certified_is_lost(desk: Desk) -> None:
    no = rejected(desk)
    told, notice = desk.notified()
    with later(60):
        token = public.enter(desk.db, notice, "2345", "203.0.113.7", desk.after.notices)
        public.say(desk.db, token, "words", None, "203.0.113.7")
    desk.approved("浙A00001")
    request = desk.let_go()
    with later(60):
        export.make(desk.db, desk.store, desk.after.map, desk.li, request)
    forget(desk, 32)
    assert audit(desk) == []

    def rows() -> list[int]:
        with desk.db.read() as session:
            kinds = (Notice, Statement, Export, ExportCase, Deletion, DeletionCertificate)
            return [session.execute(select(func.count()).select_from(one)).scalar_one() for one in kinds]

    before = rows()
    assert min(before) >= 1
    migrate.downgrade(desk.db, "0014")
    migrate.upgrade(desk.db)
    assert rows() == before and audit(desk) == []
    assert desk.case(told).state == "APPEAL" and desk.case(no).state == "ARCHIVED"
    migrate.downgrade(desk.db, "base")
    assert set(inspect(desk.db.engine).get_table_names()) <= {"alembic_version"}
