"""The desk in a real browser: from the key that sends a decision to the next case, with every still of it decoded."""

import os
import shutil
import time
from collections.abc import Callable
from typing import Any

from contract.errors import RunError
from sightline.bench.measure import percentiles

Say = Callable[[str], None]
#: Cases decided with the next one fetched ahead, and without that; of each a few first that count nothing.
DECIDED, WITHOUT, WARM = 20, 10, 3
#: An officer looks at a case for longer than this, s.
LOOK_S = 1.0
_PATIENCE_S = 30.0
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
#: Runs in every page before its own scripts. Fully shown: another case stands there, each of its stills is decoded, and
#: two frames were painted since.
_WATCH = """(() => {
  const clock = () => performance.timeOrigin + performance.now();
  addEventListener("keydown", (event) => {
    const article = document.getElementById("case");
    if (event.key !== "Enter" || !article) return;
    sessionStorage.setItem("from", article.dataset.number);
    sessionStorage.setItem("sent", String(clock()));
    sessionStorage.removeItem("took");
  }, true);
  const look = () => {
    const article = document.getElementById("case");
    const sent = Number(sessionStorage.getItem("sent"));
    const stills = article ? [...article.querySelectorAll("img")] : [];
    const whole = stills.length > 0 && stills.every((one) => one.complete && one.naturalWidth > 0);
    if (sent && whole && article.dataset.number !== sessionStorage.getItem("from")) {
      sessionStorage.removeItem("sent");
      requestAnimationFrame(() => requestAnimationFrame(() => sessionStorage.setItem("took", String(clock() - sent))));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""


def measure(address: str, name: str, password: str, say: Say) -> dict[str, Any]:
    """Seconds from decision to next case, as percentiles, with and without fetching ahead. Raises RunError."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise RunError(f"--browser needs {error.name} - pip install 'sightline[dev]'") from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_here(), args=ARGS)
        try:
            page = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en").new_page()
            page.add_init_script(_WATCH)
            _sign_in(page, address, name, password)
            ahead = [_decide(page) for _ in range(DECIDED + WARM)][WARM:]
            say(f"browser: {len(ahead)} decisions with the next case fetched ahead")
            page.route("**/cases/*/next*", lambda route: route.abort())
            page.reload()
            without = [_decide(page) for _ in range(WITHOUT + WARM)][WARM:]
            say(f"browser: {len(without)} decisions without")
            return {
                "version": browser.version,
                "decision_to_next_s": percentiles(ahead),
                "without_fetching_ahead_s": percentiles(without),
            }
        finally:
            browser.close()


def _sign_in(page: Any, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/")
    page.fill("#name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")
    page.locator(".row .open").first.click()
    page.locator("article#case").wait_for()


def _decide(page: Any) -> float:
    """Look, then decide with the keyboard; seconds until the next case is whole. Raises RunError when it never is."""
    page.wait_for_load_state("load")
    time.sleep(LOOK_S)
    asked = page.locator(".questions").count() > 0
    for key in ("r", "3") if asked else ("a",):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        time.sleep(0.05)
        try:
            took = page.evaluate("sessionStorage.getItem('took')")
        except Exception as error:  # the page is being left: playwright has no class of its own for it
            if "context was destroyed" not in str(error):
                raise
            continue
        if took is not None:
            return float(took) / 1000.0
    raise RunError(f"{page.url}: no other case came within {_PATIENCE_S:.0f} s of a decision")


def chromium_here() -> str:
    """Where Chromium stands. Raises RunError."""
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = named or next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise RunError("no chromium here - install it (Debian: apt install chromium) or set SIGHTLINE_CHROMIUM")
    return found


__all__ = ["ARGS", "chromium_here", "measure"]
