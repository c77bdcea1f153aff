"""Told, objected to, answered: what a letter says, who opens the public page, and who may answer an objection."""

import re
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from after_kit import PLATE, Desk, later
from sqlalchemy import func, select, update

from central import printing
from central.db.accounts import Attempt
from central.db.cases import Case, CaseLog
from central.db.notices import Notice, NoticePass, NoticeView, Statement
from central.export import service as export
from central.export.table import cells
from central.ledger import audit_cases
from central.notices import appeals, letter, public, rules, service, settling, text
from central.notices.errors import Closed, PassEnded, TooOften, WrongKey
from central.notices.rules import NoticeRules, Office
from central.notices.stills import REDACTED, PublicStill, PublicStills
from central.redaction.finder import Box, Picture
from central.redaction.redactor import Redactor
from central.redaction.stills import as_jpeg
from central.tickets.reasons import GROUNDS
from central.workflow.errors import NotAllowed, Unfit
from contract.events import Rule, now
from contract.sealing import sha256_hex

PARTY = "203.0.113.7"


def letter_of(desk: Desk, number: str) -> Notice:
    with desk.db.read() as session:
        return service.named(session, number)


def enter(desk: Desk, number: str, suffix: str = PLATE[-4:], address: str = PARTY) -> str:
    return public.enter(desk.db, number, suffix, address, desk.after.notices)


def objected(desk: Desk, words: str = "绿灯，我让行了", ground: str | None = "G6") -> tuple[str, str, str]:
    """Numbers of a case under appeal and of its notice, and the party's token."""
    case, number = desk.notified()
    token = enter(desk, number)
    with later(60):
        public.say(desk.db, token, words, ground, PARTY)
    return case, number, token


def test_the_notice_says_what_was_recorded_the_law_and_until_when(desk: Desk) -> None:
    case, number = desk.notified(numbers={"stood_s": 180.0, "permitted_wait_s": 180.0})
    notice, row = letter_of(desk, number), desk.case(case)
    said = dict(notice.said["rows"])
    assert (row.state, notice.language, notice.issued_by) == ("NOTIFIED", "zh-CN", "li")
    assert said["号牌号码"] == PLATE and said["罚款"] == "20–200元，可先警告令其驶离 (道路交通安全法 第93条)"
    assert said["时间"].endswith("10:03:00 +08:00") and "1039" in said["违法行为"]
    assert "3 分 0 秒" in said["事实"] and "允许停留 3 分" in said["事实"]
    # 30 days after the notice, until the end of the day: the law's limit, as the table has it.
    assert notice.answer_by == row.due_at
    last = (row.due_at - timedelta(seconds=1)).astimezone(notice.issued_at.tzinfo) + timedelta(hours=8)
    assert any(f"{last:%Y-%m-%d}" in one for one in notice.said["paragraphs"])
    assert 29 <= (row.due_at - now()).days <= 31
    assert re.fullmatch(r"\d{13}[3-9ACDEFGHJKMNPQRTUVWXY]{6}", number)


def test_a_place_without_a_source_for_money_says_so_and_invents_none(plain: Desk) -> None:
    _, number = plain.notified(jurisdiction="uk", plate="AB12CDE", rule=Rule.ILLEGAL_PARKING)
    notice = letter_of(plain, number)
    said = dict(notice.said["rows"])
    assert notice.language == "en" and "no source" in said["Points"]
    whole = " ".join([*said.values(), *notice.said["paragraphs"], notice.said["intro"]])
    assert "元" not in whole and "200" not in re.sub(r"20\d\d-", "", whole)


def test_in_a_warning_period_neither_letter_nor_table_speaks_of_money(plain: Desk) -> None:
    _, number = plain.notified(numbers={"warning_only": True, "warning_until": "2026-12-31"})
    said = dict(letter_of(plain, number).said["rows"])
    assert said["处理"] == text.words("zh-CN")["warning.until"].format(day="2026-12-31")
    assert "罚款" not in said and "记分" not in said
    plain.approved("浙A99999", numbers={"warning_only": True, "warning_until": "2026-12-31"})
    with later(60):
        (ready,) = export.plan(plain.db, plain.store, plain.after.map).ready
    assert (ready.matter.fine, ready.matter.points) == (None, None)
    row = dict(zip([one.column for one in plain.after.map.map.columns],
                   cells(ready.matter, 1, ready.files, plain.after.map.map), strict=True))  # fmt: skip
    assert (row["仅警告"], row["警告期至"]) == ("1", "2026-12-31")


