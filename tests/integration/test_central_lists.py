"""Lists at central: taken in whole or not at all, asked about before anybody looks, shown beside the case."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from central_kit import AT, Box, decision, evidence, intake_of, open_db, person, violation
from sqlalchemy import func, select

from central.accounts.service import SignedInUser
from central.db.database import Database
from central.db.lists import HandledRecord, ListImport, PlateEntry, RegisterVehicle
from central.db.sites import Site
from central.lists import imports
from central.tickets import service
from central.tickets.views import CaseView, Check
from central.web.language import load
from central.web.page import Page
from contract.errors import InputError
from contract.events import EventType, Vehicle

CHINA = ZoneInfo("Asia/Shanghai")
PLATE = "皖A195K9"
READ = Vehicle(class_="car", plate=PLATE, plate_type="02", plate_color="blue", conf=1.0, per_char_conf=[1.0] * 7)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = open_db(tmp_path)
    yield made
    made.close()


@pytest.fixture
def officer(db: Database) -> SignedInUser:
    return person(db)


def written(folder: Path, text: str | bytes, name: str = "list.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


#: After everything that any test's vehicle can have done.
LATER = AT + timedelta(hours=6)


def take(db: Database, folder: Path, kind: str, text: str | bytes, as_of: datetime | None = LATER) -> int:
    file = written(folder, text)
    if kind == "register":
        return imports.register(db, file, "cli:li")
    if kind in {"on_site", "reports"}:
        return imports.handled(db, kind, file, "cli:li", CHINA, as_of)
    return imports.plates(db, kind, file, "cli:li", as_of)


def case(db: Database, seen: Vehicle | None = READ, **changes: object) -> CaseView:
    box = Box()
    box.enrol(db)
    manifest, _ = evidence(vehicle=seen)
    told = decision(box, violation(vehicle=Vehicle(class_="car", color="white"), **changes))
    intake_of(db).take([told, box.say(EventType.MANIFEST, manifest)])
    with db.read() as session:
        (item,) = service.queue(session, state="CANDIDATE").items
        return service.case(session, item.number, None)


def again(db: Database, view: CaseView) -> CaseView:
    with db.read() as session:
        return service.case(session, view.number, None)


def check(view: CaseView, name: str) -> Check:
    (found,) = [one for one in view.checks if one.name == name]
    return found


def count(db: Database, kind: type) -> int:
    with db.read() as session:
        return session.execute(select(func.count()).select_from(kind)).scalar_one()


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        ("stolen", f"{PLATE}\nX\n", 2),
        ("stolen", f"{PLATE}, 2026-02-30\n", 1),
        ("stolen", f"{PLATE}\n皖a·195k9\n", 2),
        ("register", "plate,vehicle_type,color\n皖A195K9,K33,A\n皖A195K9,K33,B\n", 3),
        ("register", "plate,vehicle_type,color\n皖A195K9,K33\n", 2),
        ("register", "plate,vehicle_type,color,owner\n皖A195K9,K33,A,Li\n", 1),
        ("register", "plate,vehicle_type,color,车主\n皖A195K9,K33,A,Li\n", 1),
        ("register", "plate,vehicle_type,color,wheels\n皖A195K9,K33,A,4\n", 1),
        ("register", "plate,plate,vehicle_type,color\n", 1),
        ("register", "plate,color\n皖A195K9,A\n", 1),
        ("register", "plate,vehicle_type,color\n皖A195K9,K33,A\n".encode() + "皖A195K8,轿车,A\n".encode("gbk"), 3),
        ("register", 'plate,vehicle_type,color\n皖A195K9,"K33,A\n', 2),
        ("register", "plate,vehicle_type,color\n皖A195K9,K33,A\0\n", 2),
        ("on_site", "plate,at\n皖A195K9,yesterday\n", 2),
        ("on_site", "plate,at\n皖A195K9,2026-11-21\n", 2),
        ("on_site", "plate,at\n皖A195K9,2026-11-21T10:00\n皖A195K9,2026-02-30T10:00\n", 3),
        ("reports", "plate,at,phone\n皖A195K9,2026-11-21T10:00,1\n", 1),
        ("register", "", 1),
        ("register", "plate,vehicle_type,color\n皖A195K9,K33," + "A" * 30_000 + "\n", 2),
    ],
)
def test_a_bad_line_refuses_the_file_and_the_list_before_stays(
    db: Database, tmp_path: Path, kind: str, text: str | bytes, line: int
) -> None:
    good = {"stolen": f"{PLATE}\n", "register": "plate,vehicle_type,color\n皖A11111,K33,A\n"}
    assert take(db, tmp_path, kind, good.get(kind, "plate,at\n皖A11111,2026-11-21T10:00\n")) == 1
    rows = [count(db, one) for one in (PlateEntry, RegisterVehicle, HandledRecord, ListImport)]
    with pytest.raises(InputError) as refused:
        take(db, tmp_path, kind, text)
    assert f"list.csv:{line}  " in str(refused.value) and "\n" not in str(refused.value)
    assert [count(db, one) for one in (PlateEntry, RegisterVehicle, HandledRecord, ListImport)] == rows


def test_a_list_replaces_the_one_before_and_each_import_is_on_record(db: Database, tmp_path: Path) -> None:
    """With a byte order mark, tabs, full-width letters and what people put between the signs of a plate."""
    text = "\ufeffplate\tplate_type\tvehicle_type\tcolor\r\n皖Ａ·１９５ｋ９\t02\tK33\tA\r\n\r\n皖A195K9\t01\tH31\tC\r\n"
    assert take(db, tmp_path, "register", text) == 2
    assert take(db, tmp_path, "register", "plate,vehicle_type,color\n皖A195K9,K33,H\n") == 1
    with db.read() as session:
        (row,) = session.execute(select(RegisterVehicle)).scalars()
        assert (row.plate, row.plate_type, row.color) == (PLATE, "", "H")
        noted = session.execute(select(ListImport).order_by(ListImport.id)).scalars().all()
        assert [(one.kind, one.rows, one.imported_by) for one in noted] == [
            ("register", 2, "cli:li"),
            ("register", 1, "cli:li"),
        ]
    with pytest.raises(InputError, match="no list 'blue'"):
        take(db, tmp_path, "blue", PLATE)


@pytest.mark.parametrize(
    ("kind", "fact"),
    [("stolen", "stolen_or_cloned"), ("cloned", "stolen_or_cloned"), ("emergency", "emergency_vehicle")],
)
def test_a_listed_plate_is_asked_about_before_anybody_looks(
    db: Database, officer: SignedInUser, tmp_path: Path, kind: str, fact: str
) -> None:
    take(db, tmp_path, kind, f"{PLATE}, {AT:%Y-%m-%d}\n")
    view = case(db)
    assert [one.fact for one in view.questions] == [fact]
    said = check(view, "lists")
    assert (said.ok, said.figures) == (False, [kind])
    for tag in ("en", "zh-CN"):
        lines = {one.label: one.value for one in Page(view, officer, load(tag)).trust}
        assert load(tag)(f"list.{kind}") in lines[load(tag)("check.lists")]


def test_an_entry_that_has_ended_another_plate_and_another_rule_ask_nothing(db: Database, tmp_path: Path) -> None:
    take(db, tmp_path, "stolen", f"{PLATE}, {AT - timedelta(days=1):%Y-%m-%d}\n皖A195K8\n")
    view = case(db)
    assert view.questions == []
    said = check(view, "lists")
    assert (said.ok, said.figures) == (True, ["stolen"])


def test_without_lists_and_without_a_plate_nothing_is_known(
    db: Database, officer: SignedInUser, tmp_path: Path
) -> None:
    view = case(db, None)
    names = ("schema", "lists", "on_site", "duplicates", "reports", "site", "zone", "device")
    assert {name: check(view, name).ok for name in names} == dict.fromkeys(names)
    assert view.register_card.state == "none"
    for tag in ("en", "zh-CN"):
        page = Page(view, officer, load(tag))
        assert sum(one.flag == "plain" for one in page.trust) >= len(names)
        assert page.no_register == load(tag)("register.none") and page.register == []


@pytest.mark.parametrize(
    ("minutes", "site", "asked"),
    [
        (0, "", True),
        (119, "yingchun-road-03", True),
        (119, "YingChun Road 03", True),
        (0, "迎春南路３号", True),
        (121, "", False),
        (5, "elsewhere", False),
        (5, "别处 1 号", False),
    ],
)
def test_a_matter_handled_on_the_spot_is_asked_about(
    db: Database, tmp_path: Path, minutes: int, site: str, asked: bool
) -> None:
    with db.write() as session:
        for name, words in (("yingchun-road-03", "迎春南路 3 号"), ("elsewhere", "别处1号")):
            session.add(Site(site=name, name=words, area="330122003"))
    at = (AT + timedelta(seconds=180, minutes=minutes)).replace(tzinfo=None)
    take(db, tmp_path, "on_site", f"plate,at,site,number\n{PLATE},{at.isoformat()},{site},现场-77\n")
    view = case(db)
    assert [one.fact for one in view.questions] == (["handled_on_site"] if asked else [])
    said = check(view, "on_site")
    assert said.ok is not asked and ("现场-77" in said.detail) is asked


def test_a_report_of_the_public_is_shown_and_asks_nothing(db: Database, tmp_path: Path) -> None:
    take(db, tmp_path, "reports", f"plate,at,number\n{PLATE},{AT.isoformat()},12345-9\n")
    view = case(db)
    assert view.questions == []
    assert check(view, "reports").ok is False and "12345-9" in check(view, "reports").detail


@pytest.mark.parametrize(
    ("book", "same"),
    [
        ("K33,A", [True, True]),
        ("H31,A", [False, True]),
        ("小型轿车,白", [True, True]),
        ("K11,H", [False, False]),
        ("Z9,Q", [None, None]),
    ],
)
def test_the_register_stands_beside_what_was_seen(
    db: Database, officer: SignedInUser, tmp_path: Path, book: str, same: list[bool | None]
) -> None:
    view = case(db)
    take(db, tmp_path, "register", "plate,vehicle_type,color\n皖A195K8,K33,A\n")
    assert again(db, view).register_card.state == "unlisted"
    take(db, tmp_path, "register", f"plate,plate_type,vehicle_type,color\n{PLATE},02,{book}\n{PLATE},01,H31,C\n")
    view = again(db, view)
    assert [line.same for line in view.register_card.lines] == same
    page = Page(view, officer, load("zh-CN"))
    assert [row.flag for row in page.register] == [{True: "good", False: "ask", None: "plain"}[one] for one in same]
    assert page.no_register == ""


def test_days_of_a_list_are_days_of_the_site(db: Database, tmp_path: Path) -> None:
    """00:30 in China is still the day before in Greenwich: the entry that ended on that day holds no longer."""
    take(db, tmp_path, "stolen", f"{PLATE}, {date(2026, 11, 20)}\n")
    late = AT.replace(hour=0, minute=30)
    assert case(db, at_first=late, at_trigger=late, at_last=late).questions == []


# What a list does not say, it does not know.

TRIGGER = AT + timedelta(seconds=180)


@pytest.mark.parametrize("kind", ["stolen", "exempt"])
@pytest.mark.parametrize(
    ("as_of", "ok"),
    [(TRIGGER, True), (TRIGGER - timedelta(seconds=1), None), (AT - timedelta(days=30), None), (None, None)],
)
def test_a_list_kept_until_before_the_matter_does_not_know_that_a_plate_is_not_on_it(
    db: Database, officer: SignedInUser, tmp_path: Path, kind: str, as_of: datetime | None, ok: bool | None
) -> None:
    take(db, tmp_path, kind, "皖A195K8\n", as_of)
    view = case(db)
    said = check(view, "lists")
    assert (said.ok, said.figures) == (ok, [kind])
    for tag in ("en", "zh-CN"):
        page, say = Page(view, officer, load(tag)), load(tag)
        (line,) = [one for one in page.trust if one.label == say("check.lists")]
        assert line.flag == ("good" if ok else "plain") and say(f"list.{kind}") in line.value


def test_an_old_list_among_new_ones_is_named_and_one_that_names_the_plate_still_does(
    db: Database, tmp_path: Path
) -> None:
    take(db, tmp_path, "stolen", "皖A195K8\n")
    take(db, tmp_path, "exempt", "皖A195K8\n", None)
    view = case(db)
    assert (check(view, "lists").ok, check(view, "lists").figures) == (None, ["exempt"])
    take(db, tmp_path, "exempt", f"{PLATE}\n", None)
    assert (check(again(db, view), "lists").ok, check(again(db, view), "lists").figures) == (False, ["exempt"])
    take(db, tmp_path, "exempt", "皖A195K8\n", LATER)
    assert check(again(db, view), "lists").ok is True


@pytest.mark.parametrize("kind", ["on_site", "reports"])
@pytest.mark.parametrize(
    ("as_of", "ok"),
    [(TRIGGER + timedelta(hours=2), True), (TRIGGER + timedelta(minutes=119), None), (None, None)],
)
def test_records_that_end_before_that_time_is_over_do_not_know_that_there_is_none(
    db: Database, tmp_path: Path, kind: str, as_of: datetime | None, ok: bool | None
) -> None:
    take(db, tmp_path, kind, f"plate,at\n皖A195K8,{TRIGGER.isoformat()}\n", as_of)
    said = check(case(db), kind)
    assert (said.ok, said.form) == (ok, "" if ok else "old")


def test_a_record_of_a_place_that_nobody_knows_by_that_name_is_perhaps_this_one(
    db: Database, officer: SignedInUser, tmp_path: Path
) -> None:
    take(db, tmp_path, "on_site", f"plate,at,site\n{PLATE},{TRIGGER.isoformat()},迎春路口东侧\n")
    view = case(db)
    assert [one.fact for one in view.questions] == ["handled_on_site"]
    said = check(view, "on_site")
    assert (said.ok, said.form, said.figures) == (None, "place", ["1", "迎春路口东侧"])
    for tag in ("en", "zh-CN"):
        assert any("迎春路口东侧" in line.value for line in Page(view, officer, load(tag)).trust)


def test_nobody_knows_tomorrow(db: Database, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody knows yet"):
        take(db, tmp_path, "stolen", f"{PLATE}\n", datetime.now(CHINA) + timedelta(hours=1))
    assert count(db, ListImport) == 0
