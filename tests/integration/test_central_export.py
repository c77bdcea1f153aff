"""Handed over once: what goes into the archive, what cannot and why, and that it is the same whenever it is fetched."""

import csv
import hashlib
import io
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
import yaml
from after_kit import PLATE, Desk, later
from central_kit import looked
from sqlalchemy import select, update

from central.accounts.errors import AccountError
from central.approvals import requests
from central.db.accounts import ViewLog
from central.db.cases import Case
from central.db.exports import Export, ExportCase
from central.db.sites import Site
from central.export import archive, service
from central.export.errors import ExportGone, ExportMissing, NothingToExport
from central.export.fieldmap import load_map
from central.retention.rounds import Forgetting
from central.tickets import decisions
from contract.errors import ConfigError, RunError
from contract.events import now


def made(desk: Desk) -> tuple[Export, Path]:
    request = desk.let_go()
    with later(60):
        number = service.make(desk.db, desk.store, desk.after.map, desk.li, request)
    return fetched(desk, number)


def fetched(desk: Desk, number: str) -> tuple[Export, Path]:
    with desk.db.read() as session:
        row = service.export_of(session, number)
    return row, archive.build(desk.db, desk.store, row, desk.after.exports)


def table(path: Path, encoding: str = "gb18030") -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as file:
        return list(csv.DictReader(io.StringIO(file.read("cases.csv").decode(encoding))))


def test_what_is_approved_leaves_once_with_table_stills_and_hashes(desk: Desk) -> None:
    first, second = desk.approved(), desk.approved("粤B88888")
    _, path = made(desk)
    assert [desk.case(one).state for one in (first, second)] == ["ENTERED", "ENTERED"]
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        manifest = json.loads(file.read("manifest.json"))
        for one in manifest["cases"]:
            for item in one["files"]:
                assert hashlib.sha256(file.read(item["name"])).hexdigest() == item["sha256"]
        assert hashlib.sha256(file.read("cases.csv")).hexdigest() == manifest["table"]["sha256"]
    rows = table(path)
    assert [(row["序号"], row["案件编号"], row["号牌号码"]) for row in rows] == [
        ("1", first, PLATE),
        ("2", second, "粤B88888"),
    ]
    assert rows[0]["违法代码"] == "1039" and rows[0]["初审人"] == "li" and rows[0]["复审人"] == "wang"
    # The place's own time: the box says 10:03 in Shanghai.
    assert rows[0]["违法时间"].endswith(" 10:03:00") and rows[0]["号牌颜色"] == "5" and rows[0]["车身颜色"] == "蓝"
    assert rows[0]["证据文件"].split(";") == [item["name"] for item in manifest["cases"][0]["files"]]
    assert (manifest["made_by"], manifest["approved_by"], manifest["approval"]["reason"]) == (
        "li", "zhao", "handover of the day")  # fmt: skip
    with pytest.raises(NothingToExport), later(60):
        service.ask(desk.db, desk.store, desk.after.map, desk.li, "again")


