"""RTP as it comes in: interleaved in the RTSP connection, or over UDP. Units with the time of their arrival.

Cost decides the form. FFmpeg asks the kernel six times for each packet of an interleaved stream, one percent of a core
for 4 Mbit/s; here the kernel is asked to wait until much has come (SO_RCVLOWAT) or `gather_s` have passed.
"""

import contextlib
import secrets
import socket
import struct
import time
from collections import deque
from typing import Protocol

from edge.cameras.conversation import Conversation, GarbledError
from edge.cameras.rtp import Depacketizer, Report, Unit, says_goodbye, sender_report

_CHUNK = 256 * 1024
#: Bytes a second that are worth waking for: those of a stream of 6 Mbit/s.
_ENOUGH = 800_000
_UDP_BUFFER = 4 * 1024 * 1024
#: So many packets may overtake one before it is given up.
_OVERTAKEN = 32
_DATAGRAM = 65_536


class EndedError(Exception):
    """The camera ended the stream, and how."""


class Carrier(Protocol):
    """Where packets come from. `heard`: when (monotonic) the last came; `report`: the last sender report."""

    heard: float
    report: Report | None

    def read(self) -> list[Unit]:
        """What came since, waiting up to about `gather_s`; may be empty. Raises OSError or EndedError."""
        ...

    def gather(self, seconds: float) -> None:
        """From now on what comes may wait so long to be taken together."""
        ...

    def send_report(self, packet: bytes) -> None:
        """Send an RTCP packet."""
        ...

    def close(self) -> None:
        """Let go of what it owns."""
        ...


def wait_for(sock: socket.socket, seconds: float, enough: int = 1) -> None:
    """Let `recv` return when `enough` bytes are there, or with what there is after `seconds` (socket(7))."""
    sock.settimeout(None)
    whole = int(seconds)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", whole, int((seconds - whole) * 1e6)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, enough)


class Interleaved:
    """RTP and RTCP between the answers of one RTSP connection (RFC 2326 section 10.12)."""

    TRANSPORT = "RTP/AVP/TCP;unicast;interleaved=0-1"

    def __init__(self, talk: Conversation, packets: Depacketizer, gather_s: float, answer: str) -> None:
        """`answer` is the Transport header of the camera's answer, which may have chosen other channels."""
        self.heard = time.monotonic()
        self.report: Report | None = None
        self._talk, self._packets = talk, packets
        self._rtp, self._rtcp = _pair(answer, "interleaved", (0, 1))
        self._rest = talk.rest
        talk.rest = b""
        self.gather(gather_s)

    def gather(self, seconds: float) -> None:
        """See Carrier."""
        wait_for(self._talk.socket, seconds, round(_ENOUGH * seconds))

    def read(self) -> list[Unit]:
        """See Carrier."""
        try:
            got = self._talk.socket.recv(_CHUNK)
        except BlockingIOError:
            return self._parse() if self._rest else []
        if not got:
            raise EndedError("hung up")
        self._rest = self._rest + got if self._rest else got
        return self._parse()

    def send_report(self, packet: bytes) -> None:
        """See Carrier."""
        self._talk.socket.sendall(struct.pack(">BBH", 0x24, self._rtcp, len(packet)) + packet)

    def close(self) -> None:
        """See Carrier."""

    def _parse(self) -> list[Unit]:
        data = self._rest
        view, end, at = memoryview(data), len(data), 0
        units: list[Unit] = []
        push, rtp = self._packets.push, self._rtp
        while at + 4 <= end:
            if data[at] != 0x24:
                step = self._other(data, at)
                if step == 0:
                    break
                at += step
                continue
            until = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if until > end:
                break
            channel = data[at + 1]
            if channel == rtp:
                unit = push(view[at + 4 : until])
                if unit is not None:
                    units.append(unit)
                self.heard = 0.0
            elif channel == self._rtcp:
                self._control(view[at + 4 : until])
            at = until
        self._rest = data[at:]
        if self.heard == 0.0:
            self.heard = time.monotonic()
        return units

    def _control(self, packet: memoryview) -> None:
        self.report = sender_report(packet) or self.report
        if says_goodbye(packet):
            raise EndedError("said goodbye")

    @staticmethod
    def _other(data: bytes, at: int) -> int:
        """The length of what is no packet: an answer, a request of the camera's, or rubbish up to the next of either.

        0 when more must come first.
        """
        head = data[at : at + 5]
        if head == b"RTSP/" or head[:1].isalpha():
            end = data.find(b"\r\n\r\n", at, at + 8192)
            if end >= 0:
                size = _body(data[at:end])
                return end + 4 + size - at if end + 4 + size <= len(data) else 0
            if len(data) - at < 8192:
                return 0
        following = data.find(b"$", at + 1)
        return following - at if following >= 0 else len(data) - at


