"""Archives that are made to hurt who checks them, and those whose parts are unusual: bounded, and told in a sentence."""

import io
import struct
import zipfile
from dataclasses import replace

import pytest

from contract import bundle_archive, recording
from contract.bundle_archive import Entry
from contract.continuity import Missing
from contract.errors import InputError, SealError
from contract.recording_archive import write_archive
from contract.sealing import sha256_hex
from sightline.evidence.verify import verify
from tests.bench.recording_attacks import unpacked
from tests.recording_kit import S, World, world


def tiny(number: int) -> bytes:
    name = b"segments/x%06d.mp4" % number
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0x21, 0, 0, 0, len(name), 0) + name


def written(made: World, **parts: object) -> bytes:
    out = io.BytesIO()
    write_archive(out, replace(made.parts(), **parts), made.office)
    return out.getvalue()


@pytest.mark.parametrize("after", ["recording.json", "site/00.yaml", "the last segment"])
def test_a_crowd_of_files_is_given_up(tmp_path, after) -> None:
    made = world(tmp_path, 4)
    path = made.archive()
    raw, entries = path.read_bytes(), list(bundle_archive.Archive(path.open("rb")).entries.values())
    last = entries[-1] if after.startswith("the") else next(one for one in entries if one.name == after)
    path.write_bytes(raw[: last.offset + last.size] + b"".join(map(tiny, range(100_000))))
    with pytest.raises(SealError, match=r"is not where it must stand|more than 100 files that do not belong"):
        verify(path, made.trust)


def test_a_header_that_promises_gigabytes_is_no_download_that_broke_off(tmp_path) -> None:
    made = world(tmp_path, 4)
    path = made.archive()
    raw = bytearray(path.read_bytes())
    name = next(one for one in unpacked(bytes(raw)) if one.startswith("segments/"))
    entry = bundle_archive.Archive(io.BytesIO(raw)).entries[name]
    at = entry.offset - len(name) - 12
    raw[at : at + 8] = struct.pack("<2I", 0xFFFFFFF0, 0xFFFFFFF0)
    path.write_bytes(raw)
    with pytest.raises(SealError, match="its header speaks of 4294967280 bytes that nobody signed"):
        verify(path, made.trust)


def test_an_archive_beyond_four_gigabytes_is_one_that_other_programs_read(tmp_path) -> None:
    """Sparse: 6 GiB of nothing, one file behind it, and the directory."""
    far, path = 6 << 30, tmp_path / "far.zip"
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0x21, 0x3610A686, 5, 5, 12, 0) + b"segments/far"
    with path.open("wb") as file:
        file.seek(far)
        file.write(head + b"hello")
        entry = Entry("segments/far", far + len(head), 5, 0x3610A686)
        file.write(bundle_archive.directory([entry], file.tell()))
    with zipfile.ZipFile(path) as archive:
        assert archive.read("segments/far") == b"hello"


def test_a_long_recording_with_thousands_of_gaps_holds(tmp_path) -> None:
    """Its index passes what the library of signatures reads unasked."""
    made = world(tmp_path, 4, films=6)
    first = made.blocks[0]
    at, missing = first.from_us - 4000 * S, []
    for _ in range(400):
        missing.append(Missing(start_us=at, end_us=at + 10 * S, cause="network", detail="no route to the camera " * 12))
        at += 10 * S
    made.blocks[0] = first.model_copy(
        update={"from_us": first.from_us - 4000 * S, "missing": [*missing, *first.missing]}
    )
    wanted = made.wanted.model_copy(update={"from_us": first.from_us - 4000 * S, "until_us": first.until_us})
    made.blocks, made.wanted = made.blocks[:1], wanted
    made.request = made.request.model_copy(update={"wanted": wanted})
    made.absent.clear()
    made.deleted.clear()
    path = made.archive()
    assert len(unpacked(path.read_bytes())[recording.STATEMENT]) > 128_000
    said = verify(path, made.trust)
    assert sum(line.startswith("gap ") for line in said) == 20
    assert "... and 380 more" in said or any(line.startswith("... and ") for line in said)


def test_what_a_stranger_wrote_does_not_reach_the_terminal(tmp_path) -> None:
    made = world(tmp_path, 4)
    made.request = made.request.model_copy(update={"reason": "dispute\x1b[2J\x07"})
    said = "\n".join(verify(made.archive(), made.trust))
    assert "dispute" in said and "\x1b" not in said and "\x07" not in said


def test_a_site_file_with_a_password_stays_at_home(tmp_path) -> None:
    made = world(tmp_path, 4)
    made.site = made.site.replace(b"${secret:hall}", b"hunter2")
    made.blocks = [one.model_copy(update={"site_version": sha256_hex(made.site)}) for one in made.blocks[:1]]
    until = made.blocks[0].until_us
    made.wanted = made.wanted.model_copy(update={"until_us": until})
    made.request = made.request.model_copy(update={"wanted": made.wanted})
    made.absent.clear()
    made.deleted.clear()
    path = made.archive()
    assert b"hunter2" not in path.read_bytes()
    assert any("holds a password" in line for line in verify(path, made.trust))


def test_the_site_file_that_the_box_signed_must_be_known(tmp_path) -> None:
    made = world(tmp_path, 4)
    made.site += b"# another\n"
    with pytest.raises(InputError, match=r"the box recorded by the site file .* register that file"):
        made.archive()


def test_blocks_that_name_no_site_file_say_so(tmp_path) -> None:
    made = world(tmp_path, 4)
    made.blocks = [one.model_copy(update={"site_version": None}) for one in made.blocks[:1]]
    made.wanted = made.wanted.model_copy(update={"until_us": made.blocks[0].until_us})
    made.request = made.request.model_copy(update={"wanted": made.wanted})
    made.absent.clear()
    made.deleted.clear()
    assert any("the blocks name no site file" in line for line in verify(made.archive(), made.trust))


def test_a_key_that_was_let_in_after_the_last_published_head_is_told(tmp_path) -> None:
    made = world(tmp_path, 4)
    parts = made.parts()
    book, places = made.book(parts.events)
    fresh = type(book)(book.key)
    fresh.enter("case", case="20261211-0001", action="opened")
    fresh.publish(made.made_at)
    moved = [fresh.enter((entry := dict(one)).pop("kind"), **entry) for one in book.entries(places)]
    made.heads.write_text(fresh.heads[-1] + "\n")
    path = tmp_path / "fresh.zip"
    with path.open("wb") as target:
        write_archive(target, replace(parts, ledger=fresh.files(moved, made.made_at)), made.office)
    assert any("was let in after the last published head" in line for line in verify(path, made.trust))


def test_a_camera_whose_ledger_begins_within_the_span_has_a_gap_before_it(tmp_path) -> None:
    made = world(tmp_path, next(n for n in range(50) if world(tmp_path / "s", n).blocks[0].number == 0))
    made.wanted = made.wanted.model_copy(update={"from_us": made.blocks[0].from_us - 60 * S})
    made.request = made.request.model_copy(update={"wanted": made.wanted})
    said = verify(made.archive(), made.trust)
    assert any(
        line.startswith("gap ") and "(60.000 s): start the ledger of this camera begins after it" in line
        for line in said
    )