def test_nothing_goes_that_another_person_has_not_let_go(plain: Desk, tmp_path: Path) -> None:
    first = plain.approved()
    with later(60):
        key = service.ask(plain.db, plain.store, plain.after.map, plain.li, "today's")
    second = plain.approved("浙A22222")

    def make(request: str, user=plain.li) -> str:
        with later(60):
            return service.make(plain.db, plain.store, plain.after.map, user, request)

    for request in (key, "", "F20260101-99", "x' OR 1=1"):
        with pytest.raises(AccountError):
            make(request)
    with pytest.raises(AccountError), plain.db.write() as session:
        requests.decide(session, plain.li, key, approve=True)
    with plain.db.write() as session:
        requests.decide(session, plain.wang, key, approve=True)
    with pytest.raises(AccountError):
        make(key, plain.zhao)
    own = plain.after.map
    plain.after = replace(plain.after, map=own.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(AccountError):
        make(key)
    plain.after = replace(plain.after, map=own)
    assert plain.case(first).state == "APPROVED"
    make(key)
    assert (plain.case(first).state, plain.case(second).state) == ("ENTERED", "APPROVED")
    with pytest.raises(AccountError):
        make(key)


def test_it_is_the_same_whenever_and_wherever_it_is_fetched(desk: Desk, tmp_path: Path) -> None:
    desk.approved()
    export, path = made(desk)
    before = path.read_bytes()
    assert export.sha256 == hashlib.sha256(before).hexdigest()
    path.unlink()
    assert fetched(desk, export.number)[1].read_bytes() == before
    with desk.db.read() as session:
        row = service.export_of(session, export.number)
    elsewhere = archive.build(desk.db, desk.store, row, tmp_path / "another machine")
    assert elsewhere.read_bytes() == before
    with pytest.raises(ExportMissing), desk.db.read() as session:
        service.export_of(session, "X20260101-01' OR 1=1")


def test_an_archive_that_would_not_be_the_same_is_refused(plain: Desk) -> None:
    plain.approved()
    export, path = made(plain)
    path.unlink()
    with plain.db.write() as session:
        session.execute(update(Export).values(table=b"another table"))
    with pytest.raises(RunError, match="would not be the one of before"):
        fetched(plain, export.number)
    with plain.db.write() as session:
        session.execute(update(Export).values(table=export.table))
    held = json.loads(export.manifest)["cases"][0]["files"][0]["sha256"]
    plain.store.remove(held)
    with pytest.raises(ExportGone, match="no longer kept"):
        fetched(plain, export.number)


def test_what_cannot_go_is_named_with_the_reason_and_stays_approved(plain: Desk) -> None:
    fine, bare, lost = plain.approved(), plain.approved(None), plain.approved("浙A55555")
    fresh = plain.candidate("浙A66666")
    version = looked(plain.db, plain.li, fresh)
    with plain.db.write() as session:
        decisions.approve(session, fresh, version, plain.li, {})
    version = looked(plain.db, plain.wang, fresh)
    with later(50), plain.db.write() as session:
        decisions.approve(session, fresh, version, plain.wang, {})
    late = plain.approved("浙A77777")
    with plain.db.write() as session:
        session.execute(update(Case).where(Case.number == late).values(due_at=now() - timedelta(seconds=1)))
    plain.store.remove(plain.case_media(lost)[0])
    with later(55):
        found = service.plan(plain.db, plain.store, plain.after.map)
    why = {one.number: one.why for one in found.left}
    assert [one.number for one in found.ready] == [fine]
    assert "号牌号码" in why[bare] and "has not the still" in why[lost]
    assert "may still be taken back" in why[fresh] and "locked" in why[late]
    with later(55):
        request = service.ask(plain.db, plain.store, plain.after.map, plain.li, "the rest")
    with plain.db.write() as session:
        requests.decide(session, plain.zhao, request, approve=True)
    with later(55):
        number = service.make(plain.db, plain.store, plain.after.map, plain.li, request)
    with plain.db.read() as session:
        left = {one["number"] for one in service.export_of(session, number).left_out}
    assert left == {bare, lost, fresh, late}
    assert {plain.case(one).state for one in left} == {"APPROVED"}


def test_two_who_hand_over_at_once_share_the_cases(desk: Desk) -> None:
    numbers = {desk.approved() for _ in range(6)}
    barrier = Barrier(2)
    asked = [(desk.li, desk.let_go()), (desk.wang, desk.let_go(desk.wang))]

    def hand_over(one) -> str | None:
        barrier.wait()
        try:
            return service.make(desk.db, desk.store, desk.after.map, *one)
        except NothingToExport:
            return None

    with later(60), ThreadPoolExecutor(2) as both:
        done = [one for one in both.map(hand_over, asked) if one]
    with desk.db.read() as session:
        rows = session.execute(select(Case.number).join(ExportCase, ExportCase.case_id == Case.id)).scalars().all()
    assert sorted(rows) == sorted(numbers) and done
    assert sum(len(table(fetched(desk, one)[1])) for one in done) == 6
    assert {desk.case(one).state for one in numbers} == {"ENTERED"}


def test_who_fetched_it_is_on_record_for_every_case(plain: Desk) -> None:
    plain.approved(), plain.approved()
    export, _ = made(plain)
    with plain.db.write() as session:
        service.note_fetch(session, export, plain.wang)
    with plain.db.read() as session:
        looks = session.execute(select(ViewLog).where(ViewLog.why == "export").order_by(ViewLog.id)).scalars().all()
    files = [[item["sha256"] for item in one["files"]] for one in json.loads(export.manifest)["cases"]]
    assert [(one.user_id, one.media) for one in looks] == [(plain.wang.id, one) for one in files]


def test_a_map_of_ones_own(plain: Desk, tmp_path: Path) -> None:
    said = {
        "id": "ours", "name": "Ours", "claims": "a test's", "csv": {"name": "rows.txt", "encoding": "utf-8",
        "byte_order_mark": True, "delimiter": "|", "newline": "lf", "quote": "all"},
        "columns": [
            {"column": "no", "of": "number"}, {"column": "when", "of": "at", "format": "%d.%m.%Y", "time": "utc"},
            {"column": "kind", "of": "vehicle_class", "codes": {"car": "K33"}}, {"column": "unit", "text": "330122"},
            {"column": "first", "of": "file_1"}, {"column": "ninth", "of": "file_9"},
        ],
        "files": {"folder": "pics", "name": "{n}-{number}-{role}", "kinds": ["image"], "most": 2, "copies": "originals"},
    }  # fmt: skip
    file = tmp_path / "ours.yaml"
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    number = plain.approved()
    plain.after = replace(plain.after, map=load_map(file))
    _, path = made(plain)
    with zipfile.ZipFile(path) as held:
        raw = held.read("rows.txt")
        names = held.namelist()
    day = plain.case(number).at_trigger.strftime("%d.%m.%Y")
    assert (
        raw
        == (
            "\ufeff" + '"no"|"when"|"kind"|"unit"|"first"|"ninth"\n'
            f'"{number}"|"{day}"|"K33"|"330122"|"pics/1-{number}-far.jpg"|""\n'
        ).encode()
    )
    assert names == ["rows.txt", "manifest.json", f"pics/1-{number}-far.jpg", f"pics/2-{number}-far.jpg"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"csv": {"encoding": "klingon"}}, "no encoding"),
        ({"columns": [{"column": "a", "of": "owner"}]}, "nothing that a case has"),
        ({"columns": [{"column": "a", "of": "plate"}, {"column": "a", "of": "rule"}]}, "stands twice"),
        ({"columns": [{"column": "a"}]}, "one of the two"),
        ({"columns": [{"column": "号牌", "of": "plate"}], "csv": {"encoding": "latin-1"}}, "lacks"),
        ({"files": {"name": "same"}}, "same name"),
        ({"files": {"name": "{n}"}}, "gives files of cases 20260101-0001 and 20260101-0002 one name"),
        ({"files": {"name": "{number}{n}"}}, "one name"),
        ({"files": {"name": "{n}_{number:.8}"}}, "one name"),
        ({"csv": {"name": "manifest.json"}}, "something else in the archive"),
        ({"csv": {"name": "Media"}}, "something else in the archive"),
        ({"csv": {"formulas": "run"}}, "formulas"),
        ({"files": {"name": "{plate}"}}, "cannot be filled"),
        ({"colour": "red"}, "is not a setting"),
    ],
)
def test_a_map_that_does_not_hold_is_told_in_a_line(tmp_path: Path, change: dict, says: str) -> None:
    whole = {"id": "x", "name": "X", "claims": "none", "columns": [{"column": "a", "of": "number"}]} | change
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_map(file)


