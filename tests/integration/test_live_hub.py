"""Central's end of live view over real WebSockets: from the last keyframe, to whoever may, and never slower for one."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import av
import httpx
import pytest
from central_kit import Box
from sqlalchemy import select, update
from test_live_box import Box as RealBox
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from central.accounts import sessions
from central.accounts.roles import Role
from central.db.accounts import UserArea
from central.db.live import Embargo, LiveSource, WatchLog
from central.edges import enrolment
from central.live.hub import ASK_EVERY_S, ASKED_S, AWAY_S, MOST_OF_BOX, Hub, Watching, Wish
from central.live.place import Place
from central.live.stream import Stream
from central.live.viewer import LATE_S, WELL_S, Viewer
from central.live.wire import framed
from contract.events import now
from contract.livestream import FRAGMENT, INIT, LiveMessage
from edge.asked import Asked
from tests.live_kit import CAMERA, Hall, hall, header, last_word, next_of, numbers, picture, station, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with hall(tmp_path_factory.mktemp("live")) as one:
        station(one.db, "edge-01", "ps-2", "a2", "far-1")
        yield one


@pytest.fixture(scope="module")
def mei(place: Hall) -> str:
    return place.person("mei")


def test_who_comes_later_sees_at_once_what_there_is_since_the_last_keyframe(place: Hall, mei: str) -> None:
    with place.watches(mei) as first:
        assert next_of(first) == {"state": "asking", "reason": ""}
        until(lambda: place.asked.said)
        edge_id, asked = place.asked.said[-1]
        assert (edge_id, asked.camera_id, asked.quality, asked.stream) == ("edge-01", CAMERA, "main", None)
        with place.brings() as box:
            for raw in (header(), picture(1, key=True), picture(2), picture(3, key=True), picture(4)):
                box.send(raw)
            assert next_of(first) == {"state": "live", "reason": ""}
            begin = next_of(first)
            assert isinstance(begin, LiveMessage) and begin.kind == INIT
            assert numbers(first, 4) == [1, 2, 3, 4]
            with place.watches(mei) as second:
                figures = httpx.get(f"http://127.0.0.1:{place.port}/metrics").text
                assert 'sightline_central_live{of="viewers"} 2.0' in figures
                assert 'sightline_central_live{of="streams"} 1.0' in figures
                assert next_of(second) == {"state": "live", "reason": ""}
                begin = next_of(second)
                assert isinstance(begin, LiveMessage) and begin.kind == INIT
                box.send(picture(5))
                assert numbers(second, 3) == [3, 4, 5] and numbers(first, 1) == [5]
        assert next_of(first)["state"] == "asking"  # type: ignore[index]
        with place.brings() as box:  # nothing of before is the beginning of what comes now
            box.send(picture(6))
            box.send(header())
            box.send(picture(7, key=True))
            assert numbers(first, 2) == [6, 7]
    until(lambda: len(lines(place)) == 4)
    for one in lines(place):
        assert (one.edge_id, one.camera_id, one.site) == ("edge-01", CAMERA, "ps-1")
    assert sorted(one.action for one in lines(place)) == ["begin", "begin", "end", "end"]
    assert {one.detail["pictures"] for one in lines(place) if one.action == "end"} == {7, 3}


def lines(place: Hall) -> list[WatchLog]:
    with place.db.read() as session:
        return list(session.execute(select(WatchLog)).scalars())


def test_the_second_connection_of_a_box_takes_the_place_of_the_first(place: Hall, mei: str) -> None:
    with place.watches(mei) as viewer, place.brings() as old, place.brings() as new:
        until(lambda: place.db is not None and source(place) is not None)
        new.send(header())
        new.send(picture(1, key=True))
        assert numbers(viewer, 1) == [1]
        with pytest.raises(ConnectionClosed) as ended:
            old.recv(10)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 4001
        new.send(picture(2))
        assert numbers(viewer, 1) == [2]
    until(lambda: source(place) is None)


def source(place: Hall) -> LiveSource | None:
    with place.db.read() as session:
        return session.execute(select(LiveSource)).scalar_one_or_none()


def test_a_box_has_its_own_cameras_and_no_other(place: Hall, mei: str) -> None:
    other = Box("edge-09")
    other.enrol(place.db)
    with place.watches(mei) as viewer, place.brings(box=other) as theirs, place.brings() as ours:
        theirs.send(header())
        theirs.send(picture(66, key=True))
        ours.send(header())
        ours.send(picture(1, key=True))
        assert numbers(viewer, 1) == [1]
        with place.db.write() as session:
            enrolment.revoke(session, "edge-09")
        with pytest.raises(ConnectionClosed):
            theirs.recv(10)
    for token in ("", "Bearer x.y.z", other.token()):
        with pytest.raises(InvalidStatus) as refused:
            place.brings(token=token)
        assert refused.value.response.status_code in {401, 403}


@pytest.mark.parametrize("raw", [b"\x09" * 40, "no JSON", '{"state": 7}', b"x" * 8_000_001])
def test_what_is_no_picture_ends_the_line_and_reaches_nobody(place: Hall, mei: str, raw: bytes | str) -> None:
    with place.watches(mei) as viewer:
        with pytest.raises(ConnectionClosed), place.brings() as box:
            box.send(raw)
            box.recv(10)
        with place.brings() as again:
            again.send(header())
            again.send(picture(1, key=True))
            assert numbers(viewer, 1) == [1]


def test_a_cut_is_told_and_pictures_come_again_when_it_is_over(place: Hall, mei: str) -> None:
    with place.watches(mei) as viewer, place.brings() as box:
        box.send(header())
        box.send(picture(1, key=True))
        assert numbers(viewer, 1) == [1]
        box.send(json.dumps({"state": "cut", "reason": "a mask is not painted"}))
        assert next_of(viewer) == {"state": "cut", "reason": "a mask is not painted"}
        with place.watches(mei) as late:
            assert next_of(late)["state"] == "cut"  # type: ignore[index]
        box.close()
        with place.brings() as again:
            again.send(header())
            again.send(picture(2, key=True))
            assert next_of(viewer) == {"state": "live", "reason": ""} and numbers(viewer, 1) == [2]


def test_a_play_back_is_a_stream_of_its_own_and_its_end_is_the_end(place: Hall, mei: str) -> None:
    begin = 1_800_000_000_000_000
    with place.watches(mei, f"?from_us={begin}&pace=4") as viewer:
        until(lambda: place.asked.said and place.asked.said[-1][1].from_us == begin)
        asked = place.asked.said[-1][1]
        assert asked.pace == 4 and asked.stream is not None and asked.stream.startswith("p-")
        with place.brings(stream=asked.stream) as box, place.brings() as live:
            live.send(header())
            live.send(picture(9, key=True))
            box.send(header())
            box.send(picture(1, key=True))
            assert numbers(viewer, 1) == [1]
            box.send(json.dumps({"state": "ended", "reason": "nothing is recorded after this"}))
            assert last_word(viewer) == {"state": "ended", "reason": "nothing is recorded after this"}
    with place.watches(mei, "?quality=stills"):
        until(lambda: place.asked.said[-1][1].quality == place.asked.said[-1][1].stream == "stills")


def refused(here: Hall, token: str | None, status: int, query: str = "", **more: object) -> None:
    with pytest.raises(InvalidStatus) as told:
        here.watches(token, query, **more)
    assert told.value.response.status_code == status


def test_who_may_not_watch_is_refused_before_anything_is_asked(place: Hall, mei: str) -> None:
    before = len(place.asked.said)
    refused(place, None, 401)
    refused(place, "x" * 43, 401)
    refused(place, place.person("audit", Role.AUDITOR), 403)
    refused(place, place.person("far", Role.MONITOR, "a2"), 404)
    refused(place, mei, 403, origin="http://elsewhere.example")
    refused(place, mei, 403, origin=f"http://127.0.0.1:{place.port + 1}")
    refused(place, mei, 404, place="edge-01/none-1")
    refused(place, mei, 404, place="edge-02/hall-1")
    refused(place, mei, 403, "?quality=best")
    refused(place, mei, 403, "?from_us=5")
    assert len(place.asked.said) == before
    near = place.person("near", Role.MONITOR, "a1")
    with place.watches(near) as line:
        assert next_of(line)["state"] == "asking"  # type: ignore[index]


def test_a_session_that_ends_ends_the_watching(place: Hall) -> None:
    token, other = place.person("zhao"), place.person("qian", Role.MONITOR, "a1")
    with place.watches(token) as line, place.watches(other) as moved:
        sessions.sign_out(place.db, token)
        assert "session has ended" in last_word(line)["reason"]
        with place.db.write() as session:
            session.execute(update(UserArea).values(area="a9"))
        assert "may not see this station" in last_word(moved)["reason"]
    until(lambda: "your session has ended" in str([one.detail for one in lines(place)]))


def test_while_an_embargo_runs_nobody_watches_but_whom_the_chief_named(place: Hall, mei: str) -> None:
    named = place.person("bao")
    moment = now()
    with place.watches(mei) as line, place.watches(named) as exception:
        with place.db.write() as session:
            session.add(
                Embargo(
                    area="a1", site=None, begins_at=moment, ends_at=moment + timedelta(hours=1), but=["bao"],
                    reason="votes are counted", made_by="chen", made_at=moment,
                )
            )  # fmt: skip
        assert last_word(line) == {"state": "embargo", "reason": "votes are counted"}
        before = len(lines(place))
        with place.watches(mei) as again:
            assert last_word(again) == {"state": "embargo", "reason": "votes are counted"}
        assert len(lines(place)) <= before + 1  # the end of the first; nothing was watched since
        with place.watches(mei, place="edge-01/far-1") as elsewhere:
            assert next_of(elsewhere)["state"] == "asking"  # type: ignore[index]
        with place.brings() as box:
            box.send(header())
            box.send(picture(1, key=True))
            assert numbers(exception, 1) == [1]
        with place.db.write() as session:
            session.execute(update(Embargo).values(lifted_at=now(), lifted_by="chen"))
    with place.watches(mei) as line:
        assert next_of(line)["state"] == "asking"  # type: ignore[index]


def test_nobody_is_made_slower_by_who_takes_nothing(place: Hall, mei: str) -> None:
    with place.brings() as box, place.watches(mei) as quick:
        deaf = place.opens(mei)
        box.send(header())
        for number in range(300):
            box.send(picture(number, 200_000, key=number % 25 == 0))
            assert numbers(quick, 1) == [number]
        deaf.close()


def test_a_real_box_is_asked_shows_itself_is_cut_and_shows_itself_again(place: Hall, mei: str, tmp_path: Path) -> None:
    real = RealBox(tmp_path, place)  # type: ignore[arg-type]  # of the central it wants the port alone
    try:
        Box("b", real.key).enrol(place.db)
        station(place.db, "b", "ps-b", "a1", "cam-1")
        place.asked.on_disk["b"] = Asked(real.folders.asked, "live_on")
        with place.watches(mei, place="b/cam-1") as viewer:
            assert next_of(viewer)["state"] == "asking"  # type: ignore[index]
            film = shown(viewer, 50)
            with av.open(io.BytesIO(b"".join(film))) as source:
                assert len(list(source.decode(video=0))) == 50
            (real.folders.run / "cut").mkdir()
            (real.folders.run / "cut" / "cam-1").write_text("a privacy mask is not painted\n")
            until(lambda: next_of(viewer) == {"state": "cut", "reason": "a privacy mask is not painted"})
            (real.folders.run / "cut" / "cam-1").unlink()
            assert len(shown(viewer, 10)) == 11
    finally:
        assert real.close() == 0


def shown(viewer: ClientConnection, count: int) -> list[bytes]:
    """A header and the pictures behind it, as a browser is given them."""
    film: list[bytes] = []
    while len(film) <= count:
        one = next_of(viewer, 20)
        if isinstance(one, LiveMessage):
            film = [one.body.partition(b"\n")[2]] if one.kind == INIT else [*film, one.body]
    return film


class Tape:
    """A line whose other end takes what the test lets it take."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.unsent = 0

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.unsent += len(frame)


