"""As much of MQTT 5 as it takes to double a packet: where packets end, and which of them carry a message."""

PUBLISH = 3
_DUP = 0x08
_MOST_BYTES = 8 * 1024 * 1024


class Packets:
    """Cuts a stream of bytes into whole packets (MQTT 5, 2.1)."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are whole now. What belongs to the next is kept."""
        self._held += data
        whole = []
        while (size := self._first()) is not None and size <= len(self._held):
            whole.append(bytes(self._held[:size]))
            del self._held[:size]
        return whole

    def _first(self) -> int | None:
        """Bytes of the packet that the stream begins with; None while that cannot be told."""
        length = 0
        for place, byte in enumerate(self._held[1:5]):
            length |= (byte & 0x7F) << (7 * place)
            if not byte & 0x80:
                if length > _MOST_BYTES:
                    raise ValueError(f"a packet of {length} bytes - is this MQTT?")
                return 2 + place + length
        return None


def carries_message(packet: bytes) -> bool:
    """Whether it is a PUBLISH."""
    return packet[0] >> 4 == PUBLISH


def sent_again(packet: bytes) -> bytes:
    """The same PUBLISH as a client sends it that has seen no PUBACK (DUP, 3.3.1.1); of QoS 0 the very bytes."""
    quality = (packet[0] >> 1) & 3
    return bytes([packet[0] | _DUP]) + packet[1:] if quality else packet
