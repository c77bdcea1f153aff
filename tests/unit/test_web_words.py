"""Words, languages, overlays and forms of the web front: pure, no server."""

import asyncio
import json
import re
import string
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from central.tickets.reasons import REASONS
from central.tickets.review import WORKFLOW
from central.tickets.views import Check
from central.web import forms, front, language, overlay, trust, words
from central.web.language import choose, load
from central.web.page import REASON_KEYS
from contract.events import Geometry, TrackPoint

EN, ZH = load("en"), load("zh-CN")
WEB = Path(front.__file__).parent


def fields(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None)


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    assert set(EN.sentences) == set(ZH.sentences)
    wrong = [key for key in EN.sentences if fields(EN.sentences[key]) != fields(ZH.sentences[key])]
    assert wrong == []


def test_each_part_of_a_language_has_its_twin_with_the_same_keys() -> None:
    parts = {tag: sorted(one.name for one in (language.FOLDER / tag).glob("*.json")) for tag in language.LANGUAGES}
    assert parts["en"] == parts["zh-CN"] != []
    for part in parts["en"]:
        said = [json.loads((language.FOLDER / tag / part).read_text(encoding="utf-8")) for tag in language.LANGUAGES]
        assert list(said[0]) == list(said[1]), part


def test_a_key_that_two_parts_say_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en").mkdir()
    for part in ("a", "b"):
        (tmp_path / "en" / f"{part}.json").write_text('{"queue.title": "Queue"}')
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"'queue.title' is said in another part too"):
        load.__wrapped__("en")


def test_no_sentence_is_left_in_the_other_language() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    allowed = {"nav.language", "nav.language_short"}
    assert [key for key, said in EN.sentences.items() if chinese.search(said) and key not in allowed] == []
    plain = {key for key, said in ZH.sentences.items() if not chinese.search(said)}
    named = {"clock.ntp", "nav.language", "nav.language_short", "unit.share", "origin.track"}
    own_words = {
        key: re.sub(r"\{.*?\}", "", ZH.sentences[key]) for key in plain - named if not key.endswith(".choices")
    }
    assert [key for key, said in own_words.items() if re.search("[A-Za-z]{3}", said)] == []


def test_every_sentence_that_a_template_asks_for_is_there() -> None:
    asked = set()
    for page in (WEB / "templates").rglob("*.html"):
        asked |= set(re.findall(r"say\('([a-z_0-9.-]+)'[,)]", page.read_text(encoding="utf-8")))
    assert len(asked) > 50
    assert asked - set(EN.sentences) == set()


def test_every_sentence_that_code_asks_for_is_there() -> None:
    asked = set()
    for module in WEB.rglob("*.py"):
        asked |= set(re.findall(r'say\("([a-z_0-9.-]+)"[,)]', module.read_text(encoding="utf-8")))
    assert len(asked) > 30
    assert asked - set(EN.sentences) == set()


@pytest.mark.parametrize("say", [EN, ZH])
def test_every_state_and_every_reject_code_has_its_word_and_key(say: language.Language) -> None:
    assert all(f"state.{state}" in say.sentences for state in WORKFLOW.states)
    assert all(f"reason.{code}" in say.sentences for code in REASONS)
    assert len(set(REASON_KEYS.values())) == len(REASONS) == 16
    assert "n" not in REASON_KEYS.values()


def test_no_template_or_style_breaks_the_policy_against_inline_code() -> None:
    for page in (WEB / "templates").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|\|\s*safe", text), page.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), page.name
        assert not re.search(r"""(src|href)=["']https?:""", text), page.name


@pytest.mark.parametrize(
    ("cookie", "accept", "tag"),
    [
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, "zh-TW", "zh-CN"),
        (None, "en;q=0.5, zh;q=0.6", "zh-CN"),
        (None, "fr-FR, en-GB;q=0.3", "en"),
        (None, "zh;q=0, en", "en"),
        (None, "", "en"),
        (None, None, "en"),
        ("en", "zh-CN", "en"),
        ("zh-CN", "en", "zh-CN"),
        ("../../etc", "zh", "zh-CN"),
    ],
)
def test_the_switch_wins_over_the_browser(cookie: str | None, accept: str | None, tag: str) -> None:
    assert choose(cookie, accept).tag == tag


@given(st.text(max_size=300))
def test_any_accept_language_gives_a_language(accept: str) -> None:
    assert choose(None, accept).tag in language.LANGUAGES


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (1.25, "1.25 s"),
        (12.345, "12.3 s"),
        (59.9, "59.9 s"),
        (60.0, "1 min 0 s"),
        (305.5, "5 min 6 s"),
        (-75.0, "-1 min 15 s"),
    ],
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert words.seconds(seconds, EN) == text


def test_figures_have_label_and_unit_and_invented_ones_keep_their_name() -> None:
    shown = words.figures(
        {
            "speed_kmh": 21.4,
            "share": 0.934,
            "visible_share": 1.0,
            "pet_s": None,
            "made_up_m": 3,
            "driver_present": "unknown",
            "odd": True,
        },
        EN,
    )
    assert shown == [
        ("speed at t1", "21.4 km/h"),
        ("footprint in the zone", "93.4 %"),
        ("pedestrian in sight", "100 %"),
        ("time between the two (PET)", "unknown"),
        ("made up", "3 m"),
        ("driver present", "unknown"),
        ("odd", "yes"),
    ]