def test_a_late_viewer_loses_up_to_the_next_keyframe_and_is_told_to_take_less() -> None:
    line = Tape()
    viewer = Viewer(line, "sub")
    key, other = framed(picture(1, key=True)), framed(picture(2))
    viewer.picture(key, 0.0, keyframe=True)
    viewer.picture(other, 1.0, keyframe=False)
    viewer.picture(other, LATE_S + 0.1, keyframe=False)  # the first waits too long
    line.unsent = 0
    viewer.picture(other, 2.3, keyframe=False)  # it needs what was left out
    viewer.header(b"h", 2.4)
    viewer.picture(key, 2.5, keyframe=True)
    assert line.frames == [key, other, b"h", key] and (viewer.pictures, viewer.lost) == (3, 2)
    viewer.picture(other, 5.0, keyframe=False)
    assert b'"take": "stills"' in line.frames[-1] and WELL_S > 5.0
    viewer.picture(key, 6.0, keyframe=True)
    assert viewer.lost == 4  # it is a keyframe, and what was before it still waits


def test_what_is_kept_of_a_stream_is_bounded() -> None:
    one = Stream(Place("e", "c"), 0.0)
    for number in range(40):
        one.take(picture(number, 1_000_000, key=number == 0), 0.0)
    line = Tape()
    one.join(Viewer(line), 0.0)
    assert len(line.frames) == 1  # how it stands; pictures from the next keyframe on
    one.take(picture(41, key=True), 0.0)
    assert len(line.frames) == 2


