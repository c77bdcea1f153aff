"""A camera's events by a pull point (ONVIF Core, 9.2): subscribed, renewed, and given back at the end.

Nothing in the box listens: it asks, and the camera answers at once or after the time that it is given.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from contract.feedhealth import Check
from edge.onvif.device import Device, Subscription
from edge.onvif.errors import NotThere, OnvifError
from edge.onvif.reading import plain
from edge.onvif.topics import check_of, state_of
from edge.onvif.wsdl import EVENTS

#: A subscription that nobody renews ends by itself after so long; it is renewed at a third. Seconds.
LIFE_S: Final = 60.0
#: The camera may wait so long for something to tell. Seconds; below the transport's own time-out.
WAIT_S: Final = 2.0
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Said:
    """One event that is about the picture: `bad` is None where the camera does not say whether it began or ended."""

    check: Check
    bad: bool | None


class PullPoint:
    """A subscription at one camera, within a `with` block. Not thread-safe."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._at: Subscription | None = None
        self._renew_at = 0.0

    def __enter__(self) -> Self:
        """Subscribe. Raises OnvifError; NotThere for a camera that tells nothing by itself."""
        if not self._device.has(EVENTS):
            raise NotThere(f"{self._device.name}: tells no events")
        answer = self._device.ask(EVENTS, "CreatePullPointSubscription", InitialTerminationTime=f"PT{LIFE_S:.0f}S")
        reference = answer.SubscriptionReference
        told = getattr(reference.Address, "_value_1", None) or str(reference.Address)
        # Some tell subscriptions apart by what they want to have back in the header, and not by the address.
        kept = getattr(getattr(reference, "ReferenceParameters", None), "_value_1", None) or []
        headers = tuple(one for one in kept if hasattr(one, "tag"))
        self._at = Subscription(self._device.reachable(str(told).strip()), headers)
        self._renew_at = time.monotonic() + LIFE_S / 3
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give it back: cameras have few."""
        with contextlib.suppress(OnvifError):  # it ends by itself
            self._device.read(EVENTS, "Unsubscribe", self._at)

    def pull(self) -> list[Said]:
        """What the camera told since, waiting `WAIT_S` for it at most. Raises OnvifError."""
        wait = timedelta(seconds=WAIT_S)
        answer = self._device.read(EVENTS, "PullMessages", self._at, Timeout=wait, MessageLimit=_MOST)
        if time.monotonic() >= self._renew_at:
            self._device.read(EVENTS, "Renew", self._at, TerminationTime=f"PT{LIFE_S:.0f}S")
            self._renew_at = time.monotonic() + LIFE_S / 3
        return [said for one in answer.every("NotificationMessage") if (said := _said(one)) is not None]


def _said(message: Any) -> Said | None:
    topic = next((one.text for one in message.iter() if isinstance(one.tag, str) and plain(one.tag) == "Topic"), None)
    check = check_of(topic or "")
    return None if check is None else Said(check, state_of(dict(_items(message))))


def _items(message: Any) -> Iterator[tuple[str, str]]:
    """The simple items of an event's data, not of its source."""
    for part in message.iter():
        if isinstance(part.tag, str) and plain(part.tag) == "Data":
            for one in part.iter():
                if isinstance(one.tag, str) and plain(one.tag) == "SimpleItem":
                    yield one.get("Name", ""), one.get("Value", "")


__all__ = ["LIFE_S", "WAIT_S", "PullPoint", "Said"]
