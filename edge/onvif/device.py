"""One camera that is asked: found at its address, its clock known, its services at addresses that can be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault, TransportError
from zeep.wsse.username import UsernameToken

from edge.onvif.errors import LockedOut, NoAnswer, NotThere, OnvifError, WrongClock, WrongPassword
from edge.onvif.reading import Reading
from edge.onvif.transport import TIMEOUT_S, CameraTransport
from edge.onvif.wsdl import DEVICE, EVENTS, MEDIA, PTZ, SETTINGS, document

#: Where every ONVIF device has its first service (ONVIF Core, 5.1.1).
PATH: Final = "/onvif/device_service"
#: Cameras refuse what was signed further from their own time than some minutes.
_CLOCK_OFF: Final = timedelta(seconds=30)
#: In what a camera that refuses says: it refuses everybody; it does not know us.
_LOCKED: Final = ("lock", "too many", "blocked", "banned")
_STRANGER: Final = ("authori", "sender", "password", "credential", "failedauth")
_BINDINGS: Final = {DEVICE: "DeviceBinding", PTZ: "PTZBinding", MEDIA: "MediaBinding", EVENTS: "EventBinding"}
#: What a camera answers, unread.
_RAW: Final = Settings(strict=False, forbid_entities=True, forbid_external=True, raw_response=True)
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a subscription is asked, and what the camera wants to have back in the header to know it by."""

    address: str
    headers: tuple[Any, ...] = ()