def test_a_letter_is_a_pdf_with_chinese_in_it_and_the_same_each_time(plain: Desk) -> None:
    _, number = plain.notified()
    notice = letter_of(plain, number)
    made = printing.pdf(letter.html(notice, []))
    assert made.startswith(b"%PDF-") and printing.pdf(letter.html(letter_of(plain, number), [])) == made
    plain_text = b"".join(_inflated(made))
    assert re.search(rb"/BaseFont\s*/[A-Z]{6}\+Noto", made + plain_text)
    # Every character has a glyph of its own: the map of the font to Unicode names them.
    assert f"{ord('浙'):04x}".encode() in plain_text.lower() and f"{ord('罚'):04x}".encode() in plain_text.lower()


def _inflated(raw: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.S):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            continue


def test_what_a_person_writes_stays_text_in_a_letter(plain: Desk) -> None:
    case, _, _ = objected(plain)
    reason = "<script>alert(1)</script> <img src=x onerror=y> \u202e🚗 '; DROP TABLE notices;--"
    with later(60), plain.db.write() as session:
        notice = appeals.uphold(session, case, plain.case(case).version, plain.zhao, reason, plain.after.notices)
    page = letter.html(notice, [])
    assert "<script>" not in page and "&lt;script&gt;" in page and "<img" not in page
    assert printing.pdf(letter.html(notice, [])).startswith(b"%PDF-")


def test_numbers_by_configuration_never_twice(desk: Desk) -> None:
    pattern = rules.checked_number("{area}-{year}-{random}-{date}{serial:04d}")
    desk.after = replace(desk.after, notices=NoticeRules(number=pattern))
    given = [desk.notified()[1] for _ in range(3)]
    assert [one[-4:] for one in given] == ["0001", "0002", "0003"]
    for wrong in (
        "{serial}",
        "{date}",
        "{date}{serial}/",
        "{plate}{date}{serial}",
        "{date}{serial:99999}",
        "{date.x}{serial}",
        "{date}{serial:05d}",
        "{date}{serial:05d}{random:.1}",
        "{date}{serial:05d}{random!r}",
    ):
        with pytest.raises(ValueError):
            rules.checked_number(wrong)


def test_nobody_is_told_of_a_vehicle_without_a_plate(plain: Desk) -> None:
    number = plain.approved(None)
    plain.step(number, "enter")
    with later(60):
        done, left = service.issue_all(plain.db, plain.li, plain.after.notices)
    assert done == [] and "no plate" in left[0][1] and plain.case(number).state == "ENTERED"


def test_number_and_plate_open_the_page_and_each_look_is_on_record(desk: Desk) -> None:
    _, number = desk.notified()
    for shown in (PLATE[-4:], PLATE, " 2 3-4·5 ", "2345"):
        token = enter(desk, f" {number.lower()} ", shown, "2001:db8:1:2:3:4:5:6")
        with desk.db.write() as session:
            notice = public.notice_of(session, token)
            public.note(session, notice, "2001:db8:1:2:ffff::1", "page")
    with desk.db.read() as session:
        views = session.execute(select(NoticeView.address, NoticeView.what)).all()
        assert session.execute(select(func.count()).select_from(Attempt)).scalar_one() == 0
        hashes = session.execute(select(NoticePass.token_hash)).scalars().all()
    assert views == [("2001:db8:1:2::/64", "page")] * 4
    assert token not in hashes
    with desk.db.write() as session:
        session.execute(update(NoticePass).values(until=now()))
        with pytest.raises(PassEnded):
            public.notice_of(session, token)
        public.sweep(session)
        assert session.execute(select(func.count()).select_from(NoticePass)).scalar_one() == 0


