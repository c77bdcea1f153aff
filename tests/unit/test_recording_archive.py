"""An archive of a recording: made whole it holds; whatever is done to it is named, with the seconds it concerns."""

import zipfile

import pytest

from contract.errors import InputError, SealError
from contract.sealing import new_key, thumbprint
from sightline.evidence.verify import Trust, verify
from tests.recording_kit import world


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