def test_age_and_clock_keep_the_sites_offset() -> None:
    then = datetime(2026, 1, 5, 10, 0, 12, 480_900, tzinfo=timezone(timedelta(hours=8)))
    assert words.clock(then) == "10:00:12.480"
    assert words.stamp(then) == "2026-01-05 10:00:12 +08:00"
    ages = [words.age(then, then + timedelta(minutes=m), EN) for m in (0, 5, 120, 3000)]
    assert ages == ["just now", "5 min ago", "2 h ago", "2 d ago"]
    assert words.age(then, then - timedelta(hours=1), EN) == "just now"


GEOMETRY = Geometry(
    frame=(1280, 720),
    zone=[(0, 0), (10, 0), (10, 10)],
    stop_line=[(1, 1), (2, 2)],
    boxes={"trigger": (100, 100, 200, 200)},
    pedestrians={"7": {"trigger": (5, 5, 6, 9)}},
    track=[TrackPoint(t=1.0, box=(0, 0, 10, 10)), TrackPoint(t=2.0, box=(50, 50, 60, 60))],
)


def test_a_still_shows_the_boxes_of_its_own_moment_only() -> None:
    trigger = overlay.of_moment(GEOMETRY, "trigger", 5.0)
    assert [shape.kind for shape in trigger.shapes] == ["zone", "stop-line", "vehicle", "pedestrian"]
    assert trigger.shapes[2].points == "100.0,100.0 200.0,100.0 200.0,200.0 100.0,200.0"
    assert (trigger.width, trigger.height) == (1280, 720)


def test_between_moments_the_nearest_sighting_is_drawn_and_far_from_all_nothing() -> None:
    near = overlay.of_moment(GEOMETRY, "spacing", 1.9)
    assert near.shapes[-1].points.startswith("50.0,50.0")
    far = overlay.of_moment(GEOMETRY, "spacing", 9.0)
    assert "vehicle" not in [shape.kind for shape in far.shapes]


def test_a_crop_is_not_drawn_over() -> None:
    assert overlay.shows_frame(GEOMETRY, 1920, 1080)
    assert not overlay.shows_frame(GEOMETRY, 560, 370)


def test_checks_speak_the_readers_language_and_fall_back_to_their_own_words() -> None:
    assert trust.detail(Check(name="images", ok=False, detail="2 stills, 3 needed"), ZH) == "2 张，需要 3 张"
    assert trust.detail(Check(name="images", ok=False, detail="none"), ZH) == "none"
    assert trust.detail(Check(name="new", ok=True, detail="fine"), ZH) == "fine"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/cases/1?x=2", "/cases/1?x=2"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
        ("", "/"),
        ("/a\r\nb", "/"),
        ("/ a", "/"),
    ],
)
def test_nobody_is_sent_to_another_site(given: str, kept: str) -> None:
    assert forms.local(given) == kept


def test_answers_join_choice_and_words_and_leave_out_what_is_open() -> None:
    form = {
        "fact-1": "clock",
        "choice-1": "picture",
        "words-1": " the church clock ",
        "fact-2": "track",
        "words-2": "seen",
        "fact-3": "x",
        "choice-3": "",
    }
    assert forms.answers_of(form) == {"clock": "picture: the church clock", "track": "seen"}


@pytest.mark.parametrize("version", ["", "-1", "1.5", "٣", "9" * 10, "x"])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(forms.FormRefused) as refused:
        forms.version_of({"version": version})
    assert refused.value.status == 422


def request(body: bytes, **headers: str) -> Request:
    sent = {
        "content-type": "application/x-www-form-urlencoded",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    scope = {"type": "http", "method": "POST", "headers": [(k.encode(), v.encode()) for k, v in sent.items()]}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"note=" + b"x" * 5_000_000, {}, 413),
        (b"&".join(b"a%d=1" % n for n in range(200)), {}, 422),
        (b"note=%ff%fe", {}, 422),
        (b"{}", {"content_type": "application/json"}, 422),
        (b"a=1", {"sec_fetch_site": "cross-site"}, 403),
        (b"a=1", {"sec_fetch_site": "same-site"}, 403),
    ],
)
def test_forms_that_are_not_ours_are_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    with pytest.raises(forms.FormRefused) as refused:
        asyncio.run(forms.read_form(request(body, **headers)))
    assert refused.value.status == status


def test_a_form_of_ours_is_read() -> None:
    read = asyncio.run(forms.read_form(request(b"note=%F0%9F%9A%97+a%26b", sec_fetch_site="same-origin")))
    assert read == {"note": "🚗 a&b"}


def test_the_lock_file_names_no_registry_and_holds_exact_versions() -> None:
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "http" not in lock.replace("https://opencollective", "")
    wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    held = json.loads(lock)["packages"]
    assert wanted
    assert all(held[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