class Closed:
    """Somebody who brings, and is told to stop."""

    connection = "c-1"

    def __init__(self) -> None:
        self.why: list[str] = []

    def close(self, reason: str) -> None:
        self.why.append(reason)


def watching(place: Place) -> tuple[Watching, Tape]:
    line = Tape()
    return Watching(1, "mei", "s", "ps-1", place, Viewer(line), lambda: None), line


def test_who_waits_in_vain_is_told_and_what_nobody_watches_is_ended() -> None:
    now = [100.0]
    hub, place, source = Hub(lambda: now[0]), Place("e", "c"), Closed()
    one, line = watching(place)
    hub.join(one, Wish())
    assert len(hub.due()) == 1 and hub.due() == []
    now[0] += ASK_EVERY_S
    assert len(hub.due()) == 1
    hub.unsaid(place)  # the broker was away
    now[0] += 1.0
    assert len(hub.due()) == 1
    hub.silence()
    assert b"asking" in line.frames[-1]
    now[0] += AWAY_S
    hub.silence()
    assert b"the box does not answer" in line.frames[-1]
    assert hub.brings(place, source)
    hub.take(place, source, picture(1, key=True))
    hub.told(place, source, "ended", "a live view has no end")
    assert b"live" in line.frames[-2]
    now[0] += AWAY_S + 1
    hub.silence()
    assert b"brings no pictures" in line.frames[-1] and source.why == []
    hub.leave(one)
    now[0] += ASKED_S + AWAY_S + 1
    hub.silence()
    assert source.why == ["nobody watches"] and hub.due() == []
    hub.gone(place, source)
    assert hub.streams == {}


