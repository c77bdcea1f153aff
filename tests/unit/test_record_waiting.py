"""Pictures that wait for a full disk: one whole group, never more, never a part of one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge.cameras.packets import CameraPacket, StreamInfo
from edge.record import waiting
from edge.record.waiting import WaitingGroup

INFO = StreamInfo("h264", 640, 360, None, 0)


def packet(number: int, keyframe: bool, size: int = 100, info: StreamInfo = INFO) -> CameraPacket:
    return CameraPacket(number / 25, number / 25, 0.04, bytes(size), keyframe, False, info)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3_000_000), st.booleans()), max_size=40))
def test_what_waits_is_the_group_under_way_and_bounded(said: list[tuple[bool, int, bool]]) -> None:
    group, other = WaitingGroup(), replace(INFO, width=1280)
    for number, (keyframe, size, changed) in enumerate(said):
        group.add(packet(number, keyframe, size, other if changed else INFO))
        kept = list(group._packets)
        assert sum(len(one.data) for one in kept) <= waiting.MOST_BYTES
        if kept:
            assert kept[0].keyframe and group.first is kept[0] and not any(one.keyframe for one in kept[1:])
            assert [one.t for one in kept] == [at / 25 for at in range(number - len(kept) + 1, number + 1)]
            assert len({one.info for one in kept}) == 1
    assert group.take() == kept if said else group.take() == []
    assert group.first is None and group.take() == []
