"""One HTTP request that somebody tries, and whether its answer is right."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.bench.intruder_office import Tally


@dataclass(frozen=True, slots=True)
class Attack:
    """One request; `right`: the answers that are right for it. `never`: words that the answer must not have."""

    name: str
    method: str
    path: str
    right: tuple[int, ...]
    more: dict[str, Any] = field(default_factory=dict)
    never: str | None = None


def tried(client: httpx.Client, one: Attack, tally: Tally) -> None:
    """Send it, and note what is wrong with the answer."""
    try:
        answer = client.request(one.method, one.path, **one.more)
    except httpx.TransportError as error:  # refused while we still sent
        tally.told(one.name, f"hung up ({type(error).__name__})")
        return
    fault = None
    if answer.status_code not in one.right:
        fault = (
            f"{one.method} {one.path[:80]} answers {answer.status_code}: {answer.text[:120]!r}, right are {one.right}"
        )
    elif one.never is not None and one.never in str(answer.headers) + answer.text:
        fault = f"{one.method} {one.path[:80]}: {one.never!r} is in the answer"
    target = answer.headers.get("location", "/").removeprefix(str(client.base_url).rstrip("/"))
    if not target.startswith("/") or target.startswith(("//", "/\\")):
        fault = f"{one.method} {one.path[:80]} sends on to {target!r}"
    tally.told(one.name, str(answer.status_code), fault)


__all__ = ["Attack", "tried"]