@pytest.mark.parametrize("suffix", ["", "0000", "345", "12345X", "\x00", "２３４４", "%", "A" * 5000])
def test_a_wrong_plate_and_a_number_that_is_not_there_are_told_alike(plain: Desk, suffix: str) -> None:
    _, number = plain.notified()
    said = set()
    for named in (number, "20261122999990000", "", "' OR '1'='1", number + "\x00"):
        with pytest.raises(WrongKey) as refused:
            enter(plain, named, suffix, "198.51.100.1")
        said.add(str(refused.value))
    assert len(said) == 1


def test_tries_are_counted_by_network_and_by_number_and_a_right_one_takes_off_only_itself(desk: Desk) -> None:
    _, number = desk.notified()
    for n in range(public.TRIES_BY_NUMBER - 1):
        with pytest.raises(WrongKey):
            enter(desk, number, "0000", f"198.51.100.{n}")
    enter(desk, number)  # the tenth is right
    with pytest.raises(WrongKey):
        enter(desk, number, "0000", "198.51.100.99")
    with pytest.raises(TooOften):
        enter(desk, number)
    for n in range(public.TRIES_BY_ADDRESS):
        with pytest.raises(WrongKey):
            enter(desk, f"NO{n:08d}", "0000", f"2001:db8:9:9::{n:x}")
    with pytest.raises(TooOften):
        enter(desk, "ANOTHER1", "0000", "2001:db8:9:9:aaaa::1")
    with pytest.raises(WrongKey):
        enter(desk, "ANOTHER1", "0000", "2001:db8:9:a::1")
    with desk.db.read() as session:
        kept = session.execute(select(func.count()).select_from(Attempt)).scalar_one()
    assert kept < 80  # who is over the limit fills no table


def test_a_crowd_of_tries_at_once_is_no_way_past_the_limit(desk: Desk) -> None:
    _, number = desk.notified()

    def guess(n: int) -> type[Exception] | None:
        try:
            enter(desk, number, f"{n:04d}", f"198.51.{n}.1")
        except (WrongKey, TooOften) as refused:
            return type(refused)
        return None

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(guess, range(60)))
    assert answers.count(WrongKey) <= public.TRIES_BY_NUMBER and answers.count(TooOften) >= 50


def test_a_statement_moves_the_case_and_its_words_are_kept_once(desk: Desk) -> None:
    words = "我在让救护车 🚑\r\n<b>请复核</b>"
    case, _, token = objected(desk, words)
    with desk.db.read() as session:
        (kept,) = session.execute(select(Statement)).scalars()
        lines = session.execute(select(CaseLog).where(CaseLog.action == "appeal")).scalars().all()
    assert desk.case(case).state == "APPEAL"
    assert (kept.text, kept.ground, kept.via, kept.address) == (words.replace("\r\n", "\n"), "G6", "public", PARTY)
    assert [(one.actor, one.detail["sha256"]) for one in lines] == [("system", sha256_hex(kept.text.encode()))]
    with pytest.raises(Closed, match="already"), later(60):
        public.say(desk.db, token, "again", None, PARTY)


@pytest.mark.parametrize(
    ("words", "ground"),
    [("", None), ("  \n", None), ("x" * 4001, None), ("a\x00b", None), ("\ud800", None), ("x", "G9")],
)
def test_a_statement_that_is_none_is_refused_and_changes_nothing(plain: Desk, words: str, ground: str | None) -> None:
    case, number = plain.notified()
    token = enter(plain, number)
    with pytest.raises(Closed), later(60):
        public.say(plain.db, token, words, ground, PARTY)
    assert plain.case(case).state == "NOTIFIED"


def test_after_its_time_nothing_is_taken_here(plain: Desk) -> None:
    case, number = plain.notified()
    token = enter(plain, number)
    with pytest.raises(Closed, match="ended"), later(40 * 86400):
        public.say(plain.db, token, "too late", None, PARTY)
    with pytest.raises(PassEnded):
        public.say(plain.db, "guessed", "x", None, PARTY)
    assert plain.case(case).state == "NOTIFIED"