def test_a_play_back_that_breaks_off_goes_on_where_it_was() -> None:
    now = [0.0]
    hub, place, source = Hub(lambda: now[0]), Place("e", "c", "p-1"), Closed()
    one, _ = watching(place)
    hub.join(one, Wish(from_us=1_800_000_000_000_000))
    assert hub.due()[0][1].from_us == 1_800_000_000_000_000
    assert hub.brings(place, source)
    hub.take(place, source, LiveMessage(FRAGMENT, True, 1_800_000_007_000_000, b"x").pack())
    now[0] += ASK_EVERY_S
    assert hub.due()[0][1].from_us == 1_800_000_000_000_000
    hub.gone(place, source)
    now[0] += 2.0
    assert hub.due()[0][1].from_us == 1_800_000_007_000_000


def test_a_box_brings_so_many_streams_and_no_more() -> None:
    hub = Hub(lambda: 0.0)
    assert all(hub.brings(Place("e", f"c-{n}"), Closed()) for n in range(MOST_OF_BOX))
    assert not hub.brings(Place("e", "one-more"), Closed()) and hub.brings(Place("f", "c"), Closed())
    assert hub.brings(Place("e", "c-0"), Closed())  # in place of the first


def test_what_was_brought_before_is_no_beginning_and_who_was_replaced_says_nothing() -> None:
    hub, place, old, new = Hub(lambda: 0.0), Place("e", "c"), Closed(), Closed()
    first, _ = watching(place)
    hub.join(first, Wish())
    assert hub.brings(place, old)
    hub.take(place, old, header())
    hub.take(place, old, picture(1, key=True))
    assert hub.brings(place, new) and old.why
    hub.take(place, old, picture(2, key=True))  # still on its way when it was told
    hub.told(place, old, "cut", "an old word")
    hub.gone(place, old)
    later, line = watching(place)
    hub.join(later, Wish())
    assert len(line.frames) == 1 and b"live" in line.frames[0]
    hub.take(place, new, picture(3, key=True))
    assert len(line.frames) == 2 and place in hub.sources
    hub.gone(place, new)
    third, line = watching(place)
    hub.join(third, Wish())
    assert len(line.frames) == 1 and b"asking" in line.frames[0]
