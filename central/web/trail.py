"""Which queue somebody works through: kept in the address, so that each page leads on within it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from central.marks import asking
from central.tickets.queue import ALL, Among

_PARTS = ("rule", "site", "camera", "verdict", "area", "colour")


@dataclass(frozen=True, slots=True)
class Trail:
    """The cases that were asked for, and how addresses say so: `?rule=...`, or nothing for all of them."""

    among: Among = ALL

    @property
    def parts(self) -> dict[str, str]:
        """What is asked for, by name."""
        return {name: value for name in _PARTS if (value := getattr(self.among, name))}

    @property
    def query(self) -> str:
        """Behind the address of a case: `?rule=...&site=...` or nothing."""
        return f"?{urlencode(self.parts)}" if self.parts else ""

    def with_(self, **more: str) -> str:
        """The query with more in it, in front: `?decided=...&rule=...`."""
        return f"?{urlencode({**more, **self.parts})}"


def trail_of(request: Request) -> Trail:
    """What the address asks for, of what this person may see. Raises NotSignedIn."""
    given = {name: request.query_params.get(name) or None for name in _PARTS}
    return Trail(Among(**given, areas=asking(request).areas))


__all__ = ["Trail", "trail_of"]
