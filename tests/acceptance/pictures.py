"""The pictures of docs/ made anew: `python -m tests.acceptance.pictures` (needs a chromium, see test_web_browser).

They show the very pages, over a world of the tests' own: a real photograph put into a drawn street.
"""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from central.accounts.sessions import SESSION_COOKIE
from central.web.language import COOKIE
from tests.acceptance import pages_world, web_world
from tests.acceptance.pages_world import YIELD
from tests.acceptance.test_web_browser import ARGS, WIDE

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: The name of each picture, the language, and the page.
WANTED = (
    ("review-page.png", "en", f"/cases/{YIELD}"),
    ("review-page.zh-CN.png", "zh-CN", f"/cases/{YIELD}"),
)


def main() -> None:
    """Make them."""
    found = os.environ.get("SIGHTLINE_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = pages_world.build(Path(folder))
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        with web_world.serving(pages.world, pages.app) as address:
            token = pages.session_of("wang")
            for name, tag, path in WANTED:
                context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
                for cookie, value in ((COOKIE, tag), (SESSION_COOKIE, token)):
                    context.add_cookies([{"name": cookie, "value": value, "url": address}])
                page = context.new_page()
                page.goto(f"{address}{path}", wait_until="networkidle")
                page.screenshot(path=DOCS / name)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
