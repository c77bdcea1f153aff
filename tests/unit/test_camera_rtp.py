"""RTP, SDP and the RTSP conversation, without a camera."""

import hashlib
import itertools
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cameras.conversation import Conversation, GarbledError, RefusedError
from edge.cameras.drift import Drift, Rate
from edge.cameras.nal import START
from edge.cameras.order import DecodeOrder
from edge.cameras.rtp import Depacketizer, Unit, says_goodbye, sender_report
from edge.cameras.sdp import video_track
from edge.cameras.transport import Datagrams, Interleaved, receiver_report


def packet(number: int, stamp: int, payload: bytes, marker: bool = False, kind: int = 96) -> bytes:
    return struct.pack(">BBHII", 0x80, kind | 0x80 * marker, number & 0xFFFF, stamp & 0xFFFFFFFF, 7) + payload


def fragments(unit: bytes, size: int, hevc: bool = False) -> list[bytes]:
    """A unit in fragments of `size` bytes (RFC 6184 section 5.8, RFC 7798 section 4.4.3)."""
    head = 2 if hevc else 1
    body = [unit[at : at + size] for at in range(head, len(unit), size)]
    made = []
    for index, part in enumerate(body):
        flags = 0x80 * (index == 0) | 0x40 * (index == len(body) - 1)
        if hevc:
            made.append(bytes((unit[0] & 0x81 | 49 << 1, unit[1], flags | unit[0] >> 1 & 0x3F)) + part)
        else:
            made.append(bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F)) + part)
    return made


def sent(pictures: list[list[bytes]], size: int, hevc: bool = False, first: int = 65_530) -> list[bytes]:
    """RTP packets of pictures (lists of units), 3,600 ticks apart; sequence and stamps wrap."""
    made, number, stamp = [], first, (1 << 32) - 5000
    for units in pictures:
        payloads = [one for unit in units for one in ([unit] if len(unit) <= size else fragments(unit, size, hevc))]
        for index, payload in enumerate(payloads):
            made.append(packet(number, stamp, payload, marker=index == len(payloads) - 1))
            number += 1
        stamp += 3600
    return made


def taken(depacketizer: Depacketizer, packets: list[bytes]) -> list[Unit]:
    return [unit for one in packets if (unit := depacketizer.push(memoryview(one))) is not None]


KEY, OTHER, SPS, PPS = b"\x65" + b"k" * 500, b"\x41" + b"p" * 300, b"\x67sps", b"\x68pps"


@given(size=st.integers(20, 600))
def test_pictures_come_out_as_they_were_sent(size: int) -> None:
    one = Depacketizer("h264", 96)
    units = taken(one, sent([[SPS, PPS, KEY], [OTHER], [OTHER]], size))
    assert [unit.data for unit in units] == [START + SPS + START + PPS + START + KEY] + [START + OTHER] * 2
    assert [unit.keyframe for unit in units] == [True, False, False]
    assert units[0].parameters == START + SPS + START + PPS
    assert [b.stamp - a.stamp for a, b in itertools.pairwise(units)] == [3600, 3600], "over the wrap"
    assert one.lost == 0 and all(unit.whole for unit in units)


def test_h265_and_several_units_in_a_packet() -> None:
    key, vps = bytes((19 << 1, 1)) + b"k" * 400, bytes((32 << 1, 1)) + b"vps"
    bundle = bytes((48 << 1, 1)) + len(vps).to_bytes(2, "big") + vps
    units = taken(Depacketizer("hevc", 96), sent([[bundle, key], [bytes((1 << 1, 1)) + b"p" * 90]], 100, hevc=True))
    assert units[0].data == START + vps + START + key and units[0].keyframe and units[0].parameters == START + vps
    assert not units[1].keyframe
    both = b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS))
    assert taken(Depacketizer("h264", 96), sent([[both, KEY]], 900))[0].data == START + SPS + START + PPS + START + KEY


@given(gone=st.integers(1, 5))
def test_a_lost_packet_is_counted_and_its_picture_is_not_whole(gone: int) -> None:
    packets = sent([[KEY], [OTHER], [OTHER]], 90)
    del packets[gone]
    one = Depacketizer("h264", 96)
    units = taken(one, packets)
    assert one.lost == 1
    assert [unit.whole for unit in units].count(False) >= 1 and units[-1].whole