def test_neither_of_the_two_who_decided_answers_it_and_a_third_does(desk: Desk) -> None:
    case, _, _ = objected(desk)
    for judge in (desk.li, desk.wang):
        with pytest.raises(Unfit, match="another person"), later(60), desk.db.write() as session:
            appeals.uphold(session, case, desk.case(case).version, judge, "no", desk.after.notices)
    with pytest.raises(Unfit, match="verified"), later(60), desk.db.write() as session:
        appeals.cancel(session, case, desk.case(case).version, desk.zhao, "", desk.after.notices)
    with later(60), desk.db.write() as session:
        appeals.verify(session, case, desk.case(case).version, desk.zhao, "G1", "")
    with pytest.raises(Unfit, match="another person"), later(60), desk.db.write() as session:
        appeals.cancel(session, case, desk.case(case).version, desk.wang, "", desk.after.notices)
    with later(60), desk.db.write() as session:
        notice = appeals.cancel(
            session, case, desk.case(case).version, desk.zhao, "核实为救护车让行", desk.after.notices
        )
    said = dict(notice.said["rows"])
    assert desk.case(case).state == "CANCELLED" and notice.kind == "cancelled"
    assert said["理由类别"] == text.words("zh-CN")["ground.G1"] and said["理由"] == "核实为救护车让行"
    with desk.db.read() as session:
        (kept,) = session.execute(select(Statement)).scalars()
    assert (kept.outcome, kept.answered_by) == ("cancelled", "zhao")


def test_upheld_needs_a_reason_that_the_party_reads(plain: Desk) -> None:
    case, _, _ = objected(plain)
    with pytest.raises(Unfit, match="note"), later(60), plain.db.write() as session:
        appeals.uphold(session, case, plain.case(case).version, plain.zhao, "  ", plain.after.notices)
    with later(60), plain.db.write() as session:
        notice = appeals.uphold(session, case, plain.case(case).version, plain.zhao, "图片清楚", plain.after.notices)
    assert plain.case(case).state == "UPHELD" and dict(notice.said["rows"])["理由"] == "图片清楚"


def objected_early(desk: Desk) -> str:
    """A case whose party came to the counter before its letter was sent."""
    case = desk.approved()
    desk.step(case, "enter")
    with later(60), desk.db.write() as session:
        appeals.brought(session, case, desk.case(case).version, desk.zhao, "还没收到告知书", None)
    return case


def test_who_objects_before_the_letter_was_sent_is_told_and_the_answer_is_not_put_off(desk: Desk) -> None:
    case = objected_early(desk)
    desk.step(case, "verify", desk.zhao, ground="G1")
    before = desk.case(case)
    with later(86_400):
        (number,), left = service.issue_all(desk.db, desk.li, desk.after.notices)
    after, notice = desk.case(case), letter_of(desk, number)
    assert left == [] and (after.state, after.ground, after.due_at, after.state_at, after.sort_at) == (
        "APPEAL", "G1", before.due_at, before.state_at, before.sort_at)  # fmt: skip
    assert notice.answer_by is not None and notice.answer_by > after.due_at
    enter(desk, number)
    with desk.db.read() as session:
        assert service.waiting(session) == []
    with later(86_500), desk.db.write() as session:
        given = appeals.cancel(session, case, after.version, desk.zhao, "", desk.after.notices)
    assert dict(given.said["rows"])["告知书编号"] == number and desk.case(case).state == "CANCELLED"
    with pytest.raises(Unfit), later(86_600), desk.db.write() as session:
        service.issue(session, case, desk.case(case).version, desk.li, desk.after.notices)


def test_what_was_let_stand_before_its_letter_is_told_before_it_is_dealt_with(desk: Desk) -> None:
    case = objected_early(desk)
    with later(60), desk.db.write() as session:
        appeals.uphold(session, case, desk.case(case).version, desk.zhao, "图片清楚", desk.after.notices)
    with pytest.raises(Unfit, match="not told"):
        desk.step(case, "handle")
    with later(70):
        (number,), _ = service.issue_all(desk.db, desk.li, desk.after.notices)
        assert service.issue_all(desk.db, desk.li, desk.after.notices) == ([], [])
    assert desk.case(case).state == "NOTIFIED" and letter_of(desk, number).answer_by == desk.case(case).due_at
    _not_again(desk, case)
    assert desk.step(case, "handle").state == "HANDLED"
    _not_again(desk, case)


