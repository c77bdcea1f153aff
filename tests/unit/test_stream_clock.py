"""Stream time and wall clock of a camera: design section 3."""

from datetime import UTC, datetime

import pytest

from edge.cameras import clock as clocks
from edge.cameras.clock import StreamClock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()


def begun(**how: bool) -> StreamClock:
    clock = StreamClock(**how)
    clock.begin(pts=500.0, monotonic=10.0, wall=NOON)
    return clock


def test_stream_time_begins_at_zero_and_follows_the_cameras_stamps() -> None:
    clock = begun()
    assert clock.t_of(500.0) == 0.0
    assert clock.t_of(500.04) == 0.04
    assert clock.wall(0.04) == datetime.fromtimestamp(NOON + 0.04, UTC)


def test_before_the_first_packet_there_is_no_wall_clock() -> None:
    with pytest.raises(LookupError):
        StreamClock().wall(0.0)


def test_a_new_epoch_is_put_on_by_elapsed_time_not_by_the_boxs_clock() -> None:
    clock = begun()
    clock.t_of(502.0)
    clock.begin(pts=7.0, monotonic=22.5, wall=NOON - 3600)  # the box's clock was set back an hour meanwhile
    assert clock.t_of(7.0) == 12.5
    assert clock.epoch == 1


def test_stream_time_rises_even_when_the_new_epoch_came_early() -> None:
    clock = begun()
    clock.t_of(530.0)  # the camera sent 30 s in a burst
    clock.begin(pts=0.0, monotonic=11.0, wall=NOON + 1)
    assert clock.t_of(0.0) > 30.0


def test_sender_reports_set_the_wall_clock_from_there_on_and_leave_the_past() -> None:
    clock = begun()
    early = clock.wall(0.0)
    t = clock.t_of(501.0)
    clock.report(t, camera=NOON + 1.5, arrived=NOON + 1.1)
    assert clock.wall(0.0) == early
    assert clock.wall(t).timestamp() == pytest.approx(NOON + 1.5)
    later = clock.t_of(502.0)
    clock.report(later, camera=NOON + 2.505, arrived=NOON + 2.1)  # 5 ms of wander change nothing
    assert clock.wall(later).timestamp() == pytest.approx(NOON + 2.5)


def test_a_camera_that_sets_its_clock_is_followed() -> None:
    clock = begun()
    first = clock.t_of(501.0)
    clock.report(first, camera=NOON + 1, arrived=NOON + 1)
    second = clock.t_of(502.0)
    clock.report(second, camera=NOON + 3602, arrived=NOON + 2)
    assert clock.wall(second).timestamp() == pytest.approx(NOON + 3602)
    assert clock.wall(first).timestamp() == pytest.approx(NOON + 1)


def test_a_counter_since_the_cameras_start_is_no_wall_clock() -> None:
    clock = begun()
    t = clock.t_of(501.0)
    clock.report(t, camera=77.0, arrived=NOON + 1)
    assert clock.wall(t).timestamp() == pytest.approx(NOON + 1)
    assert clock.clock().source == "unknown"


def test_the_offset_is_measured_against_a_machine_that_knows_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "host_error_ms", lambda: 20.0)
    clock = begun()
    for index in range(50):
        t = clock.t_of(500.0 + index * 0.04)
        clock.report(t, camera=NOON + 2.0 + index * 0.04, arrived=NOON + index * 0.04 + 0.08 + (index % 5) * 0.1)
    told = clock.clock()
    assert told.source == "rtcp"
    assert told.offset_ms is not None and told.uncertainty_ms is not None
    assert abs(told.offset_ms - 2000) <= told.uncertainty_ms + 30
    assert told.uncertainty_ms == 120.0


def test_a_machine_that_does_not_know_the_time_says_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "host_error_ms", lambda: None)
    clock = begun()
    clock.report(clock.t_of(500.0), camera=NOON, arrived=NOON)
    told = clock.clock()
    assert (told.source, told.offset_ms, told.uncertainty_ms) == ("unknown", None, None)


def test_without_reports_the_offset_is_unknown_and_on_one_host_it_is_nothing() -> None:
    assert begun().clock().source == "unknown"
    told = begun(same_host=True).clock()
    assert (told.source, told.offset_ms) == ("same_host", 0.0)


def test_the_kernels_answer_is_a_bound_or_none() -> None:
    error = clocks.host_error_ms()
    assert error is None or 0 <= error < 60_000