def test_a_character_that_the_encoding_lacks_keeps_the_case_out(plain: Desk, tmp_path: Path) -> None:
    said = {
        "id": "x",
        "name": "X",
        "claims": "-",
        "csv": {"encoding": "gb2312"},
        "columns": [{"column": "p", "of": "site"}],
    }
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    odd = plain.approved(site="road-ØŁ")
    with later(60):
        found = service.plan(plain.db, plain.store, load_map(file))
    assert [(one.number, "gb2312 has no character" in one.why) for one in found.left] == [(odd, True)]


def test_two_cases_never_have_one_name_in_the_archive_whatever_the_map_says(plain: Desk) -> None:
    first, second = plain.approved(), plain.approved("浙A22222")
    own = plain.after.map
    # As a map would be whose fault the check of the settings cannot know.
    files = own.map.files.model_copy(update={"name": "{n}"})
    odd = own.model_copy(update={"map": own.map.model_copy(update={"files": files})})
    with later(60):
        found = service.plan(plain.db, plain.store, odd)
    assert [one.number for one in found.ready] == [first]
    (left,) = found.left
    assert left.number == second and f"would have the name of one of case {first}" in left.why
    export, path = made(plain)
    path.unlink()
    # What was decided before there was a check is refused too, with the cause.
    said = json.loads(export.manifest)
    said["cases"][1]["files"][0]["name"] = said["cases"][0]["files"][0]["name"].upper()
    with plain.db.write() as session:
        session.execute(update(Export).values(manifest=json.dumps(said).encode(), sha256=None))
    with pytest.raises(RunError, match="stands twice in one archive"):
        fetched(plain, export.number)
    assert list(plain.after.exports.iterdir()) == []


