"""The archive of an outbox: everything that waits, checked anywhere, and nothing altered passes."""

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.errors import InputError, RunError, SealError
from contract.events import EventType, Feed, Image, Manifest, Video, new_event
from contract.sealing import new_key, public_jwk, sha256_hex, sign_detached, thumbprint
from edge.config import EdgeConfig
from edge.deliver import archive_check
from edge.deliver.archive import INDEX, export
from edge.deliver.archive_check import check
from edge.deliver.chain import begin
from edge.deliver.inventory import inventory
from edge.deliver.keys import KeyRing
from edge.deliver.media import dropped_event
from edge.deliver.outbox import Outbox
from edge.deliver.spool import Spool

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
STILL, CLIP = b"a still" * 20, b"a clip" * 300


class World:
    """A box on disk whose deliver has admitted a little and sent nothing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.config = EdgeConfig(edge_id="box-1", sites=[folder / "site.yaml"], data_dir=folder / "data")
        self.ring = KeyRing(self.config.data_dir / "keys")
        self.ring.pending()
        self.key = self.ring.accept()
        self.outbox = Outbox(self.config.data_dir / "outbox")
        self.outbox.admit_genesis(*begin("box-1", self.key, "enrolled", AT))
        self.spool = Spool(self.config.data_dir / "spool")
        self.files = folder / "files"
        self.files.mkdir()
        for number in range(3):
            self.spool.put(feed(f"cam-{number % 2}", str(number)), {})
        self.spool.put(manifest(), self.stored(STILL, CLIP))
        self.admit()

    def stored(self, *raws: bytes) -> dict[str, Path]:
        named = {sha256_hex(raw): self.files / sha256_hex(raw) for raw in raws}
        for raw in raws:
            named[sha256_hex(raw)].write_bytes(raw)
        return named

    def admit(self) -> None:
        items = list(self.spool.take())
        assert self.outbox.admit(items, self.key) == []
        self.spool.done([one.name for one in items])
        self.outbox.forget_taken([one.name for one in items])


def feed(camera: str, cause: str):
    data = Feed(edge_id="box-1", camera_id=camera, state="lost", cause=cause)
    return new_event(EventType.FEED, f"/edge/box-1/camera/{camera}", AT, data)


def manifest():
    image = Image(role="far", moment="trigger", t=1.0, at=AT, w=64, h=48, sha256=sha256_hex(STILL), bytes=len(STILL))
    video = Video(t0=0, t1=2, at0=AT, fps=25, codec="h264", w=64, h=48, sha256=sha256_hex(CLIP), bytes=len(CLIP))
    data = Manifest(case_key="a" * 64, edge_id="box-1", camera_id="cam-1", images=[image], video=video)
    return new_event(EventType.MANIFEST, "/edge/box-1/camera/cam-1", AT, data)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "box")
    yield made
    made.outbox.close()


@pytest.fixture
def archive(world, tmp_path) -> Path:
    export(world.config, tmp_path / "held.zip")
    return tmp_path / "held.zip"


def test_all_that_waits_is_in_it_and_holds(world, archive) -> None:
    found = check(archive)
    assert (found.edge_id, found.events, found.media, found.unsealed) == ("box-1", 5, 2, 0)
    assert found.kids == [thumbprint(world.key)] and found.holes == 0 and found.absent == 0
    with zipfile.ZipFile(archive) as held:
        rows = world.outbox.pending(0, 10)
        names = [name for name in held.namelist() if name.startswith("events/") and name.endswith(".json")]
        assert [held.read(name) for name in sorted(names)] == [row.raw for row in rows], "byte for byte"
        assert held.read(f"media/{sha256_hex(CLIP)}") == CLIP
        assert b'"d"' not in b"".join(held.read(name) for name in held.namelist() if name.startswith("keys/"))
    assert archive.stat().st_mode & 0o077 == 0


def test_what_was_given_up_or_gone_is_named_and_not_sealed_yet_is_taken_along(world, tmp_path) -> None:
    rows = world.outbox.media.over(200)
    world.outbox.give_up(rows, "dropped", dropped_event("box-1", rows, "outbox_full", "too much", AT), world.key)
    (world.spool.media / sha256_hex(STILL)).unlink()
    more = b"of an event that nobody sealed"
    world.spool.put(feed("cam-1", "unsealed"), world.stored(more))
    (world.spool.new / f"{9:020d}-1-0.json").write_text("{torn")
    index = export(world.config, tmp_path / "held.zip")
    assert {one["sha256"]: one["why"] for one in index.missing()} == {
        sha256_hex(CLIP): "too much",
        sha256_hex(STILL): "it is no longer on this box: brought to central meanwhile, or lost",
    }
    found = check(tmp_path / "held.zip")
    assert (found.events, found.media, found.unsealed, found.absent) == (6, 1, 2, 2)


def test_places_that_central_has_are_holes_and_no_fault(world, tmp_path) -> None:
    rows = world.outbox.pending(0, 10)
    world.outbox.acked([rows[1].id, rows[2].id], [(rows[3].id, "the seal does not hold")])
    index = export(world.config, tmp_path / "held.zip")
    assert check(tmp_path / "held.zip").holes == 2
    assert [(one["state"], one["reason"]) for one in index.events if one["id"] == rows[3].id] == [
        ("refused", "the seal does not hold")
    ]


def test_events_of_the_key_before_need_it(world, tmp_path) -> None:
    old = world.key
    world.ring.pending()
    world.key = world.ring.accept()
    world.outbox.admit_genesis(*begin("box-1", world.key, "rotated", AT))
    export(world.config, tmp_path / "held.zip")
    with pytest.raises(SealError, match="give it with --key FILE"):
        check(tmp_path / "held.zip")
    (tmp_path / "old.jwk").write_text(json.dumps(public_jwk(old)))
    assert check(tmp_path / "held.zip", [tmp_path / "old.jwk"]).kids == [thumbprint(old), thumbprint(world.key)]


def rewritten(archive: Path, change: Callable[[dict[str, bytes], dict], None]) -> Path:
    """The archive with its files and its index changed."""
    with zipfile.ZipFile(archive) as held:
        files = {name: held.read(name) for name in held.namelist()}
    index = json.loads(files.pop(INDEX))
    change(files, index)
    target = archive.with_name("bent.zip")
    with zipfile.ZipFile(target, "w") as bent:
        for name, raw in files.items():
            bent.writestr(name, raw)
        bent.writestr(INDEX, json.dumps(index))
    return target


def _event(index: dict, number: int) -> str:
    return index["events"][number]["file"]


def _flip(files: dict[str, bytes], name: str, at: int = -20) -> None:
    raw = bytearray(files[name])
    raw[at] ^= 1
    files[name] = bytes(raw)


def _flip_event(files, index) -> None:
    _flip(files, _event(index, 2))


def _flip_seal(files, index) -> None:
    _flip(files, _event(index, 2).replace(".json", ".jws"))


def _swap_seals(files, index) -> None:
    one, two = (_event(index, number).replace(".json", ".jws") for number in (1, 2))
    files[one], files[two] = files[two], files[one]


def _swap_events(files, index) -> None:
    for ending in (".json", ".jws"):
        one, two = (_event(index, number).replace(".json", ending) for number in (1, 2))
        files[one], files[two] = files[two], files[one]


def _take_event(files, index) -> None:
    files.pop(_event(index, 2))


def _hide_event(files, index) -> None:
    index["events"].pop(2)


def _another_key(files, index) -> None:
    name = _event(index, 2)
    files[name.replace(".json", ".jws")] = sign_detached(files[name], new_key()).encode()


def _forge_chain(files, index) -> None:
    """Re-sealed by a key that the archive is made to hold: the link to the next event still tells."""
    key, name = new_key(), _event(index, 2)
    files[name] = files[name].replace(b'"cause":"1"', b'"cause":"2"')
    files[name.replace(".json", ".jws")] = sign_detached(files[name], key).encode()
    files[f"keys/{thumbprint(key)}.jwk"] = json.dumps(public_jwk(key)).encode()


def _flip_media(files, index) -> None:
    _flip(files, f"media/{sha256_hex(CLIP)}")


def _swap_media(files, index) -> None:
    one, two = (f"media/{sha256_hex(raw)}" for raw in (STILL, CLIP))
    files[one], files[two] = files[two], files[one]


def _take_media(files, index) -> None:
    files.pop(f"media/{sha256_hex(CLIP)}")


def _add_media(files, index) -> None:
    files[f"media/{sha256_hex(b'more')}"] = b"more"


def _other_box(files, index) -> None:
    index["edge_id"] = "box-2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_flip_event, "000002.json: the signature does not hold"),
        (_flip_seal, "000002.json: "),
        (_swap_seals, "the signature does not hold"),
        (_swap_events, "is event .* the index says otherwise"),
        (_take_event, "000002.json: is not in the archive"),
        (_hide_event, "000002.js.*: is in the archive and not in its index"),
        (_another_key, "was sealed by key"),
        (_forge_chain, "000003.json: does not follow the event before it"),
        (_flip_media, "its SHA-256 is not its name"),
        (_swap_media, "its SHA-256 is not its name"),
        (_take_media, "is not in the archive"),
        (_add_media, "is in the archive and not in its index"),
        (_other_box, "the index says otherwise"),
    ],
)
def test_nothing_altered_passes_and_the_first_fault_is_named(archive, change, said) -> None:
    with pytest.raises(SealError, match=said) as told:
        check(rewritten(archive, change))
    assert "\n" not in str(told.value)


def test_an_untouched_copy_passes(archive) -> None:
    assert check(rewritten(archive, lambda files, index: None)) == check(archive)


@pytest.mark.parametrize("raw", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_archive_is_bad_input(tmp_path, raw) -> None:
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(InputError, match=r"x\.zip"):
        check(tmp_path / "x.zip")


def _nobodys(files, index) -> None:
    del index["edge_id"]


def test_an_index_of_no_box_is_bad_input(archive) -> None:
    with pytest.raises(InputError, match=r"index\.json is not that of an outbox"):
        check(rewritten(archive, _nobodys))


def test_media_that_is_compressed_is_refused(archive) -> None:
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as held:
        held.writestr("media/more", bytes(1000))
    with pytest.raises(InputError, match="media/more is compressed"):
        check(archive)


def test_what_unfolds_to_far_more_is_refused_unread(archive, monkeypatch) -> None:
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as held:
        held.writestr("unsealed/more", bytes(3_000_000))
    monkeypatch.setattr(archive_check, "_MOST_MORE_BYTES", 1_000_000)
    with pytest.raises(InputError, match="unfolds to far more"):
        check(archive)


def test_a_torn_entry_is_bad_input(archive) -> None:
    with zipfile.ZipFile(archive) as held:
        at = held.getinfo(INDEX).header_offset + 30 + len(INDEX)
    raw = bytearray(archive.read_bytes())
    raw[at : at + 4] = b"\xff" * 4
    archive.write_bytes(raw)
    with pytest.raises(InputError, match="cannot be read as an archive"):
        check(archive)


def test_a_cut_archive_is_bad_input(archive) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read as an archive"):
        check(archive)


def test_a_zip_of_something_else_is_bad_input(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as other:
        other.writestr(INDEX, json.dumps({"format": "another", "events": []}))
    with pytest.raises(InputError, match="not that of an outbox"):
        check(tmp_path / "x.zip")


def test_nothing_is_written_over_and_nothing_is_left_half_written(world, archive, tmp_path, monkeypatch) -> None:
    with pytest.raises(InputError, match="nothing is written over"):
        export(world.config, archive)
    with pytest.raises(InputError, match="is no folder"):
        export(world.config, tmp_path / "nowhere" / "x.zip")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    before = set(tmp_path.iterdir())
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        export(world.config, tmp_path / "more.zip")
    assert set(tmp_path.iterdir()) == before


def test_the_inventory_counts_by_kind_and_says_why_it_waits(world) -> None:
    rows = world.outbox.pending(0, 10)
    world.outbox.acked([], [(rows[1].id, "the seal does not hold")])
    found = inventory(world.config)
    assert found.running, "this test owns the outbox as deliver does"
    assert sorted((one.kind, one.count) for one in found.events) == [
        (str(EventType.GENESIS), 1),
        (str(EventType.MANIFEST), 1),
        (str(EventType.FEED), 2),
    ]
    assert [(one.kind, one.count, one.bytes) for one in found.media] == [
        ("still", 1, len(STILL)),
        ("clip", 1, len(CLIP)),
    ]
    waited = [(found.at - one.oldest).total_seconds() for one in [*found.events, *found.media]]
    assert all(0 <= seconds < 600 for seconds in waited), "since they were made, not since what they tell of"
    assert [(one.id, one.reason) for one in found.refused] == [(rows[1].id, "the seal does not hold")]
    assert any("central refuses 1 event(s)" in line for line in found.why)
    world.outbox.close()
    stands = inventory(world.config)
    assert not stands.running and any("deliver does not run" in line for line in stands.why)


def test_a_box_that_never_ran_has_no_outbox(tmp_path) -> None:
    config = EdgeConfig(edge_id="box-1", sites=[tmp_path / "site.yaml"], data_dir=tmp_path / "data")
    with pytest.raises(RunError, match="there is no outbox yet"):
        inventory(config)
