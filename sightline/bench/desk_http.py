"""The desk asked over HTTP, as a browser does without scripts: how long each page and each decision takes."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx

from contract.errors import RunError
from sightline.bench.measure import percentiles

Say = Callable[[str], None]
#: How often each is asked, after a few that count nothing.
QUEUE, PAGES, DECISIONS, WARM = 200, 100, 60, 5
#: Where an officer begins: the first look, the second, what asks for a person's answer, and what is behind.
QUEUES = {
    "queue": "/", "queue_second": "/?show=second", "queue_needs_human": "/?verdict=needs_human",
    "queue_rejected": "/?show=rejected",
}  # fmt: skip
_FIELD = r'name="{}" value="([^"]*)"'


class Officer:
    """A session over HTTP, signed in. Raises RunError when central does not let it in."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60)
        answer = self._client.post("/sign-in", data={"name": name, "password": password, "next": "/"})
        if answer.status_code != 303 or not self._client.cookies:
            raise RunError(f"{address}: central does not let {name} in (status {answer.status_code})")

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def page(self, path: str) -> tuple[float, str]:
        """Seconds until the page is here whole, and its text. Raises RunError for anything but a page."""
        begun = time.perf_counter()
        answer = self._client.get(path)
        taken = time.perf_counter() - begun
        if answer.status_code != 200:
            raise RunError(f"{path}: status {answer.status_code} instead of a page")
        return taken, answer.text

    def queue(self, path: str = "/") -> tuple[float, list[str]]:
        """Seconds, and the numbers of the cases on the page."""
        taken, text = self.page(path)
        return taken, list(dict.fromkeys(re.findall(r'href="/cases/(\d{8}-\d+)"', text)))

    def reject(self, page: str, number: str) -> tuple[float, str]:
        """Send the form of `page`; seconds until the answer, and where it leads."""
        form = page[page.index(f'action="/cases/{number}/reject"') :]
        fields = {name: _found(form, name) for name in ("csrf", "version")}
        begun = time.perf_counter()
        answer = self._client.post(f"/cases/{number}/reject", data={**fields, "code": "R03", "note": ""})
        taken = time.perf_counter() - begun
        if answer.status_code != 303:
            raise RunError(f"/cases/{number}/reject: status {answer.status_code} instead of the way to the next case")
        return taken, answer.headers["location"]


def measure(officer: Officer, say: Say) -> dict[str, Any]:
    """Seconds of the queues (their first pages, one far behind), of a case, and of a decision."""
    taken: dict[str, list[float]] = {}
    _, waiting = officer.queue()
    behind = _far_behind(officer)
    for name, path in {**QUEUES, "queue_far_behind": behind}.items():
        taken[name] = [officer.queue(path)[0] for _ in range(QUEUE + WARM)][WARM:]
        say(f"{name}: {len(taken[name])} pages")
    numbers = (waiting * (1 + (PAGES + WARM) // max(1, len(waiting))))[: PAGES + WARM]
    taken["case"] = [officer.page(f"/cases/{number}")[0] for number in numbers][WARM:]
    say(f"case: {len(taken['case'])} pages")
    taken |= _decided(officer, waiting[0])
    return {name: percentiles(values) for name, values in taken.items()}


def _decided(officer: Officer, number: str) -> dict[str, list[float]]:
    """One case after the other: from the decision to its answer, and to the whole page of the next case."""
    answered: list[float] = []
    onward: list[float] = []
    _, page = officer.page(f"/cases/{number}")
    for _ in range(DECISIONS + WARM):
        seconds, target = officer.reject(page, number)
        more, page = officer.page(target)
        found = re.match(r"/cases/(\d{8}-\d+)", target)
        if found is None:
            raise RunError("fewer cases wait than are to be decided - give more --cases")
        number = found[1]
        answered.append(seconds)
        onward.append(seconds + more)
    return {"decision": answered[WARM:], "decision_and_next": onward[WARM:]}


def _far_behind(officer: Officer) -> str:
    """The page behind the fortieth page of those rejected, as somebody who scrolls for long comes to it."""
    path = "/?show=rejected"
    for _ in range(40):
        _, numbers = officer.queue(path)
        if not numbers:
            break
        path = f"/?show=rejected&after={numbers[-1]}"
    return path


def _found(form: str, name: str) -> str:
    found = re.search(_FIELD.format(name), form)
    if found is None:
        raise RunError(f"the page of a case has no field {name} - this is a fault, please report it")
    return found[1]


__all__ = ["Officer", "measure"]