@pytest.mark.parametrize("first", [True, False])
def test_a_still_that_was_changed_in_the_store_is_refused_by_name(plain: Desk, first: bool) -> None:
    number = plain.approved()
    request = plain.let_go()
    with later(60):
        made_as = service.make(plain.db, plain.store, plain.after.map, plain.li, request)
    if not first:
        fetched(plain, made_as)[1].unlink()
    with plain.db.read() as session:
        held = json.loads(service.export_of(session, made_as).manifest)["cases"][0]["files"][1]
    path = plain.store.path(held["sha256"])
    raw = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(RunError, match=f"{held['name']} of case {number} is not the file that the manifest names"):
        fetched(plain, made_as)
    assert list(plain.after.exports.iterdir()) == []
    with plain.db.read() as session:
        assert (service.export_of(session, made_as).sha256 is None) is first
    path.write_bytes(raw)
    assert fetched(plain, made_as)[0].sha256


def test_what_a_killed_process_left_is_swept_and_nothing_else(plain: Desk) -> None:
    plain.approved()
    _, fresh = made(plain)
    left, foreign = fresh.with_name("X20260101-01-abcd_123.zip"), fresh.with_name("X20260101-01.zip")
    for path in (left, foreign):
        path.write_bytes(b"half of it")
        os.utime(path, (0, 0))
    Forgetting(plain.db, plain.store, None, plain.after.copies, plain.after.exports).round()
    assert set(fresh.parent.iterdir()) == {fresh, foreign}
    assert archive.clear(fresh.with_name("none there")) == 0


@pytest.mark.parametrize(("formulas", "site"), [("guard", "'=HYPERLINK(1)"), ("exact", "=HYPERLINK(1)")])
def test_what_a_spreadsheet_would_compute_is_guarded_unless_only_an_importer_reads_it(
    plain: Desk, tmp_path: Path, formulas: str, site: str
) -> None:
    said = {
        "id": "x", "name": "X", "claims": "-", "csv": {"encoding": "utf-8", "formulas": formulas},
        "columns": [
            {"column": "-number", "of": "number"}, {"column": "site", "of": "site"}, {"column": "unit", "text": "-"},
            {"column": "lon", "of": "longitude"}, {"column": "class", "of": "vehicle_class", "codes": {"car": "+1"}},
            {"column": "at", "of": "at", "format": "-%Y"},
        ],
    }  # fmt: skip
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    number = plain.approved(site="=HYPERLINK(1)")
    with plain.db.write() as session:
        session.add(Site(site="=HYPERLINK(1)", name="x", area="330122", lon=-73.97, lat=40.0))
    plain.after = replace(plain.after, map=load_map(file))
    _, path = made(plain)
    (row,) = table(path, "utf-8")
    year = f"-{plain.case(number).at_trigger:%Y}"
    assert list(row.values()) == [number, site, "-", "-73.97", "+1", year]