class Device:
    """A camera at `address` (`http://user:password@host:port[/path]`). Threads may share it.

    `offset` is the camera's clock less ours, once `connect` has asked for it.
    """

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        """Nothing is sent yet. Raises NoAnswer for what is no address."""
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NoAnswer("is no http:// address of a camera - write http://user:password@host/onvif/device_service")
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._scheme, self._path = parts.scheme, parts.path if parts.path not in {"", "/"} else PATH
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self.offset: timedelta | None = None
        self._transport = CameraTransport(self._user, self._password, timeout_s)
        self._places: dict[str, str] = {DEVICE: self._at(self._path)}
        self._lock = Lock()

    @property
    def name(self) -> str:
        """Host and port, without a password."""
        return f"{self._host}:{self._port}"

    def connect(self) -> None:
        """Ask for its clock and its services. Raises OnvifError."""
        self.offset = self._clock()
        found = self.ask(DEVICE, "GetServices", IncludeCapability=False)
        self._places |= {one.Namespace: self.reachable(one.XAddr) for one in found or () if one.Namespace and one.XAddr}

    def has(self, namespace: str) -> bool:
        """Whether it said that it has the service."""
        return namespace in self._places

    def ask(self, namespace: str, operation: str, at: Subscription | None = None, **words: Any) -> Any:
        """One operation of a service, or of a subscription at it; its answer as zeep reads it. Raises OnvifError."""
        return self._sent(SETTINGS, namespace, operation, at, words)

    def read(self, namespace: str, operation: str, at: Subscription | None = None, **words: Any) -> Reading:
        """The same, as elements by their plain names: for what cameras answer with prefixes that stand for nothing, and
        for text that zeep does not give. Raises OnvifError.
        """
        return self._read(self._sent(_RAW, namespace, operation, at, words))

    def _read(self, answer: Any) -> Reading:
        read = Reading(answer.content)
        if read.first("Fault") is not None:
            raise self._refusal(" ".join(one.text or "" for one in (*read.every("Text"), *read.every("Value"))))
        if answer.status_code in {401, 403}:
            raise self._refusal("not authorized")
        if answer.status_code != 200 or read.root is None:
            raise NoAnswer(f"{self.name}: answers {answer.status_code}, which is no ONVIF - check address and port")
        return read

    def say(self, namespace: str, body: Any) -> Reading:
        """A question that is written out (an lxml element), to a service without a WSDL here. Raises OnvifError."""
        place = self._places.get(namespace)
        if place is None:
            raise NotThere(f"{self.name}: has no service {namespace}")
        envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"s": _SOAP})
        etree.SubElement(envelope, f"{{{_SOAP}}}Header")
        etree.SubElement(envelope, f"{{{_SOAP}}}Body").append(body)
        with self._lock:
            token = self._token()
            if token is not None:
                envelope, _ = token.apply(envelope, {})
            headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
            answer = self._answered(lambda: self._transport.post(place, etree.tostring(envelope), headers))
        return self._read(answer)

    def _sent(
        self, settings: Settings, namespace: str, operation: str, at: Subscription | None, words: dict[str, Any]
    ) -> Any:
        place = at.address if at else self._places.get(namespace)
        if place is None:
            raise NotThere(f"{self.name}: has no service {namespace}")
        if at is not None:
            binding = "PullPointSubscriptionBinding" if operation == "PullMessages" else "SubscriptionManagerBinding"
        else:
            binding = _BINDINGS[namespace]
        more = {"_soapheaders": list(at.headers)} if at and at.headers else {}
        with self._lock:
            client = Client(document(namespace), wsse=self._token(), transport=self._transport, settings=settings)
            service = client.create_service(f"{{{namespace}}}{binding}", place)
            return self._answered(lambda: getattr(service, operation)(**words, **more))

    def reachable(self, address: str) -> str:
        """An address that the camera told, as it is reached from here: behind NAT it only knows its own."""
        told = urlsplit(address)
        if told.hostname == self._host:
            return address
        return urlunsplit((self._scheme, self._netloc, told.path, told.query, ""))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    @property
    def _netloc(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def _at(self, path: str) -> str:
        return urlunsplit((self._scheme, self._netloc, path, "", ""))

    def _token(self) -> UsernameToken | None:
        if not self._user:
            return None
        # Naive, as zeep writes it; by the camera's clock, not by ours.
        created = (datetime.now(UTC) + (self.offset or timedelta())).replace(tzinfo=None)
        return UsernameToken(self._user, self._password, use_digest=True, created=created)

    def _clock(self) -> timedelta:
        """What every device tells a stranger (ONVIF Core, 5.12.1), so that a token can be dated."""
        asked = datetime.now(UTC)
        user, self._user = self._user, ""
        try:
            said = self.ask(DEVICE, "GetSystemDateAndTime")
        except WrongPassword:  # some ask even here
            self._user = user
            said = self.ask(DEVICE, "GetSystemDateAndTime")
        finally:
            self._user = user
        came = datetime.now(UTC)
        try:
            day, time = said.UTCDateTime.Date, said.UTCDateTime.Time
            told = datetime(day.Year, day.Month, day.Day, time.Hour, time.Minute, min(59, time.Second), tzinfo=UTC)
        except (AttributeError, TypeError, ValueError):
            return timedelta()  # it tells no time of UTC: ours is as good as any
        return told - (asked + (came - asked) / 2)

    def _answered(self, asked: Callable[[], _Answer]) -> _Answer:
        try:
            return asked()
        except Fault as fault:
            raise self._refusal(f"{fault.message} {' '.join(str(code) for code in fault.subcodes or [])}") from fault
        except TransportError as error:
            if error.status_code in {401, 403}:
                raise self._refusal(f"not authorized {_text(error)}") from error
            raise NoAnswer(f"{self.name}: answers {error.status_code}, no ONVIF device stands there - "
                           "check address and port") from error  # fmt: skip
        except (requests.RequestException, OSError) as error:
            late = isinstance(error, requests.Timeout | TimeoutError)
            cause = "does not answer in time" if late else "cannot be reached"
            raise NoAnswer(f"{self.name}: {cause} - check address, port and network") from error
        except (ZeepError, etree.XMLSyntaxError, ValueError, AttributeError, TypeError) as error:
            said = f"{self.name}: answers what is no ONVIF ({type(error).__name__}) - check address and port"
            raise NoAnswer(said) from error

    def _refusal(self, said: str) -> OnvifError:
        """Why a camera that answers refuses. Nobody knows from one word whether password or time is at fault."""
        words = said.lower()
        if any(word in words for word in _LOCKED):
            return LockedOut(f"{self.name}: refuses everybody after wrong passwords - wait, then set the right one")
        if any(word in words for word in _STRANGER):
            if self.offset is not None and abs(self.offset) > _CLOCK_OFF:
                return WrongClock(
                    f"{self.name}: refuses us, and its clock is {self.offset.total_seconds():+.0f} s from ours - "
                    "set its clock (NTP), then look at name and password"
                )
            return WrongPassword(f"{self.name}: does not take name and password - set the right ones")
        return OnvifError(f"{self.name}: refuses ({' '.join(said.split())[:160]})")


def _text(error: TransportError) -> str:
    content = error.content or b""
    return content[:2000].decode("utf-8", "replace") if isinstance(content, bytes) else str(content)[:2000]


__all__ = ["PATH", "Device", "Subscription"]
