"""An ONVIF device with events by pull point and Media2 masks, written from the WSDL: no package that installs has them.

It asks for a dated password digest, knows its address as the camera behind NAT does, and tells subscriptions apart by
what stands in the header, as some vendors do. What it cannot show is how a vendor departs from the standard.
"""

import base64
import hashlib
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tev="http://www.onvif.org/ver10/events/wsdl" '
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:wsa5="http://www.w3.org/2005/08/addressing" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:v="urn:vendor">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{}</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">{}</s:Text></s:Reason></s:Fault>'
)


class OnvifPeer:
    """`say` tells an event to every subscription; `clock` is how far its clock is from ours."""

    def __init__(self, password: str = "cam-pw-1", clock: timedelta = timedelta()) -> None:
        self.password, self.clock = password, clock
        self.locked = False
        self.subscriptions: dict[str, float] = {}
        self.given_back = 0
        self.renewed = 0
        self.masks: dict[str, str] = {}
        self.mask_options = (4, 4, False)
        self.mask_changes: list[str] = []
        self._told: dict[str, list[tuple[str, str, str]]] = {}
        self._states: dict[str, tuple[str, str, str]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port

    @property
    def address(self) -> str:
        """With the right password."""
        return f"http://admin:{self.password}@127.0.0.1:{self.port}"

    def say(self, topic: str, name: str, value: str) -> None:
        """An event of a property; who subscribes later is told of it first."""
        with self._lock:
            self._states[topic] = (topic, name, value)
            for waiting in self._told.values():
                waiting.append((topic, name, value))

    def close(self) -> None:
        """No answer from now on."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: str) -> tuple[int, str]:
        """Status and envelope."""
        found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", body)
        operation = found[1] if found else ""
        if operation != "GetSystemDateAndTime" and (why := self._stranger(body)) is not None:
            return 400, _ENVELOPE.format(_FAULT.format(*why))
        said = getattr(self, re.sub("([A-Z])", r"_\1", operation).lower(), None)
        if said is None:
            return 400, _ENVELOPE.format(_FAULT.format("ActionNotSupported", "not implemented"))
        answered: str = said(path, body)
        return 200, _ENVELOPE.format(answered)

    def _stranger(self, body: str) -> tuple[str, str] | None:
        if self.locked:
            return "OperationProhibited", "The device is locked"
        words = [re.search(rf"<(?:\w+:)?{name}[^>]*>([^<]+)<", body) for name in ("Nonce", "Created", "Password")]
        if not all(words):
            return "NotAuthorized", "Sender not authorized"
        nonce, created, digest = (one[1] for one in words if one)
        right = hashlib.sha1(base64.b64decode(nonce) + created.encode() + self.password.encode()).digest()
        at = datetime.fromisoformat(created.replace("Z", "+00:00"))
        late = abs(at - (datetime.now(UTC) + self.clock)) > timedelta(seconds=60)
        wrong = base64.b64encode(right).decode() != digest
        return ("NotAuthorized", "Sender not authorized") if late or wrong else None

    def _get_system_date_and_time(self, path: str, body: str) -> str:
        at = datetime.now(UTC) + self.clock
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
            f"</tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day>"
            "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _get_services(self, path: str, body: str) -> str:
        # Its own idea of its address: nobody outside reaches that.
        service = (
            "<tds:Service><tds:Namespace>http://www.onvif.org/{0}/wsdl</tds:Namespace>"
            "<tds:XAddr>http://192.168.1.64/onvif/{0}</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        )
        named = "".join(service.format(one) for one in ("ver10/device", "ver10/events", "ver20/media"))
        return f"<tds:GetServicesResponse>{named}</tds:GetServicesResponse>"

    def _create_pull_point_subscription(self, path: str, body: str) -> str:
        with self._lock:
            name = f"s{len(self.subscriptions)}"
            self.subscriptions[name] = time.monotonic()
            self._told[name] = list(self._states.values())
        return (
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            "<wsa5:Address>http://192.168.1.64/onvif/subscription</wsa5:Address>"
            f"<wsa5:ReferenceParameters><v:SubscriptionId>{name}</v:SubscriptionId></wsa5:ReferenceParameters>"
            f"</tev:SubscriptionReference>{self._times()}</tev:CreatePullPointSubscriptionResponse>"
        )

    def _pull_messages(self, path: str, body: str) -> str:
        name, until = self._of(body), time.monotonic() + 1.0
        while not self._told[name] and time.monotonic() < until:
            time.sleep(0.02)
        with self._lock:
            told, self._told[name] = self._told[name], []
        messages = "".join(self._message(*one) for one in told)
        times = self._times().replace("wsnt:", "tev:")
        return f"<tev:PullMessagesResponse>{times}{messages}</tev:PullMessagesResponse>"

    def _renew(self, path: str, body: str) -> str:
        self._of(body)
        self.renewed += 1
        now, _, until = self._times().partition("<wsnt:TerminationTime>")
        return f"<wsnt:RenewResponse><wsnt:TerminationTime>{until}{now}</wsnt:RenewResponse>"

    def _unsubscribe(self, path: str, body: str) -> str:
        del self.subscriptions[self._of(body)]
        self.given_back += 1
        return "<wsnt:UnsubscribeResponse/>"

    def _get_video_source_configurations(self, path: str, body: str) -> str:
        return (
            '<tr2:GetVideoSourceConfigurationsResponse><tr2:Configurations token="source-1"><tt:Name>main</tt:Name>'
            "</tr2:Configurations></tr2:GetVideoSourceConfigurationsResponse>"
        )

    def _get_mask_options(self, path: str, body: str) -> str:
        most, corners, rectangles = self.mask_options
        return (
            f'<tr2:GetMaskOptionsResponse><tr2:Options RectangleOnly="{str(rectangles).lower()}">'
            f"<tr2:MaxMasks>{most}</tr2:MaxMasks><tr2:MaxPoints>{corners}</tr2:MaxPoints>"
            "<tr2:Types>Color</tr2:Types></tr2:Options></tr2:GetMaskOptionsResponse>"
        )

    def _get_masks(self, path: str, body: str) -> str:
        return f"<tr2:GetMasksResponse>{''.join(self.masks.values())}</tr2:GetMasksResponse>"

    def _create_mask(self, path: str, body: str) -> str:
        assert len(self.masks) < self.mask_options[0]
        token = f"m{len(self.mask_changes)}"
        self._put(token, body)
        self.mask_changes.append(f"create {token}")
        return f"<tr2:CreateMaskResponse><tr2:Token>{token}</tr2:Token></tr2:CreateMaskResponse>"

    def _set_mask(self, path: str, body: str) -> str:
        token = _found(r'Mask token="(\w+)"', body)
        assert token in self.masks
        self._put(token, body)
        self.mask_changes.append(f"set {token}")
        return "<tr2:SetMaskResponse/>"

    def _delete_mask(self, path: str, body: str) -> str:
        token = _found(r"Token>(\w+)<", body)
        del self.masks[token]
        self.mask_changes.append(f"delete {token}")
        return "<tr2:DeleteMaskResponse/>"

    def _put(self, token: str, body: str) -> None:
        assert _found(r"ConfigurationToken>([\w-]+)<", body) == "source-1"
        inner = _found(r"Mask(?: token=\"\w+\")?>(.*)</tr2:Mask>", body)
        self.masks[token] = f'<tr2:Masks token="{token}">{inner}</tr2:Masks>'

    def _of(self, body: str) -> str:
        return _found(r"SubscriptionId[^>]*>(\w+)<", body)

    def _times(self) -> str:
        at = datetime.now(UTC) + self.clock
        stamps = at.strftime("%Y-%m-%dT%H:%M:%SZ"), (at + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"<wsnt:CurrentTime>{stamps[0]}</wsnt:CurrentTime><wsnt:TerminationTime>{stamps[1]}</wsnt:TerminationTime>"
        )

    def _message(self, topic: str, name: str, value: str) -> str:
        return (
            '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f'{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-21T08:00:00Z" PropertyOperation="Changed">'
            '<tt:Source><tt:SimpleItem Name="State" Value="source-1"/></tt:Source><tt:Data>'
            f'<tt:SimpleItem Name="{name}" Value="{value}"/></tt:Data></tt:Message></wsnt:Message>'
            "</wsnt:NotificationMessage>"
        )


def _found(pattern: str, body: str) -> str:
    found = re.search(pattern, body, re.DOTALL)
    assert found is not None, f"{pattern} is to stand in what is asked"
    return found[1]


def _handler(camera: OnvifPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            status, answer = camera.answer(self.path, body)
            raw = answer.encode()
            self.send_response(status)
            self.send_header("content-type", "application/soap+xml; charset=utf-8")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *words: Any) -> None:
            """Nothing."""

    return Handler
