"""Recordings that central asked for: behind all evidence, over a thin line, through kills of either side."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deliver_peers import Box, manifest, until
from test_deliver_central import USERS, Central

from contract.command import KeepSpan, ReleaseSpan, SendSpan
from contract.sealing import sha256_hex
from edge.asked import Asked
from edge.config import load_config
from edge.deliver.enrol import enrol
from edge.record.index import Index, Segment
from sightline.broker import EmbeddedBroker
from tests.ports import open_port

BEGIN = 1_700_000_000_000_000
S = 1_000_000
SIZE = 300_000


@pytest.fixture
def world(tmp_path: Path, free_port: int) -> Iterator[tuple[Central, Box]]:
    """Central, and a box of it with a minute of recording."""
    with EmbeddedBroker(tmp_path / "broker", free_port, USERS):
        central = Central(tmp_path / "central", open_port(), free_port)
        box = Box(tmp_path / "box", free_port, USERS["box-1"], central.url)
        box.ring.path.unlink()
        central.start()
        enrol(load_config(box.config), central.code("box-1"))
        yield central, box
        box.kill()
        central.kill()


def recorded(box: Box, count: int = 6) -> list[str]:
    """Segments of ten seconds on the box's disk; their SHA-256, oldest first."""
    root = load_config(box.config).data_dir / "recordings"
    index, names = Index(root), []
    (root / "cam-1").mkdir(parents=True)
    rows = []
    for number in range(count):
        raw = os.urandom(SIZE)
        names.append(sha256_hex(raw))
        (root / "cam-1" / f"{number}.mp4").write_bytes(raw)
        start = BEGIN + 10 * S * number
        rows.append(
            Segment("cam-1", start, start + 10 * S, "r", 0, 10.0 * number, 10.0 * number + 10, f"{number}.mp4",
                    SIZE, names[-1], 250, 0, "h264", 640, 360, "rtcp")
        )  # fmt: skip
    index.add(rows)
    index.close()
    return names


def ask(box: Box, first: int, until_: int, per_s: int) -> SendSpan:
    """Ask for the seconds of a span, as central does."""
    asked = SendSpan(
        command="send_span", id="s-1", camera_id="cam-1", from_us=BEGIN + first * S, until_us=BEGIN + until_ * S,
        by="li", reason="a complaint", most_bytes_per_s=per_s,
    )  # fmt: skip
    folder = load_config(box.config).data_dir / "asked"
    assert Asked(folder, "send_span").put(asked) is None
    return asked


def there(central: Central) -> list[str]:
    return [name for (name,) in central.rows("SELECT sha256 FROM media WHERE complete ORDER BY received_at")]


def test_a_span_comes_whole_and_oldest_first_through_kills_of_both_sides(world: tuple[Central, Box]) -> None:
    central, box = world
    names = recorded(box)
    folder = load_config(box.config).data_dir / "asked"
    ask(box, 15, 45, 250_000)  # of four segments: the second to the fifth
    box.start()
    until(lambda: len(there(central)) >= 1, 60, "the first has come")
    assert [type(one) for one in Asked(folder, "keep_span").waiting()] == [KeepSpan], "held while it is sent"
    time.sleep(0.6)
    box.kill()
    box.start()
    until(lambda: len(there(central)) >= 2, 60, "the second has come")
    time.sleep(0.5)
    central.kill()
    time.sleep(1.0)
    central.start()
    until(lambda: there(central) == names[1:5], 90, "the span has come")
    until(lambda: not Asked(folder, "send_span").waiting(), 30, "it is done")
    (release,) = Asked(folder, "release_span").waiting()
    (keep,) = Asked(folder, "keep_span").waiting()
    assert isinstance(release, ReleaseSpan) and isinstance(keep, KeepSpan) and release.hold == keep.id
    assert (keep.from_us, keep.until_us) == (BEGIN + 15 * S, BEGIN + 45 * S)


def test_evidence_goes_first_also_in_the_midst_of_a_segment(world: tuple[Central, Box], tmp_path: Path) -> None:
    central, box = world
    names = recorded(box)
    ask(box, 0, 60, 30_000)  # a segment takes ten seconds, the span a minute
    box.start()
    until(lambda: box.state().get("connected"), 60)
    time.sleep(3.0)
    still, clip = b"\xff\xd8 a still" * 500, b"a clip" * 50_000
    files = {}
    for raw in (still, clip):
        files[sha256_hex(raw)] = tmp_path / sha256_hex(raw)
        files[sha256_hex(raw)].write_bytes(raw)
    box.spool.put(manifest("box-1", "cam-1", still, clip), files)
    until(lambda: set(files) <= set(there(central)), 12, "evidence has come")
    assert len(set(there(central)) & set(names)) <= 2, "and the span has not"
    until(lambda: names[0] in there(central), 40, "it goes on")


def test_what_was_deleted_meanwhile_does_not_keep_the_rest_waiting(world: tuple[Central, Box]) -> None:
    central, box = world
    names = recorded(box, 3)
    (load_config(box.config).data_dir / "recordings" / "cam-1" / "1.mp4").unlink()
    ask(box, 0, 30, 1_000_000)
    box.start()
    until(lambda: there(central) == [names[0], names[2]], 60, "what is there has come")
    until(lambda: "is not sent" in box.told(), 10)
    until(lambda: not Asked(load_config(box.config).data_dir / "asked", "send_span").waiting(), 20)
