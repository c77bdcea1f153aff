"""Central as an officer's browser would see it: signed in over the JSON API, asking for the queue.

Central may be down for a while (somebody may have killed it to see what happens): then nothing is known, which is
`None` and never an empty queue.
"""

from typing import Any

import httpx

from sightline.demo.verdict import Ticket

_TIMEOUT_S = 5.0
#: In these a case waits for a person, or will.
_OPEN = frozenset({"CANDIDATE", "PRECHECK", "REVIEW1", "NEEDS_MORE", "REVIEW2"})
#: The state of a case whose evidence is still on its way.
_WAITING = "CANDIDATE"


class Office:
    """A client of central's API."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self._password = password
        self._name = name
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)
        self._signed_in = False

    def healthy(self) -> bool:
        """Whether central says that all its parts are well."""
        try:
            return self._client.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def tickets(self) -> list[Ticket] | None:
        """Every ticket there is, oldest first; None while central does not answer."""
        try:
            return self._all()
        except httpx.HTTPError:
            return None

    def _all(self) -> list[Ticket] | None:
        first = self._get("/api/v1/cases", {"limit": "1"})
        if first is None:
            return None
        found = []
        for state in first["counts"]:
            found += self._in_state(state)
        return sorted(found, key=lambda ticket: ticket.number)

    def _in_state(self, state: str) -> list[Ticket]:
        found: list[Ticket] = []
        after: str | None = None
        while True:
            query = {"state": state, "limit": "50"} | ({"after": after} if after else {})
            page = self._get("/api/v1/cases", query)
            if page is None:
                return found
            found += [_ticket(item) for item in page["items"]]
            after = page["next"]
            if after is None:
                return found

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        for _ in range(2):
            if not self._signed_in:
                answer = self._client.post("/api/v1/session", json={"name": self._name, "password": self._password})
                self._signed_in = answer.status_code == 201
                if not self._signed_in:
                    return None
            response = self._client.get(path, params=query)
            if response.status_code == 200:
                return dict(response.json())
            self._signed_in = response.status_code != 401
        return None

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def _ticket(item: dict[str, Any]) -> Ticket:
    """From a line of the queue. Cases are not opened for this: every look at one is noted under the officer's name."""
    return Ticket(
        number=item["number"],
        state=item["state"],
        rule=item["rule"],
        zone_id=item["zone_id"],
        lane_id=item["lane_id"],
        complete=item["state"] != _WAITING and item["missing_media"] == 0,
    )


def undecided(tickets: list[Ticket]) -> int:
    """How many still wait for a person."""
    return sum(ticket.state in _OPEN for ticket in tickets)
