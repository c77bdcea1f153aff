"""Threads of one worker that write at the same moment, the same file or the same picture of two cameras."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contract.events import EventType, Feed, new_event, now
from edge.deliver.durable import write_durable
from edge.deliver.spool import Spool


def test_threads_that_write_one_file_end_with_one_of_them_whole(tmp_path: Path) -> None:
    path = tmp_path / "kerb-41.json"
    raws = [bytes([number]) * 4096 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda raw: [write_durable(path, raw) for _ in range(12)], raws))
    assert path.read_bytes() in raws
    assert list(tmp_path.iterdir()) == [path]


def test_cameras_that_hand_over_the_same_picture_at_once_lose_no_event(tmp_path: Path) -> None:
    spool, rounds = Spool(tmp_path / "spool"), 12

    def hand_over(camera: str) -> None:
        for number in range(rounds):
            raw = bytes([number]) * 20_000
            mine = tmp_path / f"{camera}-{number}.jpg"
            mine.write_bytes(raw)
            feed = Feed(edge_id="edge-1", camera_id=camera, state="live", cause="")
            event = new_event(EventType.FEED, f"/edge/edge-1/camera/{camera}", now(), feed)
            together.wait(60)
            spool.put(event, {hashlib.sha256(raw).hexdigest(): mine})

    together = threading.Barrier(8)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hand_over, [f"kerb-{number}" for number in range(8)]))
    assert len(list(spool.take(1000))) == 8 * rounds
    assert len(list(spool.media.iterdir())) == rounds
