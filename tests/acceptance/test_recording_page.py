"""The page of an archive of a recording, unpacked and opened from disk in a real browser."""

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from contract.recording_page import LANGUAGES
from tests.acceptance.test_every_page import AXE
from tests.acceptance.test_web_browser import PHONE, WIDE, browser
from tests.recording_kit import world

__all__ = ["browser"]
pytestmark = pytest.mark.browser
WORDS = Path(__file__).resolve().parents[2] / "contract" / "page"
SERIOUS = """async () => {
  const told = await axe.run(document, {resultTypes: ["violations"]});
  return told.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => one.id + ": " + one.nodes[0].html);
}"""


def words(tag: str) -> dict[str, str]:
    return json.loads((WORDS / f"{tag}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with gaps, unpacked by another program than ours."""
    place = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(world(place / "w", 4, films=12).archive()) as archive:
        archive.extractall(place)
    return place


def opened(browser: Browser, folder: Path, tag: str, viewport: dict[str, int]) -> tuple[Page, list[str]]:
    page, wrong = browser.new_page(locale=tag, viewport=viewport), list[str]()
    page.on("console", lambda line: wrong.append(line.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith("file://") else None)
    page.goto((folder / "index.html").as_uri())
    return page, wrong


def test_it_plays_one_segment_after_the_other_and_says_why_there_is_a_gap(browser, folder) -> None:
    page, wrong = opened(browser, folder, "en-GB", WIDE)
    page.select_option("#pace", "8")
    page.click("#play")
    expect(page.locator("#away")).to_contain_text("nothing was recorded", timeout=15_000)
    played = page.evaluate("[...document.querySelectorAll('video')].map((one) => one.dataset.name)")
    assert len(set(played)) == 2
    expect(page.locator("#away")).to_be_hidden(timeout=15_000)
    page.click("#play")
    line = page.locator("#line")
    line.focus()
    page.keyboard.press("Home")
    begun = line.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    assert line.get_attribute("aria-valuenow") == "1" and line.get_attribute("aria-valuetext") != begun
    page.wait_for_function("[...document.querySelectorAll('video.seen')].some((one) => one.currentTime > 0.9)")
    page.get_by_role("button", name="Watch before it").first.click()
    expect(page.locator("video.seen")).to_have_count(1)
    assert wrong == []
    page.close()


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["desk", "phone"])
def test_in_either_language_it_fits_and_everybody_can_use_it(browser, folder, tag, viewport) -> None:
    page, wrong = opened(browser, folder, tag, viewport)
    expect(page.locator("h2").first).to_have_text(words(tag)["gaps.title"])
    assert page.locator("#gaps tbody tr").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(SERIOUS) == []
    other = next(one for one in LANGUAGES if one != tag)
    page.get_by_role("button", name=words(other)["language"]).click()
    expect(page.locator("#check-word")).to_have_text(words(other)["check.title"])
    assert wrong == []
    page.close()


def test_both_languages_say_the_same_things() -> None:
    said = [words(tag) for tag in LANGUAGES]
    assert said[0].keys() == said[1].keys()