def _not_again(desk: Desk, case: str) -> None:
    """What was answered once is not answered again here: neither on paper nor on the public page."""
    row = desk.case(case)
    with pytest.raises(Unfit, match="answered already"), later(80), desk.db.write() as session:
        appeals.brought(session, case, row.version, desk.li, "once more", "G1")
    with pytest.raises(Closed, match="answered already"), later(80), desk.db.write() as session:
        appeals.received(session, session.get_one(Case, row.id), "once more", "G1", "198.51.100.7")


def test_many_are_dealt_with_at_once_each_with_its_line_and_the_others_say_why_not(desk: Desk) -> None:
    (one, _), (two, second), (three, _) = (desk.notified() for _ in range(3))
    waits = desk.approved("浙A99999")
    version = desk.case(three).version
    desk.step(three, "handle")
    text_ = f" {one}\n{second.lower()}，{two};{waits}\nNOPE' OR 1=1\n{three}"
    with later(60):
        done, left = settling.settle(
            desk.db, desk.li, settling.numbers_of(text_), {three: version}, "paid, list of the 23rd"
        )
    assert done == [one, two] and [desk.case(number).state for number in (one, two, waits)] == [
        "HANDLED",
        "HANDLED",
        "APPROVED",
    ]
    why = dict(left)
    assert "since you opened it" in why[three] and "cannot be moved" in why[waits] and "no case" in why["NOPE'"]
    with desk.db.read() as session:
        lines = session.execute(select(CaseLog).where(CaseLog.action == "handle").order_by(CaseLog.id)).scalars().all()
    assert [(line.actor, line.detail["note"]) for line in lines[1:]] == [("li", "paid, list of the 23rd")] * 2
    elsewhere = replace(desk.li, areas=frozenset({"no such area"}))
    assert settling.settle(desk.db, elsewhere, [one], {}, "paid")[1][0][1].startswith("no case")
    for numbers, note in (([], "paid"), ([one], "  ")):
        with pytest.raises(Unfit):
            settling.settle(desk.db, desk.li, numbers, {}, note)
    with pytest.raises(Unfit, match="in parts"):
        settling.numbers_of(" ".join(f"N{n}" for n in range(settling.MOST + 1)))


def test_a_statement_on_paper_is_entered_by_name(plain: Desk) -> None:
    case, _ = plain.notified()
    with later(60), plain.db.write() as session:
        appeals.brought(session, case, plain.case(case).version, plain.zhao, "来信", None)
    with plain.db.read() as session:
        (kept,) = session.execute(select(Statement)).scalars()
    assert (kept.via, kept.received_by, plain.case(case).state) == ("desk", "zhao", "APPEAL")
    auditor = plain.zhao.__class__(99, "audit", frozenset({"auditor"}), "")
    with pytest.raises(NotAllowed), plain.db.write() as session:
        appeals.verify(session, case, plain.case(case).version, auditor, "G1", "")


def test_the_office_stands_in_the_letter_only_with_what_it_said_of_itself(plain: Desk) -> None:
    office = NoticeRules(public_url="https://q.example.cn/", office=Office("交警大队", "", "0571-1", ""))
    plain.after = replace(plain.after, notices=office)
    _, number = plain.notified()
    said = letter_of(plain, number).said
    assert any("https://q.example.cn/q" in one and number in one for one in said["paragraphs"])
    assert any(one.endswith("交警大队 · 0571-1") for one in said["paragraphs"])
    assert said["foot"].startswith("交警大队 · ")


def test_letters_say_the_same_in_both_languages() -> None:
    english, chinese = text.words("en"), text.words("zh-CN")
    assert english.keys() == chinese.keys()
    for key, sentence in english.items():
        assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(re.findall(r"\{\w+\}", chinese[key])), key
    assert {f"ground.{one}" for one in GROUNDS} <= english.keys() and {
        f"rule.{one.value}" for one in Rule
    } <= english.keys()


def test_case_numbers_of_cases_are_untouched_by_ours(plain: Desk) -> None:
    first = plain.notified()[0]
    second = plain.candidate()
    assert int(second[-4:]) == int(first[-4:]) + 1
    with plain.db.read() as session:
        assert session.execute(select(func.count()).select_from(Case)).scalar_one() == 2


