"""RTP over UDP for one track of an RTSP session: two sockets on the server's side, one peer.

`aio-rtsp-toolkit` speaks interleaved TCP alone; cameras in the field are asked for UDP as well.
"""

import re
import socket
from dataclasses import dataclass

_CLIENT_PORTS = re.compile(r"client_port=(\d{1,5})-(\d{1,5})")


def client_ports(transport: str) -> tuple[int, int] | None:
    """RTP and RTCP port that a client asks for in its Transport header, None when it does not ask for UDP."""
    asked = transport.lower()
    if "rtp/avp/tcp" in asked or "rtp/avp" not in asked:
        return None
    found = _CLIENT_PORTS.search(asked)
    if found is None:
        return None
    rtp, rtcp = int(found[1]), int(found[2])
    return (rtp, rtcp) if 0 < rtp <= 65_535 and 0 < rtcp <= 65_535 else None


@dataclass(frozen=True, slots=True)
class UdpTrack:
    """A pair of sockets and where to send to: `channels` are what an interleaved session would number them."""

    channels: dict[int, tuple[socket.socket, tuple[str, int]]]

    @classmethod
    def open(cls, host: str, peer: str, ports: tuple[int, int], channels: tuple[int, int]) -> "UdpTrack":
        """Bind an even port and the next one on `host`, as RFC 3550 section 11 asks for. Raises OSError."""
        for _ in range(50):
            rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            try:
                rtp.bind((host, 0))
                even = rtp.getsockname()[1] & ~1
                rtp.close()
                rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                rtp.bind((host, even))
                rtcp.bind((host, even + 1))
            except OSError:
                rtp.close()
                rtcp.close()
                continue
            pairs = zip(channels, (rtp, rtcp), ports, strict=True)
            return cls({channel: (sock, (peer, port)) for channel, sock, port in pairs})
        raise OSError("no pair of UDP ports is free")

    @property
    def server_ports(self) -> tuple[int, ...]:
        """RTP and RTCP port of our side."""
        return tuple(sock.getsockname()[1] for sock, _ in self.channels.values())

    def send(self, channel: int, payload: bytes) -> None:
        """One datagram. Raises OSError (a peer that has gone away is told by ICMP on a later send)."""
        sock, peer = self.channels[channel]
        sock.sendto(payload, peer)

    def close(self) -> None:
        """Give the ports back."""
        for sock, _ in self.channels.values():
            sock.close()