def test_a_packet_that_comes_twice_or_late_is_passed_over() -> None:
    packets = sent([[KEY], [OTHER]], 90)
    one = Depacketizer("h264", 96)
    units = taken(one, packets[:3] + packets[1:2] + packets[3:] + packets[-1:])
    assert [unit.data for unit in units] == [START + KEY, START + OTHER] and one.lost == 0


@given(raw=st.binary(max_size=80))
def test_rubbish_is_no_picture_and_no_error(raw: bytes) -> None:
    for codec in ("h264", "hevc"):
        one = Depacketizer(codec, 96)  # type: ignore[arg-type]
        one.push(memoryview(raw))
        one.push(memoryview(packet(1, 2, raw, True)))
    sender_report(memoryview(raw))
    says_goodbye(memoryview(raw))


def test_a_sender_report_tells_the_wall_clock() -> None:
    body = struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, 2_208_988_800 + 1000, 1 << 31, 90_000, 5, 6)
    told = sender_report(memoryview(body + struct.pack(">BBHI", 0x81, 203, 1, 7)))
    assert told is not None and told.wall == 1000.5 and told.stamp == 90_000
    assert says_goodbye(memoryview(body + struct.pack(">BBHI", 0x81, 203, 1, 7))) and not says_goodbye(memoryview(body))
    own = receiver_report(9)
    assert len(own) % 4 == 0 and own[1] == 201


def test_pictures_are_decoded_before_they_are_shown() -> None:
    order = DecodeOrder(90_000)
    shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    placed = [order.place(3600 * one, 2) for one in shown]
    assert [round(pts / 0.04) for pts, _, _ in placed] == shown
    dts = [one[1] for one in placed]
    assert dts == sorted(set(dts)) and all(pts >= dts for pts, dts, _ in placed)
    assert order.place(3600 * 9 - 90_000 * 50, 2)[0] < 0, "a jump back is not smoothed away"
    plain = DecodeOrder(90_000)
    assert all(pts == dts for pts, dts, _ in (plain.place(3600 * one, 0) for one in range(9)))


SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\na=control:*\r\nm=audio 0 RTP/AVP 0\r\na=control:track0\r\n"
    "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=framerate:12.5\r\n"
    "a=fmtp:97 packetization-mode=1; sprop-parameter-sets=Z3Nwcw==,aHBwcw==;profile-level-id=64001f\r\n"
)


@pytest.mark.parametrize(
    ("control", "address"),
    [
        ("track1", "rtsp://cam/live?x=1/track1"),
        ("rtsp://other/t", "rtsp://other/t"),
        ("/abs/t", "rtsp://cam/abs/t"),
    ],
)
def test_the_track_and_its_address(control: str, address: str) -> None:
    track = video_track(SDP + f"a=control:{control}\r\n", "rtsp://cam/live?x=1")
    assert track is not None and (track.codec, track.payload_type, track.rate) == ("h264", 97, 12.5)
    assert track.control == address and track.aggregate == "rtsp://cam/live?x=1"
    assert track.parameters == START + b"gsps" + START + b"hpps"


def test_other_codecs_are_named_and_no_video_is_none() -> None:
    track = video_track("m=video 0 RTP/AVP 26\r\n", "rtsp://cam/")
    assert track is not None and track.codec is None and track.name == "JPEG"
    assert video_track("m=audio 0 RTP/AVP 0\r\n", "rtsp://cam/") is None


