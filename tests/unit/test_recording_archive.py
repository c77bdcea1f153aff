"""An archive of a recording: made whole it holds; whatever is done to it is named, with the seconds it concerns."""

import io
import zipfile

import av
import pytest

from contract.errors import InputError, SealError
from contract.fmp4 import times
from contract.sealing import new_key, thumbprint
from sightline.evidence.verify import Trust, verify
from tests.recording_kit import film, world


@pytest.mark.parametrize("seed", range(12))
def test_an_untouched_archive_holds_and_any_program_opens_it(tmp_path, seed) -> None:
    made = world(tmp_path / "w", seed)
    path = made.archive()
    said = verify(path, made.trust)
    assert "unaltered" in said[0]
    assert any(line.startswith("pictures ") and "agree" in line for line in said)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[:3] == ["recording.json", "recording.jws", "keys/office.jwk"]


def test_another_office_is_told(tmp_path) -> None:
    made = world(tmp_path, 1)
    with pytest.raises(SealError, match="somebody else signed it"):
        verify(made.archive(), Trust(thumbprint(new_key())))


def test_a_download_that_broke_off_anywhere_says_how_much_is_good(tmp_path) -> None:
    made = world(tmp_path, 4)
    path = made.archive()
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        films = [one for one in archive.infolist() if one.filename.startswith("segments/")]
    torn = tmp_path / "torn.zip"
    for at in {*range(44, len(raw), 997), *(one.header_offset for one in films), len(raw) - 1}:
        torn.write_bytes(raw[:at])
        with pytest.raises(SealError, match=f"broke off at byte {at}") as caught:
            verify(torn, made.trust)
        whole = [one for one in films if one.header_offset + 30 + len(one.filename) + one.file_size <= at]
        if at < films[0].header_offset:
            assert "nothing of the recording can be checked yet" in str(caught.value)
        elif not whole:
            assert "good: 0.000 s" in str(caught.value)
        else:
            assert "good from the beginning: " in str(caught.value)


def test_a_segment_that_is_neither_here_nor_absent_is_asked_for(tmp_path) -> None:
    made = world(tmp_path, 4)
    made.segments.pop(next(iter(made.segments)))
    with pytest.raises(InputError, match="is not here - wait for it, or say why"):
        made.archive()


def test_a_span_that_lies_within_a_gap_has_no_segments_and_holds(tmp_path) -> None:
    made = world(tmp_path, 4)
    gap = next(one for block in made.blocks for one in block.missing)
    made.wanted = made.wanted.model_copy(update={"from_us": gap.start_us + 1, "until_us": gap.end_us - 1})
    made.blocks = [one for one in made.blocks if one.missing and gap in one.missing]
    made.request = made.request.model_copy(update={"wanted": made.wanted})
    made.absent.clear()
    made.deleted.clear()
    said = verify(made.archive(), made.trust)
    assert "0 segments are here" in "\n".join(said) and "recorded 0.000 s" in "\n".join(said)


def test_a_box_that_told_more_than_its_pictures_show_is_told_of(tmp_path) -> None:
    """Its bytes and seals match: only the box itself can have brought that about."""
    worlds = (world(tmp_path / str(seed), seed) for seed in range(50))
    made = next(
        one for one in worlds if one.blocks[0].recorded and one.blocks[0].recorded[0].start_us == one.blocks[0].from_us
    )
    block = made.blocks[0]
    first, *rest = block.recorded
    false = first.model_copy(update={"start_us": first.start_us - 3_000_000})
    made.blocks = [block.model_copy(update={"from_us": false.start_us, "recorded": [false, *rest]})]
    made.wanted = made.wanted.model_copy(update={"from_us": false.start_us, "until_us": block.until_us})
    made.request = made.request.model_copy(update={"wanted": made.wanted})
    made.absent.clear()
    made.deleted.clear()
    said = verify(made.archive(), made.trust)
    assert any(line.startswith("differs ") and "are shown for 2.000 s alone" in line for line in said)


def test_times_are_those_that_another_reader_finds(tmp_path) -> None:
    raw = film(3)
    found = times(io.BytesIO(b"before" + raw + b"behind"), 6, len(raw))
    with av.open(io.BytesIO(raw)) as source:
        packets = [one for one in source.demux(video=0) if one.size]
        last, base = packets[-1], source.streams.video[0].time_base
    assert found is not None and found.pictures == len(packets)
    assert found.length_us == round((last.dts + last.duration - packets[0].dts) * base * 1_000_000)
    assert times(io.BytesIO(raw[:-100]), 0, len(raw) - 100) is None
    assert times(io.BytesIO(b"no film at all" * 20), 0, 200) is None