class Blind:
    """A finder that misses everybody."""

    def find(self, picture: Picture) -> list[Box]:
        return []


def told_with_pictures(desk: Desk) -> tuple[str, str]:
    """Numbers of a case and its notice; its stills, which the kit makes of bytes, are pictures."""
    case, number = desk.notified()
    for seed, name in enumerate(desk.case_media(case)[:3]):
        noise = np.random.default_rng(seed).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        desk.store.path(name).write_bytes(as_jpeg(noise, name))
    return case, number


def test_a_copy_is_made_once_is_in_the_history_and_an_original_is_never_shown(desk: Desk) -> None:
    case, number = told_with_pictures(desk)
    folder, made = desk.folder / "copies", Redactor([Blind()])
    notice = letter_of(desk, number)
    one, other = (PublicStills(desk.db, desk.store, folder, lambda: made) for _ in range(2))
    first, again = copies_by(one, desk, notice), copies_by(other, desk, notice)
    assert first == again and len(first) == 3 and not any(still.plate for still in first)
    copies = {still.of: sha256_hex(still.path.read_bytes()) for still in first}
    assert not set(copies) & set(copies.values())
    assert redactions(desk, case) == [(still.of, copies[still.of], False) for still in first]
    # What somebody put in its place, be it the original itself, is not shown.
    first[0].path.write_bytes(desk.store.path(first[0].of).read_bytes())
    first[1].path.unlink()
    unable = PublicStills(desk.db, desk.store, folder, None)
    assert [still.of for still in copies_by(unable, desk, notice)] == [first[2].of]
    assert [sha256_hex(still.path.read_bytes()) for still in copies_by(one, desk, notice)] == list(copies.values())
    assert len(redactions(desk, case)) == 3


def copies_by(stills: PublicStills, desk: Desk, notice: Notice) -> list[PublicStill]:
    with desk.db.read() as session:
        found = stills.of(session, notice)
    return stills.all_made(found)


def redactions(desk: Desk, number: str) -> list[tuple[object, object, object]]:
    with desk.db.read() as session:
        query = select(CaseLog.detail).join(Case, Case.id == CaseLog.case_id)
        lines = session.execute(query.where(Case.number == number, CaseLog.action == REDACTED).order_by(CaseLog.id))
        return [(line["still"], line["copy"], line["plate"]) for line in lines.scalars()]


def test_a_letter_says_when_no_plate_is_left_to_read(plain: Desk) -> None:
    _, number = told_with_pictures(plain)
    notice, redactor = letter_of(plain, number), Redactor([Blind()])
    (still, *_) = copies_by(PublicStills(plain.db, plain.store, plain.folder / "c", lambda: redactor), plain, notice)
    said = text.words(notice.language)
    assert said["stills.no_plate"] in letter.html(notice, [still])
    shown = letter.html(notice, [replace(still, plate=True)])
    assert said["stills.redacted"] in shown and said["stills.no_plate"] not in shown


def test_a_chief_puts_off_the_time_of_handling_once_and_says_why(desk: Desk) -> None:
    case, _ = desk.notified()
    before = desk.case(case)
    assert before.due_at is not None
    with pytest.raises(NotAllowed):
        desk.step(case, "extend", desk.li, note="an expert is asked")
    with pytest.raises(Unfit, match="say"):
        desk.step(case, "extend", desk.chief, note=" ")
    after = desk.step(case, "extend", desk.chief, note="an expert is asked")
    assert (after.state, after.state_at) == ("NOTIFIED", before.state_at)
    assert after.due_at is not None and after.due_at - before.due_at == timedelta(days=89)
    with pytest.raises(Unfit, match="extended already"):
        desk.step(case, "extend", desk.chief, note="and another")
    with desk.db.read() as session:
        line = session.execute(select(CaseLog).where(CaseLog.action == "extend")).scalar_one()
        assert line.actor == "chen" and line.detail["note"] == "an expert is asked"
        assert list(audit_cases.cases(session)) == []
    assert desk.step(case, "handle").state == "HANDLED"