class Peer:
    """Answers each request with the next of `answers`; keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://user:p%40ss@127.0.0.1:{self._listener.getsockname()[1]}/live"
        self.asked: list[str] = []
        self._answers = answers
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            for answer in self._answers:
                self.asked.append(peer.recv(65_536).decode())
                peer.sendall(answer)
            peer.recv(1)


def refused(challenge: str) -> bytes:
    return f"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n{challenge}\r\n\r\n".encode()


OK = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: abc;timeout=20\r\nContent-Length: 2\r\n\r\nhi"


def test_a_password_goes_out_as_digest_where_the_camera_knows_it() -> None:
    peer = Peer(
        refused('WWW-Authenticate: Basic realm="r"\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'), OK
    )
    talk = Conversation(peer.url, 5.0)
    answer = talk.ask("DESCRIBE", talk.url)
    assert answer.body == "hi" and (talk.session, talk.session_s) == ("abc", 20.0)
    said = dict(
        part.strip().split("=", 1)
        for part in peer.asked[1].split("Authorization: Digest ")[1].split("\r\n")[0].split(",")
    )
    value = {key: text.strip('"') for key, text in said.items()}
    first = hashlib.md5(b"user:r:p@ss").hexdigest()
    second = hashlib.md5(f"DESCRIBE:{talk.url}".encode()).hexdigest()
    proof = f"{first}:n:{value['nc']}:{value['cnonce']}:auth:{second}"
    assert value["response"] == hashlib.md5(proof.encode()).hexdigest()
    assert "p@ss" not in peer.asked[1] and "p%40ss" not in peer.asked[1]
    talk.close()


def test_a_wrong_password_is_asked_once_and_basic_is_the_last_resort() -> None:
    peer = Peer(refused('WWW-Authenticate: Basic realm="r"'), refused('WWW-Authenticate: Basic realm="r"'))
    with pytest.raises(RefusedError) as caught:
        Conversation(peer.url, 5.0).ask("DESCRIBE", "rtsp://x/")
    assert caught.value.status == 401 and "Authorization: Basic dXNlcjpwQHNz" in peer.asked[1]


def test_what_is_no_rtsp_is_told() -> None:
    with pytest.raises(GarbledError, match="not RTSP"):
        Conversation(Peer(b"HTTP/1.1 200 OK\r\n\r\n").url, 5.0).ask("OPTIONS", "rtsp://x/")


@given(cuts=st.lists(st.integers(1, 3000), max_size=12))
def test_an_interleaved_stream_may_be_cut_anywhere(cuts: list[int]) -> None:
    near, far = socket.socketpair()
    with near, far:
        talk = Conversation.__new__(Conversation)
        talk.socket, talk.rest = near, b""
        carrier = Interleaved(talk, Depacketizer("h264", 96), 0.01, "")
        stream = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 3\r\n\r\n$$$"
        for one in sent([[SPS, KEY], [OTHER], [OTHER]], 100):
            stream += struct.pack(">BBH", 0x24, 0, len(one)) + one
        units, at = [], 0
        for step in [*cuts, len(stream)]:
            far.sendall(stream[at : at + step])
            units += carrier.read()
            at += step
        units += carrier.read()
        assert [unit.data for unit in units] == [START + SPS + START + KEY, START + OTHER, START + OTHER]


@given(order=st.permutations(range(6)))
def test_datagrams_that_overtake_one_another_are_put_right(order: list[int]) -> None:
    carrier = Datagrams(Depacketizer("h264", 96), 0.01)
    try:
        packets = sent([[KEY], [OTHER]], 90)[:7]
        units = carrier._ordered(packets[0])
        for index in order:
            units += carrier._ordered(packets[1 + index])
        assert [unit.data for unit in units] == [START + KEY]
        assert carrier._packets.lost == 0
    finally:
        carrier.close()


def test_drift_is_seen_and_a_slow_network_is_not() -> None:
    fast, slow, late = Drift(), Drift(), Drift()
    told = [fast.see(index * 1.01, float(index)) for index in range(200)]
    assert next(one for one in told if one) == pytest.approx(1 / 1.01, rel=0.001)
    assert all(slow.see(float(index), index * 1.0001) is None for index in range(600)), "100 ppm are a good crystal"
    delays = [3.0 if 40 <= index < 58 else 0.1 * (index % 3) for index in range(300)]
    assert all(late.see(float(index), index + delay) is None for index, delay in enumerate(delays))


def test_the_rate_is_told_in_halves() -> None:
    rate = Rate()
    assert rate.measured is None
    for index in range(200):
        rate.see(index * 0.08)
    assert rate.measured == 12.5