class Datagrams:
    """RTP and RTCP over a pair of UDP ports. Packets that overtook one another are put right."""

    def __init__(self, packets: Depacketizer, gather_s: float) -> None:
        self.heard = time.monotonic()
        self.report: Report | None = None
        self._packets = packets
        self._rtp, self._rtcp = _ports()
        self._gather_s = gather_s
        self._peer: tuple[str, int] | None = None
        self._talk: Conversation | None = None
        self._early: deque[tuple[int, bytes]] = deque()
        self._next: int | None = None

    @property
    def transport(self) -> str:
        """The Transport header that offers these ports."""
        port = self._rtp.getsockname()[1]
        return f"RTP/AVP;unicast;client_port={port}-{port + 1}"

    def begin(self, talk: Conversation, answer: str) -> None:
        """`answer` names the camera's ports: a packet to each opens the way through a NAT or firewall."""
        self._talk = talk
        host = talk.socket.getpeername()[0]
        rtp, rtcp = _pair(answer, "server_port", (0, 0))
        wait_for(self._rtp, self._gather_s)
        self._rtcp.setblocking(False)
        talk.socket.setblocking(False)
        if rtp and rtcp:
            self._peer = (host, rtcp)
            with contextlib.suppress(OSError):
                self._rtp.sendto(b"\x80\x00\x00\x00" + bytes(8), (host, rtp))

    def read(self) -> list[Unit]:
        """See Carrier."""
        units: list[Unit] = []
        try:
            got = self._rtp.recv(_DATAGRAM)
            self.heard = time.monotonic()
            for _ in range(256):
                units += self._ordered(got)
                got = self._rtp.recv(_DATAGRAM, socket.MSG_DONTWAIT)
        except BlockingIOError:
            if not units and time.monotonic() - self.heard > self._gather_s:
                units = self._given_up()
        self._control()
        return units

    def gather(self, seconds: float) -> None:
        """See Carrier: a datagram is taken when it comes, so there is nothing to hurry."""

    def send_report(self, packet: bytes) -> None:
        """See Carrier."""
        if self._peer is not None:
            self._rtcp.sendto(packet, self._peer)

    def close(self) -> None:
        """See Carrier."""
        self._rtp.close()
        self._rtcp.close()

    def _ordered(self, packet: bytes) -> list[Unit]:
        """Units that `packet` completes, once nothing before it is missing or what is missing is given up."""
        if len(packet) < 13:
            return []
        number = packet[2] << 8 | packet[3]
        if self._next is None or number == self._next:
            self._next = (number + 1) & 0xFFFF
            unit = self._packets.push(memoryview(packet))
            units = [unit] if unit else []
            return units + self._following() if self._early else units
        if (number - self._next) & 0xFFFF < 0x8000:
            self._early.append((number, packet))
            if len(self._early) > _OVERTAKEN:
                return self._given_up()
        return []

    def _following(self) -> list[Unit]:
        """Early packets whose turn it is now."""
        units = []
        while (found := next((one for one in self._early if one[0] == self._next), None)) is not None:
            self._early.remove(found)
            self._next = (found[0] + 1) & 0xFFFF
            if unit := self._packets.push(memoryview(found[1])):
                units.append(unit)
        return units

    def _given_up(self) -> list[Unit]:
        """What is missing will not come: go on with the earliest that is here."""
        if not self._early or self._next is None:
            return []
        expected = self._next
        self._next = min((one[0] for one in self._early), key=lambda number: (number - expected) & 0xFFFF)
        return self._following()

    def _control(self) -> None:
        """Sender reports, goodbye, and the end of the RTSP connection."""
        try:
            while True:
                packet = memoryview(self._rtcp.recv(_DATAGRAM))
                self.report = sender_report(packet) or self.report
                if says_goodbye(packet):
                    raise EndedError("said goodbye")
        except (BlockingIOError, ConnectionRefusedError):
            pass
        if self._talk is not None:
            try:
                if not self._talk.socket.recv(65_536):
                    raise EndedError("hung up")
            except BlockingIOError:
                return


def receiver_report(own: int) -> bytes:
    """The smallest compound RTCP packet of a receiver: that it is there, and a name (RFC 3550 section 6.4.2)."""
    name = b"sightline"
    chunk = struct.pack(">IBB", own, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack(">BBHI", 0x80, 201, 1, own) + struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk


def _pair(header: str, name: str, default: tuple[int, int]) -> tuple[int, int]:
    """`name=a-b` in a Transport header."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            first, _, second = value.partition("-")
            if first.isdigit():
                return int(first), int(second) if second.isdigit() else int(first) + 1
    return default


def _ports() -> tuple[socket.socket, socket.socket]:
    """Two bound UDP sockets, an even port and the next (RFC 3550 section 11). Raises OSError."""
    for _ in range(200):
        first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        try:
            port = 20_000 + 2 * secrets.randbelow(20_000)
            first.bind(("", port))
            second.bind(("", port + 1))
        except OSError:
            first.close()
            second.close()
            continue
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
        return first, second
    raise OSError("no pair of UDP ports is free")


def _body(head: bytes) -> int:
    """The Content-Length of a head; 0 when it names none."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = line.partition(b":")[2].strip()
            return int(size) if size.isdigit() else 0
    return 0


__all__ = [
    "Carrier",
    "Conversation",
    "Datagrams",
    "EndedError",
    "GarbledError",
    "Interleaved",
    "receiver_report",
    "wait_for",
]
